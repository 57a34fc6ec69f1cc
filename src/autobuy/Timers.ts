import { Context, Effect, Layer, Queue } from "effect"
import type { Instant } from "../domain/Time.ts"
import { MarketClock } from "../MarketClock.ts"
import type { Cancel } from "./TriggerIndex.ts"

/** A clock that is set back, or a machine that slept, is noticed within a minute of wall time. */
const recheckAfter = "1 minute"

interface Timer {
  readonly at: Instant
  readonly run: () => void
  place: number
}

/** All waiting for market time: one heap and one sleeping fiber, however many rules wait. */
export class Timers extends Context.Tag("dipper/autobuy/Timers")<
  Timers,
  {
    /** Calls `run` once when market time has reached `at`. Call it inside an async registration. */
    readonly schedule: (at: Instant, run: () => void) => Cancel
    readonly sleepUntil: (at: Instant) => Effect.Effect<void>
  }
>() {
  static readonly layer = Layer.scoped(
    Timers,
    Effect.gen(function* () {
      const clock = yield* MarketClock
      const heap = makeHeap()
      /** Told when an earlier timer than the awaited one was added. */
      const earlier = yield* Queue.sliding<void>(1)

      const driver = Effect.gen(function* () {
        const first = heap.first()
        if (first === undefined) return yield* Queue.take(earlier)
        yield* clock
          .sleepUntil(first.at)
          .pipe(Effect.raceFirst(Queue.take(earlier)), Effect.timeoutOption(recheckAfter))
        const now = yield* clock.now
        for (let due = heap.first(); due !== undefined && due.at <= now; due = heap.first()) {
          heap.remove(due)
          due.run()
        }
      })
      yield* Effect.forkScoped(Effect.forever(driver))

      const schedule = (at: Instant, run: () => void): Cancel => {
        const timer: Timer = { at, run, place: -1 }
        heap.add(timer)
        if (heap.first() === timer) Queue.unsafeOffer(earlier, undefined)
        return () => heap.remove(timer)
      }

      const sleepUntil = (at: Instant) =>
        Effect.async<void>((resume) => {
          const cancel = schedule(at, () => resume(Effect.void))
          return Effect.sync(cancel)
        })

      return Timers.of({ schedule, sleepUntil })
    })
  )
}

/** A binary heap whose members know their place, so that a cancelled timer leaves at once. */
const makeHeap = () => {
  const timers: Array<Timer> = []

  const put = (timer: Timer, place: number) => {
    timers[place] = timer
    timer.place = place
  }

  const rise = (timer: Timer) => {
    for (let parent = (timer.place - 1) >> 1; timer.place > 0; parent = (timer.place - 1) >> 1) {
      const above = timers[parent]
      if (above === undefined || above.at <= timer.at) return
      put(above, timer.place)
      put(timer, parent)
    }
  }

  const sink = (timer: Timer) => {
    for (;;) {
      const [left, right] = [timers[2 * timer.place + 1], timers[2 * timer.place + 2]]
      const below = right !== undefined && (left === undefined || right.at < left.at) ? right : left
      if (below === undefined || below.at >= timer.at) return
      const place = below.place
      put(below, timer.place)
      put(timer, place)
    }
  }

  return {
    first: () => timers[0],
    add: (timer: Timer) => {
      put(timer, timers.length)
      rise(timer)
    },
    remove: (timer: Timer) => {
      const { place } = timer
      if (place === -1) return
      timer.place = -1
      const moved = timers.pop()
      if (moved === undefined || moved === timer) return
      put(moved, place)
      rise(moved)
      sink(moved)
    }
  }
}
