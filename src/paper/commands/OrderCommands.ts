import { Effect, Either } from "effect"
import { cancel, cancelOfSymbol, closeAll } from "../engine/orders/Cancelling.ts"
import { place, plan } from "../engine/orders/Placing.ts"
import type { Upstream } from "../MarketSource.ts"
import * as Refusals from "../Refusals.ts"
import type { OrderReference, PlaceRequest, TimeWindow } from "../Requests.ts"
import type { Commanding } from "./Commanding.ts"

/** Placing, cancelling and asking for orders and fills. */
export const orderCommands = ({ attempt, command, engine, read }: Commanding, upstream?: Upstream) => {
  const { ledger } = engine
  /** An order needs its pair's market; without one the checks refuse it. */
  const withMarkets = <A, E>(requests: ReadonlyArray<PlaceRequest>, order: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    upstream === undefined
      ? order
      : Effect.zipRight(
          Effect.forEach(new Set(requests.map(({ symbol }) => symbol)), (symbol) =>
            Effect.ignore(upstream.follow(symbol))
          ),
          order
        )
  return {
    placeOrder: (accountId: string, request: PlaceRequest) =>
      withMarkets(
        [request],
        attempt((at) => place(engine, accountId, request, at))
      ),
    placeBatch: (accountId: string, requests: ReadonlyArray<PlaceRequest>) =>
      withMarkets(
        requests,
        command((at) => requests.map((request) => place(engine, accountId, request, at)))
      ),
    testOrder: (accountId: string, request: PlaceRequest) =>
      withMarkets(
        [request],
        Effect.suspend(() => Effect.asVoid(plan(engine, accountId, request)))
      ),
    cancelOrder: (accountId: string, symbol: string, order: OrderReference) =>
      attempt((at) => cancel(engine, accountId, symbol, order, at)),
    cancelOpenOrders: (accountId: string, symbol: string) =>
      attempt((at) => cancelOfSymbol(engine, accountId, symbol, at)),
    cancelAllOrders: (accountId: string) =>
      command((at) => closeAll(engine, [...ledger.account(accountId).open.values()], at)),
    order: (accountId: string, symbol: string, order: OrderReference) =>
      Effect.flatten(
        read(() => Either.fromNullable(engine.find(accountId, symbol, order)?.order, Refusals.unknownOrderOnQuery))
      ),
    openOrders: (accountId: string, symbol: string | null) =>
      read(() =>
        [...ledger.account(accountId).open.values()]
          .map((entry) => entry.order)
          .filter((order) => symbol === null || order.symbol === symbol)
      ),
    allOrders: (accountId: string, symbol: string, window: TimeWindow) =>
      read(() =>
        newest(
          ledger.account(accountId).orders,
          window,
          (entry) => entry.order.createdAt,
          (entry) => entry.order.symbol === symbol
        ).map((entry) => entry.order)
      ),
    fills: (accountId: string, symbol: string, orderId: string | null, window: TimeWindow) =>
      read(() =>
        newest(
          ledger.account(accountId).fills,
          window,
          (fill) => fill.at,
          (fill) => fill.symbol === symbol && (orderId === null || fill.orderId === orderId)
        )
      )
  }
}

/** The newest records of a window, from a list in order of time. */
const newest = <A>(
  records: ReadonlyArray<A>,
  window: TimeWindow,
  atOf: (record: A) => number,
  wanted: (record: A) => boolean
): ReadonlyArray<A> => {
  const found: Array<A> = []
  for (let i = records.length - 1; i >= 0 && found.length < window.limit; i--) {
    const record = records[i]
    if (record === undefined || atOf(record) < window.from) break
    if (atOf(record) <= window.to && wanted(record)) found.push(record)
  }
  return found
}
