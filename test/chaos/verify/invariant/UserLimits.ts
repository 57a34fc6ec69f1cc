import { addTo, type Exact, plain } from "../Exact.ts"
import type { Call } from "../journal/Client.ts"
import type { Line } from "../journal/Lines.ts"
import type { Order } from "../journal/Orders.ts"
import type { Kept } from "../journal/Service.ts"
import type { VenueOrder } from "../journal/Exchange.ts"
import { amount, type Json, number, object, orNull } from "../Reading.ts"
import type { Check, Pairing, Run, Violation } from "../Run.ts"
import { costOf } from "./Caps.ts"

/**
 * I7, limits of users: at each order that buys, what the exchange booked of the user's buys so far, each on the day of its
 * fill, is within the limits that were in force when the order was made, and no more orders were open than allowed. While a
 * change of the limits is under way the wider ones count.
 */
export const userLimits: Check = function* (run) {
  for (const pairing of run.users) {
    const sent = sentOf(run, pairing)
    const changes = run.client.calls.filter(
      ({ method, path, user }) => user === pairing.record.user && method === "PUT" && path === "/trading/limits"
    )
    const spent = new Map<string, Exact>()
    for (const [index, each] of sent.entries()) {
      if (each.venue.side !== "buy") continue
      const { requestedAt } = each.order.value
      const lines = [each.order.line, each.venue.line]
      yield* openOrders(sent.slice(0, index + 1), each, widest(changes, requestedAt, "maxOpenOrders", number), lines)
      for (const fill of each.venue.fills)
        for (const [limit, windowOf] of windows) addTo(spent, `${limit} ${windowOf(fill.at)}`, costOf(each.venue, fill))
      if (each.venue.fills.length === 0) continue
      for (const [limit, windowOf] of windows) {
        const most = widest(changes, requestedAt, limit, amount)
        const window = `${limit} ${windowOf(requestedAt)}`
        const total = spent.get(window) ?? 0n
        if (most !== null && total > most)
          yield { text: `${pairing.record.user} spent ${plain(total)} of ${plain(most)} (${window})`, lines }
      }
    }
  }
}

interface Sent {
  readonly order: Kept<Order>
  readonly venue: VenueOrder
}

const sentOf = (run: Run, { record }: Pairing): ReadonlyArray<Sent> =>
  record.orders
    .flatMap((order): ReadonlyArray<Sent> => {
      const venue = run.exchange.orders.get(order.value.exchangeOrderId ?? "")
      return venue === undefined || order.value.origin === "external" ? [] : [{ order, venue }]
    })
    .toSorted((a, b) => a.order.value.requestedAt - b.order.value.requestedAt)

const day = 86_400_000
const windows: ReadonlyArray<readonly [limit: string, windowOf: (at: number) => string]> = [
  ["perDay", (at) => new Date(at).toISOString().slice(0, 10)],
  ["perWeek", (at) => `week ${Math.floor((Math.floor(at / day) + 3) / 7)}`],
  ["perMonth", (at) => new Date(at).toISOString().slice(0, 7)]
]

const openOrders = function* (
  sent: ReadonlyArray<Sent>,
  { order, venue }: Sent,
  most: number | null,
  lines: ReadonlyArray<Line>
): Iterable<Violation> {
  if (most === null) return
  const open = sent.filter(
    (other) => other.venue.n <= venue.n && (other.venue.ended === null || other.venue.ended.n > venue.n)
  )
  if (open.length > most) yield { text: `${order.value.id} was one of ${open.length} open orders of ${most}`, lines }
}

/** The widest value that may have been in force at a moment; null where there may have been none. */
const widest = <A extends Exact | number>(
  changes: ReadonlyArray<Call>,
  at: number,
  name: string,
  read: (value: Json, name: string) => A
): A | null => {
  const settled = changes.findLast(({ answer }) => answer?.data != null && answer.at < at)
  const possible = changes.filter(
    ({ ask, askedAt, askedN }) => ask === settled?.ask || (askedAt <= at && askedN > (settled?.askedN ?? 0))
  )
  if (settled === undefined) return null
  let most: A | null = null
  for (const { body } of possible) {
    const user = body === null ? null : object(body, "user")
    const value = user === null || !(name in user) ? null : orNull(read, user, name)
    if (value === null) return null
    if (most === null || value > most) most = value
  }
  return most
}
