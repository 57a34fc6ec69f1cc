import { ruleOf, type Execution, type Rule } from "../journal/Rules.ts"
import type { Line } from "../journal/Lines.ts"
import type { Kept, UserRecord } from "../journal/Service.ts"
import type { Run } from "../Run.ts"

export interface Span {
  readonly from: number
  readonly to: number
}

export interface Spell extends Span {
  readonly rule: Rule
  readonly line: Line
}

/** When a rule was active, by its events; each edit begins a new spell. */
export const activeSpells = ({ events }: UserRecord, id: string): ReadonlyArray<Spell> => {
  const spells: Array<Spell> = []
  let current: Spell | null = null
  for (const { line, value } of events) {
    if (value.type !== "rule.changed" || value.objectId !== id) continue
    const rule = ruleOf(value.data)
    if (current !== null) spells.push({ ...current, to: value.at })
    current = rule.state === "active" ? { from: value.at, to: Infinity, rule, line } : null
  }
  if (current !== null) spells.push(current)
  return spells
}

/** From each word that the service is ready to its end, by the load generator's journal. */
export const livesOf = ({ client }: Run): ReadonlyArray<Span> => {
  const lives: Array<Span> = []
  let from: number | null = null
  for (const { value } of client.lines) {
    const at = Number(value["at"])
    if (value["kind"] === "started") from = at
    // Its clock jumps: no span goes over that.
    else if (from !== null && ["killed", "ended", "clock", "collected"].includes(String(value["kind"]))) {
      lives.push({ from, to: at })
      from = null
    }
  }
  return lives
}

/** One firing of a rule, by the events that tell of it: from its claim, which is made in its user's turn, to its outcome. */
export interface Firing extends Span {
  readonly value: Execution
  readonly line: Line
}

export const firingsOf = ({ events, executions }: UserRecord): ReadonlyArray<Firing> => {
  const spans = new Map<string, { from: number; to: number }>()
  for (const { value } of events) {
    if (value.type !== "execution.changed") continue
    const span = spans.get(value.objectId) ?? { from: value.at, to: Infinity }
    if (value.data["state"] === "done" && span.to === Infinity) span.to = value.at
    spans.set(value.objectId, span)
  }
  return executions.flatMap(({ line, value }: Kept<Execution>) => {
    const span = spans.get(value.id)
    return span === undefined ? [] : [{ ...span, line, value }]
  })
}

/** Who has so many under way waits for itself. */
const ownShare = 8

/** Its own firings held nobody of it up. */
export const isUnhindered = (firings: ReadonlyArray<Firing>, { from, to }: Span): boolean =>
  firings.filter((firing) => firing.from <= to && firing.to >= from).length < ownShare
