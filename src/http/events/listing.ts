import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Effect, Schema } from "effect"
import { encodeSuccess } from "../../api/Envelope.ts"
import { CurrentUser } from "../../api/Authorization.ts"
import { defaultLimit } from "../../api/Requests.ts"
import { Events } from "../../store/Events.ts"
import { renderEvent } from "../../store/events/EventLog.ts"
import { json } from "../edge/headers.ts"
import { EventStreams } from "./EventStreams.ts"
import { asksForStream } from "./sse.ts"

interface Asked {
  readonly urlParams: { readonly since?: number; readonly cursor?: number; readonly limit?: number }
  readonly headers: { readonly "last-event-id"?: number }
  readonly request: HttpServerRequest.HttpServerRequest
}

/** Kept events are the API's own encoding already: they are passed on, not decoded and encoded again. */
const encodePage = encodeSuccess(Schema.Unknown)

/** `GET /account/events`: a page of the log, or the stream that follows it. */
export const makeListing = Effect.gen(function* () {
  const events = yield* Events
  const streams = yield* EventStreams

  const page = Effect.fnUntraced(function* ({ urlParams }: Asked) {
    const { userId } = yield* CurrentUser
    const after = urlParams.cursor ?? urlParams.since
    const limit = urlParams.limit ?? defaultLimit
    const head = yield* events.seq(userId)
    const found = yield* events.since(userId, after ?? 0, limit + 1)
    const listed = found.events.slice(0, limit)
    const last = listed.at(-1)?.seq ?? 0
    return HttpServerResponse.text(
      encodePage({
        items: listed.map((event): unknown => JSON.parse(renderEvent(event))),
        nextCursor: found.events.length > limit ? String(last) : null,
        seq: Math.max(head, last),
        // Who names no place has lost none.
        gap: after === undefined ? null : found.gap
      }),
      { contentType: json }
    )
  })

  const stream = Effect.fnUntraced(function* ({ headers, urlParams }: Asked) {
    const place = headers["last-event-id"] ?? urlParams.cursor ?? urlParams.since ?? null
    return yield* streams.open(yield* CurrentUser, place)
  })

  return (asked: Asked) => (asksForStream(asked.request.headers["accept"]) ? stream(asked) : page(asked))
})
