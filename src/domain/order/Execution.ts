import { Schema } from "effect"
import { Decimal } from "../Decimal.ts"
import { CycleId, ExecutionId, OrderId, RuleId } from "../Ids.ts"
import { Reason } from "../Reason.ts"
import { Instant } from "../Time.ts"

/** One thing the trigger looked at. `value` and `threshold` are decimals or times as text; null when there was none. */
export const Operand = Schema.Struct({
  label: Schema.String,
  value: Schema.NullOr(Schema.String),
  op: Schema.String,
  threshold: Schema.NullOr(Schema.String),
  pass: Schema.Boolean,
  asOf: Schema.NullOr(Instant)
}).annotations({ identifier: "Operand" })
export interface Operand extends Schema.Schema.Type<typeof Operand> {}

export const GateResult = Schema.Struct({
  type: Schema.String,
  pass: Schema.Boolean,
  value: Schema.NullOr(Schema.String),
  limit: Schema.String
}).annotations({ identifier: "GateResult" })
export interface GateResult extends Schema.Schema.Type<typeof GateResult> {}

/** One limit of the rule: what it allows, what is spent or reserved, what this buy asks. Amounts are quote, counts plain. */
export const BudgetLine = Schema.Struct({
  cap: Schema.String,
  limit: Schema.String,
  used: Schema.String,
  asked: Schema.String,
  pass: Schema.Boolean
}).annotations({ identifier: "BudgetLine" })
export interface BudgetLine extends Schema.Schema.Type<typeof BudgetLine> {}

/**
 * From the wish to the order. `asked` and `capped` are quote, before and after the rule's limits; `rounded` is the order's
 * quantity after the venue's steps (null for an order sized in quote); `final` is the most quote it can spend, fees included.
 */
export const Sizing = Schema.Struct({
  asked: Schema.NullOr(Decimal),
  capped: Schema.NullOr(Decimal),
  rounded: Schema.NullOr(Decimal),
  final: Schema.NullOr(Decimal)
}).annotations({ identifier: "Sizing" })
export interface Sizing extends Schema.Schema.Type<typeof Sizing> {}

/** Why a firing did or did not become an order; append-only. `reason` is null when it became one. */
export const Decision = Schema.Struct({
  at: Instant,
  ruleId: RuleId,
  ruleVersion: Schema.Int,
  trigger: Schema.String,
  operands: Schema.Array(Operand),
  gates: Schema.Array(GateResult),
  budget: Schema.Array(BudgetLine),
  sizing: Schema.NullOr(Sizing),
  outcome: Schema.Literal("fire", "skip", "shadow"),
  reason: Schema.NullOr(Reason)
}).annotations({ identifier: "Decision" })
export interface Decision extends Schema.Schema.Type<typeof Decision> {}

export const ExecutionOutcome = Schema.Literal("executed", "skipped", "failed", "unknown", "shadow").annotations({
  identifier: "ExecutionOutcome"
})
export type ExecutionOutcome = typeof ExecutionOutcome.Type

/** Wall milliseconds from the trigger to the decision, to the venue's acknowledgement and to the last fill. */
export const Latency = Schema.Struct({
  decideMs: Schema.NullOr(Schema.Int),
  submitMs: Schema.NullOr(Schema.Int),
  fillMs: Schema.NullOr(Schema.Int)
}).annotations({ identifier: "Latency" })

/** One firing of a rule. `outcome` is null while it runs; `slot` names the firing and never repeats within a rule. */
export const Execution = Schema.Struct({
  id: ExecutionId,
  ruleId: RuleId,
  ruleVersion: Schema.Int,
  cycleId: CycleId,
  kind: Schema.Literal("entry", "level", "exit"),
  level: Schema.Int,
  slot: Schema.String,
  triggeredAt: Instant,
  state: Schema.Literal("running", "done"),
  outcome: Schema.NullOr(ExecutionOutcome),
  reason: Schema.NullOr(Reason),
  requestedQuote: Schema.NullOr(Decimal),
  orders: Schema.Array(OrderId),
  executedQuantity: Decimal,
  executedQuote: Decimal,
  averagePrice: Schema.NullOr(Decimal),
  slippageBps: Schema.NullOr(Schema.Int),
  latency: Latency
}).annotations({ identifier: "Execution" })
export interface Execution extends Schema.Schema.Type<typeof Execution> {}

/** The last decision of a rule, at or before an instant, in words. */
export const Explanation = Schema.Struct({
  ruleId: RuleId,
  at: Schema.NullOr(Instant),
  text: Schema.String,
  decision: Schema.NullOr(Decision)
}).annotations({ identifier: "Explanation" })
export interface Explanation extends Schema.Schema.Type<typeof Explanation> {}
