import * as Decimal from "../../Decimal.ts"
import type { SymbolInfo } from "../../Market.ts"
import { reason, type Reason } from "../../Reason.ts"
import type { BuyOrder } from "./sizing.ts"

const text = Decimal.format

type Judged = Pick<BuyOrder, "type" | "quantity" | "notional">

/** Why the venue would not take an order of this size, on either side; null when it would. */
export const tooSmallOrLarge = (order: Judged, symbol: SymbolInfo): Reason | null => {
  const market = order.type === "market"
  const min = market ? symbol.marketMinNotional : symbol.minNotional
  const max = market ? symbol.marketMaxNotional : symbol.maxNotional
  const { quantity, notional } = order
  if (
    quantity !== null &&
    (!Decimal.isPositive(quantity) || Decimal.lessThan(quantity, symbol.minQuantity ?? quantity))
  )
    return reason("BELOW_MIN_NOTIONAL", {
      quantity: text(quantity),
      min: text(symbol.minQuantity ?? symbol.quantityStep)
    })
  if (!Decimal.isPositive(notional) || Decimal.lessThan(notional, min))
    return reason("BELOW_MIN_NOTIONAL", { value: text(notional), min: text(min) })
  return max !== null && Decimal.greaterThan(notional, max)
    ? reason("ABOVE_MAX_NOTIONAL", { value: text(notional), max: text(max) })
    : null
}
