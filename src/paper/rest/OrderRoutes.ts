import { type Context, Effect } from "effect"
import type { OrderType, Side } from "../../domain/Market.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Exchange } from "../Exchange.ts"
import * as Refusals from "../Refusals.ts"
import type { OrderReference, PlaceRequest } from "../Requests.ts"
import type { SignedRequest } from "./ApiRequest.ts"
import type { Faults } from "./Faults.ts"
import type { Meter } from "./Meter.ts"
import * as Parameters from "./Parameters.ts"
import * as Payloads from "./Payloads.ts"
import { ConnectionDropped, orderOperation, signed, type Routes } from "./Route.ts"

const sides = new Map<string, Side>([
  ["BUY", "buy"],
  ["SELL", "sell"]
])
const types = new Map<string, OrderType>([
  ["MARKET", "market"],
  ["LIMIT", "limit"],
  ["LIMIT_MAKER", "limitMaker"],
  ["IMMEDIATE_OR_CANCEL", "immediateOrCancel"],
  ["FILL_OR_KILL", "fillOrKill"]
])

const day = 86_400_000
/** allOrders answers the last 24 hours unless asked for more, and never more than 7 days back. */
const ordersReachMillis = 7 * day

type Service = Context.Tag.Service<typeof Exchange>

/** Placing, cancelling and asking for orders. */
export const orderRoutes = Effect.fnUntraced(function* (faults: Faults, meter: Meter) {
  const exchange = yield* Exchange
  const marketClock = yield* MarketClock

  const routes: Routes = {
    "POST /api/v3/order": orderOperation((request) => place(exchange, faults, meter, request)),
    "POST /api/v3/order/test": signed(1, "SPOT_DEAL_WRITE", (request) =>
      Effect.flatMap(readOrder(exchange, request), (order) =>
        Effect.as(exchange.testOrder(request.account.id, order), {})
      )
    ),
    "DELETE /api/v3/order": orderOperation((request) =>
      Effect.gen(function* () {
        const symbol = yield* Parameters.listedSymbol(request, exchange.listings)
        const reference = yield* readReference(request)
        return Payloads.cancelled(yield* exchange.cancelOrder(request.account.id, symbol, reference))
      })
    ),
    "DELETE /api/v3/openOrders": orderOperation((request) =>
      Effect.gen(function* () {
        const symbols = (yield* Parameters.text(request, "symbol")).split(",")
        const orders = yield* Effect.forEach(symbols, (symbol) => exchange.cancelOpenOrders(request.account.id, symbol))
        return orders.flat().map(Payloads.cancelled)
      })
    ),
    "GET /api/v3/order": signed(2, "SPOT_DEAL_READ", (request) =>
      Effect.gen(function* () {
        const symbol = yield* Parameters.listedSymbol(request, exchange.listings)
        const reference = yield* readReference(request)
        return Payloads.order(yield* exchange.order(request.account.id, symbol, reference))
      })
    ),
    "GET /api/v3/openOrders": signed(3, "SPOT_DEAL_READ", (request) =>
      Effect.gen(function* () {
        const symbol = Parameters.optionalText(request, "symbol")
        if (symbol !== null) yield* Parameters.listedSymbol(request, exchange.listings)
        return (yield* exchange.openOrders(request.account.id, symbol)).map(Payloads.openOrder)
      })
    ),
    "GET /api/v3/allOrders": signed(10, "SPOT_DEAL_READ", (request) =>
      Effect.flatMap(marketClock.now, (now) => allOrders(exchange, request, now))
    )
  }
  return routes
})

const place = Effect.fnUntraced(function* (exchange: Service, faults: Faults, meter: Meter, request: SignedRequest) {
  const wanted = yield* readOrder(exchange, request)
  if (yield* faults.fires("dropBeforeBooking")) return yield* new ConnectionDropped()
  const order = yield* exchange.placeOrder(request.account.id, wanted)
  meter.orderAccepted()
  if (yield* faults.fires("dropAfterBooking")) return yield* new ConnectionDropped()
  yield* faults.delay
  return Payloads.acknowledgement(order)
})

const readOrder = Effect.fnUntraced(function* (exchange: Service, request: SignedRequest) {
  const symbol = yield* Parameters.listedSymbol(request, exchange.listings)
  const order: PlaceRequest = {
    symbol,
    side: yield* Parameters.choice(request, "side", sides),
    type: yield* Parameters.choice(request, "type", types),
    quantity: yield* Parameters.optionalDecimal(request, "quantity"),
    quoteOrderQty: yield* Parameters.optionalDecimal(request, "quoteOrderQty"),
    price: yield* Parameters.optionalDecimal(request, "price"),
    clientOrderId: request.parameters.get("newClientOrderId") ?? null
  }
  return order
})

const readReference = (
  request: SignedRequest
): Effect.Effect<OrderReference, ReturnType<typeof Refusals.inputWrong>> => {
  const orderId = Parameters.optionalText(request, "orderId")
  const clientOrderId = Parameters.optionalText(request, "origClientOrderId")
  if (orderId !== null) return Effect.succeed({ orderId })
  return clientOrderId === null
    ? Effect.fail(Refusals.parameterMissing("orderId' or 'origClientOrderId"))
    : Effect.succeed({ clientOrderId })
}

const allOrders = Effect.fnUntraced(function* (exchange: Service, request: SignedRequest, now: number) {
  const symbol = yield* Parameters.listedSymbol(request, exchange.listings)
  const from = (yield* Parameters.optionalInteger(request, "startTime")) ?? now - day
  const to = (yield* Parameters.optionalInteger(request, "endTime")) ?? now
  const limit = yield* Parameters.limit(request, 500, 1_000)
  const window = { from: Math.max(from, now - ordersReachMillis), to, limit }
  return (yield* exchange.allOrders(request.account.id, symbol, window)).map(Payloads.order)
})
