import { Duration } from "effect"
import type { Instant } from "../../domain/Time.ts"
import { scheduleOf } from "../record/scheduleOf.ts"
import type { RuleRow } from "../record/rows.ts"

/**
 * Slots of the rule's schedule from its start up to an instant, the last of them excluded: 0 at the first slot. Null for
 * a rule without a schedule.
 */
export const elapsedSlots = (rule: RuleRow, at: Instant): number | null => {
  const { trigger } = rule.document
  if (trigger.type !== "schedule.every" && trigger.type !== "schedule.calendar") return null
  const schedule = scheduleOf(rule, trigger)
  const first = schedule.next((rule.document.startAt ?? rule.created_at) - 1)
  if (first === null || at <= first) return 0
  if (trigger.type === "schedule.every") return Math.floor((at - first) / Duration.toMillis(trigger.every))
  let passed = 0
  for (let slot = schedule.next(first); slot !== null && slot <= at; slot = schedule.next(slot)) passed++
  return passed
}
