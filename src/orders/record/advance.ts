import { Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { VenueOrder } from "../../domain/order/Order.ts"
import { join, orderFacts, readOrder, type OrderFacts, type OrderReading } from "../../domain/order/OrderState.ts"
import { reason, type Reason } from "../../domain/Reason.ts"
import type { Instant } from "../../domain/Time.ts"
import { factsOf, OrderRow, type FillRow } from "./OrderRow.ts"
import { notPlaced, reasonOf, withdrawal, type Refusal } from "./Refusal.ts"

const encode = Schema.encodeSync(OrderRow)

/** Below this share of the amount asked, a finished quote-sized order counts as partly filled. */
const nearlyAll = Decimal.unsafe("0.99")

const underspent = (row: OrderRow, reading: OrderReading): boolean =>
  row.quote_amount !== null && Decimal.lessThan(reading.executedQuote, Decimal.multiply(row.quote_amount, nearlyAll))

const unfilledReason = (row: OrderRow, reading: OrderReading): Reason | null => {
  if (reading.terminalAt === null) return null
  if (reading.status === "filled" && !underspent(row, reading)) return null
  const params = {
    ...(row.quantity === null ? {} : { askedQuantity: Decimal.format(row.quantity) }),
    ...(row.quote_amount === null ? {} : { askedQuote: Decimal.format(row.quote_amount) }),
    executedQuantity: Decimal.format(reading.executedQuantity),
    executedQuote: Decimal.format(reading.executedQuote)
  }
  // All of what the venue made of the amount was bought: it sizes a market buy at a collar above the market.
  if (reading.status === "filled") return reason("UNDERSPENT", params)
  if (row.type === "limit") return reason("CANCELLED", params)
  return reason(Decimal.isZero(reading.executedQuantity) ? "NO_FILL" : "PARTIAL_FILL", params)
}

/**
 * The row after more facts, null when they change nothing. Any word of the venue proves that the order exists, so it
 * also ends `pending` and `unknown` and opens again what was thought never placed.
 */
export const advance = (
  row: OrderRow,
  fills: ReadonlyArray<FillRow>,
  facts: OrderFacts,
  now: Instant
): OrderRow | null => {
  const joined = join(factsOf(row, fills), facts)
  const reading = readOrder(joined, row.quantity)
  const next: OrderRow = {
    ...row,
    exchange_order_id: joined.exchangeOrderId,
    held_at: joined.heldAt,
    told_quantity: joined.toldQuantity,
    told_quote: joined.toldQuote,
    closed: joined.closed,
    closed_at: joined.closedAt,
    status: reading.status,
    executed_quantity: reading.executedQuantity,
    executed_quote: reading.executedQuote,
    fees: reading.fees,
    explained: reading.explained,
    terminal_at: reading.terminalAt,
    unfilled_reason: unfilledReason(row, reading),
    reject_reason: null,
    refusal: null,
    unknown_since: null,
    unknown_since_wall: null
  }
  if (JSON.stringify(encode(next)) === JSON.stringify(encode(row))) return null
  return { ...next, version: row.version + 1, updated_at: now }
}

/** Whether the venue's word on an order that has no fills yet is what is known already. */
export const isKnown = (row: OrderRow, told: VenueOrder): boolean =>
  row.exchange_order_id === told.exchangeOrderId &&
  Decimal.isZero(row.executed_quantity) &&
  advance(row, [], orderFacts(told), row.updated_at) === null

export type Rejection = { readonly refusal: Refusal } | { readonly reason: Reason }

/** The intent ended without an order; null once the venue has shown that there is one. */
export const rejected = (row: OrderRow, why: Rejection, now: Instant): OrderRow | null =>
  row.status !== "pending" && row.status !== "unknown"
    ? null
    : {
        ...row,
        status: "rejected",
        reject_reason: "refusal" in why ? reasonOf(why.refusal) : why.reason,
        refusal: "refusal" in why ? why.refusal : null,
        unknown_since: null,
        unknown_since_wall: null,
        terminal_at: now,
        version: row.version + 1,
        updated_at: now
      }

export const unknown = (row: OrderRow, now: Instant, wall: number): OrderRow | null =>
  row.status !== "pending"
    ? null
    : {
        ...row,
        status: "unknown",
        unknown_since: now,
        unknown_since_wall: wall,
        version: row.version + 1,
        updated_at: now
      }

const stopped = notPlaced(
  "EXCHANGE_UNAVAILABLE",
  "The service stopped before the order was sent; no order exists.",
  1_000
)

/** An intent nobody works on any more: without `sentAt` its bytes never left, with it only the venue knows. */
export const abandoned = (row: OrderRow, now: Instant, wall: number): OrderRow | null =>
  row.status !== "pending"
    ? null
    : row.sent_at === null
      ? rejected(row, { refusal: stopped }, now)
      : unknown(row, now, wall)

/** An intent that nobody wants any more, unless its bytes may have left. */
export const withdrawn = (row: OrderRow, now: Instant): OrderRow | null =>
  row.status === "pending" && row.sent_at === null ? rejected(row, { refusal: withdrawal }, now) : null
