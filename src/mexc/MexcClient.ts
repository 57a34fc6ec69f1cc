import * as HttpClient from "@effect/platform/HttpClient"
import { Context, Effect, Layer, PubSub, Stream } from "effect"
import type { Instant } from "../domain/Time.ts"
import { MarketClock } from "../MarketClock.ts"
import { type AccountCalls, makeAccountCalls } from "./calls/AccountCalls.ts"
import { type KeyCalls, makeKeyCalls } from "./calls/KeyCalls.ts"
import { makeRowReader } from "./calls/Listing.ts"
import { makeMarketCalls, type MarketCalls } from "./calls/MarketCalls.ts"
import { makeOrderCalls, type OrderCalls } from "./calls/OrderCalls.ts"
import { makeOrderQueries, type OrderQueries } from "./calls/OrderQueries.ts"
import { makeTradeCalls, type TradeCalls } from "./calls/TradeCalls.ts"
import { makeWalletCalls, type WalletCalls } from "./calls/WalletCalls.ts"
import { ContractDrift } from "./ContractDrift.ts"
import type { Credentials } from "./Credentials.ts"
import { type OrderAck, orderParameters, type OrderRequest } from "./OrderRequest.ts"
import { RateBudget } from "./RateBudget.ts"
import { type KeyRefusal, makeTransport } from "./Transport.ts"
import type { OutcomeUnknown, VenueFailure } from "./VenueFailure.ts"
import { MexcEndpoint } from "./wire/Endpoint.ts"
import { acknowledgementOf } from "./wire/rest/RestAccount.ts"

interface ClockAndOrder {
  /** Refusals of users' keys for their address or their permissions, whatever was asked but the permissions themselves. */
  readonly refusedKeys: Stream.Stream<KeyRefusal>
  /** Venue clock, epoch ms. */
  readonly serverTime: Effect.Effect<Instant, VenueFailure>
  /** Venue clock minus ours, ms, as last measured. */
  readonly clockOffset: Effect.Effect<number>
  /**
   * Sends one order, once. `beforeSend` runs when the budget has granted the request, just before the bytes leave:
   * the caller commits `sentAt` there. It runs a second time before an order that was refused for its time, and so not
   * booked, is sent once more. OutcomeUnknown = only the venue can say; every other failure = no order exists. An
   * interruption ends the waiting for the budget, also where the caller cannot be interrupted. From `beforeSend` on the
   * send runs to its answer or its timeout; a caller that wants that answer runs this where it cannot be interrupted.
   */
  readonly placeOrder: (
    credentials: Credentials,
    order: OrderRequest,
    beforeSend: Effect.Effect<void>
  ) => Effect.Effect<OrderAck, VenueFailure | OutcomeUnknown>
}

/** MEXC Spot V3 in domain types; every call runs inside the rate budget. */
export class MexcClient extends Context.Tag("dipper/mexc/MexcClient")<
  MexcClient,
  ClockAndOrder & MarketCalls & TradeCalls & AccountCalls & OrderCalls & OrderQueries & WalletCalls & KeyCalls
>() {
  /** Needs the endpoint, the rate budget, the drift alarm, the market clock and an HTTP client that keeps connections. */
  static readonly layer = Layer.scoped(
    MexcClient,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const marketClock = yield* MarketClock
  const drift = yield* ContractDrift
  const rows = makeRowReader(drift)
  // Many at once say the same of each user: what is dropped comes again with the next request.
  const refusedKeys = yield* PubSub.sliding<KeyRefusal>(1_024)
  const transport = yield* makeTransport(
    yield* MexcEndpoint,
    yield* HttpClient.HttpClient,
    yield* RateBudget,
    drift,
    refusedKeys
  )

  const placeOrder = Effect.fn("MexcClient.placeOrder")(function* (
    credentials: Credentials,
    order: OrderRequest,
    beforeSend: Effect.Effect<void>
  ) {
    const { orderId, transactTime } = yield* transport.submit(
      {
        endpoint: "POST /order",
        class: "order",
        parameters: orderParameters(order),
        credentials,
        answer: acknowledgementOf(order.symbol),
        ...(order.paperFault === undefined ? {} : { headers: { "X-Paper-Fault": order.paperFault } })
      },
      beforeSend
    )
    return { exchangeOrderId: orderId, transactTime: transactTime ?? (yield* marketClock.now) }
  })

  return {
    refusedKeys: Stream.fromPubSub(refusedKeys),
    serverTime: transport.measureClock("account"),
    clockOffset: transport.clockOffset,
    ...makeMarketCalls(transport, marketClock, rows),
    ...makeTradeCalls(transport, marketClock, rows),
    ...makeAccountCalls(transport, rows),
    ...makeOrderCalls(transport),
    ...makeOrderQueries(transport, marketClock, drift, rows),
    ...makeWalletCalls(transport, marketClock, rows),
    ...makeKeyCalls(transport),
    placeOrder
  }
})
