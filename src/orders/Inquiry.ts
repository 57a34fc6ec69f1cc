import { type Array, Context, Effect, Layer, Option } from "effect"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import type { UserId } from "../domain/Ids.ts"
import type { Instant } from "../domain/Time.ts"
import type { SymbolName } from "../domain/Market.ts"
import type { Pair } from "../domain/order/lots.ts"
import type { VenueFill, VenueOrder } from "../domain/order/Order.ts"
import { Symbols } from "../market/Symbols.ts"
import type { Credentials } from "../mexc/Credentials.ts"
import { MexcClient } from "../mexc/MexcClient.ts"
import type { VenueFailure } from "../mexc/VenueFailure.ts"
import { isKnown } from "./record/advance.ts"
import { candidates } from "./record/mayBe.ts"
import type { OrderRow } from "./record/OrderRow.ts"
import { OrdersRepo } from "./OrdersRepo.ts"

type Asked<A> = Effect.Effect<A, VenueFailure | DatabaseUnavailable>

/**
 * `nameless`: it was not there by its name, but something without one is, which may be it. `unproven`: not all of what the
 * venue listed could be read.
 */
export type Search = "found" | "absent" | "nameless" | "unproven"

/** A pair's open orders and all its orders, in this order, and its trades; `complete` when everything could be read. */
export interface Lists {
  readonly orders: ReadonlyArray<VenueOrder>
  readonly fills: ReadonlyArray<VenueFill>
  readonly complete: boolean
}

/** Venue lists are read from this long before the order was made, for clocks that differ. */
const marginMs = 3_600_000
const orphansLooked = 50

/** Asks the venue about orders and joins what it says; nothing here can place or change an order. */
export class Inquiry extends Context.Tag("dipper/orders/Inquiry")<
  Inquiry,
  {
    /** By its name; none when the venue does not know the order. Fills that are missing then are not read. */
    readonly look: (row: OrderRow, credentials: Credentials) => Asked<Option.Option<OrderRow>>
    /** Reads the fills of orders of one pair in one question. */
    readonly explain: (rows: Array.NonEmptyReadonlyArray<OrderRow>, credentials: Credentials) => Asked<void>
    /** As `look`, with the fills that are still missing. */
    readonly ask: (row: OrderRow, credentials: Credentials) => Asked<Option.Option<OrderRow>>
    /** What the venue lists of a pair since a time; several orders may be looked for in one reading. */
    readonly lists: (credentials: Credentials, symbol: SymbolName, since: Instant) => Asked<Lists>
    /** Looks for the order everywhere else it could show: open orders, all orders, trades. */
    readonly search: (row: OrderRow, credentials: Credentials, lists: Lists) => Asked<Search>
    /** One question for everything the account has open; answers whether an order was among it. */
    readonly sweep: (credentials: Credentials) => Asked<(row: OrderRow) => boolean>
    /** Joins what the venue says of an order; one that was made elsewhere is kept as such. */
    readonly hear: (told: VenueOrder, credentials: Credentials) => Asked<void>
    /** Joins fills, of whoever's order. */
    readonly hearFills: (userId: UserId, symbol: SymbolName, fills: ReadonlyArray<VenueFill>) => Asked<void>
    /** Asks for orders of which only fills are known; up to `limit` of them. */
    readonly nameOrphans: (credentials: Credentials, limit: number) => Asked<void>
  }
>() {
  static readonly layer = Layer.effect(
    Inquiry,
    Effect.gen(function* () {
      const mexc = yield* MexcClient
      const repo = yield* OrdersRepo
      const symbols = yield* Symbols
      /** Orders older than the venue remembers: their fills are all that will ever be known. */
      const forgotten = new Set<string>()

      /** A pair the venue no longer lists cannot be split into its assets. */
      const pairOf = (symbol: SymbolName): Effect.Effect<Pair | null> =>
        Effect.orElseSucceed(symbols.get(symbol), () => null)

      const tell = (row: OrderRow, told: VenueOrder) => {
        // The answer often lacks the client order id we asked by.
        const name = row.origin === "external" ? told.clientOrderId : row.client_order_id
        return repo.tell(row.user_id, { ...told, clientOrderId: name })
      }

      const joinTold = Effect.fnUntraced(function* (row: OrderRow, told: VenueOrder, credentials: Credentials) {
        const joined = yield* tell(row, told)
        if (Option.isNone(joined) || joined.value.explained) return joined
        const fills = yield* mexc.fills(credentials, { symbol: row.symbol, exchangeOrderId: told.exchangeOrderId })
        return yield* joinFills(row, fills.rows)
      })

      const joinFills = Effect.fnUntraced(function* (row: OrderRow, fills: ReadonlyArray<VenueFill>) {
        const named =
          row.origin === "external" ? fills : fills.map((fill) => ({ ...fill, clientOrderId: row.client_order_id }))
        yield* repo.recordFills(row.user_id, named, null)
        return yield* repo.find(row.user_id, row.order_id)
      })

      const question = (row: OrderRow, credentials: Credentials) =>
        row.origin === "external" && row.exchange_order_id !== null
          ? mexc.orderByExchangeId(credentials, row.symbol, row.exchange_order_id)
          : mexc.order(credentials, row.symbol, row.client_order_id)

      const ask = Effect.fn("Inquiry.ask")(function* (row: OrderRow, credentials: Credentials) {
        const told = yield* question(row, credentials)
        return Option.isNone(told) ? Option.none<OrderRow>() : yield* joinTold(row, told.value, credentials)
      })

      const look = Effect.fn("Inquiry.look")(function* (row: OrderRow, credentials: Credentials) {
        const told = yield* question(row, credentials)
        return Option.isNone(told) ? Option.none<OrderRow>() : yield* tell(row, told.value)
      })

      const explain = Effect.fn("Inquiry.explain")(function* (
        rows: Array.NonEmptyReadonlyArray<OrderRow>,
        credentials: Credentials
      ) {
        const [{ exchange_order_id: only, symbol }] = rows
        const from = Math.min(...rows.map((row) => row.requested_at)) - marginMs
        const which = rows.length === 1 && only !== null ? { exchangeOrderId: only } : { from }
        const fills = yield* mexc.fills(credentials, { symbol, ...which })
        yield* Effect.forEach(rows, (row) => joinFills(row, fills.rows.filter(isAbout(row))), { discard: true })
      })

      const lists = Effect.fn("Inquiry.lists")(function* (
        credentials: Credentials,
        symbol: SymbolName,
        since: Instant
      ) {
        const from = since - marginMs
        const open = yield* mexc.openOrders(credentials, symbol)
        const all = yield* mexc.allOrders(credentials, symbol, from)
        const fills = yield* mexc.fills(credentials, { symbol, from })
        const complete = open.complete && all.complete && fills.complete
        return { orders: [...open.rows, ...all.rows], fills: fills.rows, complete } satisfies Lists
      })

      const search = Effect.fn("Inquiry.search")(function* (
        row: OrderRow,
        credentials: Credentials,
        { complete, fills, orders }: Lists
      ) {
        const isIt = isAbout(row)
        const found = orders.find(isIt)
        if (found !== undefined) {
          yield* joinTold(row, found, credentials)
          return "found"
        }
        const its = fills.filter(isIt)
        if (its.length > 0) {
          yield* joinFills(row, its)
          return "found"
        }
        const others = candidates(row, orders, fills)
        if ((yield* repo.unowned(row.user_id, row.symbol, others)).length > 0) return "nameless"
        return complete ? "absent" : "unproven"
      })

      const hear = Effect.fn("Inquiry.hear")(function* (told: VenueOrder, credentials: Credentials) {
        const { userId } = credentials
        if (Option.isSome(yield* repo.tell(userId, told))) return
        const pair = yield* pairOf(told.symbol)
        if (pair === null) return
        const adoption = yield* repo.adopt(userId, told, pair)
        if (adoption.type === "kept") return
        // A nameless order may be one of ours whose answer was lost: those are asked for by the names we gave.
        yield* Effect.forEach(adoption.rows, (row) => ask(row, credentials), { discard: true })
        yield* repo.adopt(userId, told, pair, true)
      })

      const hearFills = Effect.fn("Inquiry.hearFills")(function* (
        userId: UserId,
        symbol: SymbolName,
        fills: ReadonlyArray<VenueFill>
      ) {
        if (fills.length > 0) yield* repo.recordFills(userId, fills, yield* pairOf(symbol))
      })

      const sweep = Effect.fn("Inquiry.sweep")(function* (credentials: Credentials) {
        // An order that could not be read seems to be open no more, and is then asked about by itself.
        const { rows: open } = yield* mexc.allOpenOrders(credentials)
        const ours = yield* repo.cancellable(credentials.userId, {})
        const byId = new Map(ours.map((row) => [row.exchange_order_id, row]))
        // Hundreds may be open, and nearly all of them as they were: joining one takes a transaction.
        const isNews = (told: VenueOrder) => {
          const row = byId.get(told.exchangeOrderId)
          return row === undefined || !isKnown(row, told)
        }
        yield* Effect.forEach(open.filter(isNews), (told) => hear(told, credentials), { discard: true })
        return (row: OrderRow) => open.some(isAbout(row))
      })

      const nameOrphans = Effect.fn("Inquiry.nameOrphans")(function* (credentials: Credentials, limit: number) {
        const orphans = yield* repo.orphans(credentials.userId, orphansLooked)
        const unasked = orphans.filter(({ exchangeOrderId }) => !forgotten.has(exchangeOrderId)).slice(0, limit)
        for (const { exchangeOrderId, symbol } of unasked) {
          const told = yield* mexc.orderByExchangeId(credentials, symbol, exchangeOrderId)
          if (Option.isSome(told)) yield* hear(told.value, credentials)
          else forgotten.add(exchangeOrderId)
        }
      })

      return Inquiry.of({ ask, look, explain, lists, search, sweep, hear, hearFills, nameOrphans })
    })
  )
}

const isAbout =
  (row: OrderRow) =>
  (told: { readonly clientOrderId: string | null; readonly exchangeOrderId: string }): boolean =>
    told.clientOrderId === row.client_order_id || told.exchangeOrderId === row.exchange_order_id
