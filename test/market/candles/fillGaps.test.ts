import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import type { Candle } from "../../../src/domain/Market.ts"
import { fillGaps } from "../../../src/market/candles/fillGaps.ts"
import { nextOpen } from "../../../src/market/candles/intervals.ts"
import { flatCandle } from "../stubs.ts"

const minute = 60_000
const at = (minutes: number) => minutes * minute
const shown = ({ openTime, close, synthetic, closed }: Candle) =>
  `${openTime / minute} ${Decimal.format(close)}${synthetic ? " flat" : ""}${closed ? "" : " running"}`

describe("filling gaps", () => {
  it("continues at the last close where nothing was traded", () => {
    const rows = [flatCandle(at(1), "100"), flatCandle(at(4), "104")]
    const filled = fillGaps(rows, "1m", { from: at(1), to: at(6), now: at(100) })
    assert.deepStrictEqual(filled.map(shown), ["1 100", "2 100 flat", "3 100 flat", "4 104", "5 104 flat"])
    assert.isTrue(Decimal.isZero(filled[1]?.volume ?? Decimal.one))
  })

  it("takes the close before the range for what is missing at its start", () => {
    const rows = [flatCandle(at(1), "100"), flatCandle(at(9), "109")]
    const filled = fillGaps(rows, "1m", { from: at(7), to: at(10), now: at(100) })
    assert.deepStrictEqual(filled.map(shown), ["7 100 flat", "8 100 flat", "9 109"])
  })

  it("invents nothing before the first trade", () => {
    const filled = fillGaps([flatCandle(at(5), "1")], "1m", { from: at(1), to: at(7), now: at(100) })
    assert.deepStrictEqual(filled.map(shown), ["5 1", "6 1 flat"])
    assert.deepStrictEqual(fillGaps([], "1m", { from: 0, to: at(9), now: at(100) }), [])
  })

  it("ends with the candle that market time is in, which is still running", () => {
    const now = at(3) + 20_000
    const filled = fillGaps([flatCandle(at(1), "1")], "1m", { from: at(1), to: now + 1, now })
    assert.deepStrictEqual(filled.map(shown), ["1 1", "2 1 flat", "3 1 flat running"])
  })

  it("closes a candle when market time reaches its end, whatever the venue's clock said", () => {
    const row = flatCandle(at(1), "1", { closed: false })
    assert.isTrue(fillGaps([row], "1m", { from: at(1), to: at(2), now: at(2) })[0]?.closed)
    assert.isFalse(fillGaps([row], "1m", { from: at(1), to: at(2), now: at(2) - 1 })[0]?.closed)
  })

  it("goes from month to month by the calendar", () => {
    const february = Date.UTC(2024, 1, 1)
    assert.strictEqual(nextOpen("1M", february), Date.UTC(2024, 2, 1))
    assert.strictEqual(nextOpen("1M", Date.UTC(2025, 11, 1)), Date.UTC(2026, 0, 1))
    assert.strictEqual(nextOpen("1W", february), february + 7 * 86_400_000)
  })

  it.prop(
    "has every interval exactly once from the first candle on",
    [FastCheck.uniqueArray(FastCheck.nat(60), { minLength: 1 }), FastCheck.nat(70), FastCheck.nat(70)],
    ([opens, from, length]) => {
      const sorted = opens.toSorted((a, b) => a - b)
      const to = from + length
      const filled = fillGaps(
        sorted.map((open) => flatCandle(at(open), String(open + 1))),
        "1m",
        { from: at(from), to: at(to), now: at(1_000) }
      )
      const first = Math.max(from, sorted[0] ?? 0)
      const expected = Array.from({ length: Math.max(0, to - first) }, (_, i) => {
        const open = first + i
        return `${open} ${(sorted.findLast((known) => known <= open) ?? -1) + 1}${sorted.includes(open) ? "" : " flat"}`
      })
      assert.deepStrictEqual(filled.map(shown), expected)
    }
  )
})
