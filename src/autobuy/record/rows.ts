import { Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { Decision, type Execution, ExecutionOutcome } from "../../domain/order/Execution.ts"
import { CycleId, ExecutionId, OrderId, RuleId, UserId } from "../../domain/Ids.ts"
import { SymbolName } from "../../domain/Market.ts"
import { Reason } from "../../domain/Reason.ts"
import { RuleState } from "../../domain/Rule.ts"
import { BalanceState } from "../../domain/rule/decision/balance.ts"
import { ReboundState } from "../../domain/rule/decision/rebound.ts"
import { freshTrigger, TriggerState } from "../../domain/rule/decision/levels.ts"
import { SharedDocument, sharedByText, StoredDocument } from "./storedDocument.ts"

/** What a rule remembers between firings; kept in the transaction that records the firing it belongs to. */
export const Runtime = Schema.Struct({
  /** Numbers the firings of a price trigger: the next one is `sequence + 1`, whatever happens in between. */
  sequence: Schema.Int,
  trigger: TriggerState,
  /** The next slot of a schedule that has no outcome yet. */
  nextRunAt: Schema.NullOr(Schema.Number),
  /** The low that a trailing buy follows. */
  rebound: Schema.optionalWith(ReboundState, { exact: true }),
  /** Whether a balance that is there has had its firing. */
  balance: Schema.optionalWith(BalanceState, { exact: true }),
  /** A listing fires once. */
  listed: Schema.optionalWith(Schema.Boolean, { exact: true })
})
export interface Runtime extends Schema.Schema.Type<typeof Runtime> {}

export const freshRuntime: Runtime = { sequence: 0, trigger: freshTrigger, nextRunAt: null }

export const StoredReason = Schema.parseJson(Reason)
/** Most rules remember nothing yet. */
export const StoredRuntime = sharedByText(Schema.parseJson(Runtime))
export const StoredDecision = Schema.parseJson(Decision)

export const RuleRow = Schema.Struct({
  user_id: UserId,
  rule_id: RuleId,
  version: Schema.Int,
  state: RuleState,
  pause_reason: Schema.NullOr(StoredReason),
  symbol: SymbolName,
  document: StoredDocument,
  runtime: StoredRuntime,
  failures: Schema.Int,
  spent_total: Decimal.Decimal,
  executed_count: Schema.Int,
  created_at: Schema.Number,
  updated_at: Schema.Number
})
export interface RuleRow extends Schema.Schema.Type<typeof RuleRow> {}

/** Many rows whose documents are no longer texts: see `RulesRepo.active`. */
export const RulePage = Schema.Array(Schema.Struct({ ...RuleRow.fields, document: SharedDocument }))

const Flag = Schema.transform(Schema.Int, Schema.Boolean, {
  strict: true,
  decode: (stored) => stored !== 0,
  encode: (flag) => (flag ? 1 : 0)
})

export const ExecutionRow = Schema.Struct({
  user_id: UserId,
  execution_id: ExecutionId,
  rule_id: RuleId,
  rule_version: Schema.Int,
  cycle_id: CycleId,
  kind: Schema.Literal("entry", "level", "exit"),
  level: Schema.Int,
  slot: Schema.String,
  triggered_at: Schema.Number,
  state: Schema.Literal("running", "done"),
  outcome: Schema.NullOr(ExecutionOutcome),
  reason: Schema.NullOr(StoredReason),
  /** An order was decided: it uses the cooldown, and holds or held a reservation. */
  attempted: Flag,
  quote_asset: Schema.NullOr(Schema.String),
  requested_quote: Schema.NullOr(Decimal.Decimal),
  reserved_quote: Decimal.Decimal,
  spent_quote: Decimal.Decimal,
  expected_price: Schema.NullOr(Decimal.Decimal),
  orders: Schema.parseJson(Schema.Array(OrderId)),
  executed_quantity: Decimal.Decimal,
  executed_quote: Decimal.Decimal,
  decide_ms: Schema.NullOr(Schema.Int),
  submit_ms: Schema.NullOr(Schema.Int),
  fill_ms: Schema.NullOr(Schema.Int),
  /** Until then it may wait for its gates; null once it was decided for good. */
  waits_until: Schema.NullOr(Schema.Number),
  /** More orders may follow the last one: its end alone does not end the execution. */
  resting: Flag
})
export interface ExecutionRow extends Schema.Schema.Type<typeof ExecutionRow> {}

/** `seq` is the order in which slots were claimed: ids of one millisecond have none. */
export const ListedExecution = Schema.Struct({ ...ExecutionRow.fields, seq: Schema.Int })

export const DecisionRow = Schema.Struct({
  seq: Schema.Int,
  at: Schema.Number,
  execution_id: Schema.NullOr(ExecutionId),
  record: StoredDecision
})

const averageOf = (row: ExecutionRow): Decimal.Decimal | null =>
  Decimal.isPositive(row.executed_quantity) ? Decimal.divide(row.executed_quote, row.executed_quantity) : null

/** How much dearer than the ask it was decided on, in whole basis points. */
const slippageOf = (row: ExecutionRow, average: Decimal.Decimal | null): number | null => {
  const expected = row.expected_price
  if (average === null || expected === null || !Decimal.isPositive(expected)) return null
  const difference = Decimal.multiply(Decimal.subtract(average, expected), Decimal.tenThousand)
  return Decimal.toNumber(Decimal.divide(difference, expected, 0, "half-even"))
}

export const toExecution = (row: ExecutionRow): Execution => {
  const averagePrice = averageOf(row)
  return {
    id: row.execution_id,
    ruleId: row.rule_id,
    ruleVersion: row.rule_version,
    cycleId: row.cycle_id,
    kind: row.kind,
    level: row.level,
    slot: row.slot,
    triggeredAt: row.triggered_at,
    state: row.state,
    outcome: row.outcome,
    reason: row.reason,
    requestedQuote: row.requested_quote,
    orders: row.orders,
    executedQuantity: row.executed_quantity,
    executedQuote: row.executed_quote,
    averagePrice,
    slippageBps: slippageOf(row, averagePrice),
    latency: { decideMs: row.decide_ms, submitMs: row.submit_ms, fillMs: row.fill_ms }
  }
}

/** How notices name a rule to a person. */
export const nameOf = (rule: RuleRow): string =>
  rule.document.name === "" ? `Your rule for ${rule.symbol}` : `"${rule.document.name}" (${rule.symbol})`

export const aboutRule = (rule: RuleRow) => ({
  ruleId: rule.rule_id,
  ruleName: rule.document.name,
  symbol: rule.symbol
})
