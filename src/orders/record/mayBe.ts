import * as Decimal from "../../domain/Decimal.ts"
import type { VenueFill, VenueOrder } from "../../domain/order/Order.ts"
import type { OrderRow } from "./OrderRow.ts"

const contradicts = (sent: Decimal.Decimal | null, told: Decimal.Decimal): boolean =>
  sent !== null && Decimal.isPositive(told) && !Decimal.equals(sent, told)

/**
 * Whether an order that the venue lists without a name may be this one. What is sent as a limit comes back with its price
 * and quantity, a market order by amount with its amount; its price is a collar of the venue's, and its quantity too.
 */
export const mayBe = (row: OrderRow, told: VenueOrder): boolean => {
  if (told.clientOrderId !== null || told.side !== row.side) return false
  if (told.type === "unrecognised") return true
  if ((told.type === "market") !== (row.type === "market")) return false
  if (contradicts(row.quote_amount, told.quoteAmount ?? Decimal.zero)) return false
  return row.type === "market" || !(contradicts(row.price, told.price) || contradicts(row.quantity, told.quantity))
}

/** The venue's ids of everything nameless that may be this order; fills tell too little to contradict by themselves. */
export const candidates = (
  row: OrderRow,
  orders: ReadonlyArray<VenueOrder>,
  fills: ReadonlyArray<VenueFill>
): ReadonlyArray<string> => {
  const judged = new Set(orders.map(({ exchangeOrderId }) => exchangeOrderId))
  const orphaned = fills.filter(
    ({ clientOrderId, exchangeOrderId, side }) =>
      clientOrderId === null && side === row.side && !judged.has(exchangeOrderId)
  )
  const likely = orders.filter((told) => mayBe(row, told))
  return [...new Set([...likely, ...orphaned].map(({ exchangeOrderId }) => exchangeOrderId))]
}
