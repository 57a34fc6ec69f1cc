import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Decimal from "../../../src/domain/Decimal.ts"
import {
  applyEvent,
  type AssetBooks,
  bookKey,
  type BookState,
  emptyBook
} from "../../../src/domain/ledger/AssetBooks.ts"
import { type CostBasis, costOf, quantityOf } from "../../../src/domain/ledger/CostBasis.ts"
import {
  assetsWithLots,
  eventsOfFill,
  homeOf,
  type LedgerFill,
  type PriceOf,
  pricesWanted
} from "../../../src/domain/ledger/lotEvents.ts"
import { SymbolName } from "../../../src/domain/Market.ts"

const d = Decimal.unsafe
const text = Decimal.format
const btc = SymbolName.make("BTCUSDT")
const ethBtc = SymbolName.make("ETHBTC")
const mx = SymbolName.make("MXUSDT")

const fill = (side: "buy" | "sell", quantity: string, price: string, more: Partial<LedgerFill> = {}): LedgerFill => ({
  symbol: btc,
  tradeId: "1",
  book: "manual",
  baseAsset: "BTC",
  quoteAsset: "USDT",
  side,
  price: d(price),
  quantity: d(quantity),
  quoteQuantity: Decimal.multiply(d(quantity), d(price)),
  fee: { asset: "USDT", amount: Decimal.zero },
  at: 1,
  ...more
})

const priced =
  (prices: Readonly<Record<string, string>>): PriceOf =>
  (asset, quote) => {
    const price = prices[`${asset}/${quote}`]
    return price === undefined ? null : d(price)
  }
const unpriced: PriceOf = () => null

/** All assets' books of a run of fills. */
const fold = (fills: ReadonlyArray<LedgerFill>, priceOf: PriceOf = unpriced, basis: CostBasis = "average") => {
  const all = new Map<string, AssetBooks>()
  for (const one of fills)
    for (const asset of assetsWithLots(one)) {
      const books = all.get(asset) ?? new Map<string, BookState>()
      all.set(asset, books)
      for (const event of eventsOfFill(one, asset, priceOf)) applyEvent(books, event, basis)
    }
  return (asset: string, symbol: SymbolName, book: "manual" | `rule:${string}` = "manual") =>
    all.get(asset)?.get(bookKey({ symbol, book })) ?? emptyBook({ symbol, book })
}

const shown = ({ incomplete, lots, realisedPnl }: BookState) => ({
  quantity: text(quantityOf(lots)),
  cost: text(costOf(lots)),
  realised: text(realisedPnl),
  incomplete
})

describe("what a fill does to the books", () => {
  it("carries a quote fee in the cost and takes it from the proceeds", () => {
    const fee = { asset: "USDT", amount: d("10") }
    const books = fold([fill("buy", "100", "50", { fee }), fill("sell", "50", "120", { fee })])
    assert.deepEqual(shown(books("BTC", btc)), { quantity: "50", cost: "2505", realised: "3485", incomplete: false })
  })

  it("takes a base fee out of the quantity, with the whole cost on what it leaves", () => {
    const fee = { asset: "BTC", amount: d("0.01") }
    const bought = fold([fill("buy", "1", "100", { fee })])
    assert.deepEqual(shown(bought("BTC", btc)), { quantity: "0.99", cost: "100", realised: "0", incomplete: false })
    assert.strictEqual(text(bought("BTC", btc).fees), "1")
    const sold = fold([fill("buy", "1", "100"), fill("sell", "0.98", "100", { fee })])
    assert.deepEqual(shown(sold("BTC", btc)), { quantity: "0.01", cost: "1", realised: "-1", incomplete: false })
  })

  it("sells the MX a fee was paid with, at the price of the moment", () => {
    const priceOf = priced({ "MX/USDT": "2.5" })
    const mxBuy = fill("buy", "10", "2", { symbol: mx, baseAsset: "MX" })
    const books = fold([mxBuy, fill("buy", "0.5", "60000", { fee: { asset: "MX", amount: d("6") } })], priceOf)
    assert.deepEqual(shown(books("BTC", btc)), { quantity: "0.5", cost: "30015", realised: "0", incomplete: false })
    assert.deepEqual(shown(books("MX", mx)), { quantity: "4", cost: "8", realised: "3", incomplete: false })
  })

  it("says that cost and proceeds are incomplete while nobody knows what the MX was worth", () => {
    const books = fold([fill("buy", "1", "10", { fee: { asset: "MX", amount: d("0.2") } })])
    assert.deepEqual(shown(books("BTC", btc)), { quantity: "1", cost: "10", realised: "0", incomplete: true })
    assert.isTrue(books("MX", mx).incomplete)
    assert.deepEqual(pricesWanted(fill("buy", "1", "10", { fee: { asset: "MX", amount: d("0.2") } })), [
      { asset: "MX", quote: "USDT" }
    ])
  })

  it("disposes of an asset that another is paid with, at its own market value", () => {
    const priceOf = priced({ "BTC/USDT": "200" })
    const pays = fill("buy", "10", "0.05", { symbol: ethBtc, baseAsset: "ETH", quoteAsset: "BTC", book: "rule:a" })
    const books = fold([fill("buy", "1", "100"), pays], priceOf)
    assert.deepEqual(shown(books("BTC", btc)), { quantity: "0.5", cost: "50", realised: "50", incomplete: false })
    assert.deepEqual(shown(books("ETH", ethBtc, "rule:a")), {
      quantity: "10",
      cost: "0.5",
      realised: "0",
      incomplete: false
    })
  })

  it("has a home for every asset's deposits, whatever its name", () => {
    assert.strictEqual(homeOf("BTC"), "BTCUSDT")
    assert.strictEqual(homeOf("a.b-c"), "A_B_CUSDT")
  })
})

const reference = join(process.env["DIPPER_REFERENCE"] ?? "../shared", "reference/portfolio-vectors")
const read = (name: string): unknown => JSON.parse(readFileSync(join(reference, `${name}.json`), "utf8"))
const side = Schema.Literal("buy", "sell")
const optional = Schema.optional(Schema.String)
const steps = Schema.Array(Schema.Struct({ side, qty: Schema.String, price: optional, quote: optional, fee: optional }))
const decode = <A, I>(schema: Schema.Schema<A, I>, name: string) => Schema.decodeUnknownSync(schema)(read(name))

const fillsOf = (inputs: typeof steps.Type) =>
  inputs.map(({ fee, price, qty, quote, side }) =>
    fill(side, qty, "1", {
      quoteQuantity: quote === undefined ? Decimal.multiply(d(qty), d(price ?? "0")) : d(quote),
      fee: { asset: "USDT", amount: d(fee ?? "0") }
    })
  )

const bookAfter = (fills: ReadonlyArray<LedgerFill>, basis: CostBasis = "average") =>
  fold(fills, unpriced, basis)("BTC", btc)

describe.skipIf(!existsSync(reference))("the published portfolio vectors", () => {
  it("average cost, step by step", () => {
    const after = Schema.Struct({ realized: Schema.String, totalCost: Schema.String, qty: Schema.String })
    const { expected, inputs } = decode(
      Schema.Struct({ inputs: steps, expected: Schema.Struct({ afterEach: Schema.Array(after) }) }),
      "cost-average-sequence-a"
    )
    const fills = fillsOf(inputs)
    expected.afterEach.forEach((step, i) => {
      const book = bookAfter(fills.slice(0, i + 1))
      const realised = Decimal.subtract(book.realisedPnl, bookAfter(fills.slice(0, i)).realisedPnl)
      assert.deepEqual(
        [text(realised), text(costOf(book.lots)), text(quantityOf(book.lots))],
        [step.realized, step.totalCost, step.qty]
      )
    })
  })

  it("fees inside cost and proceeds", () => {
    const { expected, inputs } = decode(
      Schema.Struct({ inputs: steps, expected: Schema.Struct({ realizedPerSell: Schema.Array(Schema.String) }) }),
      "cost-average-fees-in-basis"
    )
    const fills = fillsOf(inputs)
    const realised = fills.flatMap((one, i) =>
      one.side === "sell"
        ? [
            text(
              Decimal.subtract(bookAfter(fills.slice(0, i + 1)).realisedPnl, bookAfter(fills.slice(0, i)).realisedPnl)
            )
          ]
        : []
    )
    assert.deepEqual(realised, [...expected.realizedPerSell])
  })

  it("first in, first out", () => {
    const { expected, inputs } = decode(
      Schema.Struct({
        inputs: steps,
        expected: Schema.Struct({
          matchedCost: Schema.String,
          remainingLots: Schema.Array(Schema.Tuple(Schema.String, Schema.String))
        })
      }),
      "cost-fifo-partial-lots"
    )
    const book = bookAfter(fillsOf(inputs), "fifo")
    assert.strictEqual(text(Decimal.negate(book.realisedPnl)), expected.matchedCost)
    assert.deepEqual(
      book.lots.map(({ cost, quantity }) => [text(quantity), text(Decimal.divide(cost, quantity))]),
      expected.remainingLots.map(([quantity, price]) => [quantity, price])
    )
  })

  it("more sold than was ever known", () => {
    const { expected, inputs } = decode(
      Schema.Struct({
        inputs: steps,
        expected: Schema.Struct({ matchedCost: Schema.String, missingQty: Schema.String, complete: Schema.Boolean })
      }),
      "cost-fifo-oversell"
    )
    const book = bookAfter(fillsOf(inputs), "fifo")
    assert.strictEqual(text(Decimal.negate(book.realisedPnl)), expected.matchedCost)
    assert.strictEqual(text(book.missing), expected.missingQty)
    assert.strictEqual(book.incomplete, !expected.complete)
    assert.deepEqual(book.lots, [])
  })

  it("a fee in MX", () => {
    const input = Schema.Struct({
      qty: Schema.String,
      price: Schema.String,
      fee: Schema.String,
      feeAssetPrice: Schema.String,
      feeAssetAvgCost: Schema.String,
      openAvgCost: Schema.String
    })
    const { expected, inputs } = decode(
      Schema.Struct({
        inputs: Schema.Tuple(input),
        expected: Schema.Struct({ realizedOnBTC: Schema.String, realizedOnMX: Schema.String, MX: Schema.String })
      }),
      "fee-in-mx-sell"
    )
    const [one] = inputs
    const books = fold(
      [
        fill("buy", one.qty, one.openAvgCost),
        fill("buy", "10", one.feeAssetAvgCost, { symbol: mx, baseAsset: "MX" }),
        fill("sell", one.qty, one.price, { fee: { asset: "MX", amount: d(one.fee) } })
      ],
      priced({ "MX/USDT": one.feeAssetPrice })
    )
    assert.strictEqual(text(books("BTC", btc).realisedPnl), expected.realizedOnBTC)
    assert.strictEqual(text(books("MX", mx).realisedPnl), expected.realizedOnMX)
    assert.strictEqual(text(quantityOf(books("MX", mx).lots)), text(Decimal.add(d("10"), d(expected.MX))))
  })

  it.each(["pos-btc-fee", "pos-buy-hold", "pos-buy-sell-all", "pos-sell-all-profit", "pos-two-round-trips"])(
    "net profit of %s, the fees inside",
    (name) => {
      const transaction = Schema.Struct({
        side: Schema.String,
        qty: Schema.String,
        price: Schema.String,
        fee: Schema.String
      })
      const { expected, inputs } = decode(
        Schema.Struct({
          inputs: Schema.Struct({ transactions: Schema.Array(transaction), marketPrice: Schema.String }),
          expected: Schema.Struct({ qty: Schema.String, netPnl: Schema.String, fees: Schema.optional(Schema.String) })
        }),
        name
      )
      const book = bookAfter(
        inputs.transactions.map(({ fee, price, qty, side }) =>
          fill(side === "BUY" ? "buy" : "sell", qty, price, { fee: { asset: "USDT", amount: d(fee) } })
        )
      )
      const mark = Decimal.fromFiniteNumber(Number(inputs.marketPrice), 10)
      const value = Decimal.multiply(quantityOf(book.lots), mark)
      const net = Decimal.add(book.realisedPnl, Decimal.subtract(value, costOf(book.lots)))
      assert.strictEqual(text(quantityOf(book.lots)), expected.qty)
      assert.strictEqual(text(net), expected.netPnl)
      assert.strictEqual(text(book.fees), expected.fees ?? text(book.fees))
    }
  )
})
