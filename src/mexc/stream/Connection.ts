import { Cause, Clock, Deferred, Duration, Effect, Fiber, Metric, Schedule, type Scope } from "effect"
import type { Pace } from "./Pacer.ts"
import type { Pulse } from "./Pulse.ts"
import { type Group, type Odd, openSession, type Session, type SessionHooks } from "./Session.ts"
import { StreamFailed } from "./Socket.ts"

/** Where a session connects to, and what has to go on while it lasts; a failure of that ends the session. */
export interface Route<E> {
  readonly url: string
  readonly alongside: Effect.Effect<never, E>
}

export interface Connection {
  readonly add: (group: Group) => Effect.Effect<void>
  readonly remove: (group: Group) => Effect.Effect<void>
  /** Acknowledged channels; null while there is no connection. */
  readonly accepted: () => number | null
}

export interface ConnectionOptions<E> {
  readonly name: string
  readonly route: Effect.Effect<Route<E>, E, Scope.Scope>
  readonly odd: Odd
  readonly pulse: Pulse
  /** Waits until one more connection may be opened. */
  readonly pace: Pace
  /** After this long a connection hands over to a new one. The venue ends every connection after 24 h. */
  readonly lifetime: Duration.DurationInput
  /**
   * One that answers pings but tells nothing for this long hands over too, and the next one after twice as long; null
   * where silence is usual.
   */
  readonly suspiciousAfter: Duration.DurationInput | null
}

/** Trades told from now on are remembered before the next connection begins to tell them too. */
const rememberFor = "1 second"
/** What is on its way on one connection when the other has told it already. */
const overlapFor = "2 seconds"
const answeredWithin = "30 seconds"
const handOverAgain = "30 seconds"
const lookEvery = "5 seconds"
const longestSuspicionMs = Duration.toMillis("30 minutes")

/** Half a second at first, at most thirty, with jitter; each failed attempt is logged. Starts over after a success. */
const reconnect = Schedule.exponential("500 millis").pipe(
  Schedule.union(Schedule.spaced("30 seconds")),
  Schedule.jittered
)

const reconnects = Metric.counter("dipper_stream_reconnects_total", {
  description: "Tries to connect a stream again: after a loss, and before its time is over.",
  incremental: true
})

/** So that the metric is there before the first. */
export const countsReconnects = Metric.incrementBy(reconnects, 0)

interface Run {
  readonly fiber: Fiber.Fiber<void>
  /** Every group has been answered for on this session. */
  readonly ready: Deferred.Deferred<void>
}

/**
 * A connection that is made again whenever it ends, until its scope does. Before its time is over the next one is
 * opened and subscribed, and for a moment both are heard: its groups notice nothing but repetitions.
 */
export const makeConnection = <E extends { readonly message: string }>({
  lifetime,
  name,
  odd,
  pace,
  pulse,
  route,
  suspiciousAfter
}: ConnectionOptions<E>): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const groups = new Set<Group>()
    const byChannel = new Map<string, Group>()
    const live = new Set<Session>()
    const firstSuspicionMs = suspiciousAfter === null ? Number.POSITIVE_INFINITY : Duration.toMillis(suspiciousAfter)
    let suspicionMs = firstSuspicionMs
    let hasWorked = false
    let overlaps = 0
    let sessions = 0
    let heir: Run | null = null

    const carriedElsewhere = (group: Group, session: Session) =>
      [...live].some((other) => other !== session && other.carries(group))

    const open = (url: string): Effect.Effect<Session, StreamFailed, Scope.Scope> =>
      Effect.suspend(() => {
        const number = ++sessions
        if (number > 1) reconnects.unsafeUpdate(1, [])
        const only = (group: Group, tell: Effect.Effect<void>) =>
          Effect.suspend(() => (carriedElsewhere(group, session) ? Effect.void : tell))
        const hooks: SessionHooks = {
          odd,
          groupOf: (channel) => byChannel.get(channel),
          onAccepted: (group) =>
            Effect.suspend(() => {
              hasWorked = true
              return only(group, group.onAccepted)
            }),
          onRefused: (group) => only(group, group.onLost),
          onFrame: (group, frame, receivedAt) => {
            suspicionMs = firstSuspicionMs
            return group.onFrame(frame, receivedAt, { session: number, overlapping: overlaps > 0 })
          }
        }
        const end = (session: Session) =>
          Effect.suspend(() => {
            live.delete(session)
            return Effect.forEach(
              [...groups].filter((group) => !carriedElsewhere(group, session)),
              ({ onLost }) => onLost,
              { discard: true }
            )
          })
        let session: Session
        return Effect.tap(openSession(url, pulse, hooks), (opened) => {
          session = opened
          return Effect.acquireRelease(
            Effect.sync(() => live.add(opened)),
            () => end(opened)
          )
        })
      })

    const overlap = Effect.acquireRelease(
      Effect.sync(() => void overlaps++),
      () =>
        Effect.sync(() => void overlaps--).pipe(Effect.delay(overlapFor), Effect.interruptible, Effect.forkIn(scope))
    )

    const untilDue = (session: Session) =>
      Effect.gen(function* () {
        const openedAt = yield* Clock.currentTimeMillis
        for (;;) {
          yield* Effect.sleep(lookEvery)
          const now = yield* Clock.currentTimeMillis
          if (now - openedAt >= Duration.toMillis(lifetime)) return
          if (session.accepted() === 0 || now - session.toldAt() < suspicionMs) continue
          suspicionMs = Math.min(suspicionMs * 2, Math.max(longestSuspicionMs, firstSuspicionMs))
          return yield* Effect.logInfo(`The connection for ${name} has told nothing for a while; made anew.`)
        }
      })

    /** True when the next session has taken over. */
    const tryHandOver: Effect.Effect<boolean> = Effect.gen(function* () {
      yield* overlap
      yield* Effect.sleep(rememberFor)
      const next = yield* start
      heir = next
      const isReady = Effect.timeoutTo(Deferred.await(next.ready), {
        duration: answeredWithin,
        onTimeout: () => false,
        onSuccess: () => true
      })
      const bothTell = Effect.tap(isReady, (ready) => (ready ? Effect.sleep(overlapFor) : Effect.void))
      if (yield* Effect.raceFirst(bothTell, Effect.as(Fiber.await(next.fiber), false))) return true
      heir = null
      yield* Fiber.interrupt(next.fiber)
      return false
    }).pipe(Effect.scoped)

    const handOver = (session: Session): Effect.Effect<void> =>
      Effect.zipRight(
        untilDue(session),
        Effect.repeat(
          Effect.tap(tryHandOver, (done) => (done ? Effect.void : Effect.sleep(handOverAgain))),
          { until: (done) => done }
        )
      )

    const run = (ready: Deferred.Deferred<void>) =>
      Effect.gen(function* () {
        yield* pace
        const { alongside, url } = yield* route
        const session = yield* open(url)
        for (const group of [...groups]) if (groups.has(group)) yield* session.subscribe(group)
        const answered = Effect.zipRight(session.answered, Deferred.succeed(ready, undefined))
        yield* Effect.raceFirst(
          handOver(session),
          Effect.all([session.listen, alongside, answered], { concurrency: "unbounded", discard: true })
        )
      }).pipe(Effect.scoped)

    const start: Effect.Effect<Run> = Effect.gen(function* () {
      const ready = yield* Deferred.make<void>()
      const fiber = yield* run(ready).pipe(
        Effect.catchAllCause((cause) =>
          Cause.isInterruptedOnly(cause)
            ? Effect.void
            : Effect.logWarning(`The connection for ${name} ended and is made again: ${messageOf(cause)}`)
        ),
        // A fiber inherits that it cannot be interrupted from where it is made, such as inside an acquire.
        Effect.interruptible,
        Effect.forkIn(scope)
      )
      return { fiber, ready }
    })

    const backoff = yield* Schedule.driver(reconnect)
    const pause = Effect.suspend(() => {
      const worked = hasWorked
      hasWorked = false
      return Effect.zipRight(worked ? backoff.reset : Effect.void, Effect.ignore(backoff.next(undefined)))
    })

    /** The session that carries the groups, one after the other. */
    const keep = Effect.gen(function* () {
      let current = yield* start
      for (;;) {
        yield* Fiber.await(current.fiber)
        if (heir === null) yield* pause
        current = heir ?? (yield* start)
        heir = null
      }
    })
    yield* Effect.forkScoped(Effect.interruptible(keep))

    return {
      add: (group) =>
        Effect.suspend(() => {
          groups.add(group)
          for (const channel of group.channels) byChannel.set(channel, group)
          return Effect.forEach([...live], (session) => session.subscribe(group), { discard: true })
        }),
      remove: (group) =>
        Effect.suspend(() => {
          groups.delete(group)
          for (const channel of group.channels) byChannel.delete(channel)
          return Effect.forEach([...live], (session) => session.unsubscribe(group), { discard: true })
        }),
      accepted: () => (live.size === 0 ? null : Math.max(...[...live].map((session) => session.accepted())))
    }
  })

const messageOf = (cause: Cause.Cause<{ readonly message: string }>): string => {
  const failure = Cause.failureOption(cause)
  return failure._tag === "Some" ? failure.value.message : "a fault of the service"
}
