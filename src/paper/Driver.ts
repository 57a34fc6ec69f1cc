import { Chunk, Context, Deferred, Effect, FiberId, Layer, Stream } from "effect"
import type { Instant } from "../domain/Time.ts"
import { MarketClock } from "../MarketClock.ts"
import { Exchange } from "./Exchange.ts"
import { MarketSource, type PriceStep } from "./MarketSource.ts"

/** Lets prices happen: pulls the market's steps as market time passes and hands them to the exchange. */
export class Driver extends Context.Tag("dipper/paper/Driver")<
  Driver,
  {
    /** Returns when every step up to the present market time has been applied. */
    readonly caughtUp: Effect.Effect<void>
  }
>() {
  static readonly layer = Layer.scoped(
    Driver,
    Effect.gen(function* () {
      const source = yield* MarketSource
      const exchange = yield* Exchange
      const clock = yield* MarketClock
      const progress = new Progress()

      /** Whatever is due goes as one command, so that a market that fell behind catches up cheaply. */
      const drain = Effect.fnUntraced(function* (steps: ReadonlyArray<PriceStep>) {
        let rest = steps
        while (rest[0] !== undefined) {
          progress.waitFor(rest[0].at)
          yield* clock.sleepUntil(rest[0].at)
          const now = yield* clock.now
          const later = rest.findIndex((step) => step.at > now)
          yield* exchange.applySteps(later === -1 ? rest : rest.slice(0, later))
          rest = later === -1 ? [] : rest.slice(later)
        }
      })

      // A restart in mid-minute replays that minute's steps at once, so that its candle is whole.
      yield* source.steps(source.startsAt).pipe(
        Stream.runForEachChunk((steps) => drain(Chunk.toReadonlyArray(steps))),
        Effect.zipRight(Effect.sync(() => progress.waitFor(Number.POSITIVE_INFINITY))),
        Effect.tapErrorCause((cause) => Effect.logError("the paper market stopped moving", cause)),
        Effect.forkScoped
      )
      return { caughtUp: Effect.flatMap(clock.now, (now) => progress.passed(now)) }
    })
  )

  /** Nothing moves by itself: prices come from the control endpoint only. */
  static readonly layerStill = Layer.succeed(Driver, { caughtUp: Effect.void })
}

/** How far the driver has come: everything before the step it waits for is applied. */
class Progress {
  #next: Instant = Number.NEGATIVE_INFINITY
  #waiting: ReadonlyArray<{ readonly at: Instant; readonly done: Deferred.Deferred<void> }> = []

  waitFor(next: Instant): void {
    this.#next = next
    for (const { at, done } of this.#waiting) if (at < next) Deferred.unsafeDone(done, Effect.void)
    this.#waiting = this.#waiting.filter(({ at }) => at >= next)
  }

  passed(at: Instant): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (at < this.#next) return Effect.void
      const done = Deferred.unsafeMake<void>(FiberId.none)
      this.#waiting = [...this.#waiting, { at, done }]
      return Deferred.await(done)
    })
  }
}
