import { Cause, Clock, Effect, Either, Schedule, type Scope } from "effect"
import {
  decodeControlAnswer,
  pingFrame,
  readAcknowledgement,
  subscribeFrame,
  unsubscribeFrame
} from "../wire/Control.ts"
import { decodeFrame, type PushFrame } from "../wire/Stream.ts"
import { type Incoming, openSocket, type Socket, StreamFailed } from "./Socket.ts"

/** Channels that belong together: they are subscribed with one message and announced when all are acknowledged. */
export interface Group {
  readonly channels: ReadonlyArray<string>
  readonly onAccepted: Effect.Effect<void>
  /** The connection is gone, or the venue refused one of the channels. */
  readonly onLost: Effect.Effect<void>
  readonly onFrame: (frame: PushFrame, receivedAt: number) => Effect.Effect<void>
}

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

/** The venue wants a ping every 15 to 20 s and answers within ten. */
const pingEvery = 15_000
const silentAfter = 25_000
const acknowledgedWithin = 10_000
const refusedAgainAfter = 60_000
const watchEvery = "5 seconds"
/** The venue ends every connection after 24 h. */
const lifetime = "23 hours"

/** Half a second at first, at most thirty, with jitter; each failed attempt is logged. Starts over after a success. */
const reconnect = Schedule.exponential("500 millis").pipe(
  Schedule.union(Schedule.spaced("30 seconds")),
  Schedule.jittered
)

interface Asked {
  readonly group: Group
  readonly missing: Set<string>
  refused: boolean
  askedAt: number
}

interface Session {
  readonly socket: Socket
  readonly asked: Map<Group, Asked>
}

/** A connection that is made again whenever it ends, until its scope does. */
export const makeConnection = <E extends { readonly message: string }>(
  name: string,
  route: Effect.Effect<Route<E>, E, Scope.Scope>
): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.gen(function* () {
    const groups = new Set<Group>()
    const byChannel = new Map<string, Group>()
    let session: Session | null = null
    let hasWorked = false
    let nextId = 1

    const subscribe = ({ asked, socket }: Session, group: Group) =>
      Effect.flatMap(Clock.currentTimeMillis, (askedAt) => {
        asked.set(group, { group, missing: new Set(group.channels), refused: false, askedAt })
        return socket.send(subscribeFrame(group.channels, nextId++))
      })

    const accept = (current: Session, channel: string): Effect.Effect<void> => {
      const group = byChannel.get(channel)
      const asked = group === undefined ? undefined : current.asked.get(group)
      if (asked === undefined || !asked.missing.delete(channel) || asked.missing.size > 0) return Effect.void
      hasWorked = true
      return asked.group.onAccepted
    }

    const refuse = (current: Session, channel: string): Effect.Effect<void> => {
      const group = byChannel.get(channel)
      const asked = group === undefined ? undefined : current.asked.get(group)
      if (asked === undefined || asked.refused) return Effect.void
      asked.refused = true
      return Effect.zipRight(Effect.logWarning(`The venue refused the channel ${channel}.`), asked.group.onLost)
    }

    const handleText = (current: Session, text: string): Effect.Effect<void, StreamFailed> => {
      const answer = decodeControlAnswer(text)
      if (Either.isLeft(answer)) return new StreamFailed({ message: "The venue sent a text that is no answer." })
      const acknowledged = readAcknowledgement(answer.right)
      if (acknowledged === null) return Effect.void
      return Effect.zipRight(
        Effect.forEach(acknowledged.refused, (channel) => refuse(current, channel), { discard: true }),
        Effect.forEach(acknowledged.accepted, (channel) => accept(current, channel), { discard: true })
      )
    }

    const handleFrame = (bytes: Uint8Array, receivedAt: number): Effect.Effect<void> => {
      const frame = decodeFrame(bytes)
      if (Either.isLeft(frame)) return Effect.logWarning(`A frame of ${name} does not decode; left out.`)
      return byChannel.get(frame.right.channel)?.onFrame(frame.right, receivedAt) ?? Effect.void
    }

    const handle = (current: Session, incoming: Incoming) =>
      incoming.type === "text" ? handleText(current, incoming.text) : handleFrame(incoming.bytes, incoming.receivedAt)

    const checkAcknowledgements = (current: Session, now: number) =>
      Effect.forEach([...current.asked.values()], ({ askedAt, group, missing, refused }) => {
        if (missing.size === 0) return Effect.void
        if (refused) return now - askedAt >= refusedAgainAfter ? subscribe(current, group) : Effect.void
        return now - askedAt >= acknowledgedWithin
          ? new StreamFailed({ message: "The venue did not acknowledge a subscription." })
          : Effect.void
      })

    const watch = (current: Session) =>
      Effect.gen(function* () {
        let pingedAt = yield* Clock.currentTimeMillis
        for (;;) {
          yield* Effect.sleep(watchEvery)
          const now = yield* Clock.currentTimeMillis
          if (now - (yield* current.socket.lastHeard) >= silentAfter)
            return yield* new StreamFailed({ message: "The venue's stream fell silent." })
          yield* checkAcknowledgements(current, now)
          if (now - pingedAt < pingEvery) continue
          pingedAt = now
          yield* current.socket.send(pingFrame)
        }
      })

    const endsInTime = Effect.zipRight(
      Effect.sleep(lifetime),
      new StreamFailed({ message: "Made anew before the venue's 24 hours are over." })
    )

    const lost = Effect.suspend(() => {
      session = null
      return Effect.forEach([...groups], ({ onLost }) => onLost, { discard: true })
    })

    const run = Effect.gen(function* () {
      const { alongside, url } = yield* route
      const current: Session = { socket: yield* openSocket(url), asked: new Map() }
      yield* Effect.addFinalizer(() => lost)
      session = current
      yield* Effect.forEach([...groups], (group) => subscribe(current, group), { discard: true })
      const receive = Effect.forever(Effect.flatMap(current.socket.take, (incoming) => handle(current, incoming)))
      yield* Effect.all([receive, watch(current), alongside, endsInTime], { concurrency: "unbounded", discard: true })
    }).pipe(Effect.scoped)

    const backoff = yield* Schedule.driver(reconnect)
    const attempt = run.pipe(
      Effect.catchAllCause((cause) =>
        Cause.isInterruptedOnly(cause)
          ? Effect.failCause(cause)
          : Effect.logWarning(`The connection for ${name} ended and is made again: ${messageOf(cause)}`)
      ),
      Effect.zipRight(Effect.suspend(() => (hasWorked ? backoff.reset : Effect.void))),
      Effect.zipRight(
        Effect.suspend(() => {
          hasWorked = false
          return Effect.ignore(backoff.next(undefined))
        })
      )
    )
    // A fiber inherits that it cannot be interrupted from where it is made, such as inside an acquire.
    yield* Effect.forkScoped(Effect.interruptible(Effect.forever(attempt)))

    return {
      add: (group) =>
        Effect.suspend(() => {
          groups.add(group)
          for (const channel of group.channels) byChannel.set(channel, group)
          return session === null ? Effect.void : subscribe(session, group)
        }),
      remove: (group) =>
        Effect.suspend(() => {
          groups.delete(group)
          for (const channel of group.channels) byChannel.delete(channel)
          session?.asked.delete(group)
          return session?.socket.send(unsubscribeFrame(group.channels, nextId++)) ?? Effect.void
        }),
      accepted: () =>
        session === null
          ? null
          : [...session.asked.values()].reduce(
              (sum, { group, missing }) => sum + group.channels.length - missing.size,
              0
            )
    }
  })

const messageOf = (cause: Cause.Cause<{ readonly message: string }>): string => {
  const failure = Cause.failureOption(cause)
  return failure._tag === "Some" ? failure.value.message : "a fault of the service"
}
