import { Schema } from "effect"
import { Decimal } from "../Decimal.ts"
import { Decision } from "../order/Execution.ts"
import { NextFiring, Warmup } from "./shape/Computed.ts"
import { Instant } from "../Time.ts"

/** One thing that would make a rule be refused, by path into its document. */
export const RuleProblem = Schema.Struct({ path: Schema.String, message: Schema.String }).annotations({
  identifier: "RuleProblem"
})

/** When the trigger would have fired on stored candles, whatever its gates and limits would have said. */
export const PastFirings = Schema.Struct({
  from: Instant,
  to: Instant,
  count: Schema.Int,
  items: Schema.Array(Schema.Struct({ at: Instant, price: Decimal }))
}).annotations({ identifier: "PastFirings" })
export interface PastFirings extends Schema.Schema.Type<typeof PastFirings> {}

/**
 * What a rule would do, without storing it. `decision` is what a firing now would decide, null when the symbol is
 * unknown; `wouldFireNow` says that the trigger holds now and that firing would buy. `firings` is null where the past
 * depends on buys.
 */
export const RulePreview = Schema.Struct({
  problems: Schema.Array(RuleProblem),
  next: Schema.NullOr(NextFiring),
  nextRuns: Schema.Array(Instant),
  ladder: Schema.Null,
  worstCaseSpend: Schema.NullOr(Decimal),
  requiredFree: Schema.NullOr(Decimal),
  wouldFireNow: Schema.Boolean,
  decision: Schema.NullOr(Decision),
  warmup: Schema.NullOr(Warmup),
  firings: Schema.NullOr(PastFirings)
}).annotations({ identifier: "RulePreview" })
export interface RulePreview extends Schema.Schema.Type<typeof RulePreview> {}
