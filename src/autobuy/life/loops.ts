import { Clock, Effect, Fiber, Option, Stream } from "effect"
import type { Instant } from "../../domain/Time.ts"

/** No single item takes so long, unless what it waits for will not come any more. */
const stalledAfterMs = 60_000

interface Loop {
  fiber: Fiber.RuntimeFiber<void> | null
  /** Since when it works on its present item. */
  busySince: Instant | null
}

/** Fibers that take one item after the other for as long as the scope lives, and whether they still do. */
export const makeLoops = Effect.gen(function* () {
  const scope = yield* Effect.scope
  const loops: Array<Loop> = []

  const run = <A>(items: Stream.Stream<A>, work: (item: A) => Effect.Effect<void>) =>
    Effect.gen(function* () {
      const loop: Loop = { fiber: null, busySince: null }
      const one = (item: A) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          loop.busySince = now
          return Effect.ensuring(
            work(item),
            Effect.sync(() => void (loop.busySince = null))
          )
        })
      loop.fiber = yield* Effect.forkIn(Stream.runForEach(items, one), scope)
      loops.push(loop)
    })

  const isAlive = ({ busySince, fiber }: Loop, now: Instant) =>
    fiber === null || (busySince !== null && now - busySince > stalledAfterMs)
      ? Effect.succeed(false)
      : Effect.map(Fiber.poll(fiber), Option.isNone)

  const areAlive = Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.every(loops, (loop) => isAlive(loop, now)))

  return { run, areAlive }
})
