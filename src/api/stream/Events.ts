import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import { Context, Schema } from "effect"
import { Event, EventSeq, StoredRule } from "../../domain/Event.ts"
import { Halt } from "../../domain/Halt.ts"
import { Order } from "../../domain/order/Order.ts"
import { Instant } from "../../domain/Time.ts"
import { RequiredScope } from "../Authorization.ts"
import { ok } from "../Envelope.ts"
import { integerParameter, optional, paging, query } from "../Requests.ts"

/** The asked place is not kept: what came after it and is not listed is lost, so read the objects again. */
export const EventGap = Schema.Struct({
  /** The last event the reader has seen. */
  after: EventSeq,
  /** The oldest event that is kept; one more than `seq` when none is. */
  keptFrom: Schema.Int,
  /** The newest event there is. */
  seq: EventSeq
}).annotations({ identifier: "EventGap" })
export interface EventGap extends Schema.Schema.Type<typeof EventGap> {}

/** Oldest first. `nextCursor` is null at the newest event; `seq` is the place to go on from then. */
export const EventPage = Schema.Struct({
  items: Schema.Array(Event),
  nextCursor: Schema.NullOr(Schema.String),
  seq: EventSeq,
  gap: Schema.NullOr(EventGap)
}).annotations({ identifier: "EventPage" })
export interface EventPage extends Schema.Schema.Type<typeof EventPage> {}

/**
 * What a new reader of the stream starts from: the objects that are alive, at least as new as `seq`. The events after
 * `seq` follow and carry whole objects, so that one which the snapshot had already changes nothing.
 */
export const EventSnapshot = Schema.Struct({
  seq: EventSeq,
  at: Instant,
  halt: Halt,
  /** Pending, unknown, open and partially filled ones, newest first. */
  orders: Schema.Array(Order),
  /** Active rules, newest first. */
  rules: Schema.Array(StoredRule)
}).annotations({ identifier: "EventSnapshot" })
export interface EventSnapshot extends Schema.Schema.Type<typeof EventSnapshot> {}

/** Opens one stream, once, within 30 s: for browsers, whose EventSource sends no header. Not a credential for anything else. */
export const StreamTicket = Schema.Struct({ ticket: Schema.String, expiresAt: Instant }).annotations({
  identifier: "StreamTicket"
})
export interface StreamTicket extends Schema.Schema.Type<typeof StreamTicket> {}

/**
 * Annotation of an endpoint that also answers `Accept: text/event-stream`, and then takes `?ticket=` for a credential:
 * what its messages carry by their `event:` name, and an example for the document.
 */
export class EventStreamed extends Context.Tag("dipper/api/EventStreamed")<
  EventStreamed,
  { readonly data: Readonly<Record<string, Schema.Schema.All>>; readonly example: string }
>() {}

const Place = integerParameter(0, 999_999_999, 1024)

export const listEvents = HttpApiEndpoint.get("listEvents", "/account/events")
  .setUrlParams(
    query({ since: optional(Place), limit: paging.limit, cursor: optional(Place), ticket: optional(Schema.String) })
  )
  .setHeaders(Schema.Struct({ "last-event-id": optional(Place) }))
  .addSuccess(ok(EventPage))
  .annotate(RequiredScope, "read")
  .annotate(EventStreamed, {
    data: { snapshot: EventSnapshot, gap: EventGap, "the event's type": Event },
    example: [
      "retry: 2000",
      "",
      "id: 41",
      "event: snapshot",
      `data: {"seq":41,"at":"2026-03-01T09:00:00.000Z","halt":{"halted":false,"scope":null,"by":null,"reason":null,"since":null},"orders":[],"rules":[]}`,
      "",
      "id: 42",
      "event: order.changed",
      `data: {"seq":42,"at":"2026-03-01T09:00:00.120Z","type":"order.changed","objectId":"ord_01hzy3v7k2m4n6p8q0r2s4t6w8","data":{}}`,
      "",
      ": heartbeat",
      ""
    ].join("\n")
  })

export const createStreamTicket = HttpApiEndpoint.post("createStreamTicket", "/account/stream-tickets")
  .addSuccess(ok(StreamTicket, 201))
  .annotate(RequiredScope, "read")
