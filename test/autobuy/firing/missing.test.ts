import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { missedBetween } from "../../../src/autobuy/firing/missing.ts"
import { freshRuntime } from "../../../src/autobuy/record/rows.ts"
import { RulesRepo } from "../../../src/autobuy/RulesRepo.ts"
import { Rules } from "../../../src/autobuy/Rules.ts"
import { RuleSupervisor } from "../../../src/autobuy/RuleSupervisor.ts"
import { makeRuleId } from "../../../src/domain/Ids.ts"
import { makeSchedule } from "../../../src/domain/rule/schedule.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import * as TestDatabase from "../../kit/TestDatabase.ts"
import { begin, create, edit, app } from "../kit/api.ts"
import { FakeMarket } from "../kit/FakeMarket.ts"
import { FakeOrders } from "../kit/FakeOrders.ts"
import { outcomes, storeRule } from "../kit/rules.ts"
import { passTime, settleDown } from "../kit/time.ts"
import { alice, engine } from "../kit/world.ts"

const minutely = { trigger: { type: "schedule.every", every: "PT1M", anchor: "1970-01-01T00:00:00Z" } }
const start = Effect.flatMap(RuleSupervisor, (supervisor) => Effect.zipRight(supervisor.start, settleDown))

describe("slots that had no turn", () => {
  /** The order of the first minute is still under way when the next two are due. */
  const behind = Effect.gen(function* () {
    yield* begin
    const orders = yield* FakeOrders
    const { rule } = yield* create(minutely)
    yield* orders.beforeIntent(Effect.sleep("150 seconds"))
    yield* passTime("1 minute")
    yield* passTime("1 minute")
    yield* passTime("1 minute")
    assert.deepStrictEqual(yield* outcomes(rule.id), ["1970-01-01T00:01:00.000Z running"])
    return rule
  })
  const afterwards = [
    "1970-01-01T00:01:00.000Z skipped BY_USER",
    "1970-01-01T00:02:00.000Z skipped MISSED",
    "1970-01-01T00:03:00.000Z skipped MISSED"
  ]

  it.scoped("are recorded when their rule is paused", () =>
    Effect.gen(function* () {
      const rule = yield* behind
      yield* Effect.fork((yield* Rules).pause(alice, rule.id))
      yield* passTime("5 minutes")
      assert.deepStrictEqual((yield* outcomes(rule.id)).toSorted(), afterwards)
      yield* (yield* FakeOrders).beforeIntent(Effect.void)
      yield* (yield* Rules).resume(alice, rule.id)
      yield* passTime("1 minute")
      assert.deepStrictEqual((yield* outcomes(rule.id)).toSorted(), [
        ...afterwards,
        "1970-01-01T00:09:00.000Z executed"
      ])
    }).pipe(Effect.provide(app))
  )

  it.scoped("are recorded when their rule is changed", () =>
    Effect.gen(function* () {
      const rule = yield* behind
      yield* Effect.fork(edit(rule.id, 1, { ...minutely, timezone: "Europe/Berlin" }))
      yield* passTime("30 seconds")
      assert.includeMembers(yield* outcomes(rule.id), afterwards.slice(1))
    }).pipe(Effect.provide(app))
  )

  it("share a record when there are more than a hundred", () => {
    const everySecond = makeSchedule(
      { type: "schedule.every", every: Duration.seconds(1), anchor: 0 },
      { timezone: "UTC", createdAt: 0, startAt: null, endAt: null }
    )
    const all = missedBetween(everySecond, 1_000, 200_000)
    assert.deepStrictEqual(
      [all.length, all[0], all.at(-1)],
      [100, { slot: 101_000, since: 1_000 }, { slot: 200_000, since: null }]
    )
    assert.isNull(missedBetween(everySecond, 1_000, 100_000)[0]?.since)
  })
})

describe("a firing that an earlier run left", () => {
  it.effect("comes to its outcome although its rule is paused", () =>
    Effect.scoped(
      Effect.flatMap(TestDatabase.temporaryFolder, (folder) =>
        Effect.gen(function* () {
          const id = yield* makeRuleId()
          // Dies between the claim of the slot and the intent.
          yield* Effect.gen(function* () {
            const orders = yield* FakeOrders
            yield* storeRule(id, minutely, "active", { runtime: { ...freshRuntime, nextRunAt: 60_000 } })
            yield* orders.beforeIntent(Effect.never)
            yield* (yield* FakeMarket).tick(95_000)
            yield* start
            yield* passTime("1 minute")
            assert.deepStrictEqual(yield* outcomes(id), ["1970-01-01T00:01:00.000Z running"])
          }).pipe(Effect.scoped, Effect.provide(engine(TestDatabase.layerAt(folder))))

          yield* Effect.gen(function* () {
            const at = yield* (yield* MarketClock).now
            yield* (yield* RulesRepo).setState(alice, id, ["active"], { state: "paused", reason: null, at })
            yield* start
            assert.deepStrictEqual(yield* outcomes(id), ["1970-01-01T00:01:00.000Z skipped BY_USER"])
          }).pipe(Effect.scoped, Effect.provide(engine(TestDatabase.layerAt(folder))))
        })
      )
    )
  )
})
