import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Clock, Context, Deferred, Duration, Effect, Layer, Metric, Option, Schema, Stream } from "effect"
import type { ServerResponse } from "node:http"
import { Auth } from "../../accounts/Auth.ts"
import { EventSnapshot } from "../../api/stream/Events.ts"
import { type DatabaseUnavailable, Overloaded, RateLimited } from "../../api/Errors.ts"
import type { UserId } from "../../domain/Ids.ts"
import type { Principal } from "../../domain/Principal.ts"
import { Snapshots } from "../../service/Snapshots.ts"
import { Events } from "../../store/Events.ts"
import { renderEvent } from "../../store/events/EventLog.ts"
import { exchangeOf } from "../edge/Listener.ts"
import { type Exchange, unknownExchange } from "../gate/Gate.ts"
import { HttpGate } from "../HttpGate.ts"
import * as Sse from "./sse.ts"

export interface StreamSettings {
  readonly perUser: number
  readonly inAll: number
  /** At most 15 s. */
  readonly heartbeat: Duration.DurationInput
  /** How often credentials and slow readers are looked at; a revoked key ends its streams within it. */
  readonly lookEvery: Duration.DurationInput
  /** A reader that takes nothing for so long is cut off; it goes on with `Last-Event-ID` when it comes back. */
  readonly stalled: Duration.DurationInput
}

export const defaultStreams: StreamSettings = {
  perUser: 10,
  inAll: 300,
  heartbeat: "10 seconds",
  lookEvery: "1 second",
  stalled: "15 seconds"
}

/** A user's events as they happen, to readers of any speed. */
export class EventStreams extends Context.Tag("dipper/http/EventStreams")<
  EventStreams,
  {
    /** An answer that goes on until its reader, its credential or the service ends. `after` null: from now. */
    readonly open: (
      principal: Principal,
      after: number | null
    ) => Effect.Effect<
      HttpServerResponse.HttpServerResponse,
      RateLimited | Overloaded | DatabaseUnavailable,
      HttpServerRequest.HttpServerRequest
    >
  }
>() {
  static readonly layer = (settings: StreamSettings) => Layer.effect(EventStreams, make(settings))
}

const open = Metric.gauge("dipper_event_streams_open", { description: "Event streams open now." })
const cutOff = Metric.counter("dipper_event_readers_cut_off_total", {
  description: "Readers of event streams that took nothing for too long and were cut off.",
  incremental: true
})

const encodeSnapshot = Schema.encodeSync(Schema.parseJson(EventSnapshot))

/** Events in one piece of the answer: what a slow reader makes us hold, and no more. */
const perPiece = 100

/** One open stream. */
interface Reader {
  readonly principal: Principal
  readonly exchange: Exchange
  readonly response: ServerResponse
  /** Done: say no more. */
  readonly ended: Deferred.Deferred<void>
  /** Wall time since when the last piece waits to be taken; null while the reader waits for us. */
  givenAt: number | null
}

const make = Effect.fnUntraced(function* (settings: StreamSettings) {
  const { gate } = yield* HttpGate
  const auth = yield* Auth
  const events = yield* Events
  const snapshots = yield* Snapshots
  const perUser = new Map<UserId, number>()
  let inAll = 0
  // So that both are there before the first stream.
  yield* Metric.set(open, 0)
  yield* Metric.incrementBy(cutOff, 0)

  /** Counts the stream until its connection is gone, whatever ends it. */
  const enter = ({ ended, exchange, principal: { userId }, response }: Reader) =>
    Effect.suspend((): Effect.Effect<void, RateLimited | Overloaded> => {
      const mine = perUser.get(userId) ?? 0
      if (mine >= settings.perUser) return tooMany(settings.perUser)
      if (inAll >= settings.inAll) return overloaded
      if (response.destroyed) return Effect.interrupt
      const count = (change: 1 | -1) => {
        inAll += change
        const left = (perUser.get(userId) ?? 0) + change
        if (left === 0) perUser.delete(userId)
        else perUser.set(userId, left)
        open.unsafeUpdate(inAll, [])
      }
      const leave = gate.stream(exchange, () => Deferred.unsafeDone(ended, Effect.void))
      count(1)
      response.once("close", () => {
        leave()
        count(-1)
      })
      return Effect.void
    })

  const snapshot = (userId: UserId) =>
    Effect.map(snapshots.of(userId), (found) => ({
      text: Sse.message("snapshot", found.seq, encodeSnapshot(found)),
      seq: found.seq
    }))

  /** The next piece after a place: events, or what a lost place needs, or null when there is nothing yet. */
  const piece = Effect.fnUntraced(function* (userId: UserId, after: number) {
    const { events: found, gap } = yield* events.since(userId, after, perPiece)
    if (gap !== null) {
      const { seq, text } = yield* snapshot(userId)
      return { text: Sse.notice("gap", JSON.stringify(gap)) + text, seq }
    }
    const last = found.at(-1)
    if (last === undefined) return null
    return {
      text: found.map((event) => Sse.message(event.type, event.seq, renderEvent(event))).join(""),
      seq: last.seq
    }
  })

  /** Waits for events no longer than a heartbeat. */
  const next = Effect.fnUntraced(function* (reader: Reader, woken: Effect.Effect<void>, after: number) {
    reader.givenAt = null
    const given =
      (yield* piece(reader.principal.userId, after)) ??
      (Option.isSome(yield* Effect.timeoutOption(woken, settings.heartbeat))
        ? yield* piece(reader.principal.userId, after)
        : null)
    reader.givenAt = yield* Clock.currentTimeMillis
    return [given?.text ?? Sse.heartbeat, Option.some(given?.seq ?? after)] as const
  })

  /** Ends the stream of a credential that is no longer good, and of a reader that takes nothing. */
  const watch = (reader: Reader) =>
    Effect.gen(function* () {
      // A database that does not answer now is no reason to send a user away.
      const good = yield* Effect.orElseSucceed(auth.isStillGood(reader.principal), () => true)
      if (!good) yield* Deferred.succeed(reader.ended, undefined)
      const waited = reader.givenAt === null ? 0 : (yield* Clock.currentTimeMillis) - reader.givenAt
      if (waited <= Duration.toMillis(settings.stalled)) return
      yield* Metric.increment(cutOff)
      yield* Effect.logInfo("A reader of events took nothing and was cut off").pipe(
        Effect.annotateLogs("userId", reader.principal.userId)
      )
      yield* Effect.sync(() => reader.response.destroy())
    }).pipe(Effect.delay(settings.lookEvery), Effect.forever)

  const body = (reader: Reader, start: string, from: number) => {
    const pieces = Effect.gen(function* () {
      const woken = yield* events.follow(reader.principal.userId)
      yield* Effect.forkScoped(watch(reader))
      return Stream.concat(
        Stream.make(Sse.opening + start),
        Stream.paginateEffect(from, (after) => next(reader, woken, after))
      )
    })
    return Stream.unwrapScoped(pieces).pipe(
      Stream.interruptWhenDeferred(reader.ended),
      // The reader comes back by itself.
      Stream.catchAll(() => Stream.empty),
      Stream.encodeText
    )
  }

  return EventStreams.of({
    open: Effect.fn("EventStreams.open")(function* (principal, after) {
      const request = yield* HttpServerRequest.HttpServerRequest
      const response = NodeHttpServerRequest.toServerResponse(request)
      const exchange = exchangeOf(NodeHttpServerRequest.toIncomingMessage(request)) ?? unknownExchange
      const reader: Reader = { principal, exchange, response, ended: yield* Deferred.make<void>(), givenAt: null }
      yield* enter(reader)
      const first = after === null ? yield* snapshot(principal.userId) : { text: "", seq: after }
      return HttpServerResponse.stream(body(reader, first.text, first.seq), {
        contentType: Sse.contentType,
        // Proxies that buffer would hold events back.
        headers: { "cache-control": "no-store", "x-accel-buffering": "no" }
      })
    })
  })
})

const tooMany = (limit: number) =>
  Effect.fail(
    new RateLimited({
      message: `A user may have at most ${limit} event streams open; close one first.`,
      retryAfterSeconds: 30
    })
  )

const overloaded = Effect.suspend(
  () => new Overloaded({ message: "Too many event streams are open.", retryable: true })
)
