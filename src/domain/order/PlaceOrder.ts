import { Schema } from "effect"
import { Decimal, PositiveDecimal } from "../Decimal.ts"
import { OrderType, Side, SymbolName } from "../Market.ts"
import { AssetAmount, BookName } from "./Order.ts"
import { Instant } from "../Time.ts"

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { nullable: true })

const fields = Schema.Struct({
  symbol: SymbolName,
  side: Side,
  type: OrderType,
  /** Base quantity, rounded down to the symbol's step. */
  quantity: optional(PositiveDecimal),
  /** What a buy may spend; a market order without `maxSlippageBps` sends it as it is. */
  quoteAmount: optional(PositiveDecimal),
  /** Limit price; a buy is rounded down to the tick, a sell up. */
  price: optional(PositiveDecimal),
  /** Turns a market order into an immediate-or-cancel limit this far beyond the best price. */
  maxSlippageBps: optional(Schema.Int.pipe(Schema.between(0, 5_000))),
  /** The book a sell takes its lots from; `manual` when left out. */
  book: optional(BookName),
  /** How long the answer may wait for the order to finish. */
  waitMs: Schema.optionalWith(Schema.Int.pipe(Schema.between(0, 10_000)), { nullable: true, default: () => 2_000 }),
  note: optional(Schema.String.pipe(Schema.maxLength(500)))
})

const faults = (order: Schema.Schema.Type<typeof fields>): ReadonlyArray<Schema.FilterIssue> => {
  const found: Array<Schema.FilterIssue> = []
  const fault = (path: string, message: string) => found.push({ path: [path], message })
  if (order.quantity === undefined && order.quoteAmount === undefined)
    fault("quantity", order.side === "buy" ? "give either quantity or quoteAmount" : "a sell needs a quantity")
  if (order.quantity !== undefined && order.quoteAmount !== undefined)
    fault("quoteAmount", "give either quantity or quoteAmount, not both")
  if (order.side === "sell" && order.quoteAmount !== undefined) fault("quoteAmount", "a sell is sized by quantity")
  if (order.type === "market" && order.price !== undefined) fault("price", "a market order has no price")
  if (order.type !== "market" && order.price === undefined) fault("price", `a ${order.type} order needs a price`)
  if (order.type !== "market" && order.maxSlippageBps !== undefined)
    fault("maxSlippageBps", "only a market order takes maxSlippageBps")
  if (order.side === "buy" && order.book !== undefined && order.book !== "manual")
    fault("book", "a manual buy always enters the manual book")
  return found
}

/** Body of `POST /trading/orders` and of its preview. */
export const PlaceOrder = fields.pipe(Schema.filter(faults)).annotations({
  identifier: "PlaceOrder",
  jsonSchema: {
    examples: [{ symbol: "BTCUSDT", side: "buy", type: "market", quoteAmount: "50", maxSlippageBps: 50 }]
  }
})
export interface PlaceOrder extends Schema.Schema.Type<typeof PlaceOrder> {}

/** Why an order would be refused before it is sent. Each is the code of an error answer. */
export const RiskCode = Schema.Literal(
  "SYMBOL_NOT_TRADABLE",
  "BELOW_MINIMUM",
  "ORDER_REJECTED",
  "PRICE_OUT_OF_BAND",
  "INSUFFICIENT_BALANCE",
  "STALE_MARKET_DATA"
).annotations({ identifier: "RiskCode" })
export type RiskCode = typeof RiskCode.Type

/** One thing that would make the service or the venue refuse the order; `path` names the field to change. */
export const OrderProblem = Schema.Struct({
  code: RiskCode,
  path: Schema.NullOr(Schema.String),
  message: Schema.String
}).annotations({ identifier: "OrderProblem" })
export interface OrderProblem extends Schema.Schema.Type<typeof OrderProblem> {}

/**
 * The order as it would be sent, rounded, and what it would probably cost. A protected market order shows as the
 * immediateOrCancel limit it becomes. Estimates are null while no price is known; the fee is at the taker rate.
 */
export const OrderPreview = Schema.Struct({
  symbol: SymbolName,
  side: Side,
  type: OrderType,
  book: BookName,
  price: Schema.NullOr(Decimal),
  quantity: Schema.NullOr(Decimal),
  quoteAmount: Schema.NullOr(Decimal),
  estimatedPrice: Schema.NullOr(Decimal),
  estimatedQuantity: Schema.NullOr(Decimal),
  estimatedQuote: Schema.NullOr(Decimal),
  estimatedFee: Schema.NullOr(AssetAmount),
  /** Empty when the order may be sent as it is. */
  problems: Schema.Array(OrderProblem),
  asOf: Instant,
  stale: Schema.Boolean
}).annotations({ identifier: "OrderPreview" })
export interface OrderPreview extends Schema.Schema.Type<typeof OrderPreview> {}
