import { assert, describe, it } from "@effect/vitest"
import { Chunk, Deferred, Effect, Fiber, Stream } from "effect"
import { OrderChanges } from "../../src/orders/OrderChanges.ts"
import { toOrder } from "../../src/orders/record/OrderRow.ts"
import { ann, newIntent } from "./kit/orders.ts"

describe("changes of orders", () => {
  it.effect("reach a slow reader with the last state of every order, however many there were", () =>
    Effect.gen(function* () {
      const changes = yield* OrderChanges
      const begun = yield* Deferred.make<void>()
      const slow = yield* Deferred.make<void>()
      const orders = yield* Effect.forEach(Array.from({ length: 3_000 }), (_, n) => Effect.map(newIntent(n), toOrder))
      const [first, ...rest] = orders
      if (first === undefined) return
      const reader = yield* Effect.fork(
        changes.stream.pipe(
          Stream.tap(() => Effect.zipRight(Deferred.succeed(begun, undefined), Deferred.await(slow))),
          Stream.takeUntil(({ order }) => order.id === orders.at(-1)?.id),
          Stream.runCollect
        )
      )
      const tellFirst = Effect.sync(() => changes.publish({ userId: ann, order: first }, true))
      yield* Effect.repeat(Effect.zipRight(Effect.yieldNow(), tellFirst), { until: () => Deferred.isDone(begun) })
      for (const order of rest) {
        changes.publish({ userId: ann, order }, true)
        changes.publish({ userId: ann, order: { ...order, status: "filled" } }, true)
      }
      yield* Deferred.succeed(slow, undefined)
      const seen = Chunk.toReadonlyArray(yield* Fiber.join(reader))
      const last = new Map(seen.map(({ order }) => [order.id, order.status]))
      assert.strictEqual(last.size, orders.length)
      assert.deepEqual(
        [...last.values()].filter((status) => status !== "filled"),
        ["pending"]
      )
    }).pipe(Effect.provide(OrderChanges.layer))
  )
})
