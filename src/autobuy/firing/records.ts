import { Effect } from "effect"
import type { DatabaseUnavailable, NotOwner } from "../../api/Errors.ts"
import * as Decimal from "../../domain/Decimal.ts"
import { type CycleId, makeCycleId, makeExecutionId, type RuleId, type UserId } from "../../domain/Ids.ts"
import type { OrderType } from "../../domain/Market.ts"
import type { Decision, Operand } from "../../domain/order/Execution.ts"
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
  /** Wall time at which the tick that fires it came. */
  readonly receivedAt?: Instant | undefined
  /** Ticks can repeat it many times a second. */
  readonly often?: boolean
}

/** What somebody asks for by hand or by signal: no trigger of a version remembers it. */
export interface Asked extends Trigger {
  readonly runtime: null
}

/** An order on the venue's ticks and steps. `worst` is the most quote it can take, fees included; zero for a sale. */
export interface SizedOrder {
  readonly type: OrderType
  readonly price: Decimal.Decimal | null
  readonly quantity: Decimal.Decimal | null
  readonly quoteAmount: Decimal.Decimal | null
  readonly worst: Decimal.Decimal
}

/** An order of a cycle that was decided elsewhere: a ladder's level or an exit, with the record that says why. */
export interface CycleOrder {
  readonly kind: "level" | "exit"
  readonly level: number
  readonly slot: string
  readonly cycleId: CycleId
  readonly triggeredAt: Instant
  readonly order: SizedOrder
  readonly decision: Decision
  readonly quoteAsset: string
  /** What slippage is measured from. */
  readonly expectedPrice: Decimal.Decimal | null
  /** Stays with the venue: the end of one order alone does not end the execution. */
  readonly resting?: boolean
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

/** A rule that has stopped by what happened while nobody waited for it. */
export interface Ended {
  readonly userId: UserId
  readonly ruleId: RuleId
  readonly finished: Finished
}

/** A restart cannot go on: nothing can be stored, or another instance owns trading. */
export type Stuck = DatabaseUnavailable | NotOwner

/** What names an execution; an entry unless said otherwise. */
export interface Claim extends Pick<Trigger, "slot" | "triggeredAt"> {
  readonly kind?: ExecutionRow["kind"]
  readonly level?: number
  readonly cycleId?: CycleId
}

export const newExecution = (rule: RuleRow, claim: Claim) =>
  Effect.gen(function* () {
    const row: ExecutionRow = {
      user_id: rule.user_id,
      execution_id: yield* makeExecutionId(),
      rule_id: rule.rule_id,
      rule_version: rule.version,
      cycle_id: claim.cycleId ?? (yield* makeCycleId()),
      kind: claim.kind ?? "entry",
      level: claim.level ?? 0,
      slot: claim.slot,
      triggered_at: claim.triggeredAt,
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
      fill_ms: null,
      waits_until: null,
      resting: false
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
