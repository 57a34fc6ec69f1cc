import { Clock, Effect, Option } from "effect"
import type { OrderId, UserId } from "../../domain/Ids.ts"
import { reason } from "../../domain/Reason.ts"
import type { Credentials } from "../../mexc/Credentials.ts"
import { Ledger } from "../../portfolio/Ledger.ts"
import { Wallets } from "../../portfolio/Wallets.ts"
import { Events } from "../../store/Events.ts"
import { Inquiry, type Lists } from "../Inquiry.ts"
import { OrdersRepo } from "../OrdersRepo.ts"
import { isOverdue } from "../record/resolve.ts"
import type { OrderRow } from "../record/OrderRow.ts"
import { Reconciled } from "./Reconciled.ts"
import { VenueAccounts } from "./VenueAccounts.ts"

const askedEachRound = 4

/**
 * Questions by name cost a weight of 2 and the lists of a pair one of 23. However many orders are unknown, both together
 * take at most a third of what the venue allows an address: orders have to find room beside them.
 */
const askAgainAfter = (orders: number): number => (orders <= askedEachRound ? 0 : orders * 500)
const searchAgainAfter = (pairs: number, unknownForMs: number): number =>
  Math.max(10_000, pairs * 4_000, unknownForMs / 60)

/** Orders that became unknown together are looked for in one reading of the lists of their pair, and of the balances. */
const listsServeForMs = 5_000

/** Why an unknown order is still unknown after ten minutes, for its owner. */
const doubts = {
  silent: "The exchange does not answer the questions about it.",
  unreadable: "The exchange does not know its id, but not everything that the exchange lists could be read.",
  nameless: "The exchange does not know its id, but it shows an order or a fill without one that may be it.",
  unproven: "The exchange does not know its id, but it may have been sent with another key.",
  moved: "The exchange does not know its id, but a balance of its pair changed without an explanation.",
  otherAccount: "It was sent with an exchange key of another account, which the key in use cannot ask about."
} as const
type Doubt = keyof typeof doubts

const pairOf = (row: OrderRow): string => `${row.user_id} ${row.credential} ${row.symbol}`

/**
 * Orders whose answer was lost: never sent again, never forgotten. Absence counts as proof only after ten minutes, from
 * every list, at the right account, and while no balance of the pair changed without an explanation.
 */
export const makeUnknown = Effect.gen(function* () {
  const events = yield* Events
  const inquiry = yield* Inquiry
  const ledger = yield* Ledger
  const reconciled = yield* Reconciled
  const repo = yield* OrdersRepo
  const venueAccounts = yield* VenueAccounts
  const wallets = yield* Wallets
  const asked = new Map<OrderId, number>()
  const searched = new Map<OrderId, { readonly at: number; readonly overdue: boolean }>()
  const read = new Map<string, { readonly at: number; readonly since: number; readonly lists: Lists }>()
  const balancesRead = new Map<UserId, number>()
  let orders = 0
  let pairs = 0
  const doubted = new Map<OrderId, Doubt>()
  const told = new Set<OrderId>()

  const doubt = (row: OrderRow, why: Doubt) => void doubted.set(row.order_id, why)

  const hasMoved = Effect.fnUntraced(function* (row: OrderRow) {
    const now = yield* Clock.currentTimeMillis
    if (now - (balancesRead.get(row.user_id) ?? Number.NEGATIVE_INFINITY) >= listsServeForMs) {
      yield* wallets.reread(row.user_id)
      balancesRead.set(row.user_id, now)
    }
    const assets = [row.base_asset, row.quote_asset]
    return yield* ledger.unexplainedSince(row.user_id, assets, row.sent_at ?? row.requested_at)
  })

  const listsFor = Effect.fnUntraced(function* (row: OrderRow, credentials: Credentials) {
    const now = yield* Clock.currentTimeMillis
    const kept = read.get(pairOf(row))
    if (kept !== undefined && kept.since <= row.requested_at && now - kept.at < listsServeForMs) return kept
    const lists = yield* inquiry.lists(credentials, row.symbol, row.requested_at)
    const fresh = { at: now, since: row.requested_at, lists }
    read.set(pairOf(row), fresh)
    return fresh
  })

  /** What the venue knows of it under its name, perhaps without all of its fills. */
  const resolve = Effect.fn("Reconciler.resolve")(function* (row: OrderRow, credentials: Credentials) {
    const began = yield* Clock.currentTimeMillis
    const askedAt = asked.get(row.order_id)
    if (askedAt !== undefined && began - askedAt < askAgainAfter(orders)) return Option.none()
    asked.set(row.order_id, began)
    const before = doubted.get(row.order_id)
    doubt(row, "silent")
    const known = yield* inquiry.look(row, credentials)
    if (Option.isSome(known)) return known
    yield* searchFor(row, credentials, before)
    return known
  })

  const searchFor = Effect.fnUntraced(function* (row: OrderRow, credentials: Credentials, before: Doubt | undefined) {
    const now = yield* Clock.currentTimeMillis
    if (before !== undefined) doubt(row, before)
    // The lists cost ten times as much: they wait until their user may trade again.
    if ((yield* reconciled.waiting).has(row.user_id)) return
    const last = searched.get(row.order_id)
    const wait = searchAgainAfter(pairs, now - (row.unknown_since_wall ?? now))
    if (last !== undefined && last.overdue === isOverdue(row, now) && now - last.at < wait) return
    // Noted before: lists that cannot be read are not asked for any sooner.
    searched.set(row.order_id, { at: now, overdue: isOverdue(row, now) })
    const { at, lists } = yield* listsFor(row, credentials)
    const overdue = isOverdue(row, at)
    const found = yield* inquiry.search(row, credentials, lists)
    searched.set(row.order_id, { at, overdue })
    doubt(row, found === "nameless" ? "nameless" : "unreadable")
    if (found !== "absent" || !overdue) return
    if ((yield* venueAccounts.belonging(row, credentials)) !== "same") return doubt(row, "unproven")
    if (yield* Effect.orElseSucceed(hasMoved(row), () => true)) return doubt(row, "moved")
    yield* Effect.logWarning("An order was absent from the venue for ten minutes: never placed", {
      order: row.order_id
    })
    yield* repo.reject(row.user_id, row.order_id, { reason: reason("NOT_PLACED") })
  })

  /** After ten minutes nobody is left in the dark. */
  const tellOverdue = Effect.fnUntraced(function* (rows: ReadonlyArray<OrderRow>) {
    const wall = yield* Clock.currentTimeMillis
    const late = rows.filter((row) => isOverdue(row, wall) && !told.has(row.order_id))
    yield* Effect.forEach(
      late,
      ({ order_id: id, user_id: userId }) =>
        Effect.gen(function* () {
          const now = Option.getOrNull(yield* repo.find(userId, id))
          if (now === null || now.status !== "unknown" || now.unknown_since === null) return
          const why = doubts[doubted.get(id) ?? "silent"]
          const text = `Nobody can tell for ten minutes what became of the order ${id} (${now.side} ${now.symbol}). ${why} It is not sent again; look it up at the exchange and resolve it here.`
          const data = { text, orderId: id, symbol: now.symbol, unknownSince: now.unknown_since }
          yield* events.appendOnce(userId, { type: "notice.orderUnknown", objectId: id, data })
          told.add(id)
        }),
      { discard: true }
    )
  })

  const keepOnly = (rows: ReadonlyArray<OrderRow>) =>
    Effect.sync(() => {
      const unknown = rows.filter((row) => row.status === "unknown")
      const ids = new Set(unknown.map((row) => row.order_id))
      for (const kept of [asked, searched, doubted, told])
        for (const id of kept.keys()) if (!ids.has(id)) kept.delete(id)
      const inDoubt = new Set(unknown.map(pairOf))
      for (const pair of read.keys()) if (!inDoubt.has(pair)) read.delete(pair)
      const users = new Set(unknown.map((row) => row.user_id))
      for (const userId of balancesRead.keys()) if (!users.has(userId)) balancesRead.delete(userId)
      orders = ids.size
      pairs = inDoubt.size
    })

  return { resolve, doubt, tellOverdue, keepOnly }
})
