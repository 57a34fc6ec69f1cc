import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { oneQueue } from "../../../src/autobuy/life/oneQueue.ts"

const nextTurn = Effect.async<void>((resume) => {
  setTimeout(() => resume(Effect.void), 0)
})

describe("the queue of woken rules", () => {
  it.live("leaves timers their turn while fibers never stop", () =>
    Effect.gen(function* () {
      let turns = 0
      const busy = Effect.forever(
        Effect.zipRight(
          Effect.sync(() => turns++),
          Effect.yieldNow()
        )
      )
      const fibers = yield* Effect.withScheduler(Effect.forkAll([busy, busy]), oneQueue())
      yield* nextTurn
      yield* nextTurn
      const seen = turns
      yield* Fiber.interrupt(fibers)
      expect(seen).toBeGreaterThan(2_000)
    })
  )

  it.live("lets fibers go on in turn", () =>
    Effect.gen(function* () {
      const said: Array<string> = []
      const say = (name: string) =>
        Effect.forEach([1, 2], (n) =>
          Effect.zipRight(
            Effect.sync(() => said.push(name + n)),
            Effect.yieldNow()
          )
        )
      const fibers = yield* Effect.withScheduler(Effect.forkAll([say("a"), say("b")]), oneQueue())
      yield* Fiber.join(fibers)
      expect(said).toEqual(["a1", "b1", "a2", "b2"])
    })
  )
})
