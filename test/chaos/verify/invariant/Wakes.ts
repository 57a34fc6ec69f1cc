import { amount, canonical, type Json, object, orNull, text } from "../Reading.ts"
import type { Check, Run } from "../Run.ts"
import { activeSpells, type Firing, firingsOf, isUnhindered, livesOf, type Span, type Spell } from "./Running.ts"

/**
 * I12, wakes: of rules that wait for the same price none sleeps on while another fires. The other is the proof that the
 * service saw the price; the exchange's journal that it stayed, so that whoever was busy in that moment saw it afterwards.
 */
export const wakes: Check = function* (run) {
  const waiting = waitingOf(run)
  for (const life of livesOf(run))
    for (const alike of waiting.values())
      for (const witness of alike)
        for (const [index, fired] of witness.firings.entries()) {
          const before = witness.firings[index - 1]
          // It had been at rest since its last firing, in this life: whatever it has seen, a rule that rested longer saw too.
          if (
            before === undefined ||
            !byPrice.test(fired.value.slot) ||
            before.to < life.from ||
            fired.from > life.to ||
            before.to > fired.from
          )
            continue
          const span: Span = { from: before.to, to: fired.from + patience }
          if (span.to > life.to || !stays(run, witness, fired)) continue
          for (const other of alike)
            if (other !== witness && sleptThrough(other, life, span, fired))
              yield {
                text: `${other.id} slept while ${witness.id}, which waits for the same price, fired`,
                lines: [fired.line, other.spell.line]
              }
        }
}

/** The firings of a price are numbered; one that somebody asked for has another name. */
const byPrice = /^n\d+$/
/** So long the price stays, at least, */
const stay = 2_500
/** and so long a firing may take to be begun. */
const patience = 10_000
/** By so much longer the one that sleeps had been at rest: it had armed when the other did. */
const margin = 1_000
/** After a start or a change a rule gets ready. */
const settled = 5_000
/** A skip for the same reason as a moment ago is not recorded again. */
const silence = 65_000

interface Waiting {
  readonly id: string
  readonly document: Json
  readonly spell: Spell
  readonly firings: ReadonlyArray<Firing>
  /** Of all rules of its owner. */
  readonly all: ReadonlyArray<Firing>
  readonly end: number
}

/** Rules that wait for a level and have nothing else to do, by what they wait for. */
const waitingOf = ({ users }: Run): ReadonlyMap<string, ReadonlyArray<Waiting>> => {
  const waiting = new Map<string, Array<Waiting>>()
  for (const { record } of users) {
    const all = firingsOf(record)
    for (const { value: rule } of record.rules)
      for (const spell of activeSpells(record, rule.id)) {
        const document = spell.rule.raw
        if (text(object(document, "trigger"), "type") !== "price.level" || hasCycle(document)) continue
        const what = canonical([document["symbol"], document["trigger"], document["limits"], document["mode"]])
        const its = all
          .filter(({ from, value }) => value.ruleId === rule.id && from >= spell.from && from < spell.to)
          .toSorted((a, b) => a.from - b.from)
        waiting.set(what, [
          ...(waiting.get(what) ?? []),
          { id: rule.id, document, spell, firings: its, all, end: Math.min(spell.to, record.at) }
        ])
      }
  }
  return waiting
}

const hasCycle = (document: Json): boolean =>
  orNull(object, document, "exit") !== null || orNull(object, document, "ladder") !== null

/** From the firing on the price is beyond the level at the exchange, and it was read there before. */
const stays = ({ exchange }: Run, { document }: Waiting, { from, value }: Firing): boolean => {
  const trigger = object(document, "trigger")
  const level = amount(trigger, "price")
  const isBelow = ["below", "crossesBelow"].includes(text(trigger, "side"))
  const its = exchange.prices.get(text(document, "symbol")) ?? []
  const span = its.filter(({ at }) => at > value.triggeredAt && at <= from + stay)
  return span.length > 1 && span.every(({ price }) => (isBelow ? price < level : price > level))
}

const sleptThrough = (other: Waiting, life: Span, { from, to }: Span, fired: Firing): boolean => {
  if (other.spell.from + settled > from || other.end < to || life.from + settled > from) return false
  // Its owner's rules are awake in this life.
  if (!other.all.some((firing) => firing.from > life.from && firing.from < from)) return false
  const before = other.firings.findLast((firing) => firing.from < fired.value.triggeredAt)
  if (before !== undefined && (before.to + margin > from || isSilent(before, fired))) return false
  if (!isUnhindered(other.all, { from, to: fired.from + stay })) return false
  return !other.firings.some(
    (firing) => firing.value.triggeredAt >= fired.value.triggeredAt - 1_000 && firing.from <= to
  )
}

const isSilent = ({ from, value }: Firing, fired: Firing): boolean =>
  value.outcome === "skipped" && fired.from - from < silence
