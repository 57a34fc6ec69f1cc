import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck as fc, Fiber, Layer, TestClock } from "effect"
import { MarketClock } from "../../src/MarketClock.ts"
import { Timers } from "../../src/autobuy/Timers.ts"

const timers = Timers.layer.pipe(Layer.provideMerge(MarketClock.layer))

describe("timers", () => {
  it.scoped("run in order of time, an earlier one that comes later first, a cancelled one never", () =>
    Effect.gen(function* () {
      const { schedule } = yield* Timers
      const ran: Array<string> = []
      schedule(3_000, () => ran.push("third"))
      yield* TestClock.adjust(1)
      schedule(1_000, () => ran.push("first"))
      schedule(2_000, () => ran.push("never"))()
      schedule(2_500, () => ran.push("second"))
      yield* TestClock.adjust("2500 millis")
      assert.deepStrictEqual(ran, ["first", "second"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(ran, ["first", "second", "third"])
    }).pipe(Effect.provide(timers))
  )

  it.scoped("a time that has passed does not wait, and an interrupted sleeper leaves", () =>
    Effect.gen(function* () {
      const { sleepUntil } = yield* Timers
      yield* TestClock.adjust("1 minute")
      const late = yield* Effect.fork(sleepUntil(5))
      yield* TestClock.adjust(0)
      yield* Fiber.join(late)
      const asleep = yield* Effect.fork(sleepUntil(1e9))
      yield* TestClock.adjust(1)
      yield* Fiber.interrupt(asleep)
    }).pipe(Effect.provide(timers))
  )

  it.scoped("any mixture of additions and cancellations runs exactly what is left, in order", () =>
    Effect.gen(function* () {
      const { schedule } = yield* Timers
      const [times] = fc.sample(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 1_000 }), fc.boolean()), { minLength: 300, maxLength: 300 }),
        { numRuns: 1, seed: 3 }
      )
      const ran: Array<number> = []
      const cancels = (times ?? []).map(([at, keep]) => ({ keep, at, cancel: schedule(at, () => ran.push(at)) }))
      for (const { cancel, keep } of cancels) if (!keep) cancel()
      yield* TestClock.adjust("2 seconds")
      const expected = cancels
        .filter(({ keep }) => keep)
        .map(({ at }) => at)
        .sort((a, b) => a - b)
      assert.deepStrictEqual(
        [...ran].sort((a, b) => a - b),
        expected
      )
      assert.deepStrictEqual(ran, expected)
    }).pipe(Effect.provide(timers))
  )
})
