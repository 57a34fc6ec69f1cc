import * as Decimal from "../../domain/Decimal.ts"
import { quoteNeeded, type ApprovedOrder } from "../../domain/order/risk.ts"

/** The venue fills a market order at most about 5 % beyond the best price. */
const collar = Decimal.unsafe("1.05")

/** The most a buy can cost in its quote asset, the taker fee included. */
export const worstQuote = ({ draft, symbol }: ApprovedOrder): Decimal.Decimal => {
  const needed = quoteNeeded(draft) ?? Decimal.zero
  const bounded = draft.quoteAmount !== null || draft.price !== null
  const worst = bounded ? needed : Decimal.multiply(needed, collar)
  return Decimal.round(
    Decimal.multiply(worst, Decimal.add(Decimal.one, symbol.takerFeeRate)),
    Decimal.keptScale,
    "ceil"
  )
}
