import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { unsafe as decimal } from "../../../src/domain/Decimal.ts"
import { SymbolName } from "../../../src/domain/Market.ts"
import { Fill, Order } from "../../../src/domain/order/Order.ts"
import type { Fact } from "../../../src/paper/engine/Facts.ts"
import { checkBooks, type OurBooks } from "../../../src/service/demo/BooksCheck.ts"

const pair = { symbol: "BTCUSDT", baseAsset: "BTC", quoteAsset: "USDT" }
const at = "2026-03-01T09:00:00.000Z"
const id = (prefix: string) => `${prefix}_01hzy3v7k2m4n6p8q0r2s4t6w8`

const order = Schema.decodeUnknownSync(Order)({
  id: id("ord"),
  version: 2,
  venue: "paper",
  book: "manual",
  clientOrderId: "dpA1",
  exchangeOrderId: "X1",
  symbol: "BTCUSDT",
  side: "buy",
  type: "immediateOrCancel",
  status: "filled",
  price: "100",
  quantity: "0.5",
  quoteAmount: null,
  executedQuantity: "0.5",
  executedQuote: "50",
  averagePrice: "100",
  fees: [{ asset: "USDT", amount: "0.025" }],
  origin: { type: "manual", ruleId: null, executionId: null, cycleId: null },
  note: null,
  rejectReason: null,
  unfilledReason: null,
  unknownSince: null,
  requestedAt: at,
  sentAt: at,
  terminalAt: at,
  updatedAt: at
})
const fill = Schema.decodeUnknownSync(Fill)({
  id: "f1",
  tradeId: "T1",
  orderId: id("ord"),
  price: "100",
  quantity: "0.5",
  quoteQuantity: "50",
  fee: { asset: "USDT", amount: "0.025" },
  maker: false,
  at
})
const asset = (name: string, total: string) => ({
  asset: name,
  free: decimal(total),
  locked: decimal("0"),
  reserved: decimal("0"),
  available: decimal(total),
  total: decimal(total),
  price: null,
  value: null
})

const books: OurBooks = {
  orders: [order],
  fills: [fill],
  positions: [
    {
      symbol: Schema.decodeSync(SymbolName)("BTCUSDT"),
      quantity: decimal("0.5"),
      averageCost: decimal("100.05"),
      totalCost: decimal("50.025"),
      markPrice: null,
      value: null,
      unrealisedPnl: null,
      realisedPnl: decimal("0"),
      fees: decimal("0.025"),
      incomplete: false,
      asOf: 0,
      stale: false,
      books: []
    }
  ],
  assets: [asset("USDT", "949.975"), asset("BTC", "0.5")]
}

const accepted = {
  _tag: "orderAccepted",
  at: 1,
  orderId: "X1",
  accountId: "1",
  clientOrderId: "dpA1",
  symbol: "BTCUSDT",
  side: "buy",
  type: "immediateOrCancel",
  price: decimal("100"),
  quantity: decimal("0.5"),
  quoteAmount: decimal("0"),
  quoteSized: false,
  baseAsset: "BTC",
  quoteAsset: "USDT",
  lock: decimal("51")
} as const
const filled: Fact = {
  _tag: "filled",
  at: 1,
  tradeId: "T1",
  orderId: "X1",
  accountId: "1",
  clientOrderId: "dpA1",
  symbol: "BTCUSDT",
  side: "buy",
  price: decimal("100"),
  quantity: decimal("0.5"),
  quoteQuantity: decimal("50"),
  fee: decimal("0.025"),
  feeAsset: "USDT",
  maker: false,
  selfTrade: false,
  release: decimal("0")
}
const facts: ReadonlyArray<Fact> = [
  { _tag: "deposited", at: 0, accountId: "1", asset: "USDT", amount: decimal("1000") },
  accepted,
  filled
]

const broken = (ours: OurBooks, theirs: ReadonlyArray<Fact> = facts) =>
  checkBooks(ours, theirs, [pair])
    .filter((line) => !line.holds)
    .map((line) => line.label)

describe("the demo's check of the books", () => {
  it("holds when every order, fill and balance agrees", () => {
    assert.deepStrictEqual(broken(books), [])
  })

  it("sees a fill that we lost", () => {
    assert.include(broken({ ...books, fills: [] }), "fills, by trade id, price and quantity")
  })

  it("sees a fill that we counted twice", () => {
    assert.include(broken({ ...books, fills: [fill, fill] }), "fills, by trade id, price and quantity")
  })

  it("sees an order that only the exchange has", () => {
    const second: Fact = { ...accepted, orderId: "X2", clientOrderId: "dpA2" }
    assert.include(broken(books, [...facts, second]), "orders, each client id once")
  })

  it("sees a fee that we forgot", () => {
    assert.deepStrictEqual(broken({ ...books, assets: [asset("USDT", "950"), asset("BTC", "0.5")] }), ["USDT total"])
  })

  it("sees a position that is not what was bought", () => {
    const [position] = books.positions
    const wrong = position === undefined ? [] : [{ ...position, quantity: decimal("0.4") }]
    assert.deepStrictEqual(broken({ ...books, positions: wrong }), ["BTCUSDT position"])
  })
})
