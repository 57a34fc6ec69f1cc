import { addTo, type Exact, exact, plain, sum, times } from "../Exact.ts"
import type { VenueFill, VenueOrder } from "../journal/Exchange.ts"
import type { Order } from "../journal/Orders.ts"
import type { Execution } from "../journal/Rules.ts"
import type { Kept, UserRecord } from "../journal/Service.ts"
import { amount, type Json, number, object, objects, orNull, text } from "../Reading.ts"
import type { Check, Pairing, Run, Violation } from "../Run.ts"

/**
 * I7, caps of rules: what the exchange booked for a rule, fees included, is never more than the limits of the version that
 * sent the order, in all and in each calendar window; a firing never buys for more than it was made for, nor that for more
 * than the rule says; and no more firings buy than the rule allows.
 */
export const caps: Check = function* (run) {
  for (const pairing of run.users) {
    const buys = buysOf(run, pairing)
    const documents = documentsOf(pairing.record)
    for (const rule of pairing.record.rules) {
      const its = buys.filter(({ execution }) => execution.value.ruleId === rule.value.id)
      yield* windows(its, documents)
      yield* counts(its, documents)
    }
    yield* firings(buys, documents)
  }
}

export interface Buy {
  readonly order: Kept<Order>
  readonly venue: VenueOrder
  readonly execution: Kept<Execution>
  readonly spent: Exact
}

/** What a fill of a buy costs in quote. */
export const costOf = (order: VenueOrder, fill: VenueFill): Exact =>
  fill.quoteQuantity + (fill.feeAsset === order.quoteAsset ? fill.fee : 0n)

/** Buys of rules that bought something, in the order in which they were meant. */
const buysOf = (run: Run, { record }: Pairing): ReadonlyArray<Buy> => {
  const executions = new Map(record.executions.map((kept) => [kept.value.id, kept]))
  return record.orders
    .flatMap((order): ReadonlyArray<Buy> => {
      const venue = run.exchange.orders.get(order.value.exchangeOrderId ?? "")
      const execution = executions.get(order.value.executionId ?? "")
      if (venue === undefined || execution === undefined || venue.side !== "buy" || venue.fills.length === 0) return []
      return [{ order, venue, execution, spent: sum(venue.fills.map((fill) => costOf(venue, fill))) }]
    })
    .toSorted((a, b) => a.order.value.requestedAt - b.order.value.requestedAt)
}

type Documents = (ruleId: string, version: number) => Json | undefined

/** Each version of each rule, as it was told when it was made. */
const documentsOf = ({ events }: UserRecord): Documents => {
  const known = new Map<string, Json>()
  for (const { value } of events)
    if (value.type === "rule.changed") known.set(`${value.objectId} ${number(value.data, "version")}`, value.data)
  return (ruleId, version) => known.get(`${ruleId} ${version}`)
}

const day = 86_400_000
const windowsOf: ReadonlyArray<readonly [limit: string, name: (at: number) => string]> = [
  ["total", () => "ever"],
  ["perDay", (at) => new Date(at).toISOString().slice(0, 10)],
  ["perWeek", (at) => `week ${Math.floor((Math.floor(at / day) + 3) / 7)}`],
  ["perMonth", (at) => new Date(at).toISOString().slice(0, 7)]
]

const windows = function* (buys: ReadonlyArray<Buy>, documents: Documents): Iterable<Violation> {
  const spent = new Map<string, Exact>()
  for (const buy of buys) {
    const { ruleId, ruleVersion, triggeredAt } = buy.execution.value
    const document = documents(ruleId, ruleVersion)
    if (document === undefined) {
      yield { text: `nothing tells of version ${ruleVersion} of ${ruleId}`, lines: [buy.execution.line] }
      continue
    }
    for (const [limit, nameOf] of windowsOf) {
      const name = `${limit} ${nameOf(triggeredAt)}`
      addTo(spent, name, buy.spent)
      const cap = orNull(amount, object(document, "limits"), limit)
      const total = spent.get(name) ?? 0n
      if (cap !== null && total > cap)
        yield {
          text: `${ruleId} spent ${plain(total)} of ${plain(cap)} (${name})`,
          lines: [buy.order.line, buy.venue.line]
        }
    }
  }
}

const counts = function* (buys: ReadonlyArray<Buy>, documents: Documents): Iterable<Violation> {
  const entries = new Map<string, Buy>()
  for (const buy of buys) if (buy.execution.value.kind === "entry") entries.set(buy.execution.value.id, buy)
  const days = new Map<string, number>()
  let all = 0
  for (const { execution } of entries.values()) {
    const { ruleId, ruleVersion, triggeredAt } = execution.value
    const limits = object(documents(ruleId, ruleVersion) ?? {}, "limits")
    const today = new Date(triggeredAt).toISOString().slice(0, 10)
    days.set(today, (days.get(today) ?? 0) + 1)
    all++
    for (const [name, count] of [
      ["maxExecutions", all] as const,
      ["maxExecutionsPerDay", days.get(today) ?? 0] as const
    ]) {
      const most = orNull(number, limits, name)
      if (most !== null && count > most)
        yield { text: `${ruleId} bought ${count} times, ${name} is ${most}`, lines: [execution.line] }
    }
  }
}

const firings = function* (buys: ReadonlyArray<Buy>, documents: Documents): Iterable<Violation> {
  const byExecution = new Map<string, Array<Buy>>()
  for (const buy of buys)
    byExecution.set(buy.execution.value.id, [...(byExecution.get(buy.execution.value.id) ?? []), buy])
  for (const its of byExecution.values()) {
    const [first] = its
    if (first === undefined) continue
    const { id, requestedQuote, ruleId, ruleVersion } = first.execution.value
    const lines = [first.execution.line, ...its.map(({ venue }) => venue.line)]
    const spent = sum(its.map((buy) => buy.spent))
    if (requestedQuote !== null && spent > requestedQuote)
      yield { text: `${id} bought for ${plain(spent)}, more than ${plain(requestedQuote)}`, lines }
    const meant = meantFor(first.execution.value, documents(ruleId, ruleVersion))
    if (meant !== null && spent > meant)
      yield { text: `${id} bought for ${plain(spent)}, the rule says ${plain(meant)}`, lines }
  }
}

/** What the rule says a buy may cost, where it says so in quote. */
const meantFor = ({ kind, level }: Execution, document: Json | undefined): Exact | null => {
  if (document === undefined) return null
  const size = object(document, "size")
  if (text(size, "type") !== "quote") return null
  const base = amount(size, "amount")
  if (kind !== "level") return base
  const ladder = orNull(object, document, "ladder")
  const step = ladder === null ? undefined : objects(ladder, "levels")[level - 1]
  const factor = step === undefined ? null : exact(text(step, "sizeMultiplier"))
  return factor === null ? null : times(base, factor)
}
