import * as Decimal from "../Decimal.ts"
import type { SymbolInfo } from "../Market.ts"
import type { RuleDocument } from "../Rule.ts"
import { sizeOrder } from "./decision/sizing.ts"
import { largestSize } from "./decision/wish.ts"

/** The most one buy can take, fees included; null for a base size while no price is known. */
const oneBuy = (
  document: RuleDocument,
  symbol: SymbolInfo | null,
  ask: Decimal.Decimal | null
): Decimal.Decimal | null => {
  const { perBuyMax } = document.limits
  const size = largestSize(document.size)
  if (size === null) return perBuyMax
  if (size.type === "quote") return perBuyMax === null ? size.amount : Decimal.min(size.amount, perBuyMax)
  if (symbol === null || ask === null || !Decimal.isPositive(ask)) return perBuyMax
  const sized = { size, execution: document.execution, maxPrice: document.maxPrice }
  return sizeOrder(sized, symbol, { bid: ask, ask }, perBuyMax).worst
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
