import { type Duration, Effect, Fiber } from "effect"

/**
 * Waits for an effect, but not longer; None when it took longer. In a fiber of its own: a stop by signal runs finalizers in
 * one that is interrupted, where any other wait would end at once.
 */
export const waitAtMost = <A, E>(effect: Effect.Effect<A, E>, patience: Duration.DurationInput) =>
  Effect.interruptible(Effect.timeoutOption(effect, patience)).pipe(Effect.forkDaemon, Effect.flatMap(Fiber.join))

/** Lets timers, sockets and whoever else waits for the event loop have their turn. */
export const nextTurn = Effect.async<void>((resume) => {
  const turn = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(turn))
})
