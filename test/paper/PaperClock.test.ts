import { Effect, Fiber, Ref, TestClock } from "effect"
import { assert, describe, it } from "@effect/vitest"
import { MarketClock } from "../../src/MarketClock.ts"
import { PaperClock, type PaperClockOptions } from "../../src/paper/PaperClock.ts"

const startsAt = Date.parse("2024-12-05T18:25:00.000Z")

const on = <A, E>(options: Partial<PaperClockOptions>, use: Effect.Effect<A, E, PaperClock | MarketClock>) =>
  Effect.provide(use, PaperClock.layer({ startsAt, speed: 1, resumeFrom: null, ...options }))

const now = Effect.flatMap(MarketClock, (clock) => clock.now)
const sleepUntil = (at: number) => Effect.flatMap(MarketClock, (clock) => clock.sleepUntil(at))
const advance = (ms: number) => Effect.flatMap(PaperClock, (clock) => clock.advance?.(ms) ?? Effect.dieMessage("runs"))

describe("a paper clock at speed", () => {
  it.effect("passes market time as many times faster as it was told", () =>
    on(
      { speed: 300 },
      Effect.gen(function* () {
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(yield* now, startsAt + 600_000)
        const reading = yield* Effect.flatMap(PaperClock, (clock) => clock.describe)
        assert.deepStrictEqual(reading, { marketNow: startsAt + 600_000, speed: 300, wallNow: 2_000 })
      })
    )
  )

  it.effect("wakes a sleeper when its market instant has come, not before", () =>
    on(
      { speed: 7 },
      Effect.gen(function* () {
        const sleeper = yield* Effect.fork(Effect.zipRight(sleepUntil(startsAt + 60_000), now))
        yield* TestClock.adjust(8_571)
        assert.isNull(yield* Fiber.poll(sleeper).pipe(Effect.map((exit) => (exit._tag === "None" ? null : exit))))
        yield* TestClock.adjust(1)
        assert.isAtLeast(yield* Fiber.join(sleeper), startsAt + 60_000)
      })
    )
  )

  it.effect("does not sleep until the past", () => on({ speed: 10 }, sleepUntil(startsAt - 1)))

  it.effect("goes on after a restart no earlier than the journal ends", () =>
    Effect.gen(function* () {
      const later = startsAt + 3_600_000
      assert.strictEqual(yield* on({ resumeFrom: later }, now), later)
      assert.strictEqual(yield* on({ resumeFrom: startsAt - 1 }, now), startsAt)
      assert.strictEqual(yield* on({ resumeFrom: later, speed: 0 }, now), later)
    })
  )

  it.effect("cannot be stepped", () =>
    on(
      {},
      Effect.map(PaperClock, (clock) => assert.isNull(clock.advance))
    )
  )
})

describe("a stepped paper clock", () => {
  it.effect("stands still until it is advanced", () =>
    on(
      { speed: 0 },
      Effect.gen(function* () {
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(yield* now, startsAt)
        assert.strictEqual(yield* advance(1_500), startsAt + 1_500)
        assert.strictEqual(yield* now, startsAt + 1_500)
      })
    )
  )

  it.effect("wakes sleepers in order, each at its own instant, and those who sleep again within the step", () =>
    on(
      { speed: 0 },
      Effect.gen(function* () {
        const seen = yield* Ref.make<ReadonlyArray<string>>([])
        const every = (name: string, ms: number) =>
          Effect.forkScoped(
            Effect.forEach([1, 2, 3], (i) =>
              Effect.zipRight(
                sleepUntil(startsAt + i * ms),
                Effect.flatMap(now, (at) => Ref.update(seen, (all) => [...all, `${name} ${at - startsAt}`]))
              )
            )
          )
        yield* every("slow", 500)
        yield* every("quick", 200)
        yield* advance(1_000)
        assert.deepStrictEqual(yield* Ref.get(seen), ["quick 200", "quick 400", "slow 500", "quick 600", "slow 1000"])
      }).pipe(Effect.scoped)
    )
  )

  it.effect("forgets a sleeper that was interrupted", () =>
    on(
      { speed: 0 },
      Effect.gen(function* () {
        const sleeper = yield* Effect.fork(sleepUntil(startsAt + 10))
        yield* advance(5)
        yield* Fiber.interrupt(sleeper)
        assert.strictEqual(yield* advance(10), startsAt + 15)
      })
    )
  )
})
