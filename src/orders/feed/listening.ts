import { Clock, Duration, Effect, FiberSet, Queue, Stream } from "effect"
import type { OrderId, UserId } from "../../domain/Ids.ts"
import { OrderChanges } from "../OrderChanges.ts"

/** The venue pushes what happened within a second, also in its bad hours. */
const pushedWithin = Duration.seconds(5)

/**
 * Finds streams on which nothing comes any more. A listen key can end without a word while the connection goes on and
 * answers every ping; what gives it away is that it said nothing of an order which the venue has.
 */
export const makeListening = Effect.gen(function* () {
  const changes = yield* OrderChanges
  const heardAt = new Map<UserId, number>()
  const begunAt = new Map<OrderId, number>()
  const found = yield* Effect.acquireRelease(Queue.sliding<UserId>(256), Queue.shutdown)
  const judging = yield* FiberSet.make<void>()

  const judge = (userId: UserId, begun: number) =>
    Effect.suspend(() =>
      (heardAt.get(userId) ?? Number.NEGATIVE_INFINITY) < begun ? Effect.asVoid(found.offer(userId)) : Effect.void
    ).pipe(Effect.delay(pushedWithin))

  const follow = Stream.runForEach(changes.stream, ({ order, userId }) =>
    Effect.gen(function* () {
      if (order.status === "pending") return void begunAt.set(order.id, yield* Clock.currentTimeMillis)
      const begun = begunAt.get(order.id)
      if (begun === undefined || (order.exchangeOrderId === null && order.status !== "rejected")) return
      begunAt.delete(order.id)
      if (order.status !== "rejected") yield* FiberSet.run(judging, judge(userId, begun))
    })
  )
  yield* Effect.forkScoped(follow)

  return {
    /** The user's stream said something, or has just begun to listen. */
    heard: (userId: UserId) => Effect.map(Clock.currentTimeMillis, (now) => void heardAt.set(userId, now)),
    /** Users whose stream should be made anew. */
    deaf: Stream.fromQueue(found)
  }
})
