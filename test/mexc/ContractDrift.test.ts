import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Metric, TestClock } from "effect"
import { ContractDrift } from "../../src/mexc/ContractDrift.ts"

describe("the drift alarm", () => {
  it.effect("counts every time, and writes a line per kind in five minutes", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ message }) => void lines.push(JSON.stringify(message)))
    return Effect.gen(function* () {
      const drift = yield* ContractDrift
      yield* drift.note("row", "GET /allOrders: 3.executedQty", 7)
      yield* drift.note("row", "GET /myTrades: 0.price")
      yield* drift.note("orderStatus", "EXPIRED")
      assert.lengthOf(lines, 2)
      yield* TestClock.adjust("4 minutes")
      yield* drift.note("row", "again")
      assert.lengthOf(lines, 2)
      yield* TestClock.adjust("2 minutes")
      yield* drift.note("row", "once more")
      assert.lengthOf(lines, 3)
      assert.include(lines[2], '"count":10')
      const counters = yield* drift.counters
      assert.deepStrictEqual(
        counters.filter(({ count }) => count > 0),
        [
          { kind: "orderStatus", count: 1, last: "EXPIRED", lastAt: 0 },
          { kind: "row", count: 10, last: "once more", lastAt: 360_000 }
        ]
      )
      assert.lengthOf(counters, 7)
    }).pipe(Effect.provide(Layer.mergeAll(ContractDrift.layer, Logger.replace(Logger.defaultLogger, logger))))
  })

  it.effect("shows every kind in the metrics, also those that never happened", () =>
    Effect.gen(function* () {
      yield* ContractDrift
      const kinds = Metric.unsafeSnapshot()
        .filter(({ metricKey }) => metricKey.name === "dipper_venue_drift_total")
        .flatMap(({ metricKey }) => metricKey.tags.map(({ value }) => value))
      assert.includeMembers(kinds, ["orderStatus", "orderType", "word", "errorCode", "row", "body", "frame"])
    }).pipe(Effect.provide(ContractDrift.layer))
  )
})
