import * as Decimal from "../../domain/Decimal.ts"
import type { VenueFill, VenueOrder } from "../../domain/Order.ts"
import type { Instant } from "../../domain/Time.ts"
import type { MyTrade, OrderRow } from "../wire/RestAccount.ts"
import { orderTypeOf } from "./OrderTypes.ts"

/** The venue's orders and fills in domain terms. */

const statuses = {
  NEW: "open",
  PARTIALLY_FILLED: "partiallyFilled",
  FILLED: "filled",
  CANCELED: "cancelled",
  PARTIALLY_CANCELED: "partiallyCancelled"
} as const satisfies Record<OrderRow["status"], VenueOrder["status"]>

/** Null for kinds that this service can neither place nor follow. */
export const toVenueOrder = (row: OrderRow, receivedAt: Instant): VenueOrder | null => {
  const type = orderTypeOf(row.type)
  if (type === undefined) return null
  const side = row.side === "BUY" ? "buy" : "sell"
  const createdAt = row.time ?? receivedAt
  return {
    symbol: row.symbol,
    exchangeOrderId: row.orderId,
    clientOrderId: row.clientOrderId,
    side,
    type,
    status: statuses[row.status],
    price: row.price ?? Decimal.zero,
    quantity: row.origQty ?? Decimal.zero,
    // The venue fills this field for limit orders and sales too, with their value.
    quoteAmount: type === "market" && side === "buy" ? row.origQuoteOrderQty : null,
    executedQuantity: row.executedQty ?? Decimal.zero,
    executedQuote: row.cummulativeQuoteQty ?? Decimal.zero,
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
