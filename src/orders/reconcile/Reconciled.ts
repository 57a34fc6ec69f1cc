import { Context, Deferred, Effect, Layer } from "effect"
import { NotReady } from "../../api/Errors.ts"
import type { UserId } from "../../domain/Ids.ts"

/**
 * Who may trade after a start: nobody before the intents of the run before are judged, then everybody whose orders the
 * venue was asked about. One user's trouble with the venue keeps only that user waiting.
 */
export class Reconciled extends Context.Tag("dipper/orders/Reconciled")<
  Reconciled,
  {
    /** From now on nobody may, until `judged`. */
    readonly begin: Effect.Effect<void>
    /** Everybody else may. */
    readonly judged: (waiting: Iterable<UserId>) => Effect.Effect<void>
    readonly done: (userId: UserId) => Effect.Effect<void>
    readonly waiting: Effect.Effect<ReadonlySet<UserId>>
    readonly assert: (userId: UserId) => Effect.Effect<void, NotReady>
    /** Returns when the user may trade. */
    readonly whenDone: (userId: UserId) => Effect.Effect<void>
  }
>() {
  static readonly layer = Layer.sync(Reconciled, () => make())
}

const make = () => {
  let begun: Deferred.Deferred<void> | null = null
  const users = new Map<UserId, Deferred.Deferred<void>>()

  const done = (userId: UserId) =>
    Effect.suspend(() => {
      const waiter = users.get(userId)
      users.delete(userId)
      return waiter === undefined ? Effect.void : Deferred.succeed(waiter, undefined)
    })

  const whenDone = (userId: UserId): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (begun !== null) return Effect.zipRight(Deferred.await(begun), whenDone(userId))
      const waiter = users.get(userId)
      return waiter === undefined ? Effect.void : Deferred.await(waiter)
    })

  return Reconciled.of({
    begin: Effect.map(Deferred.make<void>(), (judged) => void (begun = judged)),
    judged: (waiting) =>
      Effect.gen(function* () {
        for (const userId of waiting) if (!users.has(userId)) users.set(userId, yield* Deferred.make<void>())
        const opened = begun
        begun = null
        if (opened !== null) yield* Deferred.succeed(opened, undefined)
      }),
    done,
    waiting: Effect.sync(() => new Set(users.keys())),
    assert: (userId) =>
      Effect.suspend(() =>
        begun === null && !users.has(userId)
          ? Effect.void
          : new NotReady({
              message: "Your orders of the run before are not reconciled with the exchange yet; nothing was sent.",
              retryable: true,
              retryAfterSeconds: 5
            })
      ),
    whenDone
  })
}
