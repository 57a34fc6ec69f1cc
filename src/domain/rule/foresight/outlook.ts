import * as Decimal from "../../Decimal.ts"
import type { SymbolInfo } from "../../Market.ts"
import type { RuleDocument } from "../../Rule.ts"
import { sizeOfLevel, worstOfCycle } from "../decision/cycle/expandLadder.ts"
import { largestSize } from "../decision/wish.ts"

const least = (...bounds: ReadonlyArray<Decimal.Decimal | null>): Decimal.Decimal | null =>
  bounds.reduce<Decimal.Decimal | null>(
    (smallest, bound) => (smallest === null ? bound : bound === null ? smallest : Decimal.min(smallest, bound)),
    null
  )

/** Entries that the rule can ever make; null where nothing counts them. A base quantity costs more when prices rise. */
const entries = ({ limits, cycle, exit, size }: RuleDocument): number | null => {
  if (size.type === "base") return null
  const single = cycle.whileOpen === "ignore" && exit !== null
  const cycles = !single ? null : cycle.afterExit === "complete" ? 1 : cycle.maxCycles
  const counts = [limits.maxExecutions, cycles].filter((count) => count !== null)
  return counts.length === 0 ? null : Math.min(...counts)
}

/** Quote that levels resting at the venue hold back besides the base buy. */
const resting = ({ ladder, limits, size }: RuleDocument): Decimal.Decimal => {
  const largest = largestSize(size)
  if (ladder === null || ladder.place === "watched" || largest === null) return Decimal.zero
  const active = ladder.levels.slice(0, ladder.maxActive ?? ladder.levels.length)
  const sizes = active.map(({ sizeMultiplier }) => sizeOfLevel(largest, sizeMultiplier, { limits }))
  return Decimal.sum(sizes.map((one) => (one.type === "quote" ? one.amount : Decimal.zero)))
}

/** What the rule can spend over its life, and what the next buy needs free; null where nothing bounds it. */
export const outlook = (document: RuleDocument, symbol: SymbolInfo | null, ask: Decimal.Decimal | null) => {
  const { total, reserveQuote } = document.limits
  const one = worstOfCycle({ ...document, ladder: null }, symbol, ask)
  const cycle = worstOfCycle(document, symbol, ask)
  const count = entries(document)
  const byCount = count === null || cycle === null ? null : Decimal.multiply(cycle, Decimal.unsafe(String(count)))
  return {
    worstCaseSpend: least(total, byCount),
    requiredFree: one === null ? null : Decimal.sum([one, resting(document), reserveQuote ?? Decimal.zero])
  }
}
