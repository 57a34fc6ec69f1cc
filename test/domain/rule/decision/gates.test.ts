import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { judgeGates } from "../../../../src/domain/rule/decision/gates.ts"
import { isInWindow } from "../../../../src/domain/rule/decision/timeWindow.ts"
import { TimeWindow } from "../../../../src/domain/rule/RuleParts.ts"
import { at, d, document, view } from "../fixtures.ts"

const now = at("2026-03-01T09:00:00Z")
const refusal = (gate: object, seen: object = {}, means: object = {}) =>
  judgeGates(document({ gates: [gate] }), { ...view, ...seen }, { now, ...means }).refusal?.code ?? null

describe("a gate", () => {
  it("on the volume of a day refuses too little, and a volume that is not told", () => {
    const gate = { type: "min24hQuoteVolume", amount: "1000000" }
    assert.isNull(refusal(gate, { quoteVolume: d("1000000") }))
    assert.strictEqual(refusal(gate, { quoteVolume: d("999999.99") }), "GATE_VOLUME")
    assert.strictEqual(refusal(gate, { quoteVolume: null }), "GATE_VOLUME")
    assert.strictEqual(refusal(gate), "GATE_VOLUME")
  })
  it("on the improvement over the last buy compares what the next would pay", () => {
    const gate = { type: "minImprovementOverLastBuy", percent: "2" }
    assert.isNull(refusal(gate, { ask: d("98000") }, { lastBuy: d("100000") }))
    assert.strictEqual(refusal(gate, { ask: d("98000.1") }, { lastBuy: d("100000") }), "GATE_IMPROVEMENT")
    assert.isNull(refusal(gate, { ask: d("98000.1") }, { lastBuy: null }))
  })
  it("on the time is judged in the rule's zone", () => {
    const rule = document({ timezone: "Europe/Berlin", gates: [{ type: "timeWindow", from: "10:00", to: "11:00" }] })
    assert.isNull(judgeGates(rule, view, { now }).refusal)
    assert.strictEqual(judgeGates(rule, view, { now: now + 3_600_000 }).refusal?.code, "GATE_TIME")
  })
})

describe("a time window", () => {
  const gate = (json: object) => Schema.decodeUnknownSync(TimeWindow)({ type: "timeWindow", ...json })
  const open = (window: object, instant: string, zone = "UTC") => isInWindow(gate(window), at(instant), zone)

  it("includes its start and excludes its end", () => {
    const office = { from: "09:00", to: "17:30" }
    assert.isTrue(open(office, "2026-03-02T09:00:00Z"))
    assert.isFalse(open(office, "2026-03-02T08:59:59.999Z"))
    assert.isTrue(open(office, "2026-03-02T17:29:59.999Z"))
    assert.isFalse(open(office, "2026-03-02T17:30:00Z"))
  })
  it("over midnight belongs to the day it began on", () => {
    const friday = { days: ["friday"], from: "22:00", to: "02:00" }
    assert.isTrue(open(friday, "2026-03-06T23:00:00Z"))
    assert.isTrue(open(friday, "2026-03-07T01:59:00Z"))
    assert.isFalse(open(friday, "2026-03-06T01:00:00Z"))
    assert.isFalse(open(friday, "2026-03-07T22:00:00Z"))
  })
  it("with equal ends is the whole day", () => {
    const saturday = { days: ["saturday"], from: "00:00", to: "00:00" }
    assert.isTrue(open(saturday, "2026-03-07T00:00:00Z"))
    assert.isTrue(open(saturday, "2026-03-07T23:59:59Z"))
    assert.isFalse(open(saturday, "2026-03-08T00:00:00Z"))
  })
  it("follows the clock over its changes", () => {
    const night = { from: "01:00", to: "04:00" }
    // From noon to noon, so that one night is counted.
    const hours = (day: string, zone: string) => {
      let minutes = 0
      for (let i = 0; i < 24 * 60; i++)
        if (isInWindow(gate(night), at(`${day}T12:00:00Z`) + i * 60_000, zone)) minutes++
      return minutes / 60
    }
    // The clock of Berlin skips an hour on 2026-03-29 and repeats one on 2026-10-25.
    assert.strictEqual(hours("2026-03-27", "Europe/Berlin"), 3)
    assert.strictEqual(hours("2026-03-28", "Europe/Berlin"), 2)
    assert.strictEqual(hours("2026-10-24", "Europe/Berlin"), 4)
    // A window inside the skipped hour comes an hour later, as a slot of a schedule does.
    assert.isTrue(open({ from: "02:00", to: "02:30" }, "2026-03-29T01:10:00Z", "Europe/Berlin"))
    assert.isFalse(open({ from: "02:00", to: "02:30" }, "2026-03-29T01:30:00Z", "Europe/Berlin"))
  })
})
