import { type Context, Effect } from "effect"
import { MarketClock } from "../../MarketClock.ts"
import { Exchange } from "../Exchange.ts"
import type { SignedRequest } from "./ApiRequest.ts"
import * as Parameters from "./Parameters.ts"
import * as Payloads from "./Payloads.ts"
import { signed, type OwnLimit, type Routes } from "./Route.ts"
import { convertRoutes } from "./routes/ConvertRoutes.ts"
import { profileRoutes } from "./routes/ProfileRoutes.ts"
import { transferRoutes } from "./routes/TransferRoutes.ts"
import { walletRoutes } from "./routes/WalletRoutes.ts"

const day = 86_400_000
/** How far back the venue answers for fills. */
const fillsWindow = { standard: 30 * day, reach: 30 * day }
const accountLimit: OwnLimit = { requests: 2, perMillis: 1_000 }

/** Balances, own fills, the wallet and the private stream's keys. */
export const accountRoutes = Effect.gen(function* () {
  const exchange = yield* Exchange
  const marketClock = yield* MarketClock

  const routes: Routes = {
    ...(yield* profileRoutes),
    ...(yield* walletRoutes),
    ...(yield* transferRoutes),
    ...(yield* convertRoutes),
    "GET /api/v3/account": signed(
      10,
      "SPOT_ACCOUNT_READ",
      ({ account }) =>
        Effect.map(exchange.balances(account.id), (balances) =>
          Payloads.account(balances, account.permissions.has("SPOT_WITHDRAW_WRITE"))
        ),
      accountLimit
    ),
    "GET /api/v3/myTrades": signed(10, "SPOT_ACCOUNT_READ", (request) =>
      Effect.gen(function* () {
        const symbol = yield* Parameters.symbol(request, exchange)
        const window = yield* Parameters.window(request, yield* marketClock.now, fillsWindow)
        const limit = yield* Parameters.limit(request, 100, 100)
        const orderId = Parameters.optionalText(request, "orderId")
        const fills = yield* exchange.fills(request.account.id, symbol, orderId, { ...window, limit })
        return fills.map(Payloads.fill)
      })
    ),
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
    )
  }
  return routes
})

const withListenKey = Effect.fnUntraced(function* (
  request: SignedRequest,
  change: Context.Tag.Service<typeof Exchange>["extendListenKey"]
) {
  const listenKey = yield* Parameters.text(request, "listenKey")
  yield* change(request.account.id, listenKey)
  return { listenKey }
})
