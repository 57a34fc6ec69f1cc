import { Schema } from "effect"
import { Decimal } from "../Decimal.ts"
import { ClientOrderId, CycleId, ExecutionId, OrderId, RuleId } from "../Ids.ts"
import { OrderType, Side, SymbolName } from "../Market.ts"
import { Reason } from "../Reason.ts"
import { Instant } from "../Time.ts"

/**
 * `pending`: intent committed, not yet answered. `unknown`: sent, outcome not proven; only the venue
 * resolves it. The last four are terminal.
 */
export const OrderStatus = Schema.Literal(
  "pending",
  "unknown",
  "open",
  "partiallyFilled",
  "filled",
  "cancelled",
  "partiallyCancelled",
  "rejected"
).annotations({ identifier: "OrderStatus" })
export type OrderStatus = typeof OrderStatus.Type

export const isTerminal = (status: OrderStatus): boolean =>
  status === "filled" || status === "cancelled" || status === "partiallyCancelled" || status === "rejected"

/** An amount of one asset. */
export const AssetAmount = Schema.Struct({ asset: Schema.String, amount: Decimal }).annotations({
  identifier: "AssetAmount"
})
export interface AssetAmount extends Schema.Schema.Type<typeof AssetAmount> {}

export const OrderOrigin = Schema.Struct({
  type: Schema.Literal("manual", "rule", "exit", "external"),
  ruleId: Schema.NullOr(RuleId),
  executionId: Schema.NullOr(ExecutionId),
  cycleId: Schema.NullOr(CycleId)
}).annotations({ identifier: "OrderOrigin" })
export interface OrderOrigin extends Schema.Schema.Type<typeof OrderOrigin> {}

/** Every lot is in one book per symbol: `manual` or `rule:<id>`. */
export const BookName = Schema.Union(
  Schema.Literal("manual"),
  Schema.TemplateLiteral("rule:", Schema.String)
).annotations({ identifier: "BookName", jsonSchema: { type: "string", examples: ["manual"] } })
export type BookName = typeof BookName.Type

/** One order as its facts add up now; `averagePrice` is executed quote over executed quantity, null before a fill. */
export const Order = Schema.Struct({
  id: OrderId,
  version: Schema.Int,
  venue: Schema.String,
  book: BookName,
  clientOrderId: ClientOrderId,
  exchangeOrderId: Schema.NullOr(Schema.String),
  symbol: SymbolName,
  side: Side,
  type: OrderType,
  status: OrderStatus,
  price: Schema.NullOr(Decimal),
  quantity: Schema.NullOr(Decimal),
  quoteAmount: Schema.NullOr(Decimal),
  executedQuantity: Decimal,
  executedQuote: Decimal,
  averagePrice: Schema.NullOr(Decimal),
  fees: Schema.Array(AssetAmount),
  origin: OrderOrigin,
  note: Schema.NullOr(Schema.String),
  rejectReason: Schema.NullOr(Reason),
  unfilledReason: Schema.NullOr(Reason),
  unknownSince: Schema.NullOr(Instant),
  requestedAt: Instant,
  sentAt: Schema.NullOr(Instant),
  terminalAt: Schema.NullOr(Instant),
  updatedAt: Instant
}).annotations({ identifier: "Order" })
export interface Order extends Schema.Schema.Type<typeof Order> {}

/** One execution of an order; the venue's `tradeId` makes it count once, whatever the channel it came by. */
export const Fill = Schema.Struct({
  id: Schema.String,
  tradeId: Schema.String,
  orderId: OrderId,
  price: Decimal,
  quantity: Decimal,
  quoteQuantity: Decimal,
  fee: AssetAmount,
  maker: Schema.Boolean,
  at: Instant
}).annotations({ identifier: "Fill" })
export interface Fill extends Schema.Schema.Type<typeof Fill> {}

/** What the venue says of one order: the only input of the join in `OrderState.ts`. */
export interface VenueOrder {
  readonly symbol: SymbolName
  readonly exchangeOrderId: string
  /** null when the venue did not echo it. */
  readonly clientOrderId: string | null
  readonly side: Side
  /** `unrecognised`: a kind only the web can place, or a word the venue has not documented. */
  readonly type: OrderType | "unrecognised"
  /** `unrecognised`: a word the venue has not documented; it neither ends an order nor frees what it holds. */
  readonly status: "open" | "partiallyFilled" | "filled" | "cancelled" | "partiallyCancelled" | "unrecognised"
  readonly price: Decimal
  readonly quantity: Decimal
  /** Requested quote amount of a quote-sized market order, else null. */
  readonly quoteAmount: Decimal | null
  readonly executedQuantity: Decimal
  readonly executedQuote: Decimal
  /** Market time of creation and of this state. */
  readonly createdAt: Instant
  readonly at: Instant
}

/** A fill as the venue reports it, by stream or REST. */
export interface VenueFill {
  readonly symbol: SymbolName
  readonly tradeId: string
  readonly exchangeOrderId: string
  readonly clientOrderId: string | null
  readonly side: Side
  readonly price: Decimal
  readonly quantity: Decimal
  readonly quoteQuantity: Decimal
  readonly fee: AssetAmount
  readonly maker: boolean
  readonly at: Instant
}

/** A balance of one asset on the venue. `locked` is held by open orders. */
export interface VenueBalance {
  readonly asset: string
  readonly free: Decimal
  readonly locked: Decimal
}
