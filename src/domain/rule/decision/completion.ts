import * as Decimal from "../../Decimal.ts"
import type { SymbolInfo } from "../../Market.ts"
import { reason, type Reason } from "../../Reason.ts"
import type { RuleDocument } from "../../Rule.ts"
import { formatInstant, type Instant } from "../../Time.ts"
import type { Usage } from "./caps.ts"

/** The least a further buy of this rule could cost; limits that leave less have been used up. */
const leastBuy = (document: RuleDocument, symbol: SymbolInfo | null): Decimal.Decimal => {
  const minimum = symbol?.minNotional ?? Decimal.zero
  if (document.size.type !== "quote" || document.onInsufficientFunds === "buyWhatFits") return minimum
  const { perBuyMax } = document.limits
  return perBuyMax === null ? document.size.amount : Decimal.min(document.size.amount, perBuyMax)
}

/** Why the rule has nothing left to do; null while it has. Running buys count as made only once they are proven. */
export const completion = (
  document: RuleDocument,
  usage: Usage,
  symbol: SymbolInfo | null,
  now: Instant
): Reason | null => {
  const { limits, endAt } = document
  if (endAt !== null && now >= endAt) return reason("COMPLETED_END", { endAt: formatInstant(endAt) })
  if (limits.maxExecutions !== null && usage.executions >= limits.maxExecutions)
    return reason("COMPLETED_EXECUTIONS", { limit: String(limits.maxExecutions) })
  if (limits.total === null) return null
  const left = Decimal.subtract(limits.total, usage.total)
  const spent = !Decimal.isPositive(left) || Decimal.lessThan(left, leastBuy(document, symbol))
  return spent
    ? reason("COMPLETED_TOTAL", { limit: Decimal.format(limits.total), spent: Decimal.format(usage.total) })
    : null
}
