import { BigDecimal, FastCheck as fc } from "effect"
import { assert, describe, it } from "@effect/vitest"
import { add, equals, format, lessThan, max, min, sum } from "../../../src/domain/Decimal.ts"
import type { Candle } from "../../../src/domain/Market.ts"
import { candleSteps, minuteCandles } from "../../../src/paper/market/CandlePath.ts"

const minute = 60_000

/** A possible candle of a market with two price and four quantity decimals. */
const arbitraryCandle = (smallestVolume: bigint) =>
  fc
    .record({
      prices: fc.tuple(...[0, 1, 2, 3].map(() => fc.bigInt({ min: 1n, max: 20_000_000n }))),
      flat: fc.boolean(),
      volume: fc.bigInt({ min: smallestVolume, max: 10n ** 12n }),
      quoteVolume: fc.bigInt({ min: 0n, max: 10n ** 12n })
    })
    .map(({ flat, prices, quoteVolume, volume }): Candle => {
      const sorted = prices.map((price) => BigDecimal.make(flat ? 500n : price, 2)).sort(BigDecimal.Order)
      const at = (i: number) => sorted[i] ?? BigDecimal.make(1n, 2)
      const rising = volume % 2n === 0n
      return {
        openTime: 1_733_007_600_000,
        open: rising ? at(1) : at(2),
        high: at(3),
        low: at(0),
        close: rising ? at(2) : at(1),
        volume: BigDecimal.make(volume, 4),
        quoteVolume: BigDecimal.make(quoteVolume, 4),
        closed: true,
        synthetic: false
      }
    })

const scales = { price: 2, quantity: 4 }
const shape = (candle: Pick<Candle, "open" | "high" | "low" | "close" | "volume">) =>
  [candle.open, candle.high, candle.low, candle.close, candle.volume].map(format)

const fromSteps = (steps: ReturnType<typeof candleSteps>) => {
  const prices = steps.map((step) => step.price)
  const [open, close] = [prices[0], prices.at(-1)]
  if (open === undefined || close === undefined) throw new Error("no steps")
  return {
    open,
    high: prices.reduce(max),
    low: prices.reduce(min),
    close,
    volume: sum(steps.map((step) => step.quantity))
  }
}

describe("the path of a replayed candle", () => {
  it("puts together exactly the candle that was recorded, in at most fifteen steps inside it", () => {
    fc.assert(
      fc.property(arbitraryCandle(0n), fc.constantFrom(1, 5, 60, 240), (candle, minutes) => {
        const steps = candleSteps("BTCUSDT", candle, minutes * minute, scales)
        assert.deepStrictEqual(shape(fromSteps(steps)), shape(candle))
        assert.isAtMost(steps.length, 15)
        const times = steps.map((step) => step.at)
        assert.isTrue(times.every((at) => at > candle.openTime && at < candle.openTime + minutes * minute))
        assert.deepStrictEqual(
          times,
          [...new Set(times)].sort((a, b) => a - b)
        )
      }),
      { numRuns: 500 }
    )
  })

  it("goes to the low first when the candle rose, to the high first when it fell, and turns nowhere else", () => {
    fc.assert(
      fc.property(arbitraryCandle(10_000n), (candle) => {
        const prices = candleSteps("BTCUSDT", candle, minute, scales).map((step) => step.price)
        const rose = !lessThan(candle.close, candle.open)
        const corners = rose
          ? [candle.open, candle.low, candle.high, candle.close]
          : [candle.open, candle.high, candle.low, candle.close]
        for (const [i, index] of [0, 5, 9, 14].entries())
          assert.strictEqual(format(prices[index] ?? candle.open), format(corners[i] ?? candle.open))
        const turns = prices.filter((price, i) => {
          const [before, after] = [prices[i - 1], prices[i + 1]]
          if (before === undefined || after === undefined || i === 5 || i === 9) return false
          return (
            (lessThan(before, price) && lessThan(after, price)) || (lessThan(price, before) && lessThan(price, after))
          )
        })
        assert.deepStrictEqual(turns, [])
      }),
      { numRuns: 300 }
    )
  })

  it("gives every step something to trade while the volume lasts", () => {
    fc.assert(
      fc.property(arbitraryCandle(4n), (candle) => {
        const steps = candleSteps("BTCUSDT", candle, minute, scales)
        assert.isTrue(steps.every((step) => BigDecimal.isPositive(step.quantity)))
      })
    )
  })
})

describe("the minutes of a coarse candle", () => {
  it("add up to the recorded row and hang together", () => {
    fc.assert(
      fc.property(arbitraryCandle(0n), fc.constantFrom(1, 5, 15, 60, 1_440), (candle, minutes) => {
        const cut = minuteCandles(candle, minutes * minute, scales)
        assert.strictEqual(cut.length, minutes)
        const total = cut.reduce((all, next) => ({
          ...all,
          high: max(all.high, next.high),
          low: min(all.low, next.low),
          close: next.close,
          volume: add(all.volume, next.volume),
          quoteVolume: add(all.quoteVolume, next.quoteVolume)
        }))
        assert.deepStrictEqual(shape(total), shape(candle))
        assert.isTrue(equals(total.quoteVolume, candle.quoteVolume))
        for (const [i, next] of cut.entries()) {
          const before = cut[i - 1]
          if (before !== undefined) assert.isTrue(equals(before.close, next.open))
          assert.strictEqual(next.openTime, candle.openTime + i * minute)
        }
      }),
      { numRuns: 200 }
    )
  })

  it("move: a candle with a range has no minute that stands still for an hour", () => {
    const candle: Candle = {
      openTime: 0,
      open: BigDecimal.make(10_000n, 2),
      high: BigDecimal.make(12_000n, 2),
      low: BigDecimal.make(9_000n, 2),
      close: BigDecimal.make(11_000n, 2),
      volume: BigDecimal.make(600n, 0),
      quoteVolume: BigDecimal.make(60_000n, 0),
      closed: true,
      synthetic: false
    }
    const flat = minuteCandles(candle, 60 * minute, scales).filter((one) => equals(one.high, one.low))
    assert.deepStrictEqual(flat, [])
  })
})
