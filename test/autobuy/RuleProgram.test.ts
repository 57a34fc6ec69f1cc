import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { ExecutionId, makeRuleId, type RuleId } from "../../src/domain/Ids.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import * as Decimal from "../../src/domain/Decimal.ts"
import { ExecutionsRepo } from "../../src/autobuy/ExecutionsRepo.ts"
import { newExecution } from "../../src/autobuy/firing/records.ts"
import { freshRuntime } from "../../src/autobuy/record/rows.ts"
import { RulesRepo } from "../../src/autobuy/RulesRepo.ts"
import { RuleSupervisor } from "../../src/autobuy/RuleSupervisor.ts"
import * as TestDatabase from "../kit/TestDatabase.ts"
import { d, document } from "../domain/rule/fixtures.ts"
import { FakeMarket } from "./kit/FakeMarket.ts"
import { FakeOrders } from "./kit/FakeOrders.ts"
import { outcomes, stateOf, storeRule } from "./kit/rules.ts"
import { passTime, settleDown } from "./kit/time.ts"
import { alice, engine } from "./kit/world.ts"

const dip = { trigger: { type: "price.level", side: "below", price: "90000" } }
const drop = { trigger: { type: "price.drop", percent: "10", from: { type: "highOf", window: "PT1H" } } }
const hourly = { trigger: { type: "schedule.every", every: "PT1H", anchor: "1970-01-01T00:00:00Z" } }

/** Starts the engine as a program start does. */
const start = Effect.flatMap(RuleSupervisor, (supervisor) => Effect.zipRight(supervisor.start, settleDown))
const placed = Effect.flatMap(FakeOrders, (orders) => orders.placed)

const noClock = MarketClock.layer
const otherExecution = (id: ExecutionId) =>
  Schema.decodeSync(ExecutionId)(`${id.slice(0, -1)}${id.endsWith("0") ? "1" : "0"}`)

const run = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.scoped(effect)

describe("a rule that waits for a price", () => {
  it.effect("buys when the price is there, once, and again after it recovered", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const id = yield* makeRuleId()
      yield* storeRule(id, dip)
      yield* market.tick(95_000)
      yield* start
      yield* market.tick(90_001)
      assert.deepStrictEqual(yield* outcomes(id), [])
      yield* market.tick(90_000)
      yield* market.tick(89_000)
      assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
      yield* market.tick(91_000)
      yield* market.tick(89_500)
      assert.deepStrictEqual(yield* outcomes(id), ["n1 executed", "n2 executed"])
      const [order] = yield* placed
      assert.strictEqual(order?.type, "immediateOrCancel")
      assert.strictEqual(order?.book, `rule:${id}`)
    }).pipe(run, Effect.provide(engine()))
  )

  it.effect("is woken by the price that was there before it waited", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const id = yield* makeRuleId()
      yield* storeRule(id, dip)
      yield* market.tick(80_000)
      yield* start
      assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
    }).pipe(run, Effect.provide(engine()))
  )

  it.effect("loses no tick while it is busy with a firing", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const orders = yield* FakeOrders
      const id = yield* makeRuleId()
      yield* storeRule(id, dip)
      yield* market.tick(95_000)
      yield* start
      // While the first order is under way the price recovers and falls again.
      yield* orders.beforeIntent(
        Effect.zipRight(orders.beforeIntent(Effect.void), Effect.zipRight(market.tick(95_000), Effect.void))
      )
      yield* market.tick(89_000)
      yield* settleDown
      assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
      yield* market.tick(89_000)
      assert.deepStrictEqual(yield* outcomes(id), ["n1 executed", "n2 executed"])
    }).pipe(run, Effect.provide(engine()))
  )

  it.effect("waits until its window is covered, then buys below the high as it moves", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const id = yield* makeRuleId()
      yield* storeRule(id, drop)
      yield* market.tick(100_000)
      yield* start
      yield* market.tick(50_000)
      assert.deepStrictEqual(yield* outcomes(id), [])
      yield* market.tick(100_000)
      yield* market.setHigh("100000")
      yield* passTime("1 minute")
      yield* market.setHigh("110000")
      yield* market.tick(110_000)
      yield* market.tick(99_001)
      assert.deepStrictEqual(yield* outcomes(id), [])
      yield* market.tick(99_000)
      assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
    }).pipe(run, Effect.provide(engine()))
  )

  it.effect("a stale market, a wide spread or an empty purse is a recorded reason, not an order", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const id = yield* makeRuleId()
      yield* storeRule(id, dip)
      yield* market.tick(95_000)
      yield* start
      yield* market.setAge(10_001)
      yield* market.tick(89_000)
      assert.deepStrictEqual(yield* outcomes(id), ["n1 skipped GATE_STALE"])
      const [decision] = yield* (yield* ExecutionsRepo).decisions(alice, id, { limit: 1, before: null })
      assert.strictEqual(decision?.record.gates[0]?.pass, false)
      assert.strictEqual(decision?.record.operands[0]?.threshold, "90000")
      assert.deepStrictEqual(yield* placed, [])
    }).pipe(run, Effect.provide(engine()))
  )

  it.effect("reads a price that has grown old once more before it believes it", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const id = yield* makeRuleId()
      yield* storeRule(id, dip)
      yield* market.tick(80_000)
      yield* market.setAge(60_000)
      yield* market.setReading("95000")
      yield* start
      assert.deepStrictEqual(yield* outcomes(id), [])
      yield* market.tick(90_000)
      assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
    }).pipe(run, Effect.provide(engine()))
  )

  it.effect("completes when its total is spent, and stops its fiber", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const supervisor = yield* RuleSupervisor
      const id = yield* makeRuleId()
      yield* storeRule(id, { ...dip, limits: { total: "100" } })
      yield* market.tick(95_000)
      yield* start
      for (const price of [89_000, 95_000, 89_000, 95_000, 89_000]) yield* market.tick(price)
      assert.deepStrictEqual(yield* outcomes(id), ["n1 executed", "n2 executed"])
      const rule = yield* stateOf(id)
      assert.deepStrictEqual([rule.state, rule.pause_reason?.code], ["completed", "COMPLETED_TOTAL"])
      assert.strictEqual((yield* supervisor.status).fibers, 0)
      assert.isTrue(Decimal.lessOrEqual(rule.spent_total, d("100")))
    }).pipe(run, Effect.provide(engine()))
  )

  it.effect("pauses after as many failures in a row as it allows", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const orders = yield* FakeOrders
      const id = yield* makeRuleId()
      yield* storeRule(id, { ...dip, onFailure: { maxConsecutive: 2, then: "pause" } })
      yield* orders.decideFate("noFill")
      yield* market.tick(95_000)
      yield* start
      for (const price of [89_000, 95_000, 89_000, 95_000, 89_000]) yield* market.tick(price)
      assert.deepStrictEqual(yield* outcomes(id), ["n1 failed NO_FILL", "n2 failed NO_FILL"])
      assert.strictEqual((yield* stateOf(id)).pause_reason?.code, "TOO_MANY_FAILURES")
    }).pipe(run, Effect.provide(engine()))
  )

  it.effect("in shadow mode records what it would do and places nothing", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const id = yield* makeRuleId()
      yield* storeRule(id, { ...dip, mode: "shadow" })
      yield* market.tick(89_000)
      yield* start
      assert.deepStrictEqual(yield* outcomes(id), ["n1 shadow SHADOW"])
      assert.deepStrictEqual(yield* placed, [])
    }).pipe(run, Effect.provide(engine()))
  )
})

describe("an order whose outcome is unknown", () => {
  it.effect("holds its reservation and blocks the rule until it is proven", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const orders = yield* FakeOrders
      const id = yield* makeRuleId()
      yield* storeRule(id, dip)
      yield* orders.decideFate("unknown")
      yield* market.tick(95_000)
      yield* start
      yield* market.tick(89_000)
      yield* orders.decideFate("fill")
      yield* market.tick(95_000)
      yield* market.tick(89_000)
      assert.deepStrictEqual(yield* outcomes(id), ["n1 unknown UNKNOWN_PENDING", "n2 skipped UNKNOWN_PENDING"])
      const used = yield* (yield* ExecutionsRepo).usage({ userId: alice, ruleId: id, timezone: "UTC" }, 0, null)
      assert.isTrue(Decimal.greaterThan(used.total, d("49")))
      const [order] = yield* placed
      if (order !== undefined) yield* orders.resolve(order.id, "rejected")
      assert.strictEqual((yield* outcomes(id))[0], "n1 failed NOT_PLACED")
      yield* market.tick(95_000)
      yield* market.tick(89_000)
      assert.strictEqual((yield* outcomes(id))[2], "n3 executed")
    }).pipe(run, Effect.provide(engine()))
  )
})

describe("a rule on a schedule", () => {
  it.effect("fires every slot once, on time", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const id = yield* makeRuleId()
      yield* market.tick(95_000)
      yield* passTime("1 hour")
      yield* storeRule(id, hourly)
      yield* start
      yield* passTime("59 minutes")
      assert.deepStrictEqual(yield* outcomes(id), [])
      yield* passTime("1 minute")
      yield* passTime("1 hour")
      assert.deepStrictEqual(yield* outcomes(id), [
        "1970-01-01T02:00:00.000Z executed",
        "1970-01-01T03:00:00.000Z executed"
      ])
    }).pipe(run, Effect.provide(engine()))
  )

  const downFor = (downtime: string, onMissedRun: unknown) =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const id = yield* makeRuleId()
      yield* market.tick(95_000)
      // Its next slot was an hour after 1970; the service was away until now.
      yield* storeRule(id, { ...hourly, onMissedRun }, "active", {
        created_at: 0,
        runtime: { ...freshRuntime, nextRunAt: 3_600_000 }
      })
      yield* passTime(downtime === "two hours" ? "122 minutes" : "3 hours")
      yield* start
      return yield* outcomes(id)
    }).pipe(run, Effect.provide(engine()))

  it.effect("makes up for the last slot of a downtime only, and records the others as missed", () =>
    Effect.map(downFor("two hours", { type: "runOnce", maxLate: "PT5M" }), (found) =>
      assert.deepStrictEqual(found, ["1970-01-01T01:00:00.000Z skipped MISSED", "1970-01-01T02:00:00.000Z executed"])
    )
  )
  it.effect("does not lose its first slot to a downtime", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const id = yield* makeRuleId()
      yield* market.tick(95_000)
      yield* passTime("30 minutes")
      yield* storeRule(id, { ...hourly, onMissedRun: { type: "runOnce", maxLate: "PT1H" } })
      // The service was away from then on, and with it the slot of one o'clock.
      yield* passTime("40 minutes")
      yield* start
      assert.deepStrictEqual(yield* outcomes(id), ["1970-01-01T01:00:00.000Z executed"])
    }).pipe(run, Effect.provide(engine()))
  )
  it.effect("records all of them when the last is too late, or when told to skip", () =>
    Effect.map(downFor("two hours", { type: "runOnce", maxLate: "PT1M" }), (found) =>
      assert.deepStrictEqual(found, [
        "1970-01-01T01:00:00.000Z skipped MISSED",
        "1970-01-01T02:00:00.000Z skipped MISSED"
      ])
    )
  )
})

describe("a restart", () => {
  const onSameDisk = <A, E, R>(life: (folder: string) => Effect.Effect<A, E, R>) =>
    Effect.scoped(Effect.flatMap(TestDatabase.temporaryFolder, life))

  const aLife = <E>(folder: string, id: RuleId, before: Effect.Effect<unknown, E, RulesRepo>) =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      yield* Effect.orDie(before)
      yield* market.tick(89_000)
      yield* start
      yield* passTime("10 minutes")
      return { outcomes: yield* outcomes(id), placed: (yield* placed).length }
    }).pipe(run, Effect.provide(engine(TestDatabase.layerAt(folder))))

  it.effect("goes on where it was: what fired does not fire again", () =>
    onSameDisk((folder) =>
      Effect.gen(function* () {
        const id = yield* makeRuleId()
        const first = yield* aLife(folder, id, storeRule(id, dip).pipe(Effect.provide(noClock)))
        assert.deepStrictEqual(first, { outcomes: ["n1 executed"], placed: 1 })
        const second = yield* aLife(folder, id, Effect.void)
        assert.deepStrictEqual(second, { outcomes: ["n1 executed"], placed: 0 })
      })
    )
  )

  it.effect("a slot that was made up for is not made up for again", () =>
    onSameDisk((folder) =>
      Effect.gen(function* () {
        const id = yield* makeRuleId()
        const missed = { created_at: 0, runtime: { ...freshRuntime, nextRunAt: 3_600_000 } }
        yield* passTime("63 minutes")
        const first = yield* aLife(folder, id, storeRule(id, hourly, "active", missed).pipe(Effect.provide(noClock)))
        assert.deepStrictEqual(first.outcomes, ["1970-01-01T01:00:00.000Z executed"])
        const second = yield* aLife(folder, id, Effect.void)
        assert.deepStrictEqual(second, { outcomes: ["1970-01-01T01:00:00.000Z executed"], placed: 0 })
      })
    )
  )

  it.effect("a firing that was cut off before its order is finished, and only once", () =>
    onSameDisk((folder) =>
      Effect.gen(function* () {
        const id = yield* makeRuleId()
        // Dies between the claim of the slot and the intent.
        yield* Effect.gen(function* () {
          const market = yield* FakeMarket
          const orders = yield* FakeOrders
          yield* storeRule(id, dip)
          yield* orders.beforeIntent(Effect.never)
          yield* market.tick(89_000)
          yield* start
          assert.deepStrictEqual(yield* outcomes(id), ["n1 running"])
        }).pipe(run, Effect.provide(engine(TestDatabase.layerAt(folder))))
        const next = yield* aLife(folder, id, Effect.void)
        assert.deepStrictEqual(next, { outcomes: ["n1 executed"], placed: 1 })
      })
    )
  )
})

describe("a firing that broke off before its order", () => {
  it.effect("does not block the rule", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const orders = yield* FakeOrders
      const executions = yield* ExecutionsRepo
      const id = yield* makeRuleId()
      const rule = yield* storeRule(id, dip)
      yield* market.tick(95_000)
      yield* start
      // Claimed by `run`, whose database went away before it could decide.
      yield* executions.begin(yield* newExecution(rule, { slot: "run-1", triggeredAt: 0 }))
      yield* market.tick(89_000)
      assert.deepStrictEqual(yield* outcomes(id), ["run-1 skipped MISSED", "n1 executed"])
      assert.strictEqual((yield* orders.placed).length, 1)
    }).pipe(run, Effect.provide(engine()))
  )
})

describe("the day's limit", () => {
  it.effect("is that of the day of the trigger, also when the order is made after midnight", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const orders = yield* FakeOrders
      const executions = yield* ExecutionsRepo
      const id = yield* makeRuleId()
      const midnight = 86_400_000
      const rule = yield* storeRule(id, { ...dip, limits: { perDay: "60" } })
      const bought = {
        ...(yield* newExecution(rule, { slot: "n1", triggeredAt: midnight - 3_600_000 })),
        state: "done",
        outcome: "executed",
        attempted: true,
        spent_quote: d("50"),
        executed_quantity: d("1")
      } as const
      yield* executions.begin(bought)
      yield* executions.begin(yield* newExecution(rule, { slot: "n2", triggeredAt: midnight - 10_000 }))
      yield* passTime(midnight + 10_000)
      yield* market.tick(95_000)
      yield* start
      assert.deepStrictEqual(yield* outcomes(id), ["n1 executed", "n2 skipped CAP_DAY"])
      assert.deepStrictEqual(yield* orders.placed, [])
    }).pipe(run, Effect.provide(engine()))
  )
})

describe("stopping a rule", () => {
  it.effect("between the decision and the intent leaves no order and a reason", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const orders = yield* FakeOrders
      const rules = yield* RulesRepo
      const id = yield* makeRuleId()
      yield* storeRule(id, dip)
      yield* orders.beforeIntent(
        Effect.orDie(rules.setState(alice, id, ["active"], { state: "paused", reason: null, at: 0 }))
      )
      yield* market.tick(89_000)
      yield* start
      assert.deepStrictEqual(yield* outcomes(id), ["n1 skipped BY_USER"])
      assert.deepStrictEqual(yield* placed, [])
    }).pipe(run, Effect.provide(engine()))
  )

  it.effect("a limit that its owner lowered meanwhile refuses the intent", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const orders = yield* FakeOrders
      const rules = yield* RulesRepo
      const id = yield* makeRuleId()
      const rule = yield* storeRule(id, dip)
      const lower = rules.update(alice, id, 1, {
        document: document({ ...dip, limits: { total: "20" } }),
        state: "active",
        runtime: rule.runtime,
        at: 0
      })
      yield* orders.beforeIntent(Effect.orDie(lower))
      yield* market.tick(89_000)
      yield* start
      assert.deepStrictEqual(yield* outcomes(id), ["n1 skipped CAP_TOTAL"])
    }).pipe(run, Effect.provide(engine()))
  )

  it.effect("a reserve that another rule would cut into meanwhile refuses the intent", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const id = yield* makeRuleId()
      yield* storeRule(id, { ...dip, limits: { total: "1000", reserveQuote: "9900" } })
      yield* market.tick(89_000)
      yield* start
      assert.deepStrictEqual(yield* outcomes(id), ["n1 skipped CAP_RESERVE"])
      assert.deepStrictEqual(yield* placed, [])
    }).pipe(run, Effect.provide(engine()))
  )

  it.effect("a limit that another firing took meanwhile refuses the intent", () =>
    Effect.gen(function* () {
      const market = yield* FakeMarket
      const orders = yield* FakeOrders
      const executions = yield* ExecutionsRepo
      const id = yield* makeRuleId()
      yield* storeRule(id, { ...dip, limits: { perDay: "60" } })
      const take = Effect.gen(function* () {
        yield* orders.beforeIntent(Effect.void)
        const [mine] = yield* executions.running(alice, id)
        if (mine === undefined) return
        const other = { ...mine, execution_id: otherExecution(mine.execution_id), slot: "other" }
        yield* executions.begin({ ...other, attempted: true, reserved_quote: d("50") })
      })
      yield* orders.beforeIntent(Effect.orDie(take))
      yield* market.tick(89_000)
      yield* start
      assert.strictEqual(
        (yield* outcomes(id)).find((line) => line.startsWith("n1")),
        "n1 skipped CAP_DAY"
      )
      assert.isTrue(Option.isSome(yield* executions.findBySlot(alice, id, "other")))
    }).pipe(run, Effect.provide(engine()))
  )
})
