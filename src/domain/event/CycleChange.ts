import { Schema } from "effect"
import { Decimal } from "../Decimal.ts"
import { CycleId, RuleId } from "../Ids.ts"
import { SymbolName } from "../Market.ts"
import { Reason } from "../Reason.ts"
import { Instant } from "../Time.ts"

/** A cycle as it is told: an entry with its ladder levels and its exits. */
export const CycleChange = Schema.Struct({
  id: CycleId,
  ruleId: RuleId,
  ruleVersion: Schema.Int,
  symbol: SymbolName,
  state: Schema.Literal("open", "closed"),
  /** Why the position is being sold as a whole; null before. */
  exiting: Schema.NullOr(Schema.String),
  trailingHigh: Schema.NullOr(Decimal),
  reason: Schema.NullOr(Reason),
  openedAt: Instant,
  closedAt: Schema.NullOr(Instant)
}).annotations({ identifier: "CycleChange" })
export interface CycleChange extends Schema.Schema.Type<typeof CycleChange> {}
