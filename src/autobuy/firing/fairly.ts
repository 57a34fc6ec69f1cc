import { Effect } from "effect"

export interface Shares {
  /** Works at once of all users. */
  readonly inAll: number
  /** Works at once of one user; less than `inAll`, so that nobody can hold everything. */
  readonly ofOne: number
}

interface Queue {
  working: number
  readonly waiting: Set<() => void>
}

/** Works of many users: who waits is served in turns of users, so ten thousand works of one are one turn for another. */
export const makeFairly = <K>({ inAll, ofOne }: Shares) =>
  Effect.sync(() => {
    /** In the order of turns: a served user goes to the end. */
    const queues = new Map<K, Queue>()
    let working = 0

    const queueOf = (key: K): Queue => {
      const queue = queues.get(key) ?? { working: 0, waiting: new Set() }
      queues.set(key, queue)
      return queue
    }

    const begin = (queue: Queue) => {
      working++
      queue.working++
    }

    const serveNext = () => {
      for (const [key, queue] of queues) {
        if (working >= inAll) return
        const [next] = queue.waiting
        if (next === undefined || queue.working >= ofOne) continue
        queue.waiting.delete(next)
        queues.delete(key)
        queues.set(key, queue)
        begin(queue)
        next()
        // Whoever was served may have more waiting, behind the others.
      }
    }

    const enter = (key: K) =>
      Effect.async<void>((resume) => {
        const queue = queueOf(key)
        if (working < inAll && queue.working < ofOne && queue.waiting.size === 0) {
          begin(queue)
          return resume(Effect.void)
        }
        const next = () => resume(Effect.void)
        queue.waiting.add(next)
        return Effect.sync(() => {
          // Served and interrupted in the same turn: the share goes to the next one.
          if (!queue.waiting.delete(next)) leaveNow(key)
        })
      })

    const leaveNow = (key: K) => {
      const queue = queueOf(key)
      working--
      queue.working--
      if (queue.working === 0 && queue.waiting.size === 0) queues.delete(key)
      serveNext()
    }

    const run = <A, E, R>(key: K, work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(restore(enter(key)), () =>
          Effect.ensuring(
            restore(work),
            Effect.sync(() => leaveNow(key))
          )
        )
      )

    return { run }
  })
