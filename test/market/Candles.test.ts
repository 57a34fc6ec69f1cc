import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, TestClock } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import type { Candle } from "../../src/domain/Market.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { Candles } from "../../src/market/Candles.ts"
import { Cache } from "../../src/store/Cache.ts"
import { btc, flatCandle, makeVenue } from "./stubs.ts"

const minute = 60_000
const start = Date.UTC(2026, 2, 1)

/** The venue has a candle for each minute since `start`, its price the number of the minute. */
const minutes = (range: { readonly from: number; readonly to: number }): ReadonlyArray<Candle> => {
  const candles: Array<Candle> = []
  for (let at = Math.max(start, Math.ceil(range.from / minute) * minute); at < range.to; at += minute)
    candles.push(flatCandle(at, String(1 + (at - start) / minute)))
  return candles
}

const withCandles = <A, E>(
  test: (kit: {
    readonly candles: typeof Candles.Service
    readonly taken: Effect.Effect<ReadonlyArray<string>>
  }) => Effect.Effect<A, E>
) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(start + 2_000 * minute + 10_000)
    const venue = yield* makeVenue({ candles: (range) => Effect.succeed(minutes(range)) })
    const layer = Candles.layer.pipe(Layer.provide([venue.layer, MarketClock.layer, Cache.layerMemory]))
    return yield* Effect.flatMap(Candles, (candles) => test({ candles, taken: venue.take })).pipe(Effect.provide(layer))
  })

const prices = (candles: ReadonlyArray<Candle>) => candles.map(({ close }) => Decimal.format(close))
const of = (from: number, to: number) => ({ symbol: btc, interval: "1m" as const, from, to })

describe("Candles", () => {
  it.effect("gives exactly the range asked for, oldest first", () =>
    withCandles(({ candles }) =>
      Effect.gen(function* () {
        const { candles: found, source } = yield* candles.range(of(start + 3 * minute, start + 6 * minute))
        assert.deepStrictEqual(prices(found), ["4", "5", "6"])
        assert.strictEqual(source, "rest")
      })
    )
  )

  it.effect("asks for closed candles once, and for the running one again after a second", () =>
    withCandles(({ candles, taken }) =>
      Effect.gen(function* () {
        const old = of(start + 3 * minute, start + 6 * minute)
        const latest = of(start + 1_998 * minute, start + 9_999 * minute)
        yield* candles.range(old)
        const { candles: found } = yield* candles.range(latest)
        assert.deepStrictEqual(
          found.map(({ closed }) => closed),
          [true, true, false]
        )
        yield* taken
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* candles.range(old)).source, "cache")
        assert.deepStrictEqual(yield* taken, [])
        assert.strictEqual((yield* candles.range(latest)).source, "rest")
        assert.deepStrictEqual(yield* taken, ["candles BTCUSDT 1m"])
      })
    )
  )

  it.effect("reads the running candles anew for those who need them fresh", () =>
    withCandles(({ candles, taken }) =>
      Effect.gen(function* () {
        const latest = { ...of(start + 1_998 * minute, start + 2_001 * minute) }
        yield* candles.range(latest)
        yield* candles.range({ ...latest, fresh: true })
        assert.deepStrictEqual(yield* taken, ["candles BTCUSDT 1m", "candles BTCUSDT 1m"])
      })
    )
  )

  it.effect("joins the venue's pages of five hundred", () =>
    withCandles(({ candles }) =>
      Effect.gen(function* () {
        const { candles: found } = yield* candles.range(of(start, start + 1_500 * minute))
        assert.strictEqual(found.length, 1_500)
        assert.deepStrictEqual([prices(found).at(0), prices(found).at(-1)], ["1", "1500"])
      })
    )
  )

  it.effect("finds nothing before the first trade, and nothing in the future", () =>
    withCandles(({ candles, taken }) =>
      Effect.gen(function* () {
        assert.deepStrictEqual((yield* candles.range(of(start - 600 * minute, start - 500 * minute))).candles, [])
        yield* taken
        assert.deepStrictEqual((yield* candles.range(of(start + 9_000 * minute, start + 9_100 * minute))).candles, [])
        assert.deepStrictEqual(yield* taken, [])
      })
    )
  )

  it.effect("fails as the venue fails", () =>
    Effect.gen(function* () {
      const venue = yield* makeVenue({})
      const failure = yield* Effect.flatMap(Candles, (candles) => Effect.flip(candles.range(of(0, 0 + minute)))).pipe(
        Effect.provide(Candles.layer.pipe(Layer.provide([venue.layer, MarketClock.layer, Cache.layerMemory])))
      )
      assert.strictEqual(failure._tag, "EXCHANGE_UNAVAILABLE")
    })
  )
})
