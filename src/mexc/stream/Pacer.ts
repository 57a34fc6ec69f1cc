import { Clock, Effect } from "effect"

/** Waits until one more is due. */
export type Pace = Effect.Effect<void>

/** At most `burst` at once, and one more each `spacingMs`; waiting is first come, first served. */
export const makePace = (burst: number, spacingMs: number): Pace => {
  let nextAt = Number.NEGATIVE_INFINITY
  return Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const dueAt = Math.max(nextAt, now - (burst - 1) * spacingMs)
    nextAt = dueAt + spacingMs
    return dueAt > now ? Effect.sleep(dueAt - now) : Effect.void
  })
}
