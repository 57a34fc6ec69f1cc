import { Clock, Effect, Either, Schedule, type Scope } from "effect"
import {
  decodeControlAnswer,
  pingFrame,
  readAcknowledgement,
  subscribeFrame,
  unsubscribeFrame
} from "../../../../mexc/wire/Control.ts"
import { decodeFrame, type PushFrame } from "../../../../mexc/wire/Stream.ts"
import { UpstreamFailed } from "./VenueReader.ts"
import { openVenueSocket, type VenueSocket } from "./VenueSocket.ts"

/** Who reads some channels of one pair: told when the venue has accepted all of them, and when they are lost. */
export interface Subscriber {
  readonly channels: ReadonlyArray<string>
  readonly onUp: Effect.Effect<void>
  readonly onDown: Effect.Effect<void>
  readonly onFrame: (frame: PushFrame) => Effect.Effect<void>
}

export interface VenueConnection {
  readonly add: (subscriber: Subscriber) => Effect.Effect<void>
  readonly remove: (subscriber: Subscriber) => Effect.Effect<void>
  readonly sessions: () => number
}

/** The venue wants a ping every 15 to 20 s and answers within ten. */
const pingEvery = "15 seconds"
const silentAfter = "25 seconds"
const acknowledgedWithinMs = 10_000
const refusedAgainAfterMs = 60_000
const watchEvery = "2 seconds"
/** The venue ends every connection after 24 h. */
const lifetime = "23 hours"

/** A quarter of a second at first, at most fifteen seconds, without end; each end is logged. Starts over after a success. */
const reconnect = Schedule.exponential("250 millis").pipe(
  Schedule.union(Schedule.spaced("15 seconds")),
  Schedule.jittered
)

interface Session {
  readonly socket: VenueSocket
  /** Channels that were asked for and not acknowledged yet, by subscriber. */
  readonly missing: Map<Subscriber, { readonly channels: Set<string>; readonly askedAt: number }>
  /** Of whom the venue refused a channel, and when they were asked for. */
  readonly refused: Map<Subscriber, number>
}

/** A connection that is made again whenever it ends, until its scope does. */
export const makeVenueConnection = (url: string): Effect.Effect<VenueConnection, never, Scope.Scope> =>
  Effect.gen(function* () {
    const byChannel = new Map<string, Subscriber>()
    const subscribers = new Set<Subscriber>()
    let session: Session | null = null
    let sessions = 0
    let worked = false
    let nextId = 1

    const subscribe = (current: Session, subscriber: Subscriber) =>
      Effect.flatMap(Clock.currentTimeMillis, (askedAt) => {
        current.refused.delete(subscriber)
        current.missing.set(subscriber, { channels: new Set(subscriber.channels), askedAt })
        return current.socket.send(subscribeFrame(subscriber.channels, nextId++))
      })

    const accepted = (current: Session, channel: string): Effect.Effect<void> => {
      const subscriber = byChannel.get(channel)
      const missing = subscriber === undefined ? undefined : current.missing.get(subscriber)
      if (subscriber === undefined || missing === undefined) return Effect.void
      missing.channels.delete(channel)
      if (missing.channels.size > 0) return Effect.void
      current.missing.delete(subscriber)
      worked = true
      return subscriber.onUp
    }

    /** The pair stays halted; it is asked for again later. */
    const refused = (current: Session, channel: string): Effect.Effect<void> => {
      const subscriber = byChannel.get(channel)
      const missing = subscriber === undefined ? undefined : current.missing.get(subscriber)
      if (subscriber === undefined || missing === undefined) return Effect.void
      current.missing.delete(subscriber)
      current.refused.set(subscriber, missing.askedAt)
      return Effect.logWarning(`the venue refuses the channel ${channel}`)
    }

    const onText = (current: Session, text: string): Effect.Effect<void> => {
      const answer = decodeControlAnswer(text)
      const acknowledged = Either.isRight(answer) ? readAcknowledgement(answer.right) : null
      if (acknowledged === null) return Effect.void
      return Effect.zipRight(
        Effect.forEach(acknowledged.refused, (channel) => refused(current, channel), { discard: true }),
        Effect.forEach(acknowledged.accepted, (channel) => accepted(current, channel), { discard: true })
      )
    }

    const onBytes = (bytes: Uint8Array): Effect.Effect<void> => {
      const frame = decodeFrame(bytes)
      if (Either.isLeft(frame)) return Effect.logWarning("a frame of the venue does not decode; left out")
      return byChannel.get(frame.right.channel)?.onFrame(frame.right) ?? Effect.void
    }

    const read = (current: Session) =>
      current.socket.take.pipe(
        Effect.timeoutFail({
          duration: silentAfter,
          onTimeout: () => new UpstreamFailed({ message: `the stream ${url} fell silent` })
        }),
        Effect.flatMap((message) => ("text" in message ? onText(current, message.text) : onBytes(message.bytes))),
        Effect.forever
      )

    const watch = (current: Session) =>
      Effect.forever(
        Effect.flatMap(Effect.delay(Clock.currentTimeMillis, watchEvery), (now) => {
          if ([...current.missing.values()].some(({ askedAt }) => now - askedAt > acknowledgedWithinMs))
            return new UpstreamFailed({ message: `the stream ${url} does not acknowledge a subscription` })
          const due = [...current.refused].filter(([, askedAt]) => now - askedAt > refusedAgainAfterMs)
          return Effect.forEach(due, ([subscriber]) => subscribe(current, subscriber), { discard: true })
        })
      )
    const ping = ({ socket }: Session) => Effect.forever(Effect.delay(socket.send(pingFrame), pingEvery))
    const grownOld = Effect.delay(
      new UpstreamFailed({ message: "made anew before the venue's 24 hours are over" }),
      lifetime
    )

    const down = Effect.suspend(() => {
      session = null
      return Effect.forEach([...subscribers], ({ onDown }) => onDown, { discard: true })
    })

    const live = Effect.scoped(
      Effect.gen(function* () {
        const current: Session = { socket: yield* openVenueSocket(url), missing: new Map(), refused: new Map() }
        yield* Effect.addFinalizer(() => down)
        session = current
        sessions += 1
        yield* Effect.forEach([...subscribers], (subscriber) => subscribe(current, subscriber), { discard: true })
        yield* Effect.all([read(current), watch(current), ping(current), grownOld], {
          concurrency: "unbounded",
          discard: true
        })
      })
    )

    const backoff = yield* Schedule.driver(reconnect)
    const attempt = live.pipe(
      Effect.catchAll(({ message }) => Effect.logWarning(`the mirror connects again: ${message}`)),
      Effect.zipRight(Effect.suspend(() => (worked ? backoff.reset : Effect.void))),
      Effect.zipRight(
        Effect.suspend(() => {
          worked = false
          return Effect.ignore(backoff.next(undefined))
        })
      )
    )
    // A fiber inherits that it cannot be interrupted from where it is made.
    yield* Effect.forkScoped(Effect.interruptible(Effect.forever(attempt)))

    return {
      add: (subscriber) =>
        Effect.suspend(() => {
          subscribers.add(subscriber)
          for (const channel of subscriber.channels) byChannel.set(channel, subscriber)
          return session === null ? Effect.void : subscribe(session, subscriber)
        }),
      remove: (subscriber) =>
        Effect.suspend(() => {
          subscribers.delete(subscriber)
          for (const channel of subscriber.channels) byChannel.delete(channel)
          session?.missing.delete(subscriber)
          session?.refused.delete(subscriber)
          return session?.socket.send(unsubscribeFrame(subscriber.channels, nextId++)) ?? Effect.void
        }),
      sessions: () => sessions
    }
  })
