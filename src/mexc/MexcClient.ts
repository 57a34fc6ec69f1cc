import * as HttpClient from "@effect/platform/HttpClient"
import { Context, Effect, Layer, type Option } from "effect"
import * as Decimal from "../domain/Decimal.ts"
import type { ClientOrderId } from "../domain/Ids.ts"
import type {
  Candle,
  Interval,
  OrderBook,
  OrderType,
  Side,
  SymbolInfo,
  SymbolName,
  Ticker,
  Trade
} from "../domain/Market.ts"
import type { VenueBalance, VenueFill, VenueOrder } from "../domain/Order.ts"
import type { Instant } from "../domain/Time.ts"
import { MarketClock } from "../MarketClock.ts"
import { makeAccountCalls } from "./AccountCalls.ts"
import type { Credentials } from "./Credentials.ts"
import { makeKeyCalls } from "./KeyCalls.ts"
import { venueOrderTypes, venueSides } from "./map/OrderTypes.ts"
import { makeMarketCalls } from "./MarketCalls.ts"
import { RateBudget } from "./RateBudget.ts"
import type { Parameters } from "./signing/Signature.ts"
import { makeTransport } from "./Transport.ts"
import type { OutcomeUnknown, VenueFailure } from "./VenueFailure.ts"
import { MexcEndpoint } from "./wire/Endpoint.ts"
import { OrderAcknowledgement } from "./wire/RestAccount.ts"

/** What goes to `POST /order`; numbers are already rounded to the symbol's tick and step. */
export interface OrderRequest {
  readonly symbol: SymbolName
  readonly side: Side
  readonly type: OrderType
  readonly quantity?: Decimal.Decimal
  readonly quoteOrderQty?: Decimal.Decimal
  readonly price?: Decimal.Decimal
  readonly clientOrderId: ClientOrderId
}

/** The acknowledgement carries no status and no fills; never derive either from it. */
export interface OrderAck {
  readonly exchangeOrderId: string
  readonly transactTime: Instant
}

export interface CandleRange {
  readonly symbol: SymbolName
  readonly interval: Interval
  /** Inclusive. */
  readonly from: Instant
  /** Exclusive. */
  readonly to: Instant
}

/** MEXC Spot V3 in domain types; every call runs inside the rate budget. */
export class MexcClient extends Context.Tag("dipper/mexc/MexcClient")<
  MexcClient,
  {
    /** Venue clock, epoch ms. */
    readonly serverTime: Effect.Effect<Instant, VenueFailure>
    /** Venue clock minus ours, ms, as last measured. */
    readonly clockOffset: Effect.Effect<number>
    /** exchangeInfo joined with defaultSymbols; weight 26, cache it. */
    readonly symbols: Effect.Effect<ReadonlyArray<SymbolInfo>, VenueFailure>
    readonly tickers: Effect.Effect<ReadonlyArray<Ticker>, VenueFailure>
    readonly ticker: (symbol: SymbolName) => Effect.Effect<Ticker, VenueFailure>
    readonly orderBook: (symbol: SymbolName, depth: number) => Effect.Effect<OrderBook, VenueFailure>
    readonly trades: (symbol: SymbolName, limit: number) => Effect.Effect<ReadonlyArray<Trade>, VenueFailure>
    /** Oldest first, only rows whose open time is inside the range; pages of 500 are joined. */
    readonly candles: (range: CandleRange) => Effect.Effect<ReadonlyArray<Candle>, VenueFailure>
    readonly balances: (credentials: Credentials) => Effect.Effect<ReadonlyArray<VenueBalance>, VenueFailure>
    /**
     * Sends one order, once. `beforeSend` runs when the budget has granted the request, just before the bytes leave:
     * the caller commits `sentAt` there. OutcomeUnknown = only the venue can say; every other failure = no order
     * exists. From `beforeSend` on the send runs to its answer or its timeout whatever happens to the caller; a caller
     * that wants that answer runs this where it cannot be interrupted.
     */
    readonly placeOrder: (
      credentials: Credentials,
      order: OrderRequest,
      beforeSend: Effect.Effect<void>
    ) => Effect.Effect<OrderAck, VenueFailure | OutcomeUnknown>
    /** Succeeds when the venue took the cancel or knows the order as finished already (−2011): query for the state. */
    readonly cancelOrder: (
      credentials: Credentials,
      symbol: SymbolName,
      clientOrderId: ClientOrderId
    ) => Effect.Effect<void, VenueFailure>
    /** None when the venue says it does not know the order (−2013, −2011). */
    readonly order: (
      credentials: Credentials,
      symbol: SymbolName,
      clientOrderId: ClientOrderId
    ) => Effect.Effect<Option.Option<VenueOrder>, VenueFailure>
    readonly openOrders: (
      credentials: Credentials,
      symbol: SymbolName
    ) => Effect.Effect<ReadonlyArray<VenueOrder>, VenueFailure>
    readonly allOrders: (
      credentials: Credentials,
      symbol: SymbolName,
      from: Instant
    ) => Effect.Effect<ReadonlyArray<VenueOrder>, VenueFailure>
    /** Oldest first; pages of 100 are joined by time windows. */
    readonly fills: (
      credentials: Credentials,
      query: { readonly symbol: SymbolName; readonly exchangeOrderId?: string; readonly from?: Instant }
    ) => Effect.Effect<ReadonlyArray<VenueFill>, VenueFailure>
    readonly createListenKey: (credentials: Credentials) => Effect.Effect<string, VenueFailure>
    readonly renewListenKey: (credentials: Credentials, listenKey: string) => Effect.Effect<void, VenueFailure>
    readonly closeListenKey: (credentials: Credentials, listenKey: string) => Effect.Effect<void, VenueFailure>
    /** Probes of the permissions page: may read, may trade, may withdraw (true = too powerful). No probe can have an effect. */
    readonly permissions: (
      credentials: Credentials
    ) => Effect.Effect<{ readonly read: boolean; readonly trade: boolean; readonly withdraw: boolean }, VenueFailure>
  }
>() {
  /** Needs the endpoint, the rate budget, the market clock and an HTTP client that keeps connections alive. */
  static readonly layer = Layer.scoped(
    MexcClient,
    Effect.suspend(() => make)
  )
}

const orderParameters = (order: OrderRequest): Parameters => {
  const parameters: Array<readonly [string, string]> = [
    ["symbol", order.symbol],
    ["side", venueSides[order.side]],
    ["type", venueOrderTypes[order.type]]
  ]
  if (order.quantity !== undefined) parameters.push(["quantity", Decimal.format(order.quantity)])
  if (order.quoteOrderQty !== undefined) parameters.push(["quoteOrderQty", Decimal.format(order.quoteOrderQty)])
  if (order.price !== undefined) parameters.push(["price", Decimal.format(order.price)])
  return [...parameters, ["newClientOrderId", order.clientOrderId]]
}

const make = Effect.gen(function* () {
  const marketClock = yield* MarketClock
  const transport = yield* makeTransport(yield* MexcEndpoint, yield* HttpClient.HttpClient, yield* RateBudget)

  const placeOrder = Effect.fn("MexcClient.placeOrder")(function* (
    credentials: Credentials,
    order: OrderRequest,
    beforeSend: Effect.Effect<void>
  ) {
    const { orderId, transactTime } = yield* transport.submit(
      {
        method: "POST",
        path: "/order",
        class: "order",
        parameters: orderParameters(order),
        credentials,
        answer: OrderAcknowledgement
      },
      beforeSend
    )
    return { exchangeOrderId: orderId, transactTime: transactTime ?? (yield* marketClock.now) }
  })

  return {
    serverTime: transport.measureClock("account"),
    clockOffset: transport.clockOffset,
    ...makeMarketCalls(transport, marketClock),
    ...makeAccountCalls(transport, marketClock),
    ...makeKeyCalls(transport),
    placeOrder
  }
})
