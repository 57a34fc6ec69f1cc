import { Effect, type Scope } from "effect"
import { monitorEventLoopDelay } from "node:perf_hooks"

/** How often the event loop is looked at, ms; an idle one shows this as its delay. */
const resolution = 20

/** Tells every second how late the event loop was on average in it, in ms. */
export const followLoopDelay = (tell: (delayMs: number) => void): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const histogram = monitorEventLoopDelay({ resolution })
      histogram.enable()
      return histogram
    }),
    (histogram) => Effect.sync(() => void histogram.disable())
  ).pipe(
    Effect.flatMap((histogram) =>
      Effect.sync(() => {
        // Not once in a second: it stood still for all of it.
        tell(histogram.count === 0 ? 1_000 : histogram.mean / 1e6)
        histogram.reset()
      }).pipe(Effect.delay("1 second"), Effect.forever, Effect.forkScoped)
    ),
    Effect.asVoid
  )
