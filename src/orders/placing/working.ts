import { Duration, Effect, Fiber, FiberSet, Scope } from "effect"
import { waitAtMost } from "../../Waiting.ts"

/** How long a stop waits for orders whose bytes have left; the next start asks the venue about the rest. */
const stopPatience = Duration.seconds(2)

/** What has to be finished once begun belongs to the service: a client that hangs up stops nothing. */
export const makeWorking = Effect.gen(function* () {
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer((exit) =>
    Effect.flatMap(Effect.forkDaemon(Scope.close(scope, exit)), (closing) =>
      waitAtMost(Fiber.await(closing), stopPatience)
    )
  )
  const working = yield* Scope.extend(FiberSet.make(), scope)
  return <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.flatMap(FiberSet.run(working, Effect.interruptible(effect)), Fiber.join)
})
