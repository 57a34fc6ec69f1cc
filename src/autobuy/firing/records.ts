import { Effect } from "effect"
import type { DatabaseUnavailable, NotOwner } from "../../api/Errors.ts"
import * as Decimal from "../../domain/Decimal.ts"
import type { Decision, Operand } from "../../domain/order/Execution.ts"
import { makeCycleId, makeExecutionId } from "../../domain/Ids.ts"
import type { Reason } from "../../domain/Reason.ts"
import type { Instant } from "../../domain/Time.ts"
import type { ExecutionRow, RuleRow, Runtime } from "../record/rows.ts"

/** What made a rule fire: a slot that names it for ever, and what was seen. */
export interface Trigger {
  readonly slot: string
  readonly label: string
  readonly operands: ReadonlyArray<Operand>
  readonly triggeredAt: Instant
  /** What the rule remembers from now on; committed with the claim of the slot. */
  readonly runtime: Runtime | null
}

/** The rule has stopped by itself. */
export interface Finished {
  readonly state: "completed" | "paused"
  readonly reason: Reason
}

export interface Fired {
  readonly execution: ExecutionRow
  readonly finished: Finished | null
}

/** A restart cannot go on: nothing can be stored, or another instance owns trading. */
export type Stuck = DatabaseUnavailable | NotOwner

export const newExecution = (rule: RuleRow, trigger: Pick<Trigger, "slot" | "triggeredAt">) =>
  Effect.gen(function* () {
    const row: ExecutionRow = {
      user_id: rule.user_id,
      execution_id: yield* makeExecutionId(),
      rule_id: rule.rule_id,
      rule_version: rule.version,
      cycle_id: yield* makeCycleId(),
      kind: "entry",
      level: 0,
      slot: trigger.slot,
      triggered_at: trigger.triggeredAt,
      state: "running",
      outcome: null,
      reason: null,
      attempted: false,
      quote_asset: null,
      requested_quote: null,
      reserved_quote: Decimal.zero,
      spent_quote: Decimal.zero,
      expected_price: null,
      orders: [],
      executed_quantity: Decimal.zero,
      executed_quote: Decimal.zero,
      decide_ms: null,
      submit_ms: null,
      fill_ms: null
    }
    return row
  })

/** A decision that nothing had to be looked at for. */
export const bareDecision = (rule: RuleRow, label: string, at: Instant, why: Reason): Decision => ({
  at,
  ruleId: rule.rule_id,
  ruleVersion: rule.version,
  trigger: label,
  operands: [],
  gates: [],
  budget: [],
  sizing: null,
  outcome: "skip",
  reason: why
})
