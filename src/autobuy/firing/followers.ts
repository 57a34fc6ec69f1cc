import { Cause, Effect, FiberMap, Schedule } from "effect"
import type { ExecutionId } from "../../domain/Ids.ts"
import type { Instant } from "../../domain/Time.ts"
import type { Timers } from "../Timers.ts"

/** After a fault of ours, or while the database is away, a follower looks again; it never gives an execution up. */
const again = Schedule.exponential("1 second").pipe(Schedule.union(Schedule.spaced("10 seconds")))

/** Executions that outlive their firing: one fiber each, woken by time, by their orders or by what their owner does. */
export const makeFollowers = Effect.fnUntraced(function* (timers: Timers["Type"]) {
  const fibers = yield* FiberMap.make<ExecutionId>()
  const sleepers = new Map<ExecutionId, () => void>()
  /** Woken while it was not asleep: its next sleep ends at once. */
  const woken = new Set<ExecutionId>()

  /** Sleeps until a time, or until woken; without a time only until woken. */
  const sleep = (id: ExecutionId, until: Instant | null) =>
    Effect.async<void>((resume) => {
      if (woken.delete(id)) return resume(Effect.void)
      const end = () => {
        sleepers.delete(id)
        resume(Effect.void)
      }
      const cancel = until === null ? null : timers.schedule(until, end)
      sleepers.set(id, () => {
        cancel?.()
        end()
      })
      return Effect.sync(() => {
        cancel?.()
        sleepers.delete(id)
      })
    })

  const wake = (id: ExecutionId) =>
    Effect.gen(function* () {
      const sleeper = sleepers.get(id)
      if (sleeper !== undefined) sleeper()
      else if (yield* FiberMap.has(fibers, id)) woken.add(id)
    })

  /** Follows an execution that nobody follows yet. */
  const follow = <E>(id: ExecutionId, life: Effect.Effect<void, E>) => {
    const safely = life.pipe(
      Effect.tapErrorCause((cause) =>
        Cause.isInterruptedOnly(cause)
          ? Effect.void
          : Effect.logWarning("A firing could not be followed; looking again", { execution: id }, cause)
      ),
      Effect.sandbox,
      Effect.retry({ schedule: again, while: (cause) => !Cause.isInterrupted(cause) }),
      Effect.ignore,
      Effect.ensuring(Effect.sync(() => void woken.delete(id)))
    )
    return Effect.asVoid(FiberMap.run(fibers, id, safely, { onlyIfMissing: true }))
  }

  return { follow, sleep, wake }
})
