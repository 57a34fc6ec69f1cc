import { assert, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { makeRuleId } from "../../src/domain/Ids.ts"
import { Database } from "../../src/store/Database.ts"
import { FakeMarket } from "./kit/FakeMarket.ts"
import { FakeOrders } from "./kit/FakeOrders.ts"
import { storeRule } from "./kit/rules.ts"
import { passTime, settleDown } from "./kit/time.ts"
import { alice, bob } from "./kit/world.ts"
import { inOneLife, start } from "./lives.ts"

const crowd = 400
const from = (anchor: string) => ({ trigger: { type: "schedule.every", every: "PT1H", anchor } })

it.effect("hundreds of rules of one user that are due do not delay another user's single one", () =>
  inOneLife(
    Effect.gen(function* () {
      const orders = yield* FakeOrders
      const database = yield* Database
      const store = (user_id: typeof alice, anchor: string) =>
        Effect.flatMap(makeRuleId(), (id) => storeRule(id, from(anchor), "active", { user_id }))
      yield* (yield* FakeMarket).tick(95_000)
      yield* database.write(Effect.replicateEffect(store(alice, "1970-01-01T00:30:00.000Z"), crowd, { discard: true }))
      const his = `rule:${(yield* store(bob, "1970-01-01T00:30:00.001Z")).rule_id}`
      yield* start
      yield* passTime("29 minutes")
      assert.deepStrictEqual(yield* orders.placed, [])

      // Her first orders take long; the others wait for them.
      const gate = yield* Deferred.make<void>()
      let hers = 0
      yield* orders.beforeIntent(Effect.suspend(() => (hers++ < 8 ? Deferred.await(gate) : Effect.void)))
      yield* passTime("1 minute")
      assert.strictEqual(hers, 8)
      yield* passTime("1 second")
      const books = Effect.map(orders.placed, (placed) => placed.map(({ book }) => book))
      assert.deepEqual(yield* books, [his])

      yield* Deferred.succeed(gate, undefined)
      yield* Effect.repeat(Effect.zipRight(settleDown, books), { while: ({ length }) => length <= crowd })
    })
  )
)
