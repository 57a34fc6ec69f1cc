import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { Rules } from "../../../src/autobuy/Rules.ts"
import { freshRuntime } from "../../../src/autobuy/record/rows.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { makeRuleId, type RuleId } from "../../../src/domain/Ids.ts"
import { app, begin, create, edit } from "../kit/api.ts"
import { FakeMarket } from "../kit/FakeMarket.ts"
import { FakeOrders } from "../kit/FakeOrders.ts"
import { outcomes, storeRule } from "../kit/rules.ts"
import { passTime, settleDown } from "../kit/time.ts"
import { alice } from "../kit/world.ts"
import { inOneLife, start } from "../lives.ts"

const every = (hours: string) => ({ type: "schedule.every", every: hours, anchor: "1970-01-01T00:00:00Z" })
const of = (amount: string) => ({ size: { type: "quote", amount }, limits: { total: "1000" } })

/** Whole amounts, because prices and quantities are rounded to the venue's steps. */
const spent = Effect.flatMap(FakeOrders, (orders) =>
  Effect.map(orders.placed, (placed) =>
    placed.map(({ executedQuote }) => Number(Decimal.format(Decimal.round(executedQuote, -1, "half-even"))))
  )
)

const run = (id: RuleId, key: string) =>
  Effect.flatMap(Rules, (rules) => rules.run(alice, id, { idempotencyKey: `${key}-00000000000000` }))

/** A rule whose lane is held by a firing by hand, from before the second slot on until the gate opens. */
const held = Effect.gen(function* () {
  const orders = yield* FakeOrders
  const gate = yield* Deferred.make<void>()
  yield* begin
  const { id } = (yield* create({ trigger: every("PT1H"), ...of("100") })).rule
  yield* passTime("1 hour")
  yield* orders.beforeIntent(Deferred.await(gate))
  yield* Effect.fork(run(id, "first"))
  yield* settleDown
  yield* orders.beforeIntent(Effect.void)
  return { id, open: Effect.zipRight(Deferred.succeed(gate, undefined), settleDown) }
})

describe("what waits for its turn while its rule is changed", () => {
  it.scoped("a slot buys as the new version says", () =>
    Effect.gen(function* () {
      const { id, open } = yield* held
      yield* passTime("1 hour")
      yield* edit(id, 1, { trigger: every("PT1H"), ...of("10") })
      yield* open
      assert.deepStrictEqual(yield* spent, [100, 100, 10])
      yield* passTime("1 hour")
      assert.deepStrictEqual(yield* spent, [100, 100, 10, 10])
    }).pipe(Effect.provide(app))
  )

  it.scoped("a slot of another schedule buys nothing, and leaves nothing to the new one", () =>
    Effect.gen(function* () {
      const { id, open } = yield* held
      yield* passTime("1 hour")
      yield* edit(id, 1, { trigger: every("PT5H"), ...of("10") })
      yield* open
      yield* passTime("1 hour")
      assert.deepStrictEqual(yield* spent, [100, 100])
      yield* passTime("2 hours")
      assert.deepStrictEqual(yield* spent, [100, 100, 10])
    }).pipe(Effect.provide(app))
  )

  it.scoped("a run buys as the rule is then", () =>
    Effect.gen(function* () {
      const { id, open } = yield* held
      yield* Effect.fork(run(id, "second"))
      yield* settleDown
      yield* edit(id, 1, { trigger: every("PT1H"), ...of("10") })
      yield* open
      assert.deepStrictEqual(yield* spent, [100, 100, 10])
    }).pipe(Effect.provide(app))
  )
})

it.effect("a stored slot that is none of the schedule is not bought", () =>
  inOneLife(
    Effect.gen(function* () {
      const id = yield* makeRuleId()
      yield* (yield* FakeMarket).tick(95_000)
      yield* storeRule(id, { trigger: every("PT1H") }, "active", {
        runtime: { ...freshRuntime, nextRunAt: 90 * 60_000 }
      })
      yield* start
      yield* passTime("1 hour")
      yield* passTime("30 minutes")
      assert.deepStrictEqual(yield* outcomes(id), ["1970-01-01T01:00:00.000Z executed"])
    })
  )
)
