import { Clock, type Context, Effect } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { MarketClock } from "../../MarketClock.ts"
import type { Restriction } from "../engine/Checks.ts"
import { Exchange } from "../Exchange.ts"
import * as Refusals from "../Refusals.ts"
import { VenueRejection } from "../VenueRejection.ts"
import type { SignedRequest } from "./ApiRequest.ts"
import { listed } from "./MarketRoutes.ts"
import * as Parameters from "./Parameters.ts"
import * as Payloads from "./Payloads.ts"
import { signed, type Routes } from "./Route.ts"

const day = 86_400_000
/** How far back the venue answers for fills. */
const fillsReachMillis = 30 * day

/** Balances, fees, own fills and the private stream's keys. */
export const accountRoutes = Effect.fnUntraced(function* (restrictions: Readonly<Record<string, Restriction>>) {
  const exchange = yield* Exchange
  const marketClock = yield* MarketClock
  const tradable = exchange.listings
    .map((listing) => listing.symbol)
    .filter((symbol) => restrictions[symbol]?.apiTrading ?? true)

  const routes: Routes = {
    "GET /api/v3/account": signed(10, "SPOT_ACCOUNT_READ", ({ account }) =>
      Effect.map(exchange.balances(account.id), (balances) =>
        Payloads.account(balances, account.permissions.has("SPOT_WITHDRAW_WRITE"))
      )
    ),
    "GET /api/v3/myTrades": signed(10, "SPOT_ACCOUNT_READ", (request) =>
      Effect.flatMap(marketClock.now, (now) => ownTrades(exchange, request, now))
    ),
    "GET /api/v3/tradeFee": signed(20, "SPOT_ACCOUNT_READ", (request) => tradeFee(exchange, request)),
    "GET /api/v3/selfSymbols": signed(1, "SPOT_ACCOUNT_READ", () => listed(tradable)),
    "POST /api/v3/userDataStream": signed(1, "SPOT_ACCOUNT_READ", ({ account }) =>
      Effect.map(exchange.createListenKey(account.id), (listenKey) => ({ listenKey }))
    ),
    "GET /api/v3/userDataStream": signed(1, "SPOT_ACCOUNT_READ", ({ account }) =>
      Effect.map(exchange.listenKeys(account.id), (listenKey) => ({ listenKey }))
    ),
    "PUT /api/v3/userDataStream": signed(1, "SPOT_ACCOUNT_READ", (request) =>
      withListenKey(request, exchange.extendListenKey)
    ),
    "DELETE /api/v3/userDataStream": signed(1, "SPOT_ACCOUNT_READ", (request) =>
      withListenKey(request, exchange.removeListenKey)
    ),
    // No withdrawal can exist here; the endpoint answers who may ask, which is what permission probes need.
    "DELETE /api/v3/capital/withdraw": signed(1, "SPOT_WITHDRAW_WRITE", (request) =>
      Effect.zipRight(
        Parameters.text(request, "id"),
        Effect.fail(new VenueRejection({ code: 22222, text: "record does not exist" }))
      )
    )
  }
  return routes
})

const ownTrades = Effect.fnUntraced(function* (
  exchange: Context.Tag.Service<typeof Exchange>,
  request: SignedRequest,
  now: number
) {
  const symbol = yield* Parameters.listedSymbol(request, exchange.listings)
  const from = (yield* Parameters.optionalInteger(request, "startTime")) ?? 0
  const to = (yield* Parameters.optionalInteger(request, "endTime")) ?? now
  const limit = yield* Parameters.limit(request, 100, 100)
  const orderId = Parameters.optionalText(request, "orderId")
  const window = { from: Math.max(from, now - fillsReachMillis), to, limit }
  const fills = yield* exchange.fills(request.account.id, symbol, orderId, window)
  return fills.map(Payloads.fill)
})

const tradeFee = Effect.fnUntraced(function* (exchange: Context.Tag.Service<typeof Exchange>, request: SignedRequest) {
  const symbol = yield* Parameters.text(request, "symbol")
  const listing = exchange.listings.find((each) => each.symbol === symbol)
  if (listing === undefined) return yield* Refusals.invalidSymbol()
  return {
    data: {
      makerCommission: Decimal.toNumber(listing.makerFeeRate),
      takerCommission: Decimal.toNumber(listing.takerFeeRate)
    },
    code: 0,
    msg: "success",
    timestamp: yield* Clock.currentTimeMillis
  }
})

const withListenKey = Effect.fnUntraced(function* (
  request: SignedRequest,
  change: (accountId: string, listenKey: string) => Effect.Effect<void, VenueRejection>
) {
  const listenKey = yield* Parameters.text(request, "listenKey")
  yield* change(request.account.id, listenKey)
  return { listenKey }
})
