import { Either } from "effect"
import { StaleMarketData } from "../../api/Errors.ts"
import * as Decimal from "../../domain/Decimal.ts"
import { quoteNeeded, type ApprovedOrder } from "../../domain/order/risk.ts"

/**
 * The venue fills a market order at most about 5 % beyond the price it has then; ours is ten seconds old at most, and
 * an order that waits to be sent gets older. `maxSlippageBps` or an amount bound the cost exactly.
 */
const collar = Decimal.unsafe("1.05")

/** The most a buy can cost in its quote asset, the taker fee included; what nobody can tell is not nothing. */
export const worstQuote = ({
  draft,
  symbol
}: Pick<ApprovedOrder, "draft" | "symbol">): Either.Either<Decimal.Decimal, StaleMarketData> => {
  const needed = quoteNeeded(draft)
  if (needed === null) {
    const message = `${symbol.symbol} has no fresh price, so the cost of the order cannot be told.`
    return Either.left(new StaleMarketData({ message, retryable: true, retryAfterSeconds: 5 }))
  }
  const bounded = draft.quoteAmount !== null || draft.price !== null
  const worst = bounded ? needed : Decimal.multiply(needed, collar)
  const withFee = Decimal.multiply(worst, Decimal.add(Decimal.one, symbol.takerFeeRate))
  return Either.right(Decimal.round(withFee, Decimal.keptScale, "ceil"))
}
