import type { Call } from "../journal/Client.ts"
import type { Line } from "../journal/Lines.ts"
import { isOurs, orderOf } from "../journal/Orders.ts"
import { flag, type Json, object, text } from "../Reading.ts"
import type { Check, Run } from "../Run.ts"

/**
 * I7, the kill switch: from the answer that trading is halted to the first request that ends or narrows it no order of the
 * user is booked that had not left before; under `entries` none that buys, under `all` none at all. Restarts change nothing.
 */
export const halts: Check = function* (run) {
  for (const { accountId, record } of run.users) {
    const intervals = intervalsOf(run, record.user)
    const byName = new Map(record.orders.map((kept) => [kept.value.clientOrderId, kept]))
    for (const venue of run.exchange.orders.values()) {
      if (venue.accountId !== accountId || !isOurs(venue.clientOrderId)) continue
      const kept = byName.get(venue.clientOrderId ?? "")
      const sentAt = kept?.value.sentAt ?? venue.at
      for (const { begin, from, n, scope, to } of intervals) {
        if (scope === "entries" && venue.side !== "buy") continue
        if (venue.at <= from || venue.at >= to) continue
        const late = sentAt > from && !(kept !== undefined && isToldSent(run, record.user, kept.value.id, n))
        if (late || venue.at - sentAt > longestWay)
          yield {
            text: `an order was sent ${venue.at - from} ms after the halt of ${record.user} was acknowledged`,
            lines: [begin, venue.line, ...(kept === undefined ? [] : [kept.line])]
          }
      }
    }
  }
}

/** Bytes that left in time may be held up: as long as a signature is good, and by the longest delay that is planned. */
const longestWay = 9_000

/** Its owner had heard that it was sent before the halt was acknowledged, whatever the clocks of the two say. */
const isToldSent = ({ client }: Run, user: string, orderId: string, n: number): boolean =>
  client.heard.some((heard) => {
    if (heard.user !== user || heard.what !== "event" || heard.n >= n || heard.value["type"] !== "order.changed")
      return false
    const order = orderOf(object(heard.value, "data"))
    return order.id === orderId && order.sentAt !== null
  })

type Scope = "entries" | "all"

interface Interval {
  readonly from: number
  /** Place of the answer in the journal. */
  readonly n: number
  readonly to: number
  readonly scope: Scope
  readonly begin: Line
}

const scopeOf = (body: Json | null): Scope | null => {
  if (body === null || !flag(body, "halted")) return null
  return "scope" in body && text(body, "scope") === "all" ? "all" : "entries"
}

/** Certainly halted: from an answer until somebody asks for less, whether that is answered or not. */
const intervalsOf = (run: Run, user: string): ReadonlyArray<Interval> => {
  const steps = run.client.calls
    .filter((call) => call.user === user && call.method === "PUT" && call.path === "/trading/halt")
    .flatMap((call): ReadonlyArray<{ readonly n: number; readonly call: Call; readonly answered: boolean }> => [
      { n: call.askedN, call, answered: false },
      ...(call.answer?.data == null ? [] : [{ n: call.answer.n, call, answered: true }])
    ])
    .toSorted((a, b) => a.n - b.n)
  const intervals: Array<Interval> = []
  let current: { from: number; n: number; scope: Scope; begin: Line } | null = null
  const end = (to: number) => {
    if (current !== null) intervals.push({ ...current, to })
    current = null
  }
  for (const { answered, call } of steps) {
    const scope = scopeOf(call.body)
    if (answered && call.answer !== null) {
      if (scope !== null) {
        end(call.answer.at)
        current = { from: call.answer.at, n: call.answer.n, scope, begin: call.answer.line }
      }
    } else if (scope !== "all") end(call.askedAt)
  }
  end(Infinity)
  return intervals
}
