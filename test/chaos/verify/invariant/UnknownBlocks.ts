import { isOurs, type Order, orderOf } from "../journal/Orders.ts"
import type { Line } from "../journal/Lines.ts"
import type { Kept } from "../journal/Service.ts"
import type { Check, Pairing, Run, Violation } from "../Run.ts"

/**
 * I8, unknown blocks: from the event that tells that nobody knows what became of an order of a rule to the event that tells
 * what became of it, no further order of that rule leaves; no order that the exchange has was given up before ten minutes
 * were over; and at the end nothing is unknown.
 */
export const unknownBlocks: Check = function* (run) {
  for (const pairing of run.users) {
    const { record } = pairing
    for (const { line, value } of record.orders)
      if (value.status === "unknown") yield { text: `${value.id} is still unknown`, lines: [line] }
    for (const { line, value } of record.executions)
      if (value.outcome === "unknown") yield { text: `${value.id} still does not know its outcome`, lines: [line] }
    yield* givenUp(run, pairing)
    const spells = spellsOf(pairing)
    const byName = new Map(record.orders.map((kept) => [kept.value.clientOrderId, kept]))
    for (const venue of run.exchange.orders.values()) {
      const kept = byName.get(venue.clientOrderId ?? "")
      if (venue.accountId !== pairing.accountId || !isOurs(venue.clientOrderId) || kept === undefined) continue
      for (const spell of spells)
        if (isInside(spell, kept, venue.at))
          yield {
            text: `${kept.value.id} of ${spell.ruleId} left while ${spell.orderId} was unknown`,
            lines: [spell.begin, ...(spell.end === null ? [] : [spell.end]), kept.line, venue.line]
          }
    }
  }
}

/** Absence is believed after so long; until then what the exchange turns out to have was never "refused" or "not placed". */
const patience = 600_000

const givenUp = function* (run: Run, { record }: Pairing): Iterable<Violation> {
  const booked = new Map([...run.exchange.orders.values()].map((venue) => [venue.clientOrderId, venue]))
  for (const { line, value } of record.events) {
    if (value.type !== "order.changed") continue
    const order = orderOf(value.data)
    const venue = booked.get(order.clientOrderId)
    if (order.status !== "rejected" || venue === undefined) continue
    if (order.sentAt === null || value.at - order.sentAt < patience)
      yield { text: `${order.id} was given up, and the exchange has it`, lines: [line, venue.line] }
  }
}

interface Spell {
  readonly ruleId: string
  readonly orderId: string
  readonly from: number
  readonly to: number
  readonly begin: Line
  readonly end: Line | null
}

const spellsOf = ({ record }: Pairing): ReadonlyArray<Spell> => {
  const open = new Map<string, Spell>()
  const spells: Array<Spell> = []
  for (const { line, value } of record.events) {
    if (value.type !== "order.changed") continue
    const { id, ruleId, status } = orderOf(value.data)
    const spell = open.get(id)
    if (status === "unknown" && spell === undefined && ruleId !== null)
      open.set(id, { ruleId, orderId: id, from: value.at, to: Infinity, begin: line, end: null })
    if (status !== "unknown" && spell !== undefined) {
      open.delete(id)
      spells.push({ ...spell, to: value.at, end: line })
    }
  }
  return [...spells, ...open.values()]
}

/** What had left before is not called back; what the exchange booked is what counts. */
const isInside = (spell: Spell, { value }: Kept<Order>, bookedAt: number): boolean =>
  value.ruleId === spell.ruleId &&
  value.id !== spell.orderId &&
  value.sentAt !== null &&
  value.sentAt > spell.from &&
  value.sentAt < spell.to &&
  bookedAt > spell.from
