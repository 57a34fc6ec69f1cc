import * as Decimal from "../domain/Decimal.ts"
import type { ClientOrderId } from "../domain/Ids.ts"
import type { OrderType, Side, SymbolName } from "../domain/Market.ts"
import type { Instant } from "../domain/Time.ts"
import { venueOrderTypes, venueSides } from "./map/OrderTypes.ts"
import type { Parameters } from "./signing/Signature.ts"

/** What goes to `POST /order`; numbers are already rounded to the symbol's tick and step. */
export interface OrderRequest {
  readonly symbol: SymbolName
  readonly side: Side
  readonly type: OrderType
  readonly quantity?: Decimal.Decimal
  readonly quoteOrderQty?: Decimal.Decimal
  readonly price?: Decimal.Decimal
  readonly clientOrderId: ClientOrderId
  /** For the paper exchange alone: the header `X-Paper-Fault`. Whoever sets it knows that no real venue is behind. */
  readonly paperFault?: string
}

/** The acknowledgement carries no status and no fills; never derive either from it. */
export interface OrderAck {
  readonly exchangeOrderId: string
  readonly transactTime: Instant
}

/** In the venue's words: plain decimals, never an exponent. */
export const orderParameters = (order: OrderRequest): Parameters => {
  const parameters: Array<readonly [string, string]> = [
    ["symbol", order.symbol],
    ["side", venueSides[order.side]],
    ["type", venueOrderTypes[order.type]]
  ]
  if (order.quantity !== undefined) parameters.push(["quantity", Decimal.format(order.quantity)])
  if (order.quoteOrderQty !== undefined) parameters.push(["quoteOrderQty", Decimal.format(order.quoteOrderQty)])
  if (order.price !== undefined) parameters.push(["price", Decimal.format(order.price)])
  return [...parameters, ["newClientOrderId", order.clientOrderId]]
}
