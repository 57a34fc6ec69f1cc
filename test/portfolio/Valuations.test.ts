import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, TestClock } from "effect"
import { ExchangeUnavailable } from "../../src/api/Errors.ts"
import { type Candle, SymbolName, type SymbolInfo, type Ticker } from "../../src/domain/Market.ts"
import { Candles } from "../../src/market/Candles.ts"
import { Symbols } from "../../src/market/Symbols.ts"
import { TickerHub } from "../../src/market/TickerHub.ts"
import { Ledger } from "../../src/portfolio/Ledger.ts"
import { Valuations } from "../../src/portfolio/Valuations.ts"
import { addFill, addUsers, ann, d, ledgerLayer, reading } from "./kit/ledger.ts"

const minute = 60_000
const mx = SymbolName.make("MXUSDT")

const info = (base: string, quote: string): SymbolInfo => ({
  symbol: SymbolName.make(`${base}${quote}`),
  baseAsset: base,
  quoteAsset: quote,
  tradable: true,
  untradableReason: null,
  orderTypes: ["limit"],
  priceTick: d("0.01"),
  quantityStep: d("0.01"),
  minQuantity: null,
  minNotional: d("1"),
  maxNotional: null,
  marketMinNotional: d("1"),
  marketMaxNotional: null,
  makerFeeRate: d("0"),
  takerFeeRate: d("0"),
  asOf: 0
})

const candle = (openTime: number, close: string): Candle => ({
  openTime,
  open: d(close),
  high: d(close),
  low: d(close),
  close: d(close),
  volume: d("1"),
  quoteVolume: d("1"),
  closed: true,
  synthetic: false
})

const ticker = (symbol: SymbolName, last: string): Ticker => ({
  symbol,
  last: d(last),
  bid: d(last),
  bidQuantity: null,
  ask: d(last),
  askQuantity: null,
  open: d(last),
  high: d(last),
  low: d(last),
  volume: d("1"),
  quoteVolume: null,
  changePercent: 0,
  asOf: 0,
  source: "ws",
  stale: false
})

const market = { isUp: true, looked: 0 }

const venue = Layer.mergeAll(
  Layer.mock(Symbols, { all: Effect.succeed([info("MX", "USDT"), info("BTC", "USDT")]) }),
  Layer.mock(TickerHub, {
    latest: (symbol) =>
      Effect.suspend(() => {
        market.looked += 1
        return market.isUp
          ? Effect.succeed(ticker(symbol, symbol === mx ? "3" : "120"))
          : Effect.fail(new ExchangeUnavailable({ message: "down" }))
      }),
    watched: Effect.succeed([]),
    health: Effect.succeed({ watched: 0, stale: 0, lastMessageAt: null, age: null })
  }),
  Layer.mock(Candles, {
    range: ({ from = 0, interval }) =>
      Effect.succeed({
        interval,
        candles: [candle(5 * minute, "2"), candle(6 * minute, "2.5"), candle(7 * minute, "9")].filter(
          ({ openTime }) => openTime >= from
        ),
        asOf: 0,
        source: "rest" as const
      })
  })
)

/** An hour has passed before anything starts that repeats itself. */
const hour = Layer.effectDiscard(TestClock.setTime(60 * minute))
const layer = Valuations.layer.pipe(Layer.provide(venue), Layer.provideMerge(ledgerLayer), Layer.provide(hour))

const costOf = Effect.fnUntraced(function* (symbol: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ total_cost: string; realised_pnl: string; incomplete: number }>`
    SELECT * FROM book_lots WHERE user_id = ${ann} AND symbol = ${symbol}`
  return [row?.total_cost, row?.realised_pnl, row?.incomplete]
})

const begin = Effect.gen(function* () {
  market.isUp = true
  market.looked = 0
  yield* addUsers
  return { ledger: yield* Ledger, valuations: yield* Valuations }
})

describe("what was booked", () => {
  it.effect("is valued at the last candle that had closed before it, when it is told late", () =>
    Effect.gen(function* () {
      const { valuations } = yield* begin
      yield* addFill({ id: 1, at: 5 * minute, symbol: mx, quantity: "10", price: "1" })
      yield* addFill({ id: 2, at: 7 * minute + 1_000, quantity: "1", price: "100", fee: "2", feeAsset: "MX" })
      assert.deepEqual(yield* costOf("BTCUSDT"), ["100", "0", 1])
      yield* valuations.run
      assert.deepEqual(yield* costOf("BTCUSDT"), ["105", "0", 0])
      assert.deepEqual(yield* costOf("MXUSDT"), ["8", "3", 0])
    }).pipe(Effect.provide(layer))
  )

  it.effect("is valued at the last trade when it is told at once, and asks again only after a minute", () =>
    Effect.gen(function* () {
      const { ledger, valuations } = yield* begin
      const now = 60 * minute
      yield* addFill({ id: 1, at: now, quantity: "1", price: "100", fee: "2", feeAsset: "MX" })
      yield* valuations.run
      assert.deepEqual(yield* costOf("BTCUSDT"), ["106", "0", 0])
      const looked = market.looked
      yield* addFill({ id: 2, at: now + 59_000, quantity: "1", price: "100", fee: "2", feeAsset: "MX" })
      assert.deepEqual(yield* costOf("BTCUSDT"), ["212", "0", 0])
      assert.deepEqual(yield* ledger.pricesWanted, [])
      assert.strictEqual(market.looked, looked)
      yield* addFill({ id: 3, at: now + 61_000, quantity: "1", price: "100", fee: "2", feeAsset: "MX" })
      assert.strictEqual((yield* ledger.pricesWanted).length, 1)
    }).pipe(Effect.provide(layer))
  )

  it.effect("waits while the venue does not answer, and stays incomplete when there is no price at all", () =>
    Effect.gen(function* () {
      const { ledger, valuations } = yield* begin
      market.isUp = false
      yield* ledger.compare(ann, yield* reading(60 * minute, { BTC: "2", FOO: "7" }))
      yield* valuations.run
      assert.deepEqual(yield* costOf("BTCUSDT"), ["0", "0", 1])
      market.isUp = true
      yield* valuations.run
      assert.deepEqual(yield* costOf("BTCUSDT"), ["240", "0", 0])
      assert.deepEqual(yield* costOf("FOOUSDT"), ["0", "0", 1])
      assert.deepEqual(yield* ledger.pricesWanted, [])
    }).pipe(Effect.provide(layer))
  )
})
