import { Effect } from "effect"

/** One lane per key: work in the same lane runs one at a time, in order. A lane that nobody uses is gone. */
export const makeLanes = <K>() =>
  Effect.sync(() => {
    const lanes = new Map<K, { readonly semaphore: Effect.Semaphore; users: number }>()

    const enter = (key: K) =>
      Effect.sync(() => {
        const lane = lanes.get(key) ?? { semaphore: Effect.unsafeMakeSemaphore(1), users: 0 }
        lane.users++
        lanes.set(key, lane)
        return lane
      })

    const run = <A, E, R>(key: K, work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.acquireUseRelease(
        enter(key),
        (lane) => lane.semaphore.withPermits(1)(work),
        (lane) => Effect.sync(() => void (--lane.users === 0 && lanes.delete(key)))
      )

    return { run }
  })
