import * as Decimal from "../Decimal.ts"
import type { AssetAmount, OrderStatus, VenueFill, VenueOrder } from "./Order.ts"
import type { Instant } from "../Time.ts"

/**
 * Everything the venue has said about one order, as a join: {@link join} is commutative, associative and idempotent,
 * so a message applied twice, late or out of order changes nothing, and what is finished stays finished.
 */
export interface OrderFacts {
  readonly exchangeOrderId: string | null
  /** Earliest time at which the venue is known to have had it: its balances are without what the order holds since. */
  readonly heldAt: Instant | null
  /** Greatest cumulative execution any order message told. */
  readonly toldQuantity: Decimal.Decimal
  readonly toldQuote: Decimal.Decimal
  readonly closed: Closed
  /** Earliest time any message gave for the end. */
  readonly closedAt: Instant | null
  /** By the venue's trade id. */
  readonly fills: ReadonlyMap<string, FillFact>
}

export type Closed = "no" | "cancelled" | "filled"

export interface FillFact {
  readonly quantity: Decimal.Decimal
  readonly quoteQuantity: Decimal.Decimal
  readonly fee: AssetAmount
  readonly at: Instant
}

export const noFacts: OrderFacts = {
  exchangeOrderId: null,
  heldAt: null,
  toldQuantity: Decimal.zero,
  toldQuote: Decimal.zero,
  closed: "no",
  closedAt: null,
  fills: new Map()
}

export const ackFacts = (exchangeOrderId: string, heldAt: Instant | null): OrderFacts => ({
  ...noFacts,
  exchangeOrderId,
  heldAt
})

const closedBy = {
  open: "no",
  partiallyFilled: "no",
  // What a word means that nobody has documented, only a later message can tell.
  unrecognised: "no",
  filled: "filled",
  cancelled: "cancelled",
  partiallyCancelled: "cancelled"
} as const satisfies Record<VenueOrder["status"], Closed>

export const orderFacts = (told: VenueOrder): OrderFacts => ({
  exchangeOrderId: told.exchangeOrderId,
  heldAt: told.createdAt,
  toldQuantity: told.executedQuantity,
  toldQuote: told.executedQuote,
  closed: closedBy[told.status],
  closedAt: closedBy[told.status] === "no" ? null : told.at,
  fills: new Map()
})

export const fillFacts = (fill: VenueFill): OrderFacts => ({
  ...ackFacts(fill.exchangeOrderId, fill.at),
  fills: new Map([[fill.tradeId, fill]])
})

const closedRank: Record<Closed, number> = { no: 0, cancelled: 1, filled: 2 }

const earliest = (a: Instant | null, b: Instant | null): Instant | null =>
  a === null ? b : b === null ? a : Math.min(a, b)

export const join = (a: OrderFacts, b: OrderFacts): OrderFacts => {
  const byQuantity = Decimal.order(a.toldQuantity, b.toldQuantity)
  const ahead = byQuantity !== 0 ? byQuantity > 0 : Decimal.greaterOrEqual(a.toldQuote, b.toldQuote)
  return {
    exchangeOrderId: a.exchangeOrderId ?? b.exchangeOrderId,
    heldAt: earliest(a.heldAt, b.heldAt),
    toldQuantity: ahead ? a.toldQuantity : b.toldQuantity,
    toldQuote: ahead ? a.toldQuote : b.toldQuote,
    closed: closedRank[a.closed] >= closedRank[b.closed] ? a.closed : b.closed,
    closedAt: earliest(a.closedAt, b.closedAt),
    fills: new Map([...b.fills, ...a.fills])
  }
}

/** What an order looks like through its facts. */
export interface OrderReading {
  readonly status: Exclude<OrderStatus, "pending" | "unknown" | "rejected">
  readonly executedQuantity: Decimal.Decimal
  readonly executedQuote: Decimal.Decimal
  readonly fees: ReadonlyArray<AssetAmount>
  readonly terminalAt: Instant | null
  /** The fills explain the whole execution; until then the fills must still be asked for. */
  readonly explained: boolean
}

const feesOf = (fills: Iterable<FillFact>): ReadonlyArray<AssetAmount> => {
  const byAsset = new Map<string, Decimal.Decimal>()
  for (const { fee } of fills)
    if (!Decimal.isZero(fee.amount))
      byAsset.set(fee.asset, Decimal.add(byAsset.get(fee.asset) ?? Decimal.zero, fee.amount))
  return [...byAsset].map(([asset, amount]) => ({ asset, amount })).sort((a, b) => (a.asset < b.asset ? -1 : 1))
}

const statusOf = (facts: OrderFacts, executed: Decimal.Decimal, complete: boolean): OrderReading["status"] => {
  if (facts.closed === "filled" || complete) return "filled"
  const touched = Decimal.isPositive(executed)
  if (facts.closed === "cancelled") return touched ? "partiallyCancelled" : "cancelled"
  return touched ? "partiallyFilled" : "open"
}

/** `asked` is the base quantity of the order, null when it was sized by quote. */
export const readOrder = (facts: OrderFacts, asked: Decimal.Decimal | null): OrderReading => {
  const fills = [...facts.fills.values()]
  const filled = Decimal.sum(fills.map((fill) => fill.quantity))
  const explained = Decimal.greaterOrEqual(filled, facts.toldQuantity)
  const executedQuantity = explained ? filled : facts.toldQuantity
  const complete = asked !== null && Decimal.isPositive(asked) && Decimal.greaterOrEqual(executedQuantity, asked)
  const status = statusOf(facts, executedQuantity, complete)
  const lastFill = fills.reduce<Instant | null>((last, fill) => Math.max(last ?? fill.at, fill.at), null)
  const ended = status !== "open" && status !== "partiallyFilled"
  return {
    status,
    executedQuantity,
    executedQuote: explained ? Decimal.sum(fills.map((fill) => fill.quoteQuantity)) : facts.toldQuote,
    fees: feesOf(fills),
    terminalAt: ended ? (facts.closedAt ?? lastFill) : null,
    explained
  }
}
