import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { formatInstant } from "../../../src/domain/Time.ts"
import { localDay, makeSchedule, nextRuns, zoneOf } from "../../../src/domain/rule/schedule.ts"
import { Trigger } from "../../../src/domain/rule/Trigger.ts"
import { at } from "./fixtures.ts"

const zones = [
  "UTC",
  "America/New_York",
  "Europe/Berlin",
  "Australia/Lord_Howe",
  "America/Sao_Paulo",
  "Asia/Kolkata",
  "Pacific/Auckland",
  "America/Santiago",
  "Africa/Cairo"
]

const schedule = (trigger: unknown, bounds: Partial<Parameters<typeof makeSchedule>[1]> = {}) => {
  const decoded = Schema.decodeUnknownSync(Trigger)(trigger)
  if (decoded.type !== "schedule.every" && decoded.type !== "schedule.calendar") throw new TypeError("not a schedule")
  return makeSchedule(decoded, {
    timezone: "UTC",
    createdAt: at("2025-12-31T00:00:00Z"),
    startAt: null,
    endAt: null,
    ...bounds
  })
}
const calendar = (on: unknown, times: ReadonlyArray<string>) => ({ type: "schedule.calendar", on, at: times })
const runs = (made: ReturnType<typeof schedule>, after: string, count: number) =>
  nextRuns(made, at(after), count).map((slot) => formatInstant(slot).slice(0, 16))

describe("a daily time comes exactly once per local day of 2026", () => {
  for (const timezone of zones)
    for (const time of ["00:00", "00:30", "02:00", "02:30", "03:00", "12:00", "23:45"])
      it(`${timezone} ${time}`, () => {
        const made = schedule(calendar({ type: "daily" }, [time]), { timezone, createdAt: at("2025-12-01T00:00:00Z") })
        const zone = zoneOf(timezone)
        const days: Array<number> = []
        for (let slot = made.next(at("2025-12-30T00:00:00Z")); slot !== null; slot = made.next(slot)) {
          const day = localDay(slot, zone)
          if (day >= Date.UTC(2027, 0, 1) / 86_400_000) break
          if (day >= Date.UTC(2026, 0, 1) / 86_400_000) days.push(day)
          assert.strictEqual(made.previous(slot), slot)
          assert.strictEqual(made.previous(slot + 1), slot)
        }
        assert.strictEqual(days.length, 365)
        assert.strictEqual(new Set(days).size, 365)
      })
})

describe("clock changes", () => {
  it("a time the spring gap skips comes an hour later that day", () => {
    const made = schedule(calendar({ type: "daily" }, ["02:30"]), { timezone: "Europe/Berlin" })
    assert.deepStrictEqual(runs(made, "2026-03-28T02:00:00Z", 2), ["2026-03-29T01:30", "2026-03-30T00:30"])
  })
  it("a time that autumn repeats comes the first time only", () => {
    const made = schedule(calendar({ type: "daily" }, ["02:30"]), { timezone: "Europe/Berlin" })
    assert.deepStrictEqual(runs(made, "2026-10-24T12:00:00Z", 2), ["2026-10-25T00:30", "2026-10-26T01:30"])
  })
  it("an interval keeps its length through both", () => {
    const made = schedule(
      { type: "schedule.every", every: "PT4H", anchor: "2026-01-01T00:00:00Z" },
      { timezone: "Europe/Berlin" }
    )
    const all = nextRuns(made, at("2026-03-28T22:00:00Z"), 12)
    for (const [i, slot] of all.entries()) if (i > 0) assert.strictEqual(slot - (all[i - 1] ?? 0), 4 * 3_600_000)
  })
})

describe("a calendar", () => {
  it("clamps a day past the month's end to the last day, once", () => {
    const made = schedule(calendar({ type: "monthly", days: [30, 31, "last"] }, ["09:00"]))
    assert.deepStrictEqual(runs(made, "2026-01-31T10:00:00Z", 3), [
      "2026-02-28T09:00",
      "2026-03-30T09:00",
      "2026-03-31T09:00"
    ])
  })
  it("runs several days and times in order", () => {
    const made = schedule(calendar({ type: "weekly", days: ["friday", "monday"] }, ["18:00", "09:00"]))
    assert.deepStrictEqual(runs(made, "2026-03-02T09:00:00Z", 3), [
      "2026-03-02T18:00",
      "2026-03-06T09:00",
      "2026-03-06T18:00"
    ])
  })
  it("counts every second week from the week of the first run", () => {
    const made = schedule(calendar({ type: "weekly", days: ["monday", "sunday"], every: 2 }, ["09:00"]), {
      createdAt: at("2026-03-04T00:00:00Z")
    })
    // Wednesday; the first run is Sunday the 8th, so the week of the 2nd counts.
    assert.deepStrictEqual(runs(made, "2026-03-04T00:00:00Z", 4), [
      "2026-03-08T09:00",
      "2026-03-16T09:00",
      "2026-03-22T09:00",
      "2026-03-30T09:00"
    ])
  })
  it("without a day or a time never runs", () => {
    assert.strictEqual(schedule(calendar({ type: "weekly", days: [] }, ["09:00"])).next(0), null)
    assert.strictEqual(schedule(calendar({ type: "daily" }, [])).next(0), null)
  })
})

describe("a schedule stays within its bounds", () => {
  const createdAt = at("2026-03-01T09:17:00Z")
  it("an interval without anchor counts from the creation, the first run one interval later", () => {
    const made = schedule({ type: "schedule.every", every: "PT10M" }, { createdAt })
    assert.deepStrictEqual(runs(made, "2026-03-01T09:17:00Z", 2), ["2026-03-01T09:27", "2026-03-01T09:37"])
    assert.strictEqual(made.previous(createdAt), null)
  })
  it("startAt is the first run of an interval and endAt is not one", () => {
    const made = schedule(
      { type: "schedule.every", every: "PT10M" },
      { createdAt, startAt: at("2026-03-01T10:00:00Z"), endAt: at("2026-03-01T10:20:00Z") }
    )
    assert.deepStrictEqual(runs(made, "2026-03-01T09:17:00Z", 5), ["2026-03-01T10:00", "2026-03-01T10:10"])
    assert.strictEqual(made.previous(at("2026-03-02T00:00:00Z")), at("2026-03-01T10:10:00Z"))
  })
})
