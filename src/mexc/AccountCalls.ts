import { Effect, Option } from "effect"
import type { ClientOrderId } from "../domain/Ids.ts"
import type { SymbolName } from "../domain/Market.ts"
import type { VenueBalance, VenueOrder } from "../domain/Order.ts"
import type { Instant } from "../domain/Time.ts"
import type { MarketClock } from "../MarketClock.ts"
import type { Credentials } from "./Credentials.ts"
import { toVenueFill, toVenueOrder } from "./map/AccountMapping.ts"
import { readPages, type Window } from "./Paging.ts"
import type { Parameters } from "./signing/Signature.ts"
import type { makeTransport } from "./Transport.ts"
import { VenueRefused } from "./VenueFailure.ts"
import * as Rest from "./wire/RestAccount.ts"

const day = 86_400_000
/** How far back the venue answers, less what clocks may differ. */
const ordersReach = 7 * day
const fillsReach = 30 * day
const clockMargin = 300_000

const ordersPerPage = 1_000
const fillsPerPage = 100

const unknownOrder = new Set([-2011, -2013])

/** The signed reads and the cancel. Reading orders and fills is reconciliation, so it goes with the orders. */
export const makeAccountCalls = (
  { call }: Effect.Effect.Success<ReturnType<typeof makeTransport>>,
  clock: typeof MarketClock.Service
) => {
  const reconcile = { method: "GET", class: "order" } as const

  /** At a fast paper market our reading of its clock lags by the time a message takes. */
  const reachBack = (from: Instant | undefined, reach: number): Effect.Effect<Window> =>
    Effect.zipWith(clock.now, clock.speed, (now, speed) => {
      const to = now + Math.max(clockMargin, speed * 10_000)
      return { from: Math.max(from ?? 0, to - reach + clockMargin), to }
    })

  const timeParameters = ({ from, to }: Window): Parameters => [
    ["startTime", `${from}`],
    ["endTime", `${to}`]
  ]

  const toOrders = (rows: ReadonlyArray<typeof Rest.OrderRow.Type>): Effect.Effect<ReadonlyArray<VenueOrder>> =>
    Effect.map(clock.now, (now) => rows.flatMap((row) => toVenueOrder(row, now) ?? []))

  const balances = Effect.fn("MexcClient.balances")(function* (credentials: Credentials) {
    const account = yield* call({
      method: "GET",
      class: "account",
      path: "/account",
      credentials,
      answer: Rest.Account
    })
    return account.balances.map(({ asset, free, locked }): VenueBalance => ({ asset, free, locked }))
  })

  const cancelOrder = Effect.fn("MexcClient.cancelOrder")(function* (
    credentials: Credentials,
    symbol: SymbolName,
    clientOrderId: ClientOrderId
  ) {
    yield* call({
      method: "DELETE",
      class: "order",
      path: "/order",
      parameters: [
        ["symbol", symbol],
        ["origClientOrderId", clientOrderId]
      ],
      credentials,
      answer: Rest.CancelAnswer
    }).pipe(
      Effect.catchIf(
        (failure) => failure instanceof VenueRefused && failure.code === -2011,
        () => Effect.void
      )
    )
  })

  const order = Effect.fn("MexcClient.order")(function* (
    credentials: Credentials,
    symbol: SymbolName,
    clientOrderId: ClientOrderId
  ) {
    const row = yield* call({
      ...reconcile,
      path: "/order",
      parameters: [
        ["symbol", symbol],
        ["origClientOrderId", clientOrderId]
      ],
      credentials,
      answer: Rest.OrderRow
    }).pipe(
      Effect.asSome,
      Effect.catchIf(
        (failure) => failure instanceof VenueRefused && failure.code !== undefined && unknownOrder.has(failure.code),
        () => Effect.succeedNone
      )
    )
    const now = yield* clock.now
    // The answer may leave out the id it was asked by.
    return Option.flatMapNullable(row, (found) => toVenueOrder({ ...found, clientOrderId }, now))
  })

  const openOrders = Effect.fn("MexcClient.openOrders")(function* (credentials: Credentials, symbol: SymbolName) {
    const rows = yield* call({
      ...reconcile,
      path: "/openOrders",
      parameters: [["symbol", symbol]],
      credentials,
      answer: Rest.OrderRows
    })
    return yield* toOrders(rows)
  })

  const allOrders = Effect.fn("MexcClient.allOrders")(function* (
    credentials: Credentials,
    symbol: SymbolName,
    from: Instant
  ) {
    const rows = yield* readPages({
      window: yield* reachBack(from, ordersReach),
      limit: ordersPerPage,
      idOf: ({ orderId }: Rest.OrderRow) => orderId,
      timeOf: ({ time }: Rest.OrderRow) => time ?? 0,
      read: (window) =>
        call({
          ...reconcile,
          path: "/allOrders",
          parameters: [["symbol", symbol], ...timeParameters(window), ["limit", `${ordersPerPage}`]],
          credentials,
          answer: Rest.OrderRows
        })
    })
    return yield* toOrders(rows)
  })

  const fills = Effect.fn("MexcClient.fills")(function* (
    credentials: Credentials,
    query: { readonly symbol: SymbolName; readonly exchangeOrderId?: string; readonly from?: Instant }
  ) {
    const ofOrder: Parameters = query.exchangeOrderId === undefined ? [] : [["orderId", query.exchangeOrderId]]
    const rows = yield* readPages({
      window: yield* reachBack(query.from, fillsReach),
      limit: fillsPerPage,
      idOf: ({ id }: Rest.MyTrade) => id,
      timeOf: ({ time }: Rest.MyTrade) => time,
      read: (window) =>
        call({
          ...reconcile,
          path: "/myTrades",
          parameters: [["symbol", query.symbol], ...ofOrder, ...timeParameters(window), ["limit", `${fillsPerPage}`]],
          credentials,
          answer: Rest.MyTrades
        })
    })
    // A venue that ignored the order id must not book other orders' fills here.
    const wanted = query.exchangeOrderId
    return rows.filter(({ orderId }) => wanted === undefined || orderId === wanted).map(toVenueFill)
  })

  return { balances, cancelOrder, order, openOrders, allOrders, fills }
}
