import type { Execution, Rule } from "../journal/Rules.ts"
import type { Kept, UserRecord } from "../journal/Service.ts"
import type { Check, Violation } from "../Run.ts"
import { activeSpells, type Spell } from "./Running.ts"
import { slotsOf } from "./Slots.ts"

/**
 * I6, schedule: each slot of a rule that was active at the time, downtimes and crashes included, has exactly one outcome; no
 * firing is of a time that is no slot, comes before its slot or belongs to a time when the rule was not active. Every firing
 * of any rule has come to its outcome.
 */
export const schedule: Check = function* (run) {
  for (const { record } of run.users) {
    yield* outcomes(record)
    for (const rule of record.rules) yield* slots(record, rule)
  }
}

/** The service may still be busy with what is younger than this. */
const young = 5_000
/** A pause or an edit may overtake a slot that is just due. */
const edge = 2_000

const outcomes = function* ({ at, executions, user }: UserRecord): Iterable<Violation> {
  for (const { line, value } of executions) {
    if (value.state === "running" && value.triggeredAt < at - young)
      yield { text: `${value.id} of ${user} has not come to its outcome`, lines: [line] }
    if (value.state === "done" && value.outcome === null)
      yield { text: `${value.id} of ${user} is over without an outcome`, lines: [line] }
    if (value.outcome === "skipped" && (value.reasonCode === null || value.executedQuantity > 0n))
      yield { text: `${value.id} of ${user} was skipped without a reason, or bought all the same`, lines: [line] }
    if (value.outcome === "failed" && value.reasonCode === null)
      yield { text: `${value.id} of ${user} failed without a reason`, lines: [line] }
  }
}

export const isInstant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

const slots = function* (record: UserRecord, { line, value: rule }: Kept<Rule>): Iterable<Violation> {
  const grid = slotsOf(rule.raw, rule.createdAt)
  const spells = activeSpells(record, rule.id)
  const fired = new Map<number, Kept<Execution>>()
  for (const kept of record.executions) {
    const { kind, ruleId, slot, triggeredAt } = kept.value
    if (ruleId !== rule.id || kind !== "entry" || !isInstant.test(slot)) continue
    const at = Date.parse(slot)
    if (grid === null || !grid.isOne(at)) yield { text: `${slot} is no slot of ${rule.id}`, lines: [line, kept.line] }
    const isMissed = kept.value.reasonCode === "MISSED" || kept.value.reasonCode === "MISSED_SINCE"
    if (triggeredAt < at && !isMissed) yield { text: `${rule.id} fired before ${slot}`, lines: [kept.line] }
    if (!spells.some(({ from, to }) => at >= from - edge && at <= to + edge))
      yield { text: `${rule.id} was not active at ${slot}`, lines: [kept.line] }
    fired.set(at, kept)
  }
  if (grid === null) return
  for (const spell of spells) {
    const until = Math.min(record.at - young, spell.to - edge)
    let missing: Array<number> = []
    for (const at of grid.between(spell.from, until)) {
      const kept = fired.get(at)
      if (kept === undefined) missing.push(at)
      else {
        // Of very many missed slots the first that is recorded stands for those before it, and says since when.
        const since = kept.value.missedSince ?? Infinity
        const lost = missing.filter((one) => one < since)
        if (lost.length > 0) yield gone(rule, spell, lost)
        missing = []
      }
    }
    if (missing.length > 0) yield gone(rule, spell, missing)
  }
}

const gone = (rule: Rule, { line }: Spell, missing: ReadonlyArray<number>): Violation => ({
  text: `${missing.length} slots of ${rule.id} have no outcome: ${missing
    .slice(0, 5)
    .map((at) => new Date(at).toISOString())
    .join(", ")}`,
  lines: [line]
})
