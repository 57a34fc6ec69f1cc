import { Clock, Deferred, Effect, Either, type Scope } from "effect"
import { parseChannel } from "../wire/Channels.ts"
import {
  type ControlAnswer,
  decodeControlAnswer,
  invalidListenKeyText,
  pingFrame,
  readAcknowledgement,
  subscribeFrame,
  unsubscribeFrame
} from "../wire/Control.ts"
import { decodeFrame, type PushFrame } from "../wire/Stream.ts"
import type { Origin } from "./Once.ts"
import { makePace } from "./Pacer.ts"
import type { Pulse } from "./Pulse.ts"
import { type Incoming, openSocket, StreamFailed } from "./Socket.ts"

/** Channels that belong together: they are subscribed with one message and announced when all are acknowledged. */
export interface Group {
  readonly channels: ReadonlyArray<string>
  readonly onAccepted: Effect.Effect<void>
  /** No connection carries the channels any more, or the venue refused one of them. */
  readonly onLost: Effect.Effect<void>
  readonly onFrame: (frame: PushFrame, receivedAt: number, origin: Origin) => Effect.Effect<void>
}

/** Counts what cannot be used; it is never a reason to stop. */
export type Odd = (what: string) => Effect.Effect<void>

const acknowledgedWithin = 10_000
const refusedAgainAfter = 60_000

/** The venue ends a connection on which it hears more than 100 messages in a second. */
const messageBurst = 40
const messageSpacingMs = 25

export interface SessionHooks {
  readonly groupOf: (channel: string) => Group | undefined
  readonly onAccepted: (group: Group) => Effect.Effect<void>
  readonly onRefused: (group: Group) => Effect.Effect<void>
  readonly onFrame: (group: Group, frame: PushFrame, receivedAt: number) => Effect.Effect<void>
  readonly odd: Odd
}

/** One WebSocket from its opening to its end. */
export interface Session {
  readonly subscribe: (group: Group) => Effect.Effect<void>
  readonly unsubscribe: (group: Group) => Effect.Effect<void>
  /** All channels of the group are acknowledged. */
  readonly carries: (group: Group) => boolean
  /** Acknowledged channels. */
  readonly accepted: () => number
  /** The venue has answered every subscription. */
  readonly answered: Effect.Effect<void>
  /** Wall time of the last frame or first acknowledgement. */
  readonly toldAt: () => number
  /** Listens until the connection fails. */
  readonly listen: Effect.Effect<never, StreamFailed>
}

interface Asked {
  readonly missing: Set<string>
  refused: boolean
  askedAt: number
}

export const openSession = (
  url: string,
  { answeredWithin, lookEvery, pingEvery }: Pulse,
  hooks: SessionHooks
): Effect.Effect<Session, StreamFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const socket = yield* openSocket(url)
    const asked = new Map<Group, Asked>()
    const pace = makePace(messageBurst, messageSpacingMs)
    const answered = yield* Deferred.make<void>()
    let pongAt = Number.NEGATIVE_INFINITY
    let toldAt = yield* Clock.currentTimeMillis
    let nextId = 1

    const send = (text: string) => Effect.zipRight(pace, socket.send(text))

    const isAnswered = () => [...asked.values()].every(({ missing, refused }) => refused || missing.size === 0)
    const checkAnswered = Effect.suspend(() => (isAnswered() ? Deferred.succeed(answered, undefined) : Effect.void))

    const subscribe = (group: Group) =>
      Effect.flatMap(Clock.currentTimeMillis, (askedAt) => {
        asked.set(group, { missing: new Set(group.channels), refused: false, askedAt })
        return send(subscribeFrame(group.channels, nextId++))
      })

    const unsubscribe = (group: Group) =>
      Effect.suspend(() => {
        asked.delete(group)
        return Effect.zipRight(send(unsubscribeFrame(group.channels, nextId++)), checkAnswered)
      })

    const entryOf = (channel: string) => {
      const group = hooks.groupOf(channel)
      const entry = group === undefined ? undefined : asked.get(group)
      return group === undefined || entry === undefined ? null : { group, entry }
    }

    const accept = (channel: string, receivedAt: number): Effect.Effect<void> => {
      const found = entryOf(channel)
      if (found === null || !found.entry.missing.delete(channel) || found.entry.missing.size > 0) return Effect.void
      toldAt = receivedAt
      return hooks.onAccepted(found.group)
    }

    const refuse = (channel: string): Effect.Effect<void> => {
      const found = entryOf(channel)
      if (found === null || found.entry.refused) return Effect.void
      found.entry.refused = true
      return Effect.zipRight(
        Effect.logWarning(`The venue refused the channel ${channel}.`),
        hooks.onRefused(found.group)
      )
    }

    const handleAnswer = (answer: ControlAnswer, receivedAt: number): Effect.Effect<void> => {
      if (answer.msg.toUpperCase() === "PONG") {
        pongAt = receivedAt
        return Effect.void
      }
      const acknowledged = readAcknowledgement(answer)
      if (acknowledged === null) return hooks.odd(`the text ${answer.msg.slice(0, 80)}`)
      return Effect.all(
        [
          Effect.forEach(acknowledged.refused, refuse, { discard: true }),
          Effect.forEach(acknowledged.accepted, (channel) => accept(channel, receivedAt), { discard: true }),
          checkAnswered
        ],
        { discard: true }
      )
    }

    const handleText = (text: string, receivedAt: number): Effect.Effect<void, StreamFailed> => {
      if (text.trim() === invalidListenKeyText) return new StreamFailed({ message: "The venue does not know the key." })
      const answer = decodeControlAnswer(text)
      return Either.isLeft(answer) ? hooks.odd("a text that is no answer") : handleAnswer(answer.right, receivedAt)
    }

    const handleFrame = (bytes: Uint8Array, receivedAt: number): Effect.Effect<void> => {
      toldAt = receivedAt
      const frame = decodeFrame(bytes)
      if (Either.isLeft(frame)) return hooks.odd(`${bytes.length} bytes that do not decode`)
      const group = hooks.groupOf(frame.right.channel)
      if (group !== undefined) return hooks.onFrame(group, frame.right, receivedAt)
      // What was unsubscribed a moment ago may still be on its way.
      const isKnown = parseChannel(frame.right.channel) !== null
      return isKnown ? Effect.void : hooks.odd(`the channel ${frame.right.channel.slice(0, 80)}`)
    }

    const handle = (incoming: Incoming) =>
      incoming.type === "text"
        ? handleText(incoming.text, incoming.receivedAt)
        : handleFrame(incoming.bytes, incoming.receivedAt)

    const checkAcknowledgements = (now: number) =>
      Effect.forEach(
        [...asked],
        ([group, { askedAt, missing, refused }]) => {
          if (missing.size === 0) return Effect.void
          if (refused) return now - askedAt >= refusedAgainAfter ? subscribe(group) : Effect.void
          return now - askedAt >= acknowledgedWithin
            ? new StreamFailed({ message: "The venue did not acknowledge a subscription." })
            : Effect.void
        },
        { discard: true }
      )

    const watch = Effect.gen(function* () {
      let pingedAt = yield* Clock.currentTimeMillis
      let isWaiting = false
      for (;;) {
        yield* Effect.sleep(lookEvery)
        const now = yield* Clock.currentTimeMillis
        if (isWaiting && pongAt >= pingedAt) isWaiting = false
        // While we are the slow ones the answer may wait among what we have not read.
        if (isWaiting && now - pingedAt >= answeredWithin && !(yield* socket.isBehind))
          return yield* new StreamFailed({ message: "The venue did not answer a ping: the stream is dead." })
        yield* checkAcknowledgements(now)
        if (now - pingedAt < pingEvery) continue
        pingedAt = now
        isWaiting = true
        yield* send(pingFrame)
      }
    })

    return {
      subscribe,
      unsubscribe,
      carries: (group) => asked.get(group)?.missing.size === 0,
      accepted: () => {
        let sum = 0
        for (const [{ channels }, { missing }] of asked) sum += channels.length - missing.size
        return sum
      },
      answered: Effect.zipRight(checkAnswered, Deferred.await(answered)),
      toldAt: () => toldAt,
      listen: Effect.raceFirst(Effect.forever(Effect.flatMap(socket.take, handle)), watch)
    }
  })
