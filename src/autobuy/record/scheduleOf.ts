import { makeSchedule, type Schedule } from "../../domain/rule/schedule.ts"
import type { ScheduleTrigger } from "../../domain/rule/Trigger.ts"
import type { RuleRow } from "./rows.ts"

/** The slots of a stored rule. */
export const scheduleOf = (rule: RuleRow, trigger: ScheduleTrigger): Schedule =>
  makeSchedule(trigger, {
    timezone: rule.document.timezone,
    createdAt: rule.created_at,
    startAt: rule.document.startAt,
    endAt: rule.document.endAt
  })
