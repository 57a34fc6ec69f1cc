import { Duration, Effect, Option } from "effect"
import { reason } from "../../../domain/Reason.ts"
import { formatDuration, formatInstant } from "../../../domain/Time.ts"
import { MarketClock } from "../../../MarketClock.ts"
import type { ExecutionRow, RuleRow } from "../rows.ts"
import { freshMemory } from "./CycleRow.ts"
import { CyclesRepo } from "./CyclesRepo.ts"

/** Whether a rule's entries are followed by anything: without a ladder and an exit there is no cycle to keep. */
const hasCycle = ({ exit, ladder }: RuleRow["document"]): boolean => exit !== null || ladder !== null

/** What the open or the last cycle of a rule means for its next entry. */
export const makeEntering = Effect.gen(function* () {
  const cycles = yield* CyclesRepo
  const clock = yield* MarketClock

  /** The open cycle that an entry of this rule joins; null when it begins one of its own. */
  const joins = Effect.fnUntraced(function* (rule: RuleRow) {
    if (rule.document.cycle.whileOpen !== "add") return null
    const open = yield* cycles.openOf(rule.user_id, rule.rule_id)
    return Option.isSome(open) && open.value.memory.exiting === null ? open.value.cycle_id : null
  })

  /** Why the cycles of the rule leave no room for this entry; the same inside the transaction of its intent. */
  const refusal = Effect.fnUntraced(function* (rule: RuleRow, row: Pick<ExecutionRow, "cycle_id">) {
    const { cycle } = rule.document
    const open = yield* cycles.openOf(rule.user_id, rule.rule_id)
    if (Option.isSome(open)) {
      if (open.value.memory.exiting !== null) return reason("CYCLE_EXITING", { cycleId: open.value.cycle_id })
      return cycle.whileOpen === "add" && row.cycle_id === open.value.cycle_id
        ? null
        : reason("CYCLE_OPEN", { cycleId: open.value.cycle_id })
    }
    if (!hasCycle(rule.document)) return null
    const joined = yield* cycles.find(rule.user_id, row.cycle_id)
    if (Option.isSome(joined)) return reason("CYCLE_ENDED", { cycleId: row.cycle_id })
    const made = cycle.maxCycles === null ? 0 : yield* cycles.completed(rule.user_id, rule.rule_id)
    if (cycle.maxCycles !== null && made >= cycle.maxCycles)
      return reason("CAP_CYCLES", { limit: String(cycle.maxCycles) })
    const length = Duration.toMillis(cycle.cooldown)
    const last = length === 0 ? Option.none() : yield* cycles.lastClosed(rule.user_id, rule.rule_id)
    const until = Option.match(last, { onNone: () => 0, onSome: ({ closed_at }) => (closed_at ?? 0) + length })
    return (yield* clock.now) >= until
      ? null
      : reason("COOLDOWN", { cooldown: formatDuration(cycle.cooldown), until: formatInstant(until) })
  })

  /** In the transaction of the entry's intent, after `refusal` found nothing: the cycle exists before its first order. */
  const open = Effect.fnUntraced(function* (rule: RuleRow, row: ExecutionRow) {
    if (!hasCycle(rule.document)) return
    if (Option.isSome(yield* cycles.openOf(rule.user_id, rule.rule_id))) return
    yield* cycles.insert({
      user_id: rule.user_id,
      cycle_id: row.cycle_id,
      rule_id: rule.rule_id,
      rule_version: rule.version,
      symbol: rule.symbol,
      state: "open",
      reason: null,
      bought: false,
      memory: freshMemory,
      opened_at: row.triggered_at,
      closed_at: null
    })
  })

  return { joins, refusal, open }
})
