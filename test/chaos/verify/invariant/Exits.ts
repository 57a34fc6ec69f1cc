import type { VenueOrder } from "../journal/Exchange.ts"
import type { Order } from "../journal/Orders.ts"
import type { Kept, UserRecord } from "../journal/Service.ts"
import { instant, text } from "../Reading.ts"
import type { Check, Pairing, Run } from "../Run.ts"

/**
 * I11, exits: a sale that gives up a position is decided, and leaves, when the exchange has ended everything else of its
 * cycle, targets and levels that rested there; whatever the decision was, and whether the exchange took the sale.
 */
export const exits: Check = function* (run) {
  for (const pairing of run.users) {
    const cycles = cyclesOf(run, pairing)
    const booked = new Map([...cycles.values()].flatMap((its) => its.map(({ kept, venue }) => [kept.value.id, venue])))
    for (const [cycleId, sale] of wholeSales(pairing.record)) {
      const venue = booked.get(sale.value.id) ?? null
      for (const other of cycles.get(cycleId) ?? []) {
        if (other.kept.value.id === sale.value.id || !isOpenAt(other.venue, venue, sale.value)) continue
        yield {
          text: `${sale.value.id} gave up a position while ${other.kept.value.id} of its cycle was open`,
          lines: [other.venue.line, ...(venue === null ? [] : [venue.line]), sale.line]
        }
      }
    }
    const ofRules = [...cycles.values()].flat()
    for (const { line, rule, value } of pairing.record.decisions) {
      if (!givesUp.includes(text(value, "trigger"))) continue
      const at = instant(value, "at")
      for (const { kept, venue } of ofRules)
        if (kept.value.ruleId === rule && wasOpen(venue, at))
          yield {
            text: `an exit of ${rule} that gives up its position was decided while ${kept.value.id} was open`,
            lines: [venue.line, line]
          }
    }
  }
}

/** Decisions about the whole position; a rule has one cycle at a time. */
const givesUp: ReadonlyArray<string> = ["exit.stopLoss", "exit.trailing", "exit.close"]

/** The exit that sells everything; targets are numbered from 1. */
const whole = 0
/** Of what the exchange never booked only the service's clock tells when it was. */
const clocksApart = 1_000

interface Booked {
  readonly kept: Kept<Order>
  readonly venue: VenueOrder
}

const cyclesOf = (run: Run, { accountId, record }: Pairing): ReadonlyMap<string, ReadonlyArray<Booked>> => {
  const byName = new Map(record.orders.map((kept) => [kept.value.clientOrderId, kept]))
  const cycleOf = new Map(record.executions.map(({ value }) => [value.id, value.cycleId]))
  const cycles = new Map<string, Array<Booked>>()
  for (const venue of run.exchange.orders.values()) {
    const kept = byName.get(venue.clientOrderId ?? "")
    const cycleId = cycleOf.get(kept?.value.executionId ?? "")
    if (venue.accountId !== accountId || kept === undefined || cycleId === undefined) continue
    cycles.set(cycleId, [...(cycles.get(cycleId) ?? []), { kept, venue }])
  }
  return cycles
}

const wholeSales = function* ({ byId, executions }: UserRecord): Iterable<readonly [string, Kept<Order>]> {
  for (const { value } of executions) {
    if (value.kind !== "exit" || value.level !== whole) continue
    for (const id of value.orders) {
      const kept = byId.get(id)
      if (kept !== undefined && kept.value.sentAt !== null) yield [value.cycleId, kept]
    }
  }
}

const isOpenAt = (other: VenueOrder, sale: VenueOrder | null, { sentAt }: Order): boolean => {
  if (sale !== null) return other.n < sale.n && (other.ended === null || other.ended.n > sale.n)
  return wasOpen(other, sentAt ?? 0)
}

const wasOpen = ({ at: booked, ended }: VenueOrder, at: number): boolean =>
  booked < at && (ended === null || ended.at > at + clocksApart)
