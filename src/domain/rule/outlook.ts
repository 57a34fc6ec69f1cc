import * as Decimal from "../Decimal.ts"
import type { SymbolInfo } from "../Market.ts"
import type { RuleDocument } from "../Rule.ts"
import { sizeOrder } from "./decision/sizing.ts"

/** The most one buy can take, fees included; null for a base size while no price is known. */
const oneBuy = (
  document: RuleDocument,
  symbol: SymbolInfo | null,
  ask: Decimal.Decimal | null
): Decimal.Decimal | null => {
  const { perBuyMax } = document.limits
  if (symbol !== null && ask !== null && Decimal.isPositive(ask) && document.size.type === "base")
    return sizeOrder(document, symbol, ask, perBuyMax).worst
  if (document.size.type === "base") return perBuyMax
  return perBuyMax === null ? document.size.amount : Decimal.min(document.size.amount, perBuyMax)
}

/** What the rule can spend over its life, and what the next buy needs free; null where nothing bounds it. */
export const outlook = (document: RuleDocument, symbol: SymbolInfo | null, ask: Decimal.Decimal | null) => {
  const { total, maxExecutions, reserveQuote } = document.limits
  const one = oneBuy(document, symbol, ask)
  // A base size costs more when the price rises, so that only money bounds it.
  const byCount =
    maxExecutions === null || document.size.type === "base" || one === null
      ? null
      : Decimal.multiply(one, Decimal.unsafe(String(maxExecutions)))
  return {
    worstCaseSpend: total === null ? byCount : byCount === null ? total : Decimal.min(total, byCount),
    requiredFree: one === null ? null : Decimal.add(one, reserveQuote ?? Decimal.zero)
  }
}
