import { Effect, Queue, type Scope, Stream } from "effect"
import type { PushFrame } from "../wire/Stream.ts"
import type { Origin } from "./Once.ts"
import type { Pool } from "./Pool.ts"

type Mark = "subscribed" | "interrupted"

export interface SubscriptionOptions<E> {
  /** For the log. */
  readonly name: string
  readonly channels: ReadonlyArray<string>
  /**
   * Events that may wait for their reader. A reader slower than that loses all of them and is told so by `interrupted`
   * and `subscribed`: what was between them is repaired by REST, never lost in silence.
   */
  readonly backlog: number
  readonly mark: (type: Mark, receivedAt: number) => E
  /** `unusable` is counted; an empty list is a repetition. */
  readonly events: (frame: PushFrame, receivedAt: number, origin: Origin) => ReadonlyArray<E> | "unusable"
  /** For events of which only the latest counts: what a new one makes of the one that still waits. */
  readonly latest?: { readonly isOne: (event: E) => boolean; readonly merge: (waiting: E, event: E) => E }
  readonly unusable: (what: string) => Effect.Effect<void>
}

type Standing = "connecting" | Mark

/** What waits; its event may be replaced until it is taken. */
interface Cell<E> {
  event: E
}

interface Subscribed<E> {
  readonly queue: Queue.Dequeue<Cell<E>>
  /** What a cell holds as it is taken; it changes no more. */
  readonly taken: (cell: Cell<E>) => E
}

/** Subscribes while the scope lasts. */
const subscribe = <E>(pool: Pool, options: SubscriptionOptions<E>): Effect.Effect<Subscribed<E>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Effect.clock
    const queue = yield* Queue.dropping<Cell<E>>(options.backlog)
    let waiting: Cell<E> | null = null
    let standing: Standing = "connecting"

    const tell = (type: Mark) => {
      waiting = null
      return queue.unsafeOffer({ event: options.mark(type, clock.unsafeCurrentTimeMillis()) })
    }

    const startOver = Effect.gen(function* () {
      yield* Queue.takeAll(queue)
      yield* Effect.logWarning(`The reader of ${options.name} is too slow; its backlog is dropped and it starts over.`)
      tell("interrupted")
      if (standing === "subscribed") tell("subscribed")
    })

    const offer = (event: E) =>
      Effect.suspend(() => {
        const isLatest = options.latest?.isOne(event) ?? false
        if (isLatest && waiting !== null && options.latest !== undefined) {
          waiting.event = options.latest.merge(waiting.event, event)
          return Effect.void
        }
        const cell: Cell<E> = { event }
        if (!queue.unsafeOffer(cell)) return startOver
        if (isLatest) waiting = cell
        return Effect.void
      })

    const become = (next: Mark) =>
      Effect.suspend(() => {
        if (standing === next) return Effect.void
        standing = next
        return tell(next) ? Effect.void : startOver
      })

    yield* pool.join({
      channels: options.channels,
      onAccepted: become("subscribed"),
      onLost: become("interrupted"),
      onFrame: (frame, receivedAt, origin) => {
        const events = options.events(frame, receivedAt, origin)
        if (events === "unusable") return options.unusable(options.name)
        return events.length === 1 && events[0] !== undefined
          ? offer(events[0])
          : Effect.forEach(events, offer, { discard: true })
      }
    })
    const taken = (cell: Cell<E>): E => {
      if (waiting === cell) waiting = null
      return cell.event
    }
    return { queue, taken }
  })

/** Channels of a pool as a stream of events, which subscribes while it runs. */
export const subscription = <E>(pool: Pool, options: SubscriptionOptions<E>): Stream.Stream<E> =>
  Stream.unwrapScoped(
    Effect.map(subscribe(pool, options), ({ queue, taken }) => Stream.map(Stream.fromQueue(queue), taken))
  )

/** The same as one loop: running a stream costs some 25 kB, which two thousand symbols would pay two thousand times. */
export const follow = <E>(
  pool: Pool,
  options: SubscriptionOptions<E>,
  handle: (event: E) => Effect.Effect<void>
): Effect.Effect<void> =>
  Effect.scoped(
    Effect.flatMap(subscribe(pool, options), ({ queue, taken }) =>
      Effect.forever(Effect.flatMap(Queue.take(queue), (cell) => handle(taken(cell))))
    )
  )
