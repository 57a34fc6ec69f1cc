import type { Check } from "../Run.ts"
import { type Firing, firingsOf, isUnhindered, livesOf, type Span } from "./Running.ts"
import { isInstant } from "./Schedule.ts"

/**
 * I13, turns: who has a few firings due at a moment does not wait behind most of another user's very many. Judged by the
 * order in which they were begun and not by the clock, so that a slow machine changes nothing.
 */
export const turns: Check = function* (run) {
  const users = run.users.map(({ record }) => ({ user: record.user, ...dueOf(firingsOf(record)) }))
  for (const life of livesOf(run))
    for (const crowd of users)
      for (const [slot, theirs] of crowd.bySlot) {
        if (theirs.length < many || Date.parse(slot) < life.from + settled) continue
        const last = Math.max(...theirs.map(({ from }) => from))
        if (last > life.to) continue
        for (const { all, bySlot, user } of users) {
          const its = bySlot.get(slot) ?? []
          if (user === crowd.user || its.length === 0 || its.length > few || !wasAwake(all, life, slot)) continue
          const [late] = its.toSorted((a, b) => b.from - a.from)
          if (late === undefined || late.from > life.to || !isReady(all, late, slot)) continue
          const before = theirs.filter(({ from }) => from < late.from)
          if (before.length > theirs.length / 2)
            yield {
              text: `${late.value.id} of ${user} waited for ${before.length} of ${theirs.length} firings of ${crowd.user} that were due at once`,
              lines: [late.line, ...before.slice(0, 1).map(({ line }) => line)]
            }
        }
      }
}

const many = 50
const few = 5
/** After a start everybody waits until each of their orders was asked about; what was missed meanwhile comes late. */
const settled = 5_000

const dueOf = (all: ReadonlyArray<Firing>) => {
  const bySlot = new Map<string, Array<Firing>>()
  for (const firing of all) {
    const { kind, reasonCode, slot } = firing.value
    if (kind !== "entry" || !isInstant.test(slot) || reasonCode === "MISSED" || reasonCode === "MISSED_SINCE") continue
    bySlot.set(slot, [...(bySlot.get(slot) ?? []), firing])
  }
  return { all, bySlot }
}

/** Rules of theirs had fired in this life before: nothing else than its turn was waited for. */
const wasAwake = (all: ReadonlyArray<Firing>, { from }: Span, slot: string): boolean =>
  all.some((firing) => firing.from > from && firing.from < Date.parse(slot) - 1_000)

/** Neither the rule's own earlier firing nor its owner's others were in the way. */
const isReady = (all: ReadonlyArray<Firing>, late: Firing, slot: string): boolean => {
  const due = Date.parse(slot)
  const earlier = all.filter(({ value }) => value.ruleId === late.value.ruleId && value.id !== late.value.id)
  return (
    !earlier.some(({ from, to }) => from < late.from && to > due) && isUnhindered(all, { from: due, to: late.from })
  )
}
