import * as Decimal from "../../Decimal.ts"
import type { SymbolInfo } from "../../Market.ts"
import { reason, type Reason } from "../../Reason.ts"
import type { RuleDocument } from "../../Rule.ts"
import { formatInstant, type Instant } from "../../Time.ts"
import type { Usage } from "./caps.ts"

/** What every buy of this rule costs; null where that depends on more than the rule. */
const fixedAmount = ({ limits: { perBuyMax }, onInsufficientFunds, size }: RuleDocument): Decimal.Decimal | null => {
  if (size.type !== "quote" || onInsufficientFunds === "buyWhatFits") return null
  return perBuyMax === null ? size.amount : Decimal.min(size.amount, perBuyMax)
}

/** Whether the symbol's smallest order tells if there is something left to buy. */
export const dependsOnSymbol = (document: RuleDocument): boolean =>
  document.limits.total !== null && fixedAmount(document) === null

/** The least a further buy of this rule could cost; limits that leave less have been used up. */
const leastBuy = (document: RuleDocument, symbol: SymbolInfo | null): Decimal.Decimal =>
  fixedAmount(document) ?? symbol?.minNotional ?? Decimal.zero

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
