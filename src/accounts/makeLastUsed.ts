import { Effect, Schedule } from "effect"
import type { Instant } from "../domain/Time.ts"

/** When something was used last is worth one write a minute, not one per request. */
const flushing = Schedule.spaced("1 minute")

/** `touch` only remembers, so that the synchronous path may call it; what it remembers is written each minute and at the end. */
export const makeLastUsed = <Id extends string, E, R>(
  write: (uses: ReadonlyMap<Id, Instant>) => Effect.Effect<void, E, R>
) =>
  Effect.gen(function* () {
    let uses = new Map<Id, Instant>()
    const flush = Effect.suspend(() => {
      if (uses.size === 0) return Effect.void
      const taken = uses
      uses = new Map()
      return write(taken)
    }).pipe(Effect.catchAll(() => Effect.logWarning("The times of last use could not be stored")))
    yield* Effect.addFinalizer(() => flush)
    yield* Effect.forkScoped(Effect.repeat(flush, flushing).pipe(Effect.delay("1 minute")))
    return { touch: (id: Id, now: Instant) => void uses.set(id, now) }
  })
