import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Ref, Schema, TestClock } from "effect"
import { Candles as CandlesAnswer, Trades } from "../../src/api/Market.ts"
import * as Decimal from "../../src/domain/Decimal.ts"
import { type BookLevel, type OrderBook, type SymbolName } from "../../src/domain/Market.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { Candles } from "../../src/market/Candles.ts"
import { TickerReader } from "../../src/market/feed/TickerReader.ts"
import { Market } from "../../src/market/Market.ts"
import { OrderBooks } from "../../src/market/OrderBooks.ts"
import { Symbols } from "../../src/market/Symbols.ts"
import { TickerHub } from "../../src/market/TickerHub.ts"
import { Tickers } from "../../src/market/Tickers.ts"
import { symbolNotFound } from "../../src/market/VenueErrors.ts"
import { Cache } from "../../src/store/Cache.ts"
import { btc, dec, eth, flatCandle, makeStream, makeVenue, settle, sol, tickerAt, tradeAt, venueDown } from "./stubs.ts"

const minute = 60_000
const start = Date.UTC(2026, 2, 1)

const level = (price: string): BookLevel => [dec(price), dec("1")]
const bookOf = (symbol: SymbolName, bid: string, ask: string, asOf: number): OrderBook => ({
  symbol,
  bids: Array.from({ length: 20 }, () => level(bid)),
  asks: Array.from({ length: 20 }, () => level(ask)),
  version: "56217769552",
  asOf,
  source: "rest",
  stale: false
})

/** Knows BTCUSDT and ETHUSDT. */
const listed = Layer.mock(Symbols, {
  isListed: Effect.succeed((symbol: SymbolName) => symbol !== sol),
  get: (symbol) =>
    symbol === sol
      ? Effect.fail(symbolNotFound(symbol))
      : Effect.succeed({
          symbol,
          baseAsset: symbol.slice(0, -4),
          quoteAsset: "USDT",
          tradable: true,
          untradableReason: null,
          orderTypes: ["limit"],
          priceTick: dec("0.01"),
          quantityStep: dec("0.001"),
          minQuantity: null,
          minNotional: dec("1"),
          maxNotional: null,
          marketMinNotional: dec("1"),
          marketMaxNotional: null,
          makerFeeRate: dec("0"),
          takerFeeRate: dec("0"),
          asOf: 0
        })
})

const makeKit = Effect.gen(function* () {
  yield* TestClock.setTime(start + 1_000 * minute + 30_000)
  const stream = yield* makeStream
  const isDown = yield* Ref.make(false)
  const ask = yield* Ref.make("101")
  const up = <A>(answer: Effect.Effect<A>) => Effect.flatMap(isDown, (down) => (down ? Effect.fail(venueDown) : answer))
  const venue = yield* makeVenue({
    ticker: (symbol) => up(Effect.map(Clock.currentTimeMillis, (now) => tickerAt(symbol, "100", now))),
    tickers: up(Effect.map(Clock.currentTimeMillis, (now) => [btc, eth].map((symbol) => tickerAt(symbol, "100", now)))),
    orderBook: (symbol) =>
      up(Effect.map(Effect.all([ask, Clock.currentTimeMillis]), ([price, now]) => bookOf(symbol, "100", price, now))),
    trades: (_, limit) =>
      up(
        Effect.map(Clock.currentTimeMillis, (now) => Array.from({ length: limit }, (_, i) => tradeAt(now - i, "100")))
      ),
    candles: ({ from, to }) =>
      up(
        Effect.sync(() => {
          const first = Math.max(start, Math.ceil(from / minute) * minute)
          return Array.from({ length: Math.max(0, Math.ceil((to - first) / minute)) }, (_, i) =>
            flatCandle(first + i * minute, String(1 + (first - start) / minute + i))
          )
        })
      )
  })
  const base = Layer.mergeAll(stream.layer, venue.layer, MarketClock.layer, Cache.layerMemory)
  const hub = Layer.provideMerge(TickerHub.layer, Layer.provideMerge(TickerReader.layer, base))
  const parts = Layer.provideMerge(Layer.mergeAll(Tickers.layer, Candles.layer, OrderBooks.layer), hub)
  return { stream, venue, isDown, ask, layer: Layer.provideMerge(Market.layer, Layer.merge(parts, listed)) }
})

const withMarket = <A, E>(
  test: (
    kit: Effect.Effect.Success<typeof makeKit> & {
      readonly market: typeof Market.Service
      readonly hub: typeof TickerHub.Service
    }
  ) => Effect.Effect<A, E>
) =>
  Effect.gen(function* () {
    const kit = yield* makeKit
    return yield* Effect.flatMap(Effect.all([Market, TickerHub]), ([market, hub]) =>
      test({ ...kit, market, hub })
    ).pipe(Effect.provide(kit.layer))
  })

const whileReading = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(effect)
    yield* settle
    yield* TestClock.adjust("20 millis")
    return yield* fiber
  })

describe("tickers", () => {
  it.effect("come all with one request for everybody", () =>
    withMarket(({ market, venue }) =>
      Effect.gen(function* () {
        const tickers = yield* market.tickers()
        assert.deepStrictEqual(
          tickers.map(({ symbol, source }) => `${symbol} ${source}`),
          ["BTCUSDT rest", "ETHUSDT rest"]
        )
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual((yield* market.tickers([eth]))[0]?.source, "cache")
        assert.deepStrictEqual(yield* venue.take, ["tickers"])
        yield* TestClock.adjust("2 seconds")
        yield* market.tickers()
        assert.deepStrictEqual(yield* venue.take, ["tickers"])
      })
    )
  )

  it.effect("show what the stream knows better", () =>
    withMarket(({ market, stream }) =>
      Effect.gen(function* () {
        yield* whileReading(market.ticker(btc))
        yield* stream.trade(btc, "123")
        const tickers = yield* market.tickers()
        assert.deepStrictEqual(
          tickers.map(({ symbol, last, source }) => `${symbol} ${Decimal.format(last)} ${source}`),
          ["BTCUSDT 123 ws", "ETHUSDT 100 rest"]
        )
      })
    )
  )

  it.effect("stay as last known while the venue fails, and say that they are stale", () =>
    withMarket(({ market, isDown }) =>
      Effect.gen(function* () {
        yield* market.tickers()
        yield* Ref.set(isDown, true)
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(
          (yield* market.tickers()).map(({ source, stale }) => `${source} ${stale}`),
          ["cache false", "cache false"]
        )
        yield* TestClock.adjust("10 seconds")
        assert.isTrue((yield* market.tickers()).every(({ stale }) => stale))
      })
    )
  )

  it.effect("of an unlisted symbol do not exist, and cost nothing", () =>
    withMarket(({ market, venue }) =>
      Effect.gen(function* () {
        const failures = yield* Effect.all([
          Effect.flip(market.ticker(sol)),
          Effect.flip(market.tickers([btc, sol])),
          Effect.flip(market.orderBook(sol)),
          Effect.flip(market.trades(sol)),
          Effect.flip(market.candles({ symbol: sol, interval: "1m" }))
        ])
        assert.deepStrictEqual(new Set(failures.map(({ _tag }) => _tag)), new Set(["SYMBOL_NOT_FOUND"]))
        assert.deepStrictEqual(yield* venue.take, [])
      })
    )
  )
})

describe("order book", () => {
  it.effect("is read once a second for readers of any depth, and cut to the depth asked for", () =>
    withMarket(({ market, venue }) =>
      Effect.gen(function* () {
        const five = yield* market.orderBook(btc, 5)
        const twenty = yield* market.orderBook(btc)
        assert.deepStrictEqual([five.bids.length, five.asks.length, twenty.bids.length], [5, 5, 20])
        assert.deepStrictEqual([five.source, twenty.source], ["rest", "cache"])
        assert.deepStrictEqual(yield* venue.take, ["book BTCUSDT 20"])
        yield* TestClock.adjust("1 second")
        yield* market.orderBook(btc, 50)
        yield* market.orderBook(btc, 5)
        assert.deepStrictEqual(yield* venue.take, ["book BTCUSDT 100", "book BTCUSDT 20"])
      })
    )
  )

  it.effect("that is asked for again and again comes from the stream, with its version and time", () =>
    withMarket(({ market, stream, venue }) =>
      Effect.gen(function* () {
        yield* market.orderBook(btc, 5)
        yield* market.orderBook(btc, 5)
        yield* settle
        const receivedAt = yield* Clock.currentTimeMillis
        yield* stream.pushDepth(btc, { type: "subscribed", receivedAt })
        yield* TestClock.adjust("3 seconds")
        yield* venue.take
        const at = yield* Clock.currentTimeMillis
        const delta = { fromVersion: 56217769553n, toVersion: 56217769560n, bids: [], asks: [level("100.5")], at }
        yield* stream.pushDepth(btc, { type: "depth", delta, receivedAt: at })
        const book = yield* market.orderBook(btc, 1)
        assert.deepStrictEqual([book.source, book.version, book.asOf, book.stale], ["ws", "56217769560", at, false])
        assert.strictEqual(Decimal.format(book.asks[0]?.[0] ?? dec("0")), "100.5")
        assert.deepStrictEqual(yield* venue.take, [])
        const crossing = { ...delta, fromVersion: 56217769561n, toVersion: 56217769561n, asks: [level("99")] }
        yield* stream.pushDepth(btc, { type: "depth", delta: crossing, receivedAt: at })
        assert.strictEqual((yield* market.orderBook(btc, 1)).source, "rest", "a crossed one is not believed")
      })
    )
  )

  it.effect("that is crossed is refused", () =>
    withMarket(({ market, ask }) =>
      Effect.gen(function* () {
        yield* Ref.set(ask, "100")
        assert.strictEqual((yield* Effect.flip(market.orderBook(btc)))._tag, "STALE_MARKET_DATA")
      })
    )
  )

  it.effect("fails with the venue", () =>
    withMarket(({ market, isDown }) =>
      Effect.gen(function* () {
        yield* Ref.set(isDown, true)
        assert.strictEqual((yield* Effect.flip(market.orderBook(btc)))._tag, "EXCHANGE_UNAVAILABLE")
      })
    )
  )
})

describe("trades", () => {
  it.effect("come newest first, as many as asked for, with their age", () =>
    withMarket(({ market, venue }) =>
      Effect.gen(function* () {
        const trades = yield* market.trades(btc, 3)
        assert.strictEqual(trades.items.length, 3)
        assert.isAbove(trades.items[0]?.at ?? 0, trades.items[2]?.at ?? 0)
        assert.deepInclude(trades, { source: "rest", stale: false, asOf: yield* Clock.currentTimeMillis })
        assert.strictEqual((yield* market.trades(btc)).source, "cache")
        assert.deepStrictEqual(yield* venue.take, ["trades BTCUSDT 100"])
        yield* Schema.encode(Trades)(trades)
      })
    )
  )
})

describe("candles", () => {
  const closes = (page: CandlesAnswer) => page.items.map(({ close }) => Number(Decimal.format(close)))

  it.effect("are the latest when no range is named, the running one last", () =>
    withMarket(({ market }) =>
      Effect.gen(function* () {
        const page = yield* market.candles({ symbol: btc, interval: "1m", limit: 3 })
        assert.deepStrictEqual(closes(page), [999, 1_000, 1_001])
        assert.deepStrictEqual(
          page.items.map(({ closed }) => closed),
          [true, true, false]
        )
        assert.isNull(page.nextCursor)
        assert.strictEqual((yield* market.candles({ symbol: btc, interval: "1m" })).items.length, 50)
        yield* Schema.encode(CandlesAnswer)(page)
      })
    )
  )

  it.effect("before an instant are the last ones before it", () =>
    withMarket(({ market }) =>
      Effect.gen(function* () {
        const page = yield* market.candles({ symbol: btc, interval: "1m", to: start + 10 * minute, limit: 2 })
        assert.deepStrictEqual(closes(page), [9, 10])
      })
    )
  )

  it.effect("from an instant come page by page until the range ends, each once", () =>
    withMarket(({ market }) =>
      Effect.gen(function* () {
        const asked = { symbol: btc, interval: "1m" as const, from: start, to: start + 7 * minute, limit: 3 }
        const first = yield* market.candles(asked)
        const second = yield* market.candles({ ...asked, cursor: first.nextCursor ?? "" })
        const third = yield* market.candles({ ...asked, cursor: second.nextCursor ?? "" })
        assert.deepStrictEqual([first, second, third].map(closes), [[1, 2, 3], [4, 5, 6], [7]])
        assert.isNull(third.nextCursor)
      })
    )
  )

  it.effect("refuse a cursor they have not given", () =>
    withMarket(({ market }) =>
      Effect.gen(function* () {
        const failure = yield* Effect.flip(market.candles({ symbol: btc, interval: "1m", cursor: "b3JkXzAx.." }))
        assert.strictEqual(failure._tag, "VALIDATION_FAILED")
      })
    )
  )
})
