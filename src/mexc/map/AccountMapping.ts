import * as Decimal from "../../domain/Decimal.ts"
import type { FeeRates } from "../../domain/Market.ts"
import type { VenueFill, VenueOrder } from "../../domain/order/Order.ts"
import type { Instant } from "../../domain/Time.ts"
import type { MyTrade, OrderRow, TradeFee } from "../wire/rest/RestAccount.ts"
import { orderTypeOf } from "./OrderTypes.ts"

/** The venue's orders and fills in domain terms. */

const statuses = new Map<string, VenueOrder["status"]>([
  ["NEW", "open"],
  ["PARTIALLY_FILLED", "partiallyFilled"],
  ["FILLED", "filled"],
  ["CANCELED", "cancelled"],
  ["PARTIALLY_CANCELED", "partiallyCancelled"]
])

/** An order that is filled and has bought or sold nothing is no order that anybody can end. */
const statusOf = ({ executedQty, status }: OrderRow): VenueOrder["status"] =>
  status === "FILLED" && !Decimal.isPositive(executedQty) ? "unrecognised" : (statuses.get(status) ?? "unrecognised")

/**
 * The venue fills this field for orders by quantity too, with their value at the price it shows, the collar. One by
 * amount buys whole steps, whose value stays below.
 */
const amountOf = ({ origQty, origQuoteOrderQty: amount, price }: OrderRow): Decimal.Decimal | null => {
  if (amount === null || !Decimal.isPositive(amount)) return null
  const value = origQty === null || price === null ? null : Decimal.multiply(price, origQty)
  return value !== null && Decimal.equals(value, amount) ? null : amount
}

export const toVenueOrder = (row: OrderRow, receivedAt: Instant): VenueOrder => {
  const type = orderTypeOf(row.type) ?? "unrecognised"
  const side = row.side === "BUY" ? "buy" : "sell"
  const createdAt = row.time ?? receivedAt
  return {
    symbol: row.symbol,
    exchangeOrderId: row.orderId,
    clientOrderId: row.clientOrderId,
    side,
    type,
    status: statusOf(row),
    price: row.price ?? Decimal.zero,
    quantity: row.origQty ?? row.Qty ?? Decimal.zero,
    quoteAmount: type === "market" && side === "buy" ? amountOf(row) : null,
    executedQuantity: row.executedQty,
    executedQuote: row.cummulativeQuoteQty,
    createdAt,
    at: row.updateTime ?? createdAt
  }
}

export const toVenueFill = (row: MyTrade): VenueFill => ({
  symbol: row.symbol,
  tradeId: row.id,
  exchangeOrderId: row.orderId,
  clientOrderId: row.clientOrderId,
  side: row.isBuyer ? "buy" : "sell",
  price: row.price,
  quantity: row.qty,
  quoteQuantity: row.quoteQty ?? Decimal.multiply(row.price, row.qty),
  fee: { asset: row.commissionAsset, amount: row.commission ?? Decimal.zero },
  maker: row.isMaker,
  at: row.time
})

export const toFeeRates = ({ data }: typeof TradeFee.Type): FeeRates => ({
  maker: data.makerCommission,
  taker: data.takerCommission
})
