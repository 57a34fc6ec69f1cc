import { assert, describe, it } from "@effect/vitest"
import { fromFiniteNumber, zero } from "../../../src/domain/Decimal.ts"
import type { Candle } from "../../../src/domain/Market.ts"
import { deepestBelowHigh } from "../../../src/paper/market/Crash.ts"

const minute = 60_000

const candlesOf = (lows: ReadonlyArray<number>): ReadonlyArray<Candle> =>
  lows.map((low, i) => {
    const price = fromFiniteNumber(low, 2)
    const quiet = { volume: zero, quoteVolume: zero, closed: true, synthetic: false }
    return { openTime: i * minute, open: price, high: price, low: price, close: price, ...quiet }
  })

describe("the moment deepest below the rolling high", () => {
  it("is the low after the highest high of the window", () => {
    const crash = deepestBelowHigh(candlesOf([100, 101, 120, 110, 90, 95, 85, 99]), 3 * minute)
    assert.deepStrictEqual(crash, { at: 4 * minute, percent: 25 })
  })

  it("forgets highs older than the window", () => {
    const crash = deepestBelowHigh(candlesOf([200, 100, 100, 100, 100, 95]), 2 * minute)
    assert.strictEqual(crash?.at, 2 * minute)
    assert.strictEqual(deepestBelowHigh(candlesOf([100, 100, 100, 200, 100, 100, 95]), 2 * minute)?.at, 4 * minute)
  })

  it("prefers moments whose whole window is known, and takes any when there is none", () => {
    assert.strictEqual(deepestBelowHigh(candlesOf([200, 100, 100, 100, 99]), 3 * minute)?.at, 3 * minute)
    assert.strictEqual(deepestBelowHigh(candlesOf([200, 100]))?.at, minute)
    assert.isNull(deepestBelowHigh([]))
  })
})
