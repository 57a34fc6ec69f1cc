import { type Exact, plain } from "../Exact.ts"
import type { VenueOrder } from "../journal/Exchange.ts"
import { isOurs, isOver, type Order } from "../journal/Orders.ts"
import type { Kept } from "../journal/Service.ts"
import type { Check, Pairing, Run, Violation } from "../Run.ts"

/**
 * I2, no lost order: the orders at the exchange are the orders the service has with the exchange's id, one by one, in the
 * same account, with the same name, terms, status and execution. Those made elsewhere are there as well, as external ones;
 * everything has come to its end.
 */
export const lostOrders: Check = function* (run) {
  for (const pairing of run.users) {
    yield* atExchange(run, pairing)
    yield* atService(run, pairing)
  }
}

const atExchange = function* (run: Run, { accountId, record }: Pairing): Iterable<Violation> {
  const known = new Map(record.orders.map((kept) => [kept.value.exchangeOrderId, kept]))
  for (const order of run.exchange.orders.values()) {
    if (order.accountId !== accountId) continue
    const kept = known.get(order.id)
    if (kept === undefined) yield { text: `${record.user} has no order ${order.id}`, lines: [order.line] }
    else yield* differences(order, kept)
  }
}

const atService = function* (run: Run, { accountId, record }: Pairing): Iterable<Violation> {
  for (const { line, value } of record.orders) {
    if (!isOver(value.status) && value.origin !== "external")
      yield { text: `${value.id} of ${record.user} is still ${value.status}`, lines: [line] }
    const { exchangeOrderId } = value
    if (exchangeOrderId === null) {
      if (isOver(value.status) && value.status !== "rejected" && value.status !== "cancelled")
        yield { text: `${value.id} is ${value.status} and was never at the exchange`, lines: [line] }
      if (value.executedQuantity !== 0n) yield { text: `${value.id} was executed nowhere`, lines: [line] }
    } else if (run.exchange.orders.get(exchangeOrderId)?.accountId !== accountId)
      yield { text: `${value.id} of ${record.user} is not at the exchange in this account`, lines: [line] }
  }
}

const differences = function* (venue: VenueOrder, { line, value }: Kept<Order>): Iterable<Violation> {
  const wrong = (what: string, theirs: unknown, ours: unknown): Violation => ({
    text: `${value.id} has another ${what} than the exchange: ${String(ours)}, not ${String(theirs)}`,
    lines: [venue.line, line]
  })
  const external = !isOurs(venue.clientOrderId)
  if (external !== (value.origin === "external")) yield wrong("origin", external ? "elsewhere" : "ours", value.origin)
  if (!external && value.clientOrderId !== venue.clientOrderId)
    yield wrong("name", venue.clientOrderId, value.clientOrderId)
  for (const name of ["symbol", "side", "type", "status"] as const)
    if (venue[name] !== value[name]) yield wrong(name, venue[name], value[name])
  const amounts: ReadonlyArray<readonly [string, Exact, Exact | null]> = [
    ["executed quantity", venue.executedQuantity, value.executedQuantity],
    ["executed quote", venue.executedQuote, value.executedQuote],
    ...(venue.type === "market" ? [] : [["price", venue.price, value.price] as const]),
    ...(venue.quoteSized ? [["quote amount", venue.quoteAmount, value.quoteAmount] as const] : []),
    ...(venue.quoteSized ? [] : [["quantity", venue.quantity, value.quantity] as const])
  ]
  for (const [what, theirs, ours] of amounts)
    if (theirs !== ours) yield wrong(what, plain(theirs), ours === null ? "none" : plain(ours))
}
