import { Deferred, Effect, FiberId, FiberSet } from "effect"
import { MarketClock } from "../../../MarketClock.ts"
import { Exchange } from "../../Exchange.ts"
import type { PriceStep } from "../../MarketSource.ts"

/** Prices to come: each is applied when market time reaches it. */
export const makePricePath = Effect.gen(function* () {
  const exchange = yield* Exchange
  const clock = yield* MarketClock
  const fibers = yield* FiberSet.make<void>()
  const awaited = new Set<{ readonly at: number; readonly applied: Deferred.Deferred<void> }>()

  const apply = Effect.fnUntraced(function* (steps: ReadonlyArray<PriceStep>) {
    for (const step of steps) {
      const waiting = { at: step.at, applied: Deferred.unsafeMake<void>(FiberId.none) }
      awaited.add(waiting)
      yield* clock.sleepUntil(step.at)
      yield* exchange.applySteps([step])
      awaited.delete(waiting)
      Deferred.unsafeDone(waiting.applied, Effect.void)
    }
  })

  return {
    /** Steps in order of time; those of now are applied before this returns. */
    follow: Effect.fn("PricePath.follow")(function* (steps: ReadonlyArray<PriceStep>) {
      const now = yield* clock.now
      const due = steps.filter(({ at }) => at <= now)
      if (due.length > 0) yield* exchange.applySteps(due)
      yield* FiberSet.run(fibers, apply(steps.slice(due.length)))
    }),
    /** Returns when every step up to the present market time has been applied. */
    caughtUp: Effect.gen(function* () {
      const now = yield* clock.now
      for (;;) {
        const due = [...awaited].find(({ at }) => at <= now)
        if (due === undefined) return
        yield* Deferred.await(due.applied)
      }
    })
  }
})
