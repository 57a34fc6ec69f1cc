import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { type AnyEvent, makeParser } from "@effect/experimental/Sse"
import { Data, Duration, Effect, Option, Redacted, Schedule, Schema, Stream } from "effect"
import { Event } from "../../domain/Event.ts"
import { failures, statusOf } from "../Envelope.ts"
import { type ApiError, Internal, registry } from "../Errors.ts"
import { EventGap, EventSnapshot } from "./Events.ts"

export interface FollowOptions {
  /** Where the service listens, such as `http://127.0.0.1:3000`. */
  readonly baseUrl: string
  readonly token: Redacted.Redacted
  /** The last event seen before; absent: begin with a snapshot of what is alive now. */
  readonly after?: number
}

/**
 * What a reader of the stream is told. After a `Gap` comes a `Snapshot` in its place: what happened between is in neither,
 * and in `listEvents` as far as it is kept.
 */
export type StreamMessage = Data.TaggedEnum<{
  Snapshot: { readonly snapshot: EventSnapshot }
  Gap: { readonly gap: EventGap }
  Event: { readonly event: Event }
}>
export const StreamMessage = Data.taggedEnum<StreamMessage>()

/** The connection ended or fell silent: it is made again. */
class Disconnected extends Schema.TaggedError<Disconnected>()("Disconnected", { reason: Schema.String }) {}

/** Three heartbeats and some slack. */
const silence = Duration.seconds(45)

/** The service answered, but not with the stream. */
class Refused extends Data.TaggedError("Refused")<{
  readonly error: ApiError
  readonly retryAfter: Duration.Duration
}> {}

const statuses = new Map<string, number>(registry.map((Class) => [Class._tag, statusOf(Class)]))

/** The service is away or busy; everything else that it refuses, it would refuse again. */
const isTransient = (failure: unknown): boolean => {
  if (!(failure instanceof Refused)) return true
  const status = statuses.get(failure.error._tag) ?? 500
  return status >= 500 || status === 429 || status === 408
}

const retryAfterOf = (failure: unknown) => (failure instanceof Refused ? failure.retryAfter : Duration.zero)

/** For as long as the reader wants the stream: from half a second to 30 s, or as `Retry-After` says. */
const reconnecting = Schedule.exponential("500 millis").pipe(
  Schedule.union(Schedule.spaced("30 seconds")),
  Schedule.jittered,
  Schedule.intersect(Schedule.recurWhile(isTransient)),
  Schedule.tapInput((error) =>
    isTransient(error)
      ? Effect.logWarning("The event stream is away; connecting again").pipe(
          Effect.annotateLogs("cause", String(error))
        )
      : Effect.void
  ),
  Schedule.modifyDelay(([, error], delay) => Duration.max(delay, retryAfterOf(error)))
)

const decodeFailure = Schema.decodeUnknownOption(Schema.parseJson(failures(...registry)))
const decodeEvent = Schema.decodeUnknownOption(Schema.parseJson(Event))
const decodeGap = Schema.decodeUnknownOption(Schema.parseJson(EventGap))
const decodeSnapshot = Schema.decodeUnknownOption(Schema.parseJson(EventSnapshot))

/**
 * A user's events for ever: it connects again by itself and goes on after the last event it gave, so that none is lost
 * or given twice. It fails only with what connecting again would not change, such as a revoked key.
 */
export const follow = (options: FollowOptions): Stream.Stream<StreamMessage, ApiError, HttpClient.HttpClient> =>
  Stream.suspend(() => {
    let after = options.after ?? null

    /** Null for what this version does not know: its place counts, and the next is read. */
    const messageOf = (id: string | undefined, name: string, data: string): StreamMessage | null => {
      if (name === "gap") return Option.getOrNull(Option.map(decodeGap(data), (gap) => StreamMessage.Gap({ gap })))
      const seq = Number(id)
      if (!Number.isSafeInteger(seq)) return null
      if (name === "snapshot") {
        after = seq
        return Option.getOrNull(Option.map(decodeSnapshot(data), (snapshot) => StreamMessage.Snapshot({ snapshot })))
      }
      if (after !== null && seq <= after) return null
      after = seq
      return Option.getOrNull(Option.map(decodeEvent(data), (event) => StreamMessage.Event({ event })))
    }

    const request = () =>
      HttpClientRequest.get(`${options.baseUrl}/api/v1/account/events`).pipe(
        HttpClientRequest.bearerToken(Redacted.value(options.token)),
        HttpClientRequest.setHeader("accept", "text/event-stream"),
        after === null ? (plain) => plain : HttpClientRequest.setHeader("last-event-id", String(after))
      )

    const connection = Effect.gen(function* () {
      const client = yield* HttpClient.HttpClient
      const response = yield* client.execute(request())
      if (response.status !== 200) return yield* refusal(response)
      return parsed(Stream.decodeText(response.stream)).pipe(
        Stream.timeoutFail(() => new Disconnected({ reason: "nothing was heard for 45 s" }), silence)
      )
    })

    return Stream.unwrap(connection)
      .pipe(
        Stream.concat(Stream.fail(new Disconnected({ reason: "the service ended the stream" }))),
        Stream.retry(reconnecting)
      )
      .pipe(
        Stream.mapConcat(({ data, event, id }) => {
          const message = messageOf(id, event, data)
          return message === null ? [] : [message]
        }),
        Stream.refineOrDie((failure) => (failure instanceof Refused ? Option.some(failure.error) : Option.none()))
      )
  })

/** The messages in a stream of text; what `retry:` says is ours to decide. */
const parsed = <E, R>(text: Stream.Stream<string, E, R>) =>
  Stream.suspend(() => {
    const found: Array<Extract<AnyEvent, { readonly _tag: "Event" }>> = []
    const parser = makeParser((event) => {
      if (event._tag === "Event") found.push(event)
    })
    return Stream.mapConcat(text, (chunk) => {
      parser.feed(chunk)
      return found.splice(0)
    })
  })

const refusal = (response: HttpClientResponse.HttpClientResponse) =>
  Effect.flatMap(response.text, (body) => {
    const seconds = Number(response.headers["retry-after"] ?? 0)
    const error = Option.getOrElse(decodeFailure(body), () => new Internal({ message: `answered ${response.status}` }))
    return new Refused({ error, retryAfter: Duration.seconds(Number.isInteger(seconds) ? seconds : 0) })
  })
