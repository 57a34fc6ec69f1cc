import { Effect } from "effect"
import type { Instant } from "../domain/Time.ts"

/**
 * When something was used last is worth one write a minute, not one per request. `touch` only remembers, so that the
 * synchronous path may call it; what it remembers is written a minute after the first use, and at the end.
 */
export const makeLastUsed = <Id extends string, E, R>(
  write: (uses: ReadonlyMap<Id, Instant>) => Effect.Effect<void, E, R>
) =>
  Effect.gen(function* () {
    const used = yield* Effect.makeLatch(false)
    let uses = new Map<Id, Instant>()
    const flush = Effect.suspend(() => {
      const taken = uses
      uses = new Map()
      used.unsafeClose()
      return taken.size === 0 ? Effect.void : write(taken)
    }).pipe(Effect.catchAll(() => Effect.logWarning("The times of last use could not be stored")))
    yield* Effect.addFinalizer(() => flush)
    yield* Effect.forkScoped(Effect.forever(Effect.zipRight(used.await, Effect.delay(flush, "1 minute"))))
    const touch = (id: Id, now: Instant) => {
      uses.set(id, now)
      used.unsafeOpen()
    }
    return { touch }
  })
