import { assert, describe, it } from "vitest"
import { slotsOf } from "./invariant/Slots.ts"

const at = (time: string) => Date.parse(`2026-03-02T${time}Z`)
const rule = (trigger: object, more: object = {}) => ({ trigger, timezone: "UTC", startAt: null, endAt: null, ...more })
const times = (found: ReadonlyArray<number> | undefined) =>
  found?.map((each) => new Date(each).toISOString().slice(11, 19))

describe("Slots of a schedule", () => {
  it("of an interval count from the rule's creation, which is none itself", () => {
    const slots = slotsOf(rule({ type: "schedule.every", every: "PT10S", anchor: null }), at("10:00:03.000"))
    assert.deepStrictEqual(times(slots?.between(at("10:00:00.000"), at("10:00:33.000"))), ["10:00:13", "10:00:23"])
    assert.isTrue(slots?.isOne(at("10:00:33.000")))
    assert.isFalse(slots?.isOne(at("10:00:03.000")))
    assert.isFalse(slots?.isOne(at("10:00:13.001")))
  })

  it("of a day are its times, also over midnight, and keep to the rule's life", () => {
    const trigger = { type: "schedule.calendar", on: { type: "daily" }, at: ["23:59", "00:01"] }
    const slots = slotsOf(rule(trigger), at("22:00:00.000"))
    assert.deepStrictEqual(times(slots?.between(at("22:00:00.000"), at("23:59:00.000") + 300_000)), [
      "23:59:00",
      "00:01:00"
    ])
    const ended = slotsOf(rule(trigger, { endAt: "2026-03-02T23:59:30.000Z" }), at("22:00:00.000"))
    assert.deepStrictEqual(times(ended?.between(at("22:00:00.000"), at("23:59:00.000") + 300_000)), ["23:59:00"])
  })

  it("are none for a trigger that waits for something else, and unknown schedules are refused", () => {
    assert.isNull(slotsOf(rule({ type: "price.level" }), 0))
    const weekly = rule({ type: "schedule.calendar", on: { type: "weekly" }, at: [] })
    assert.throws(() => slotsOf(weekly, 0), /does not know/)
  })
})
