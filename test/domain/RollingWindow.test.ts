import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Decimal from "../../src/domain/Decimal.ts"
import {
  coverage,
  granularityOf,
  minuteMs,
  type PricePoint,
  rollingHigh,
  rollingOpen
} from "../../src/domain/RollingWindow.ts"

const dec = (value: number) => Decimal.unsafe(String(value))
const shown = (value: Decimal.Decimal | null | undefined) => (value == null ? null : Decimal.format(value))

/** Ticks in order of time, few prices so that equal ones are common, and a question some time after each. */
const market = FastCheck.array(
  FastCheck.record({
    wait: FastCheck.nat(400),
    price: FastCheck.integer({ min: 1, max: 12 }),
    askAfter: FastCheck.oneof(FastCheck.constant(0), FastCheck.nat(2_000))
  }),
  { maxLength: 120 }
).map((steps) => {
  let now = 1_000_000
  return steps.map(({ wait, price, askAfter }) => {
    const point = { at: now + wait, price: dec(price) }
    now = point.at + askAfter
    return { point, askAt: now }
  })
})

const highest = (points: ReadonlyArray<PricePoint>): Decimal.Decimal | null =>
  points.reduce<Decimal.Decimal | null>((high, { price }) => (high === null ? price : Decimal.max(high, price)), null)

const length = FastCheck.integer({ min: 1, max: 3_000 })

describe("the high of a sliding window", () => {
  it.prop("is the highest of all points not older than the window", [market, length], ([steps, lengthMs]) => {
    const window = rollingHigh(lengthMs, 0)
    const seen: Array<PricePoint> = []
    for (const { point, askAt } of steps) {
      window.observe(point)
      seen.push(point)
      const expected = highest(seen.filter(({ at }) => at >= askAt - lengthMs)) ?? seen.at(-1)?.price ?? null
      assert.strictEqual(shown(window.read(askAt)), shown(expected))
    }
  })

  it.prop(
    "in steps loses a high at most one step early or late",
    [market, length, FastCheck.integer({ min: 1, max: 500 })],
    ([steps, lengthMs, stepMs]) => {
      const window = rollingHigh(lengthMs, stepMs)
      const seen: Array<PricePoint> = []
      for (const { point, askAt } of steps) {
        window.observe(point)
        seen.push(point)
        const value = window.read(askAt)
        const lately = highest(seen.filter(({ at }) => at >= askAt - lengthMs - stepMs))
        const surely = highest(seen.filter(({ at }) => at >= askAt - lengthMs + stepMs))
        assert.isNotNull(value)
        if (value === null) return
        assert.isTrue(lately === null || Decimal.lessOrEqual(value, lately))
        assert.isTrue(surely === null || Decimal.greaterOrEqual(value, surely))
      }
    }
  )

  it("in steps stands at the last price of a market that went quiet", () => {
    const window = rollingHigh(1, 384)
    window.observe({ at: 1_000_000, price: dec(2) })
    window.observe({ at: 1_000_164, price: dec(1) })
    assert.strictEqual(shown(window.read(1_000_386)), "1")
  })

  it.prop("can be taken apart and put together again", [market, length], ([steps, lengthMs]) => {
    const window = rollingHigh(lengthMs, 0)
    for (const { point } of steps) window.observe(point)
    const again = rollingHigh(lengthMs, 0)
    for (const point of window.points()) again.observe(point)
    const now = steps.at(-1)?.askAt ?? 0
    for (const later of [0, 100, 1_000])
      assert.strictEqual(shown(again.read(now + later)), shown(window.read(now + later)))
  })

  it("keeps a falling day of ten ticks a second as small as its minutes", () => {
    const dayMs = 86_400_000
    const window = rollingHigh(dayMs)
    for (let tick = 0; tick < 864_000; tick++) window.observe({ at: tick * 100, price: dec(1_000_000 - tick) })
    assert.isAtMost(window.points().length, 1_441)
    assert.strictEqual(granularityOf(dayMs), minuteMs)
  })
})

describe("the open of a sliding window", () => {
  it.prop("is the last price known when the window began", [market, length], ([steps, lengthMs]) => {
    const window = rollingOpen(lengthMs, 0)
    const seen: Array<PricePoint> = []
    for (const { point, askAt } of steps) {
      window.observe(point)
      seen.push(point)
      const expected = seen.filter(({ at }) => at <= askAt - lengthMs).at(-1)?.price
      assert.strictEqual(shown(window.read(askAt)), shown(expected))
    }
  })

  it.prop("in steps is a price at most one step older", [market, length], ([steps, lengthMs]) => {
    const stepMs = 200
    const window = rollingOpen(lengthMs, stepMs)
    const seen: Array<PricePoint> = []
    for (const { point, askAt } of steps) {
      window.observe(point)
      seen.push(point)
      const start = askAt - lengthMs
      const value = window.read(askAt)
      const known = seen.filter(({ at }) => at <= start)
      const near = known.filter(({ at }) => at >= start - stepMs)
      const candidates = [...near, known.filter(({ at }) => at < start - stepMs).at(-1)]
      if (value === null) assert.isEmpty(known)
      else
        assert.include(
          candidates.map((point) => shown(point?.price)),
          shown(value)
        )
    }
  })
})

describe("coverage", () => {
  const day = 86_400_000
  const now = Date.UTC(2026, 2, 1, 10, 0, 30)
  it("counts the whole minutes that are known", () => {
    assert.deepStrictEqual(coverage(day, null, now), { need: 1_440, have: 0 })
    assert.deepStrictEqual(coverage(day, now - 30_000 - 10 * minuteMs, now), { need: 1_440, have: 11 })
  })
  it("is complete from the first whole minute inside the window on", () => {
    assert.deepStrictEqual(coverage(day, now - day + 30_000, now), { need: 1_440, have: 1_440 })
    assert.deepStrictEqual(coverage(day, now - day + 30_000 + minuteMs, now), { need: 1_440, have: 1_439 })
  })
})

const recording = join(process.env["DIPPER_REFERENCE"] ?? "../shared", "market-data/BTCUSDT-1m.csv")

describe.skipIf(!existsSync(recording))("on the recorded crash of 2024-12-05", () => {
  it("is 8 % below the 24 h high for the first time at 22:28, at 95,761.0", () => {
    const window = rollingHigh(86_400_000)
    const rows = readFileSync(recording, "utf8").trim().split("\n").slice(1)
    const crash = rows
      .map((row) => row.split(","))
      .flatMap(([openTime = "", , high = "", low = ""], index) => {
        const at = Number(openTime)
        const top = index < 1_440 ? null : window.read(at)
        window.observe({ at, price: Decimal.unsafe(high) })
        if (top === null) return []
        const threshold = Decimal.percentOf(top, Decimal.unsafe("92"))
        return Decimal.lessOrEqual(Decimal.unsafe(low), threshold) ? [{ at, threshold }] : []
      })[0]
    assert.strictEqual(new Date(crash?.at ?? 0).toISOString(), "2024-12-05T22:28:00.000Z")
    assert.strictEqual(shown(Decimal.round(crash?.threshold ?? Decimal.zero, 1, "half-even")), "95761")
  })
})
