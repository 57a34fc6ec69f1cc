import { type Context, Effect } from "effect"
import { MarketClock } from "../../MarketClock.ts"
import { Exchange } from "../Exchange.ts"
import * as Refusals from "../Refusals.ts"
import type { SignedRequest } from "./ApiRequest.ts"
import type { Meter } from "./Meter.ts"
import * as Parameters from "./Parameters.ts"
import * as Payloads from "./Payloads.ts"
import { orderOperation, signed, type OwnLimit, type Routes } from "./Route.ts"
import { placeBatch } from "./routes/BatchOrders.ts"
import { readOrder, readReference } from "./routes/ReadOrder.ts"
import { stamped } from "./payloads/Stamped.ts"

const day = 86_400_000
/** allOrders answers the last 24 hours unless asked for more, and never more than 7 days back. */
const ordersWindow = { standard: day, reach: 7 * day }
const mostSymbols = 5
/** Batches have a limit of their own besides the shared one. */
const batchLimit: OwnLimit = { requests: 2, perMillis: 1_000 }

type Service = Context.Tag.Service<typeof Exchange>

/** Placing, cancelling and asking for orders. */
export const orderRoutes = Effect.fnUntraced(function* (meter: Pick<Meter, "orderAccepted">) {
  const exchange = yield* Exchange
  const marketClock = yield* MarketClock

  const routes: Routes = {
    "POST /api/v3/order": orderOperation((request) => place(exchange, meter, request), { uidWeight: 1 }),
    "POST /api/v3/order/test": signed(1, "SPOT_DEAL_WRITE", (request) =>
      Effect.flatMap(readOrder(exchange, request), (order) =>
        Effect.as(exchange.testOrder(request.account.id, order), {})
      )
    ),
    "POST /api/v3/batchOrders": orderOperation(
      (request) => placeBatch(exchange, request, () => meter.orderAccepted()),
      { limit: batchLimit }
    ),
    "DELETE /api/v3/order": orderOperation((request) =>
      Effect.gen(function* () {
        const symbol = yield* Parameters.symbol(request, exchange)
        const reference = yield* readReference(request)
        return Payloads.cancelled(yield* exchange.cancelOrder(request.account.id, symbol, reference))
      })
    ),
    "DELETE /api/v3/openOrders": orderOperation((request) => cancelOpenOrders(exchange, request)),
    "DELETE /api/v3/order/all": orderOperation(({ account }) =>
      Effect.zipRight(exchange.cancelAllOrders(account.id), stamped({ code: 200, msg: "success" }))
    ),
    "GET /api/v3/order": signed(2, "SPOT_DEAL_READ", (request) =>
      Effect.gen(function* () {
        const symbol = yield* Parameters.symbol(request, exchange)
        const reference = yield* readReference(request)
        return Payloads.order(yield* exchange.order(request.account.id, symbol, reference))
      })
    ),
    "GET /api/v3/openOrders": signed(3, "SPOT_DEAL_READ", (request) =>
      Effect.gen(function* () {
        const one = Parameters.optionalText(request, "symbol") !== null
        const symbol = one ? yield* Parameters.symbol(request, exchange) : null
        return (yield* exchange.openOrders(request.account.id, symbol)).map(Payloads.openOrder)
      })
    ),
    "GET /api/v3/allOrders": signed(10, "SPOT_DEAL_READ", (request) =>
      Effect.gen(function* () {
        const symbol = yield* Parameters.symbol(request, exchange)
        const window = yield* Parameters.window(request, yield* marketClock.now, ordersWindow)
        const limit = yield* Parameters.limit(request, 500, 1_000)
        return (yield* exchange.allOrders(request.account.id, symbol, { ...window, limit })).map(Payloads.order)
      })
    )
  }
  return routes
})

const place = Effect.fnUntraced(function* (
  exchange: Service,
  meter: Pick<Meter, "orderAccepted">,
  request: SignedRequest
) {
  const wanted = yield* readOrder(exchange, request)
  const { account, atMost } = request
  const order = yield* exchange.placeOrder(account.id, atMost === undefined ? wanted : { ...wanted, atMost })
  meter.orderAccepted()
  return Payloads.acknowledgement(order)
})

/** Every symbol is judged before anything is cancelled. */
const cancelOpenOrders = Effect.fnUntraced(function* (exchange: Service, request: SignedRequest) {
  const symbols = [...new Set((yield* Parameters.text(request, "symbol")).split(","))]
  if (symbols.length > mostSymbols) return yield* Refusals.parameterWrong("symbol")
  const listed = new Set((yield* exchange.pairs).filter((pair) => pair.listed).map(({ listing }) => listing.symbol))
  if (!symbols.every((symbol) => listed.has(symbol))) return yield* Refusals.invalidSymbol()
  const orders = yield* Effect.forEach(symbols, (symbol) => exchange.cancelOpenOrders(request.account.id, symbol))
  return orders.flat().map(Payloads.cancelled)
})
