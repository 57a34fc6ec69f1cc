import { type Array, Context, Effect, Layer, Option } from "effect"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import type { VenueFill, VenueOrder } from "../domain/order/Order.ts"
import type { Credentials } from "../mexc/Credentials.ts"
import { MexcClient } from "../mexc/MexcClient.ts"
import type { VenueFailure } from "../mexc/VenueFailure.ts"
import type { OrderRow } from "./record/OrderRow.ts"
import { OrdersRepo } from "./OrdersRepo.ts"

type Asked<A> = Effect.Effect<A, VenueFailure | DatabaseUnavailable>

/** `unproven`: it was not there, but not all of what the venue listed could be read. */
export type Search = "found" | "absent" | "unproven"

/** Venue lists are read from this long before the order was made, for clocks that differ. */
const marginMs = 3_600_000

/** Asks the venue about orders of ours and joins what it says; nothing here can place or change an order. */
export class Inquiry extends Context.Tag("dipper/orders/Inquiry")<
  Inquiry,
  {
    /** By client order id, with the fills that are still missing; none when the venue does not know the order. */
    readonly ask: (row: OrderRow, credentials: Credentials) => Asked<Option.Option<OrderRow>>
    /** Looks for the order everywhere else it could show: open orders, all orders, trades. */
    readonly search: (row: OrderRow, credentials: Credentials) => Asked<Search>
    /** One question for all open orders of one user and symbol; answers with the orders of ours that are no longer open. */
    readonly sweep: (
      rows: Array.NonEmptyReadonlyArray<OrderRow>,
      credentials: Credentials
    ) => Asked<ReadonlyArray<OrderRow>>
  }
>() {
  static readonly layer = Layer.effect(
    Inquiry,
    Effect.gen(function* () {
      const mexc = yield* MexcClient
      const repo = yield* OrdersRepo

      const joinTold = Effect.fnUntraced(function* (row: OrderRow, told: VenueOrder, credentials: Credentials) {
        // The answer often lacks the client order id we asked by.
        const joined = yield* repo.tell(row.user_id, { ...told, clientOrderId: row.client_order_id })
        if (Option.isNone(joined) || joined.value.explained) return joined
        const fills = yield* mexc.fills(credentials, { symbol: row.symbol, exchangeOrderId: told.exchangeOrderId })
        return yield* joinFills(row, fills.rows)
      })

      const joinFills = Effect.fnUntraced(function* (row: OrderRow, fills: ReadonlyArray<VenueFill>) {
        yield* repo.recordFills(
          row.user_id,
          fills.map((fill) => ({ ...fill, clientOrderId: row.client_order_id })),
          null
        )
        return yield* repo.find(row.user_id, row.order_id)
      })

      const ask = Effect.fn("Inquiry.ask")(function* (row: OrderRow, credentials: Credentials) {
        const told = yield* mexc.order(credentials, row.symbol, row.client_order_id)
        return Option.isNone(told) ? Option.none<OrderRow>() : yield* joinTold(row, told.value, credentials)
      })

      const search = Effect.fn("Inquiry.search")(function* (row: OrderRow, credentials: Credentials) {
        const isIt = (told: { readonly clientOrderId: string | null; readonly exchangeOrderId: string }) =>
          told.clientOrderId === row.client_order_id || told.exchangeOrderId === row.exchange_order_id
        const from = row.requested_at - marginMs
        let complete = true
        for (const list of [mexc.openOrders(credentials, row.symbol), mexc.allOrders(credentials, row.symbol, from)]) {
          const listed = yield* list
          complete &&= listed.complete
          const found = listed.rows.find(isIt)
          if (found === undefined) continue
          yield* joinTold(row, found, credentials)
          return "found" as const
        }
        const fills = yield* mexc.fills(credentials, { symbol: row.symbol, from })
        const its = fills.rows.filter(isIt)
        if (its.length === 0) return complete && fills.complete ? "absent" : "unproven"
        yield* joinFills(row, its)
        return "found"
      })

      const sweep = Effect.fn("Inquiry.sweep")(function* (
        rows: Array.NonEmptyReadonlyArray<OrderRow>,
        credentials: Credentials
      ) {
        const [{ symbol, user_id: userId }] = rows
        // An order that could not be read seems to be open no more, and is then asked about by itself.
        const { rows: open } = yield* mexc.openOrders(credentials, symbol)
        for (const told of open) yield* repo.tell(userId, told)
        return rows.filter(
          (row) =>
            !open.some(
              (told) => told.clientOrderId === row.client_order_id || told.exchangeOrderId === row.exchange_order_id
            )
        )
      })

      return Inquiry.of({ ask, search, sweep })
    })
  )
}
