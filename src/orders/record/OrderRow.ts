import { Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { ClientOrderId, CycleId, ExecutionId, OrderId, RuleId, UserId } from "../../domain/Ids.ts"
import { OrderType, Side, SymbolName } from "../../domain/Market.ts"
import { AssetAmount, BookName, OrderOrigin, OrderStatus, type Fill, type Order } from "../../domain/order/Order.ts"
import type { OrderFacts } from "../../domain/order/OrderState.ts"
import { ResolvedOutcome } from "../../domain/order/ResolveOrder.ts"
import { Reason } from "../../domain/Reason.ts"
import { Refusal } from "./Refusal.ts"

const flag = Schema.transform(Schema.Number, Schema.Boolean, {
  strict: true,
  decode: (value) => value !== 0,
  encode: (value) => (value ? 1 : 0)
})

const json = <A, I>(schema: Schema.Schema<A, I>) => Schema.NullOr(Schema.parseJson(schema))

/** What a person said became of an order that nobody could tell of; the venue's word, should it come, counts more. */
export const Resolution = Schema.Struct({ outcome: ResolvedOutcome, note: Schema.String, at: Schema.Int })
export interface Resolution extends Schema.Schema.Type<typeof Resolution> {}

/** A row of `orders`. */
export const OrderRow = Schema.Struct({
  user_id: UserId,
  order_id: OrderId,
  version: Schema.Int,
  venue: Schema.String,
  book: BookName,
  client_order_id: ClientOrderId,
  exchange_order_id: Schema.NullOr(Schema.String),
  symbol: SymbolName,
  base_asset: Schema.String,
  quote_asset: Schema.String,
  side: Side,
  type: OrderType,
  status: OrderStatus,
  price: Schema.NullOr(Decimal.Decimal),
  quantity: Schema.NullOr(Decimal.Decimal),
  quote_amount: Schema.NullOr(Decimal.Decimal),
  reserve_asset: Schema.String,
  reserve_amount: Decimal.Decimal,
  origin: OrderOrigin.fields.type,
  rule_id: Schema.NullOr(RuleId),
  rule_version: Schema.NullOr(Schema.Int),
  execution_id: Schema.NullOr(ExecutionId),
  cycle_id: Schema.NullOr(CycleId),
  slot: Schema.NullOr(Schema.String),
  kind: Schema.NullOr(Schema.String),
  level: Schema.NullOr(Schema.Int),
  note: Schema.NullOr(Schema.String),
  told_quantity: Decimal.Decimal,
  told_quote: Decimal.Decimal,
  closed: Schema.Literal("no", "cancelled", "filled"),
  closed_at: Schema.NullOr(Schema.Int),
  executed_quantity: Decimal.Decimal,
  executed_quote: Decimal.Decimal,
  fees: Schema.parseJson(Schema.Array(AssetAmount)),
  explained: flag,
  reject_reason: json(Reason),
  refusal: json(Refusal),
  unfilled_reason: json(Reason),
  requested_at: Schema.Int,
  sent_at: Schema.NullOr(Schema.Int),
  unknown_since: Schema.NullOr(Schema.Int),
  unknown_since_wall: Schema.NullOr(Schema.Int),
  terminal_at: Schema.NullOr(Schema.Int),
  updated_at: Schema.Int,
  credential: Schema.NullOr(Schema.String),
  held_at: Schema.NullOr(Schema.Int),
  resolution: json(Resolution)
})
export interface OrderRow extends Schema.Schema.Type<typeof OrderRow> {}

/** A row of `fills`. */
export const FillRow = Schema.Struct({
  user_id: UserId,
  symbol: SymbolName,
  trade_id: Schema.String,
  order_id: Schema.NullOr(OrderId),
  exchange_order_id: Schema.String,
  book: BookName,
  base_asset: Schema.String,
  quote_asset: Schema.String,
  side: Side,
  price: Decimal.Decimal,
  quantity: Decimal.Decimal,
  quote_quantity: Decimal.Decimal,
  fee_asset: Schema.String,
  fee_amount: Decimal.Decimal,
  maker: flag,
  at: Schema.Int
})
export interface FillRow extends Schema.Schema.Type<typeof FillRow> {}

export const toOrder = (row: OrderRow): Order => ({
  id: row.order_id,
  version: row.version,
  venue: row.venue,
  book: row.book,
  clientOrderId: row.client_order_id,
  exchangeOrderId: row.exchange_order_id,
  symbol: row.symbol,
  side: row.side,
  type: row.type,
  status: row.status,
  price: row.price,
  quantity: row.quantity,
  quoteAmount: row.quote_amount,
  executedQuantity: row.executed_quantity,
  executedQuote: row.executed_quote,
  averagePrice: Decimal.isPositive(row.executed_quantity)
    ? Decimal.divide(row.executed_quote, row.executed_quantity)
    : null,
  fees: row.fees,
  origin: { type: row.origin, ruleId: row.rule_id, executionId: row.execution_id, cycleId: row.cycle_id },
  note: row.note,
  rejectReason: row.reject_reason,
  unfilledReason: row.unfilled_reason,
  unknownSince: row.unknown_since,
  requestedAt: row.requested_at,
  sentAt: row.sent_at,
  terminalAt: row.terminal_at,
  updatedAt: row.updated_at
})

/** A fill of one of our orders; the venue's trade id is unique only within a symbol. */
export const toFill = (row: FillRow, orderId: OrderId): Fill => ({
  id: `${row.symbol}-${row.trade_id}`,
  tradeId: row.trade_id,
  orderId,
  price: row.price,
  quantity: row.quantity,
  quoteQuantity: row.quote_quantity,
  fee: { asset: row.fee_asset, amount: row.fee_amount },
  maker: row.maker,
  at: row.at
})

export const factsOf = (row: OrderRow, fills: ReadonlyArray<FillRow>): OrderFacts => ({
  exchangeOrderId: row.exchange_order_id,
  heldAt: row.held_at,
  toldQuantity: row.told_quantity,
  toldQuote: row.told_quote,
  closed: row.closed,
  closedAt: row.closed_at,
  fills: new Map(
    fills.map((fill) => [
      fill.trade_id,
      {
        quantity: fill.quantity,
        quoteQuantity: fill.quote_quantity,
        fee: { asset: fill.fee_asset, amount: fill.fee_amount },
        at: fill.at
      }
    ])
  )
})
