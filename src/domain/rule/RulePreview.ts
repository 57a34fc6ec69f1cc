import { Schema } from "effect"
import { Decimal } from "../Decimal.ts"
import { Decision } from "../order/Execution.ts"
import { Reason } from "../Reason.ts"
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
 * One buy of a cycle begun now: 0 is the base buy. `price` is where it is due, `limit` the most it may pay (null for a
 * market order), `worst` the most quote it can take, fees included. `reason` says why it could not be made: too small
 * for the venue, or beyond a limit of the rule once the levels before it are bought.
 */
export const PreviewLevel = Schema.Struct({
  level: Schema.Int,
  offsetPercent: Decimal,
  sizeMultiplier: Decimal,
  price: Decimal,
  limit: Schema.NullOr(Decimal),
  quantity: Schema.NullOr(Decimal),
  worst: Decimal,
  feasible: Schema.Boolean,
  reason: Schema.NullOr(Reason)
}).annotations({ identifier: "PreviewLevel" })
export interface PreviewLevel extends Schema.Schema.Type<typeof PreviewLevel> {}

/** Where the base buy alone would be sold, at the present price and the venue's taker fee. */
export const PreviewExit = Schema.Struct({
  averageCost: Decimal,
  targets: Schema.Array(
    Schema.Struct({ target: Schema.Int, price: Decimal, quantity: Decimal, reason: Schema.NullOr(Reason) })
  ),
  stop: Schema.NullOr(Decimal),
  trailingFrom: Schema.NullOr(Decimal)
}).annotations({ identifier: "PreviewExit" })
export interface PreviewExit extends Schema.Schema.Type<typeof PreviewExit> {}

/**
 * What a rule would do, without storing it. `decision` is what a firing now would decide, null when the symbol is
 * unknown; `wouldFireNow` says that the trigger holds now and that firing would buy, `reason` why not. `ladder` and
 * `exit` are null where the rule has none or no price is known; `firings` where the past depends on buys or balances.
 */
export const RulePreview = Schema.Struct({
  problems: Schema.Array(RuleProblem),
  next: Schema.NullOr(NextFiring),
  nextRuns: Schema.Array(Instant),
  ladder: Schema.NullOr(Schema.Array(PreviewLevel)),
  exit: Schema.NullOr(PreviewExit),
  worstCaseSpend: Schema.NullOr(Decimal),
  requiredFree: Schema.NullOr(Decimal),
  wouldFireNow: Schema.Boolean,
  reason: Schema.NullOr(Reason),
  decision: Schema.NullOr(Decision),
  warmup: Schema.NullOr(Warmup),
  firings: Schema.NullOr(PastFirings)
}).annotations({ identifier: "RulePreview" })
export interface RulePreview extends Schema.Schema.Type<typeof RulePreview> {}
