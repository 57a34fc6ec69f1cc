import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope, TestClock } from "effect"
import { makeWorking } from "../../../src/orders/placing/working.ts"

/** Something that was begun and cannot be stopped any more, in a service that ends by signal: its fiber is interrupted. */
const stopInTheMiddle = Effect.gen(function* () {
  const answer = yield* Deferred.make<string>()
  const asked = yield* Deferred.make<void>()
  const scope = yield* Scope.make()
  const ended = yield* Deferred.make<void>()
  const service = yield* makeWorking.pipe(
    Effect.flatMap((finish) =>
      finish(Effect.uninterruptible(Effect.zipRight(Deferred.succeed(asked, undefined), Deferred.await(answer))))
    ),
    Effect.onExit(() => Effect.zipRight(Scope.close(scope, Exit.void), Deferred.succeed(ended, undefined))),
    Effect.provideService(Scope.Scope, scope),
    Effect.forkDaemon
  )
  yield* Deferred.await(asked)
  const stopping = yield* Effect.fork(Fiber.interrupt(service))
  yield* Effect.repeatN(Effect.yieldNow(), 100)
  return { answer, ended, stopping }
})

describe("Work that has begun", () => {
  it.effect("is waited for by a stop by signal", () =>
    Effect.gen(function* () {
      const { answer, ended, stopping } = yield* stopInTheMiddle
      assert.isFalse(yield* Deferred.isDone(ended))
      yield* Deferred.succeed(answer, "filled")
      yield* Fiber.join(stopping)
      assert.isTrue(yield* Deferred.isDone(ended))
    })
  )

  it.effect("does not keep a stop for longer than two seconds", () =>
    Effect.gen(function* () {
      const { ended, stopping } = yield* stopInTheMiddle
      yield* TestClock.adjust("1999 millis")
      assert.isFalse(yield* Deferred.isDone(ended))
      yield* TestClock.adjust("1 millis")
      yield* Deferred.await(ended)
      yield* Fiber.interruptFork(stopping)
    })
  )
})
