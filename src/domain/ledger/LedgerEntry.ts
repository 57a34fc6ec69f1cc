import { Schema } from "effect"
import { Decimal } from "../Decimal.ts"
import { RuleId } from "../Ids.ts"
import { SymbolName } from "../Market.ts"
import { BookName } from "../order/Order.ts"
import { Instant } from "../Time.ts"

export const LedgerKind = Schema.Literal("opening", "deposit", "withdrawal", "fill", "fee", "adjustment").annotations({
  identifier: "LedgerKind"
})
export type LedgerKind = typeof LedgerKind.Type

/**
 * One change of one asset of the user's balance. `source` names what it came from and is booked once; the `amount` of
 * all entries of an asset adds up to its balance. `at` is when it happened, entries are listed as they were booked.
 */
export const Transaction = Schema.Struct({
  id: Schema.String,
  at: Instant,
  kind: LedgerKind,
  asset: Schema.String,
  amount: Decimal,
  symbol: Schema.NullOr(SymbolName),
  book: Schema.NullOr(BookName),
  reason: Schema.NullOr(Schema.String),
  source: Schema.String
}).annotations({ identifier: "Transaction" })
export interface Transaction extends Schema.Schema.Type<typeof Transaction> {}

/**
 * A rule's book gave up lots that no order of the rule sold, or got such lots back (a negative `quantity`): somebody
 * sold or withdrew more than the manual books had.
 */
export const LedgerAdjustment = Schema.Struct({
  ruleId: RuleId,
  symbol: SymbolName,
  book: BookName,
  asset: Schema.String,
  quantity: Decimal,
  remaining: Decimal,
  reason: Schema.String,
  at: Instant
}).annotations({ identifier: "LedgerAdjustment" })
export interface LedgerAdjustment extends Schema.Schema.Type<typeof LedgerAdjustment> {}
