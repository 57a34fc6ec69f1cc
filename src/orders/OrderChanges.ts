import { Chunk, Context, Deferred, Effect, Layer, Queue, Stream } from "effect"
import type { OrderId } from "../domain/Ids.ts"
import { isTerminal } from "../domain/order/Order.ts"
import type { OrderChange } from "./record/OrderRequest.ts"

/** Tells everybody in this process that an order changed, after the change was committed. */
export class OrderChanges extends Context.Tag("dipper/orders/OrderChanges")<
  OrderChanges,
  {
    /** `settled`: finished, with every fill known. */
    readonly publish: (change: OrderChange, settled: boolean) => void
    /**
     * From now on, the last state of every order that changed. A slow reader misses states in between, never the last:
     * what it holds up is one entry per order.
     */
    readonly stream: Stream.Stream<OrderChange>
    /** Runs `use` with an effect that ends when the order settles from now on. */
    readonly whenSettled: <A, E>(
      id: OrderId,
      use: (settled: Effect.Effect<void>) => Effect.Effect<A, E>
    ) => Effect.Effect<A, E>
  }
>() {
  static readonly layer = Layer.sync(OrderChanges, () => make())
}

interface Mailbox {
  readonly latest: Map<OrderId, OrderChange>
  /** Holds at most one word that there is something. */
  readonly arrived: Queue.Queue<void>
}

const make = () => {
  const mailboxes = new Set<Mailbox>()
  const waiting = new Map<OrderId, Set<Deferred.Deferred<void>>>()

  const publish = (change: OrderChange, settled: boolean) => {
    const { id, status } = change.order
    for (const { arrived, latest } of mailboxes) {
      latest.set(id, change)
      arrived.unsafeOffer(undefined)
    }
    if (!settled || !isTerminal(status)) return
    for (const waiter of waiting.get(id) ?? []) Deferred.unsafeDone(waiter, Effect.void)
  }

  const openMailbox = Effect.acquireRelease(
    Effect.map(Queue.sliding<void>(1), (arrived) => {
      const mailbox: Mailbox = { arrived, latest: new Map() }
      mailboxes.add(mailbox)
      return mailbox
    }),
    (mailbox) =>
      Effect.zipRight(
        Effect.sync(() => mailboxes.delete(mailbox)),
        Queue.shutdown(mailbox.arrived)
      )
  )

  const stream = Stream.unwrapScoped(
    Effect.map(openMailbox, ({ arrived, latest }) =>
      Stream.repeatEffectChunk(
        Effect.map(Queue.take(arrived), () => {
          const taken = Chunk.fromIterable(latest.values())
          latest.clear()
          return taken
        })
      )
    )
  )

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

  return OrderChanges.of({ publish, stream, whenSettled })
}
