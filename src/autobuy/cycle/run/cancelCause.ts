import type { OrderId } from "../../../domain/Ids.ts"
import type { RuleCancelCause } from "../../../orders/Orders.ts"
import type { Snapshot } from "../plan/Snapshot.ts"

/** Somebody ended the cycle, or stopped the rule and with it what it would still buy; all else a cycle does by itself. */
export const cancelCause = ({ cycle, open, ruleState }: Snapshot, id: OrderId): RuleCancelCause => {
  const exit = cycle.memory.exiting?.cause ?? null
  if (exit === "close" || exit === "release") return "ruleStopped"
  const isBuy = open.some(({ order }) => order.id === id && order.side === "buy")
  const isStopped = ruleState !== "active" && ruleState !== "completed"
  return exit === null && isBuy && isStopped ? "ruleStopped" : "ruleDecided"
}
