import { Context, Deferred, Effect, Layer, PubSub, Stream } from "effect"
import type { OrderId } from "../domain/Ids.ts"
import { isTerminal } from "../domain/order/Order.ts"
import type { OrderChange } from "./record/OrderRequest.ts"

/** A slow reader loses the oldest changes; a waiter loses none. */
const keptChanges = 1_024

/** Tells everybody in this process that an order changed, after the change was committed. */
export class OrderChanges extends Context.Tag("dipper/orders/OrderChanges")<
  OrderChanges,
  {
    /** `settled`: finished, with every fill known. */
    readonly publish: (change: OrderChange, settled: boolean) => Effect.Effect<void>
    readonly stream: Stream.Stream<OrderChange>
    /** Runs `use` with an effect that ends when the order settles from now on. */
    readonly whenSettled: <A, E>(
      id: OrderId,
      use: (settled: Effect.Effect<void>) => Effect.Effect<A, E>
    ) => Effect.Effect<A, E>
  }
>() {
  static readonly layer = Layer.scoped(
    OrderChanges,
    Effect.gen(function* () {
      const hub = yield* Effect.acquireRelease(PubSub.sliding<OrderChange>(keptChanges), PubSub.shutdown)
      const waiting = new Map<OrderId, Set<Deferred.Deferred<void>>>()

      const publish = Effect.fnUntraced(function* (change: OrderChange, settled: boolean) {
        yield* PubSub.publish(hub, change)
        if (!settled || !isTerminal(change.order.status)) return
        for (const waiter of waiting.get(change.order.id) ?? []) yield* Deferred.succeed(waiter, undefined)
      })

      const join = (id: OrderId) =>
        Effect.map(Deferred.make<void>(), (waiter) => {
          const others = waiting.get(id) ?? new Set()
          waiting.set(id, others.add(waiter))
          return waiter
        })

      const leave = (id: OrderId, waiter: Deferred.Deferred<void>) =>
        Effect.sync(() => {
          const others = waiting.get(id)
          others?.delete(waiter)
          if (others?.size === 0) waiting.delete(id)
        })

      const whenSettled = <A, E>(id: OrderId, use: (settled: Effect.Effect<void>) => Effect.Effect<A, E>) =>
        Effect.acquireUseRelease(
          join(id),
          (waiter) => use(Deferred.await(waiter)),
          (waiter) => leave(id, waiter)
        )

      return OrderChanges.of({ publish, stream: Stream.fromPubSub(hub), whenSettled })
    })
  )
}
