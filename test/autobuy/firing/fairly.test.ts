import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { RuleFiring } from "../../../src/autobuy/RuleFiring.ts"
import { makeFairly } from "../../../src/autobuy/firing/fairly.ts"
import { makeRuleId } from "../../../src/domain/Ids.ts"
import { FakeMarket } from "../kit/FakeMarket.ts"
import { FakeOrders } from "../kit/FakeOrders.ts"
import { storeRule } from "../kit/rules.ts"
import { settleDown } from "../kit/time.ts"
import { alice, bob } from "../kit/world.ts"
import { inOneLife } from "../lives.ts"

const crowd = 10_000

describe("turns of users", () => {
  it.effect("ten thousand works of one user are one turn for another", () =>
    Effect.gen(function* () {
      const fairly = yield* makeFairly<string>({ inAll: 4, ofOne: 2 })
      const served: Array<string> = []
      const work = (user: string) =>
        fairly.run(
          user,
          Effect.zipRight(
            Effect.sync(() => served.push(user)),
            Effect.yieldNow()
          )
        )
      const many = yield* Effect.fork(
        Effect.all(
          Array.from({ length: crowd }, () => work("alice")),
          { concurrency: "unbounded", discard: true }
        )
      )
      yield* Effect.yieldNow()
      yield* work("bob")
      yield* work("carol")
      const before = served.indexOf("bob")
      yield* Fiber.join(many)
      assert.isTrue(before !== -1 && before <= 4, `bob was served after ${before} of alice`)
      assert.strictEqual(served.length, crowd + 2)
    })
  )

  it.effect("one user never holds every share, and a share comes back whatever happens to its work", () =>
    Effect.gen(function* () {
      const fairly = yield* makeFairly<string>({ inAll: 3, ofOne: 2 })
      const stuck = yield* Effect.all(
        [1, 2, 3].map(() => Effect.fork(fairly.run("alice", Effect.never))),
        { concurrency: "unbounded" }
      )
      yield* settleDown
      assert.strictEqual(yield* fairly.run("bob", Effect.succeed("served")), "served")
      yield* Effect.exit(fairly.run("bob", Effect.die("broken")))
      const done = yield* Deferred.make<void>()
      const waiting = yield* Effect.fork(fairly.run("alice", Deferred.succeed(done, undefined)))
      yield* Fiber.interruptAll(stuck)
      yield* Deferred.await(done)
      yield* Fiber.join(waiting)
      assert.strictEqual(yield* fairly.run("carol", Effect.succeed("served")), "served")
    })
  )
})

describe("ten thousand rules of one user that fire in the same second", () => {
  it.effect("do not delay another user's single one", () =>
    inOneLife(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const orders = yield* FakeOrders
        const firing = yield* RuleFiring
        yield* market.tick(95_000)
        const slot = { slot: "1970-01-01T00:00:00.000Z", label: "schedule.every", operands: [], triggeredAt: 0 }
        // Only who is served before bob needs a stored rule.
        const stored = yield* Effect.forEach(Array.from({ length: 64 }), () =>
          Effect.flatMap(makeRuleId(), (id) => storeRule(id))
        )
        const his = yield* Effect.flatMap(makeRuleId(), (id) => storeRule(id, {}, "active", { user_id: bob }))
        const [one] = stored
        if (one === undefined) return assert.fail("no rule")
        const others = yield* Effect.forEach(Array.from({ length: crowd - stored.length }), () =>
          Effect.map(makeRuleId(), (rule_id) => ({ ...one, rule_id }))
        )
        const many = yield* Effect.fork(
          Effect.forEach([...stored, ...others], (rule) => firing.fire(rule, { ...slot, runtime: null }), {
            concurrency: "unbounded",
            discard: true
          })
        )
        // All of them have begun to wait for their turn.
        yield* Effect.yieldNow()
        const { execution } = yield* firing.fire(his, { ...slot, runtime: null })
        assert.strictEqual(execution.outcome, "executed")
        const before = (yield* orders.placed).filter(({ book }) => book !== `rule:${his.rule_id}`).length
        assert.isTrue(before <= 32, `${before} orders of another user came first`)
        yield* Fiber.interrupt(many)
        assert.strictEqual(alice, one.user_id)
      })
    )
  )
})
