import type * as Decimal from "../../Decimal.ts"
import type { SymbolInfo } from "../../Market.ts"
import type { RuleDocument } from "../../Rule.ts"
import type { Instant } from "../../Time.ts"

/** One thing wrong with a rule, by path into its document. */
export interface RuleProblem {
  readonly path: string
  readonly message: string
}

/** What the document is checked against; an unknown symbol is null, an unknown price too. */
export interface RuleContext {
  readonly symbol: SymbolInfo | null
  readonly ask: Decimal.Decimal | null
  readonly now: Instant
  /** Interval schedules without anchor count from it; a new rule's is now. */
  readonly createdAt: Instant
}

export type Check = (rule: RuleDocument, context: RuleContext) => ReadonlyArray<RuleProblem>

export const when = (fails: boolean, path: string, message: string): ReadonlyArray<RuleProblem> =>
  fails ? [{ path, message }] : []
