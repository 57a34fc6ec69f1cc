import { Schema } from "effect"
import { Decimal } from "../../Decimal.ts"
import { Decision } from "../../order/Execution.ts"
import { Instant, IsoDuration } from "../../Time.ts"

/** The next firing: an instant for schedules; for price triggers the price and how far the market is from it. */
export const NextFiring = Schema.Struct({
  at: Schema.NullOr(Instant),
  price: Schema.NullOr(Decimal),
  awayPercent: Schema.NullOr(Schema.Number),
  text: Schema.String
}).annotations({ identifier: "NextFiring" })
export interface NextFiring extends Schema.Schema.Type<typeof NextFiring> {}

/** Quote spent and reserved in the current calendar windows of the rule's time zone. */
export const Spent = Schema.Struct({ day: Decimal, week: Decimal, month: Decimal, total: Decimal }).annotations({
  identifier: "Spent"
})
export interface Spent extends Schema.Schema.Type<typeof Spent> {}

/** History the trigger has against what it needs. */
export const Warmup = Schema.Struct({ have: IsoDuration, need: IsoDuration }).annotations({ identifier: "Warmup" })
export interface Warmup extends Schema.Schema.Type<typeof Warmup> {}

/**
 * What a rule follows: a trailing buy the lowest price since the fall, a trailing exit the highest since it armed.
 * `extreme` is that price, null while it is not armed; then `firesAt` is where it would act, else where it would arm.
 */
export const Trailing = Schema.Struct({
  side: Schema.Literal("buy", "sell"),
  armed: Schema.Boolean,
  extreme: Schema.NullOr(Decimal),
  firesAt: Schema.NullOr(Decimal),
  expiresAt: Schema.NullOr(Instant)
}).annotations({ identifier: "Trailing" })
export interface Trailing extends Schema.Schema.Type<typeof Trailing> {}

/** `worstCaseSpend` is null when no limit bounds the rule over its life; `requiredFree` is what the next buy needs. */
export const Computed = Schema.Struct({
  next: Schema.NullOr(NextFiring),
  nextRuns: Schema.Array(Instant),
  worstCaseSpend: Schema.NullOr(Decimal),
  requiredFree: Schema.NullOr(Decimal),
  spent: Spent,
  invested: Decimal,
  value: Schema.NullOr(Decimal),
  returnPercent: Schema.NullOr(Schema.Number),
  warmup: Schema.NullOr(Warmup),
  trailing: Schema.NullOr(Trailing),
  lastDecision: Schema.NullOr(Decision)
}).annotations({ identifier: "Computed" })
export interface Computed extends Schema.Schema.Type<typeof Computed> {}
