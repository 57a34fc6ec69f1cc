import type { Exact } from "../Exact.ts"
import { amount, instant, type Json, number, object, objects, orNull, text, Unreadable } from "../Reading.ts"

export const statuses = [
  "pending",
  "unknown",
  "open",
  "partiallyFilled",
  "filled",
  "cancelled",
  "partiallyCancelled",
  "rejected"
] as const
export type Status = (typeof statuses)[number]

/** An order as the service shows it, in an answer, an event or the record. */
export interface Order {
  readonly id: string
  readonly version: number
  readonly book: string
  readonly clientOrderId: string
  readonly exchangeOrderId: string | null
  readonly symbol: string
  readonly side: string
  readonly type: string
  readonly status: Status
  readonly price: Exact | null
  readonly quantity: Exact | null
  readonly quoteAmount: Exact | null
  readonly executedQuantity: Exact
  readonly executedQuote: Exact
  readonly fees: ReadonlyMap<string, Exact>
  readonly origin: string
  readonly ruleId: string | null
  readonly executionId: string | null
  readonly rejectCode: string | null
  readonly unknownSince: number | null
  readonly requestedAt: number
  readonly sentAt: number | null
  readonly raw: Json
}

const statusOf = (value: Json): Status => {
  const word = text(value, "status")
  const known = statuses.find((status) => status === word)
  if (known === undefined) throw new Unreadable(`an order has the status "${word}"`)
  return known
}

export const codeOf = (value: Json, name: string): string | null => {
  const reason = orNull(object, value, name)
  return reason === null ? null : text(reason, "code")
}

export const orderOf = (raw: Json): Order => {
  const origin = object(raw, "origin")
  return {
    id: text(raw, "id"),
    version: number(raw, "version"),
    book: text(raw, "book"),
    clientOrderId: text(raw, "clientOrderId"),
    exchangeOrderId: orNull(text, raw, "exchangeOrderId"),
    symbol: text(raw, "symbol"),
    side: text(raw, "side"),
    type: text(raw, "type"),
    status: statusOf(raw),
    price: orNull(amount, raw, "price"),
    quantity: orNull(amount, raw, "quantity"),
    quoteAmount: orNull(amount, raw, "quoteAmount"),
    executedQuantity: amount(raw, "executedQuantity"),
    executedQuote: amount(raw, "executedQuote"),
    fees: new Map(objects(raw, "fees").map((fee) => [text(fee, "asset"), amount(fee, "amount")])),
    origin: text(origin, "type"),
    ruleId: orNull(text, origin, "ruleId"),
    executionId: orNull(text, origin, "executionId"),
    rejectCode: codeOf(raw, "rejectReason"),
    unknownSince: orNull(instant, raw, "unknownSince"),
    requestedAt: instant(raw, "requestedAt"),
    sentAt: orNull(instant, raw, "sentAt"),
    raw
  }
}

/** Only the service's own orders go to the exchange under such a name. */
export const isOurs = (clientOrderId: string | null): boolean =>
  clientOrderId !== null && /^dp[0-9a-f]{30}$/.test(clientOrderId)

const over: ReadonlyArray<Status> = ["filled", "cancelled", "partiallyCancelled", "rejected"]
export const isOver = (status: Status): boolean => over.includes(status)
