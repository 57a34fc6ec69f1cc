import { Effect } from "effect"
import { reason } from "../../domain/Reason.ts"
import type { Schedule } from "../../domain/rule/schedule.ts"
import { formatInstant, type Instant } from "../../domain/Time.ts"
import { MarketClock } from "../../MarketClock.ts"
import { ExecutionsRepo } from "../ExecutionsRepo.ts"
import type { RuleRow } from "../record/rows.ts"
import { scheduleOf } from "../record/scheduleOf.ts"
import { bareDecision, newExecution } from "./records.ts"

/** Older missed slots than the last so many share a record: after a downtime all rules write theirs at once. */
const missedKept = 100

/** A slot that is not made up for; `since` is the first of all those that it stands for as well. */
export interface Missed {
  readonly slot: Instant
  readonly since: Instant | null
}

/** The slots from `first` to `last`, oldest first. */
export const missedBetween = (schedule: Schedule, first: Instant, last: Instant): ReadonlyArray<Missed> => {
  const slots: Array<Instant> = []
  let slot: Instant | null = last
  while (slot !== null && slot >= first && slots.length < missedKept) {
    slots.push(slot)
    slot = schedule.previous(slot - 1)
  }
  const since = slot !== null && slot >= first ? first : null
  return slots.reverse().map((at, i) => ({ slot: at, since: i === 0 ? since : null }))
}

/** The first slot that nobody has claimed yet, of a rule that is active: a downtime does not swallow the very first. */
export const nextSlot = (rule: RuleRow, schedule: Schedule | null = slotsOf(rule)): Instant | null => {
  if (schedule === null) return null
  const { nextRunAt } = rule.runtime
  const isSlot = nextRunAt !== null && schedule.previous(nextRunAt) === nextRunAt
  return isSlot ? nextRunAt : schedule.next(rule.updated_at)
}

const slotsOf = (rule: RuleRow): Schedule | null => {
  const { trigger } = rule.document
  return trigger.type === "schedule.every" || trigger.type === "schedule.calendar" ? scheduleOf(rule, trigger) : null
}

/** Every slot of a schedule has an outcome, also those that had no turn. */
export const makeMissing = Effect.gen(function* () {
  const executions = yield* ExecutionsRepo
  const clock = yield* MarketClock

  /** A slot is claimed only once, so repeating it changes nothing. Call it inside a transaction. */
  const record = Effect.fnUntraced(function* (rule: RuleRow, { since, slot: at }: Missed) {
    const slot = formatInstant(at)
    const why =
      since === null ? reason("MISSED", { slot }) : reason("MISSED_SINCE", { slot, since: formatInstant(since) })
    const row = yield* newExecution(rule, { slot, triggeredAt: at })
    const claimed = yield* executions.begin({ ...row, state: "done", outcome: "skipped", reason: why })
    if (claimed.execution_id !== row.execution_id) return
    const decision = bareDecision(rule, rule.document.trigger.type, yield* clock.now, why)
    yield* executions.record(row.user_id, row.execution_id, decision)
  })

  /** What was due of an active rule that stops or changes at `at`. Call it inside the transaction of that. */
  const due = Effect.fnUntraced(function* (rule: RuleRow, at: Instant) {
    const schedule = slotsOf(rule)
    const first = nextSlot(rule, schedule)
    const last = schedule?.previous(at) ?? null
    if (schedule === null || first === null || last === null) return
    yield* Effect.forEach(missedBetween(schedule, first, last), (missed) => record(rule, missed), { discard: true })
  })

  return { record, due }
})
