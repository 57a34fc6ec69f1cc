import type { Call } from "../journal/Client.ts"
import type { VenueOrder } from "../journal/Exchange.ts"
import type { Line } from "../journal/Lines.ts"
import { isOurs, type Order, orderOf } from "../journal/Orders.ts"
import type { Kept } from "../journal/Service.ts"
import type { Check, Pairing, Run, Violation } from "../Run.ts"

/**
 * I3, no duplicate order. Names are used once. A key makes one order whatever happens and however often it is repeated, and
 * what was answered with an error made none. A firing of a rule is one per slot; it sends one order after another, the next
 * when the end of the one before is at the exchange, and a firing that is told to buy at once sends one.
 */
export const duplicateOrders: Check = function* (run) {
  yield* names(run)
  for (const pairing of run.users) {
    yield* keys(run, pairing)
    yield* slots(pairing)
    yield* firings(run, pairing)
  }
}

const names = function* (run: Run): Iterable<Violation> {
  const atExchange = new Map<string, Line>()
  for (const { clientOrderId, line } of run.exchange.orders.values()) {
    if (clientOrderId === null) continue
    const before = atExchange.get(clientOrderId)
    if (before !== undefined) yield { text: `two orders are named ${clientOrderId}`, lines: [before, line] }
    atExchange.set(clientOrderId, line)
  }
  const used = new Map<string, Line>()
  for (const { record } of run.users)
    for (const { line, value } of record.orders)
      for (const name of [value.id, value.clientOrderId, value.exchangeOrderId]) {
        const before = name === null ? undefined : used.get(name)
        if (before !== undefined) yield { text: `two orders are called ${name}`, lines: [before, line] }
        if (name !== null) used.set(name, line)
      }
}

const makesOrder = ({ method, path }: Call): boolean =>
  method === "POST" && (path === "/trading/orders" || /^\/trading\/positions\/\w+\/close$/.test(path))

const symbolOf = (call: Call): string => {
  const named = call.body?.["symbol"]
  return typeof named === "string" ? named : (call.path.split("/")[3] ?? "")
}

/** What became of everything that was asked for under one key. */
interface Wish {
  readonly calls: Array<Call>
  readonly ids: Map<string, Line>
}

const keys = function* (run: Run, { record }: Pairing): Iterable<Violation> {
  const wishes = new Map<string, Wish>()
  const owners = new Map<string, Line>()
  for (const call of run.client.calls) {
    if (call.user !== record.user || !makesOrder(call)) continue
    const name = `${call.path} ${call.key}`
    const wish = wishes.get(name) ?? { calls: [], ids: new Map<string, Line>() }
    wishes.set(name, wish)
    wish.calls.push(call)
    if (call.answer?.data == null) continue
    const { id } = orderOf(call.answer.data)
    wish.ids.set(id, wish.ids.get(id) ?? call.answer.line)
  }
  for (const [name, { ids }] of wishes) {
    if (ids.size > 1) yield { text: `the key of ${name} made several orders`, lines: [...ids.values()] }
    for (const [id, line] of ids) {
      const before = owners.get(id)
      if (before !== undefined) yield { text: `two keys made ${id}`, lines: [before, line] }
      owners.set(id, line)
    }
  }
  // Orders at the exchange that no answer told of need a request that was never answered to the end.
  const open = new Map<string, number>()
  for (const { calls, ids } of wishes.values()) {
    const [first] = calls
    if (first === undefined || ids.size > 0 || isRefused(calls)) continue
    open.set(symbolOf(first), (open.get(symbolOf(first)) ?? 0) + 1)
  }
  for (const { line, value } of record.orders) {
    if (value.origin !== "manual" || value.exchangeOrderId === null || owners.has(value.id)) continue
    const left = open.get(value.symbol) ?? 0
    if (left === 0) yield { text: `nobody asked for ${value.id}`, lines: [line] }
    open.set(value.symbol, left - 1)
  }
}

/** Answered with an error that is not "try again": no order exists. Another body under a key says nothing of the first. */
const isRefused = (calls: ReadonlyArray<Call>): boolean =>
  calls.some(
    ({ answer }) =>
      answer !== null &&
      answer.status >= 400 &&
      answer.status < 500 &&
      answer.status !== 429 &&
      !JSON.stringify(answer.line.value["body"] ?? null).includes('"IDEMPOTENCY_')
  )

const slots = function* ({ record }: Pairing): Iterable<Violation> {
  const taken = new Map<string, Line>()
  for (const { line, value } of record.executions) {
    for (const name of [value.id, `${value.ruleId} ${value.slot} ${value.kind} ${value.level}`]) {
      const before = taken.get(name)
      if (before !== undefined) yield { text: `two firings are called ${name}`, lines: [before, line] }
      taken.set(name, line)
    }
  }
}

interface Sent {
  readonly venue: VenueOrder
  readonly kept: Kept<Order>
}

const firings = function* (run: Run, { accountId, record }: Pairing): Iterable<Violation> {
  const byName = new Map(record.orders.map((kept) => [kept.value.clientOrderId, kept]))
  const executions = new Map(record.executions.map((kept) => [kept.value.id, kept]))
  const sent = new Map<string, Array<Sent>>()
  for (const venue of run.exchange.orders.values()) {
    const kept = byName.get(venue.clientOrderId ?? "")
    if (venue.accountId !== accountId || !isOurs(venue.clientOrderId) || kept === undefined) continue
    const { executionId, origin } = kept.value
    if (origin === "manual") continue
    const execution = executions.get(executionId ?? "")
    if (execution === undefined || !execution.value.orders.includes(kept.value.id))
      yield { text: `${kept.value.id} belongs to no firing`, lines: [venue.line, kept.line] }
    else sent.set(execution.value.id, [...(sent.get(execution.value.id) ?? []), { venue, kept }])
  }
  for (const [id, its] of sent) {
    for (const [index, { venue }] of its.entries()) {
      const before = its[index - 1]?.venue
      if (before !== undefined && (before.ended === null || before.ended.n > venue.n))
        yield { text: `${id} sent an order while one of its was open`, lines: [before.line, venue.line] }
    }
    const execution = executions.get(id)
    if (
      execution !== undefined &&
      execution.value.kind !== "exit" &&
      its.length > 1 &&
      buysAtOnce(record, execution.value)
    )
      yield { text: `${id} bought ${its.length} times`, lines: [execution.line, ...its.map(({ venue }) => venue.line)] }
  }
}

/** An immediate order of a rule is not repeated; a limit may be sent again, and a resting level put back. */
const buysAtOnce = (
  record: Pairing["record"],
  { kind, ruleId, ruleVersion }: { readonly kind: string; readonly ruleId: string; readonly ruleVersion: number }
): boolean => {
  const told = record.events.find(
    ({ value: { data, objectId, type } }) =>
      type === "rule.changed" && objectId === ruleId && data["version"] === ruleVersion
  )
  const style = JSON.stringify(told?.value.data["execution"] ?? null)
  const resting = JSON.stringify(told?.value.data["ladder"] ?? null).includes('"resting"')
  return (
    (style.includes('"protectedMarket"') || style.includes('"market"')) &&
    !style.includes('"limit"') &&
    (kind === "entry" || !resting)
  )
}
