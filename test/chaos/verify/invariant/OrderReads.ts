import { plain } from "../Exact.ts"
import { itemsOf } from "../journal/Client.ts"
import type { Line } from "../journal/Lines.ts"
import { isOver, type Order, orderOf, type Status } from "../journal/Orders.ts"
import type { Kept, UserRecord } from "../journal/Service.ts"
import { canonical, type Json, objectOf, objects } from "../Reading.ts"
import type { Check, Run, Violation } from "../Run.ts"

/**
 * I1, durability of orders: every order that an answer showed, to a write or to a read, before or after a crash, is still
 * there, is the same order, and has only gone on since: its version, its execution, its status never went back. The same
 * holds between two answers of which one was asked for after the other had come.
 */
export const orderReads: Check = function* (run) {
  for (const { record } of run.users) {
    const seen = seenOf(run, record.user)
    for (const [id, its] of seen) {
      const kept = record.byId.get(id)
      for (const each of its)
        if (kept === undefined) yield { text: `${id} was shown to ${record.user} and is gone`, lines: [each.line] }
        else yield* between(each, { ...kept, askedN: Infinity, n: Infinity })
      yield* inTurn(its)
    }
    yield* placed(run, record)
  }
}

interface Seen extends Kept<Order> {
  readonly askedN: number
  readonly n: number
}

const looksLikeOrder = (value: Json): boolean =>
  typeof value["id"] === "string" && value["id"].startsWith("ord_") && "clientOrderId" in value

const seenOf = (run: Run, user: string): ReadonlyMap<string, ReadonlyArray<Seen>> => {
  const seen = new Map<string, Array<Seen>>()
  const note = (value: Json, line: Line, askedN: number, n: number) => {
    if (!looksLikeOrder(value)) return
    const order = orderOf(value)
    const its = seen.get(order.id) ?? []
    its.push({ line, value: order, askedN, n })
    seen.set(order.id, its)
  }
  for (const call of run.client.calls) {
    // A repetition under a key is told what the first request was told.
    if (call.user !== user || call.answer?.data == null || call.answer.replayed) continue
    for (const item of itemsOf(call.answer.data)) note(item, call.answer.line, call.askedN, call.answer.n)
  }
  for (const { line, n, user: listener, value, what } of run.client.heard)
    if (what === "snapshot" && listener === user)
      for (const order of objects(objectOf(value["data"]), "orders")) note(order, line, n, n)
  return seen
}

/** What may become of an order in each status; anything else undoes what was told. */
const next: Readonly<Record<Status, ReadonlyArray<Status>>> = {
  pending: ["pending", "unknown", "open", "partiallyFilled", "filled", "cancelled", "partiallyCancelled", "rejected"],
  unknown: ["unknown", "open", "partiallyFilled", "filled", "cancelled", "partiallyCancelled", "rejected"],
  open: ["open", "partiallyFilled", "filled", "cancelled", "partiallyCancelled"],
  partiallyFilled: ["partiallyFilled", "filled", "partiallyCancelled"],
  filled: ["filled"],
  // Fills that come later than the end.
  cancelled: ["cancelled", "partiallyCancelled", "filled"],
  partiallyCancelled: ["partiallyCancelled", "filled"],
  rejected: ["rejected"]
}

const mayFollow = (before: Order, after: Order): boolean =>
  next[before.status].includes(after.status) ||
  // A late fill opens an order again that was thought never placed.
  (before.status === "rejected" && before.rejectCode === "NOT_PLACED" && after.status !== "pending")

const between = function* (before: Seen, after: Seen): Iterable<Violation> {
  const was = before.value
  const is = after.value
  const lines = [before.line, after.line]
  for (const name of ["clientOrderId", "symbol", "side", "type", "requestedAt", "book"] as const)
    if (was[name] !== is[name]) yield { text: `${was.id} has another ${name} than it had`, lines }
  if (is.version < was.version)
    yield { text: `${was.id} went back from version ${was.version} to ${is.version}`, lines }
  if (is.version === was.version && canonical(is.raw) !== canonical(was.raw))
    yield { text: `${was.id} changed without a new version`, lines }
  if (!mayFollow(was, is)) yield { text: `${was.id} was ${was.status} and is ${is.status}`, lines }
  if (is.executedQuantity < was.executedQuantity || is.executedQuote < was.executedQuote)
    yield {
      text: `${was.id} had executed ${plain(was.executedQuantity)} and has executed ${plain(is.executedQuantity)}`,
      lines
    }
  if (was.exchangeOrderId !== null && was.exchangeOrderId !== is.exchangeOrderId)
    yield { text: `${was.id} has another order of the exchange than it had`, lines }
}

/** Of answers that overlap either may be the older; of others the later one is. */
const inTurn = function* (seen: ReadonlyArray<Seen>): Iterable<Violation> {
  const byAnswer = seen.toSorted((a, b) => a.n - b.n)
  for (const later of byAnswer) {
    const before = byAnswer.findLast(({ n }) => n < later.askedN)
    if (before !== undefined) yield* between(before, later)
  }
}

/** The order is the one that was asked for. */
const placed = function* (run: Run, { byId, user }: UserRecord): Iterable<Violation> {
  for (const { answer, body, method, path, user: asker } of run.client.calls) {
    if (asker !== user || method !== "POST" || path !== "/trading/orders" || answer?.data == null || body === null)
      continue
    const order = byId.get(orderOf(answer.data).id)
    if (order === undefined) {
      yield { text: `the order that ${user} was answered is gone`, lines: [answer.line] }
      continue
    }
    const { value } = order
    if (value.symbol !== body["symbol"] || value.side !== body["side"] || value.origin !== "manual")
      yield { text: `${value.id} is not what was asked for`, lines: [answer.line, order.line] }
    if (value.executedQuantity > 0n && value.status === "rejected" && isOver(value.status))
      yield { text: `${value.id} was refused and executed`, lines: [order.line] }
  }
}
