import { Effect, Option, Schema } from "effect"
import type { ClientOrderId } from "../../domain/Ids.ts"
import type { SymbolName } from "../../domain/Market.ts"
import type { VenueFill, VenueOrder } from "../../domain/order/Order.ts"
import type { Instant } from "../../domain/Time.ts"
import type { MarketClock } from "../../MarketClock.ts"
import type { ContractDrift } from "../ContractDrift.ts"
import type { Credentials } from "../Credentials.ts"
import { toVenueFill, toVenueOrder } from "../map/AccountMapping.ts"
import { isDocumentedType } from "../map/OrderTypes.ts"
import type { Parameters } from "../signing/Signature.ts"
import type { Transport } from "../Transport.ts"
import { type VenueFailure, VenueRefused } from "../VenueFailure.ts"
import { RowList, type Rows } from "../wire/Fields.ts"
import * as Rest from "../wire/rest/RestAccount.ts"
import type { Endpoint } from "../wire/Weights.ts"
import type { Listing, RowReader } from "./Listing.ts"
import { type Page, readPages, type Window } from "./Paging.ts"

type Asked<A> = Effect.Effect<A, VenueFailure>

/** What the venue knows of an account's orders and fills. In the class of the account: hundreds of questions must not hold up an order. */
export interface OrderQueries {
  /** None when the venue says it does not know the order (−2013, −2011). */
  readonly order: (
    credentials: Credentials,
    symbol: SymbolName,
    clientOrderId: ClientOrderId
  ) => Asked<Option.Option<VenueOrder>>
  /** The same by the venue's own id. */
  readonly orderByExchangeId: (
    credentials: Credentials,
    symbol: SymbolName,
    exchangeOrderId: string
  ) => Asked<Option.Option<VenueOrder>>
  readonly openOrders: (credentials: Credentials, symbol: SymbolName) => Asked<Listing<VenueOrder>>
  /** Of all pairs. */
  readonly allOpenOrders: (credentials: Credentials) => Asked<Listing<VenueOrder>>
  /** Oldest first, of the seven days the venue answers for. */
  readonly allOrders: (credentials: Credentials, symbol: SymbolName, from: Instant) => Asked<Listing<VenueOrder>>
  /** Oldest first; pages of 100 are joined by time windows. */
  readonly fills: (
    credentials: Credentials,
    query: { readonly symbol: SymbolName; readonly exchangeOrderId?: string; readonly from?: Instant }
  ) => Asked<Listing<VenueFill>>
}

const day = 86_400_000
/** How far back the venue answers, less what clocks may differ. */
const ordersReach = 7 * day
const fillsReach = 30 * day
const clockMargin = 300_000

const ordersPerPage = 1_000
const fillsPerPage = 100

const unknownOrder = new Set([-2011, -2013])

const orderAbout = (symbol: SymbolName, id: readonly ["orderId" | "clientOrderId", string]) =>
  Rest.OrderRow.pipe(
    // An answer about another order would end or fill ours.
    Schema.filter((row) => row.symbol === symbol && (row[id[0]] === id[1] || row[id[0]] === null))
  )

export const makeOrderQueries = (
  { call }: Transport,
  clock: typeof MarketClock.Service,
  drift: typeof ContractDrift.Service,
  { listing }: RowReader
): OrderQueries => {
  const list = { class: "account", answer: RowList } as const

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

  /** A word the venue has not documented raises the alarm; the order stays in the list. */
  const toOrder = Effect.fnUntraced(function* (row: Rest.OrderRow, now: Instant) {
    const order = toVenueOrder(row, now)
    if (order.status === "unrecognised") yield* drift.note("orderStatus", row.status)
    if (order.type === "unrecognised" && !isDocumentedType(row.type)) yield* drift.note("orderType", row.type)
    return order
  })

  const toOrders = ({ complete, rows }: Listing<Rest.OrderRow>): Effect.Effect<Listing<VenueOrder>> =>
    Effect.flatMap(clock.now, (now) =>
      Effect.map(
        Effect.forEach(rows, (row) => toOrder(row, now)),
        (orders) => ({ rows: orders, complete })
      )
    )

  const oneOrder = Effect.fnUntraced(function* (
    credentials: Credentials,
    symbol: SymbolName,
    parameter: readonly ["orderId" | "origClientOrderId", string]
  ) {
    const [name, id] = parameter
    const row = yield* call({
      class: "account",
      endpoint: "GET /order",
      parameters: [["symbol", symbol], parameter],
      credentials,
      answer: orderAbout(symbol, [name === "orderId" ? "orderId" : "clientOrderId", id])
    }).pipe(
      Effect.asSome,
      Effect.catchIf(
        (failure) => failure instanceof VenueRefused && failure.code !== undefined && unknownOrder.has(failure.code),
        () => Effect.succeedNone
      )
    )
    if (Option.isNone(row)) return Option.none<VenueOrder>()
    // The answer may leave out the id it was asked by.
    const named = name === "orderId" ? row.value : { ...row.value, clientOrderId: id }
    return Option.some(yield* toOrder(named, yield* clock.now))
  })

  const openRows = (credentials: Credentials, parameters: Parameters) =>
    call({ ...list, endpoint: "GET /openOrders", parameters, credentials }).pipe(
      Effect.flatMap((values) => listing("GET /openOrders", Rest.readOrderRows(values))),
      Effect.flatMap(toOrders)
    )

  const page = <A>(
    request: { readonly endpoint: Endpoint; readonly credentials: Credentials; readonly parameters: Parameters },
    read: (values: ReadonlyArray<unknown>) => Rows<A>
  ): Asked<Page<A>> =>
    Effect.flatMap(call({ ...list, ...request }), (values) =>
      Effect.map(listing(request.endpoint, read(values)), (rows) => ({ ...rows, size: values.length }))
    )

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
        page(
          {
            endpoint: "GET /allOrders",
            parameters: [["symbol", symbol], ...timeParameters(window), ["limit", `${ordersPerPage}`]],
            credentials
          },
          Rest.readOrderRows
        )
    })
    return yield* toOrders(rows)
  })

  const fills: OrderQueries["fills"] = Effect.fn("MexcClient.fills")(function* (credentials, query) {
    const ofOrder: Parameters = query.exchangeOrderId === undefined ? [] : [["orderId", query.exchangeOrderId]]
    const { complete, rows } = yield* readPages({
      window: yield* reachBack(query.from, fillsReach),
      limit: fillsPerPage,
      idOf: ({ id }: Rest.MyTrade) => id,
      timeOf: ({ time }: Rest.MyTrade) => time,
      read: (window) =>
        page(
          {
            endpoint: "GET /myTrades",
            parameters: [["symbol", query.symbol], ...ofOrder, ...timeParameters(window), ["limit", `${fillsPerPage}`]],
            credentials
          },
          Rest.readMyTrades
        )
    })
    // A venue that ignored a parameter must not book other orders' or other pairs' fills here.
    const wanted = rows.filter(
      ({ orderId, symbol }) =>
        symbol === query.symbol && (query.exchangeOrderId === undefined || orderId === query.exchangeOrderId)
    )
    return { rows: wanted.map(toVenueFill), complete }
  })

  return {
    order: Effect.fn("MexcClient.order")((credentials, symbol, clientOrderId) =>
      oneOrder(credentials, symbol, ["origClientOrderId", clientOrderId])
    ),
    orderByExchangeId: Effect.fn("MexcClient.orderByExchangeId")((credentials, symbol, exchangeOrderId) =>
      oneOrder(credentials, symbol, ["orderId", exchangeOrderId])
    ),
    openOrders: Effect.fn("MexcClient.openOrders")((credentials, symbol) =>
      openRows(credentials, [["symbol", symbol]])
    ),
    allOpenOrders: Effect.fn("MexcClient.allOpenOrders")((credentials) => openRows(credentials, [])),
    allOrders,
    fills
  }
}
