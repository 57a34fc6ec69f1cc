import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer } from "effect"
import { MarketClock } from "../../../src/MarketClock.ts"
import { Halts } from "../../../src/orders/limits/Halts.ts"
import { Orders } from "../../../src/orders/Orders.ts"
import { Events } from "../../../src/store/Events.ts"
import * as TestDatabase from "../../kit/TestDatabase.ts"
import * as FakeVenue from "../kit/FakeVenue.ts"
import { inputs, servicesOver } from "../kit/layers.ts"
import { addUsers, ann, bob, btc, d } from "../kit/orders.ts"

const on = { halted: true, scope: "entries", cancelOpen: true, reason: null } as const
const off = { ...on, halted: false }

const layer = Halts.layer.pipe(
  Layer.provideMerge(Events.layer),
  Layer.provide(MarketClock.layer),
  Layer.provideMerge(TestDatabase.layer)
)

const isHalted = (userId: typeof ann, side: "buy" | "sell") =>
  Effect.flatMap(Halts, (halts) =>
    Effect.match(halts.assertAllowed({ userId, side }), { onSuccess: () => false, onFailure: () => true })
  )

describe("a halt", () => {
  it.effect("of entries stops buys and lets sells go; of everything stops both, and only the user's", () =>
    Effect.gen(function* () {
      yield* addUsers
      const halts = yield* Halts
      yield* halts.set(ann, "user", on)
      assert.deepStrictEqual([yield* isHalted(ann, "buy"), yield* isHalted(ann, "sell")], [true, false])
      yield* halts.set(ann, "user", { ...on, scope: "all" })
      assert.deepStrictEqual([yield* isHalted(ann, "sell"), yield* isHalted(bob, "buy")], [true, false])
      yield* halts.set(ann, "user", off)
      assert.isFalse(yield* isHalted(ann, "buy"))
    }).pipe(Effect.provide(layer))
  )

  it.effect("of the operator outlives the user's release, and its release ends the user's own", () =>
    Effect.gen(function* () {
      yield* addUsers
      const halts = yield* Halts
      yield* halts.set("everybody", "operator", { ...on, reason: "incident" })
      yield* halts.set(ann, "user", on)
      yield* halts.set(ann, "user", off)
      const shown = yield* halts.state(ann)
      assert.deepStrictEqual([shown.halted, shown.by, shown.reason], [true, "operator", "incident"])
      yield* halts.set("everybody", "operator", off)
      yield* halts.set(ann, "user", on)
      yield* halts.set(ann, "operator", off)
      assert.isFalse((yield* halts.state(ann)).halted)
      const { events } = yield* Effect.flatMap(Events, (log) => log.since(bob, 0, 10))
      assert.deepStrictEqual(
        events.map(({ type }) => type),
        ["halt.changed", "halt.changed"]
      )
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive(
    "in 200 trials under load: the exchange gets nothing that had not left when the halt was in force, within 100 ms",
    () =>
      Effect.gen(function* () {
        yield* addUsers
        const halts = yield* Halts
        const orders = yield* Orders
        const sql = yield* SqlClient.SqlClient
        const venue = yield* FakeVenue.FakeVenue
        const delays: Array<number> = []
        let stopped = 0
        for (let trial = 0; trial < 200; trial++) {
          venue.mood = { type: "rest" }
          const load = yield* Effect.forEach(
            Array.from({ length: 8 }, (_, i) => i),
            (i) =>
              Effect.fork(
                Effect.either(
                  orders.place(
                    ann,
                    { symbol: btc, side: "buy", type: "limit", quantity: d("1"), price: d("10"), waitMs: 0 },
                    { idempotencyKey: `halt-trial-${trial}-${i}-0000`, bodyHash: "same" }
                  )
                )
              )
          )
          // Another moment of the orders' way in each trial.
          yield* Effect.sleep(`${trial % 20} millis`)
          const asked = yield* Clock.currentTimeMillis
          yield* halts.set(ann, "user", { ...on, cancelOpen: false })
          delays.push((yield* Clock.currentTimeMillis) - asked)
          const onTheWire = new Set(
            (yield* sql`SELECT client_order_id AS id FROM orders WHERE sent_at IS NOT NULL`).map(({ id }) => String(id))
          )
          yield* Fiber.joinAll(load)
          for (const post of venue.posts)
            assert.isTrue(onTheWire.has(post.clientOrderId), `trial ${trial}: sent after the halt`)
          stopped += 8 * (trial + 1) - venue.posts.length > 0 ? 1 : 0
          yield* halts.set(ann, "user", off)
        }
        assert.isAbove(stopped, 0)
        assert.isAbove(venue.posts.length, 0)
        delays.sort((a, b) => a - b)
        assert.isAtMost(delays[Math.floor(delays.length * 0.95)] ?? 0, 100)
      }).pipe(
        Effect.provide(
          servicesOver(inputs).pipe(Layer.provideMerge(FakeVenue.layer), Layer.provideMerge(TestDatabase.layer))
        )
      ),
    180_000
  )
})
