import { Duration } from "effect"
import type { Decision } from "../../domain/order/Execution.ts"
import type { Instant } from "../../domain/Time.ts"
import type { ExecutionRow, RuleRow } from "../record/rows.ts"

/** How often a firing that waits for its gates looks at them, in market time. */
export const lookEveryMs = 1_000

/** Until when a firing waits: null when its gates were not what stopped it, or its time is over. */
export const waitsUntil = (rule: RuleRow, row: ExecutionRow, decision: Decision, now: Instant): Instant | null => {
  if (decision.outcome !== "skip" || decision.reason?.code.startsWith("GATE_") !== true) return null
  const until = row.waits_until ?? row.triggered_at + Duration.toMillis(rule.document.waitForGates)
  return now < until ? until : null
}
