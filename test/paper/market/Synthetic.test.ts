import { Chunk, Effect, Stream } from "effect"
import { assert, describe, it } from "@effect/vitest"
import { format, isPositive, max, min, sum, toNumber, zero } from "../../../src/domain/Decimal.ts"
import { makeSynthetic, type SyntheticOptions } from "../../../src/paper/market/Synthetic.ts"

const startsAt = Date.parse("2026-03-01T09:00:30.000Z")
const hour = 3_600_000

const stepsFor = (options: Partial<SyntheticOptions>, count: number, from?: number) => {
  const source = makeSynthetic({ seed: 7, startsAt, ...options })
  return Effect.map(Stream.runCollect(Stream.take(source.steps(from ?? source.startsAt), count)), Chunk.toReadonlyArray)
}

const plain = (steps: ReadonlyArray<{ at: number; symbol: string; price: Parameters<typeof format>[0] }>) =>
  steps.map((step) => `${step.at} ${step.symbol} ${format(step.price)}`)

describe("the synthetic market", () => {
  it("lists at least eight pairs, one of them with a micro price, each of them tradable by a small order", () => {
    const { listings } = makeSynthetic({ seed: 1, startsAt })
    assert.isAtLeast(listings.length, 8)
    for (const symbol of ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "MXUSDT", "BTCUSDC", "ETHBTC"])
      assert.isTrue(listings.some((listing) => listing.symbol === symbol))
    assert.isTrue(listings.some((listing) => listing.quotePrecision >= 9))
    assert.isTrue(listings.every((listing) => isPositive(listing.minNotional)))
  })

  it.effect("is the same for the same seed and another for another", () =>
    Effect.gen(function* () {
      const one = plain(yield* stepsFor({}, 3_000))
      assert.deepStrictEqual(plain(yield* stepsFor({}, 3_000)), one)
      assert.notDeepEqual(plain(yield* stepsFor({ seed: 8 }, 3_000)), one)
    })
  )

  it.effect("goes on after a restart with the prices it would have had", () =>
    Effect.gen(function* () {
      const later = startsAt + 2 * hour
      const first = makeSynthetic({ seed: 7, startsAt })
      const again = makeSynthetic({ seed: 7, startsAt: later })
      const take = (source: typeof first) =>
        Effect.map(Stream.runCollect(Stream.take(source.steps(later), 500)), Chunk.toReadonlyArray)
      assert.deepStrictEqual(plain(yield* take(again)), plain(yield* take(first)))
      const [before, after] = [yield* first.history("ETHUSDT"), yield* again.history("ETHUSDT")]
      assert.deepStrictEqual(after.slice(0, 2_760), before.slice(120, 2_880))
    })
  )

  it.effect("stands at the price its history ends with", () =>
    Effect.gen(function* () {
      for (const sinceMinute of [0, 1, 900, 59_999]) {
        const source = makeSynthetic({ seed: 7, startsAt: startsAt + sinceMinute, symbols: ["BTCUSDT", "PEPEUSDT"] })
        for (const { symbol } of source.listings) {
          const end = (yield* source.history(symbol)).at(-1)?.close
          assert.strictEqual(format((yield* source.priceAtStart(symbol)) ?? zero), end && format(end))
        }
      }
      assert.isNull(yield* makeSynthetic({ seed: 7, startsAt }).priceAtStart("NONE"))
    })
  )

  it.effect("has 48 hours of minutes behind it, which its steps would have made", () =>
    Effect.gen(function* () {
      const source = makeSynthetic({ seed: 7, startsAt, symbols: ["PEPEUSDT", "BTCUSDT"] })
      const history = yield* source.history("PEPEUSDT")
      assert.strictEqual(history.filter((candle) => candle.closed).length, 2_880)
      const minute = history[2_000]
      const steps = yield* stepsFor({ symbols: ["PEPEUSDT", "BTCUSDT"] }, 64, (minute?.openTime ?? 0) - 1)
      const own = steps.filter((step) => step.symbol === "PEPEUSDT")
      const prices = own.map((step) => step.price)
      assert.deepStrictEqual(
        [prices[0], prices.reduce(max), prices.reduce(min), prices.at(-1), sum(own.map((step) => step.quantity))].map(
          (value) => value && format(value)
        ),
        [minute?.open, minute?.high, minute?.low, minute?.close, minute?.volume].map((value) => value && format(value))
      )
    })
  )

  it.effect("that starts within a minute has seen the first half of it, and its steps bring the second", () =>
    Effect.gen(function* () {
      const symbols = ["BTCUSDT"]
      const history = yield* makeSynthetic({ seed: 7, startsAt, symbols }).history("BTCUSDT")
      const running = history.at(-1)
      assert.deepStrictEqual([running?.openTime, running?.closed], [startsAt - 30_000, false])
      const whole = yield* stepsFor({ symbols }, 32, startsAt - 30_000)
      const rest = yield* stepsFor({ symbols }, 16)
      assert.deepStrictEqual(plain(rest), plain(whole.slice(16)))
      assert.strictEqual(format(running?.volume ?? zero), format(sum(whole.slice(0, 16).map((step) => step.quantity))))
    })
  )

  it.effect("moves every symbol every few seconds, in order of time", () =>
    Effect.gen(function* () {
      const steps = yield* stepsFor({}, 9 * 32 * 5)
      const times = steps.map((step) => step.at)
      assert.deepStrictEqual(
        times,
        [...times].sort((a, b) => a - b)
      )
      const own = steps.filter((step) => step.symbol === "ETHBTC").map((step) => step.at)
      assert.isTrue(own.every((at, i) => i === 0 || at - (own[i - 1] ?? at) <= 2_000))
      assert.isTrue(steps.every((step) => isPositive(step.quantity) && isPositive(step.price)))
    })
  )

  it.effect("moves like a real one: a day's range of percents, not of tenths or of halves", () =>
    Effect.gen(function* () {
      for (const seed of [1, 2, 3, 4, 5]) {
        const source = makeSynthetic({ seed, startsAt })
        const history = (yield* source.history("BTCUSDT")).slice(-1_440)
        const high = Math.max(...history.map((candle) => toNumber(candle.high)))
        const low = Math.min(...history.map((candle) => toNumber(candle.low)))
        assert.isAbove(high / low - 1, 0.008)
        assert.isBelow(high / low - 1, 0.12)
      }
    })
  )

  it.effect("falls by the planted crash within ten minutes and comes back by half", () =>
    Effect.gen(function* () {
      const at = startsAt - 10 * hour
      const calm = makeSynthetic({ seed: 3, startsAt })
      const crashed = makeSynthetic({ seed: 3, startsAt, crash: { at, percent: 11 } })
      const [without, withCrash] = [yield* calm.history("SOLUSDT"), yield* crashed.history("SOLUSDT")]
      const ratio = (offset: number) => {
        const index = withCrash.findIndex((candle) => candle.openTime >= at + offset)
        const [low, calmLow] = [withCrash[index]?.low, without[index]?.low]
        return low === undefined || calmLow === undefined ? Number.NaN : toNumber(low) / toNumber(calmLow)
      }
      assert.closeTo(ratio(-120_000), 1, 1e-9)
      assert.closeTo(ratio(10 * 60_000), 0.89, 0.005)
      assert.closeTo(ratio(30 * 60_000), Math.exp(Math.log(0.89) / 2), 0.005)
    })
  )
})
