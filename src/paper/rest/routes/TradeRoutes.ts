import { type Context, Effect } from "effect"
import type { Trade } from "../../../domain/Market.ts"
import * as Decimal from "../../../domain/Decimal.ts"
import { Exchange } from "../../Exchange.ts"
import * as Refusals from "../../Refusals.ts"
import type { ApiRequest } from "../ApiRequest.ts"
import * as Parameters from "../Parameters.ts"
import * as Payloads from "../Payloads.ts"
import { open, type Routes } from "../Route.ts"

type Service = Context.Tag.Service<typeof Exchange>

const most = 1_000
const second = 1_000

/** Public trades, newest first. */
export const tradeRoutes = Effect.gen(function* () {
  const exchange = yield* Exchange
  const latest = Effect.fnUntraced(function* (request: ApiRequest) {
    const symbol = yield* Parameters.symbol(request, exchange)
    const trades = yield* exchange.trades(symbol, yield* Parameters.limit(request, 500, most))
    return trades.map(Payloads.trade)
  })

  const routes: Routes = {
    "GET /api/v3/trades": open(5, latest),
    "GET /api/v3/historicalTrades": open(1, latest),
    "GET /api/v3/aggTrades": open(1, (request) => aggregated(exchange, request))
  }
  return routes
})

const aggregated = Effect.fnUntraced(function* (exchange: Service, request: ApiRequest) {
  const symbol = yield* Parameters.symbol(request, exchange)
  const from = yield* Parameters.optionalInteger(request, "startTime")
  const to = yield* Parameters.optionalInteger(request, "endTime")
  if ((from === undefined) !== (to === undefined)) return yield* Refusals.parametersDoNotCombine()
  const limit = yield* Parameters.limit(request, 500, most)
  return merged(yield* exchange.trades(symbol, most))
    .filter(({ at }) => (from === undefined || at >= from) && (to === undefined || at <= to))
    .slice(0, limit)
    .map(Payloads.aggregatedTrade)
})

/** What one taker got at one price within a second is one row, stamped with the whole second. */
const merged = (trades: ReadonlyArray<Trade>): ReadonlyArray<Trade> => {
  const rows: Array<Trade> = []
  for (const trade of trades) {
    const at = Math.floor(trade.at / second) * second
    const last = rows.at(-1)
    if (last?.at === at && last.side === trade.side && Decimal.equals(last.price, trade.price)) {
      rows[rows.length - 1] = { ...last, quantity: Decimal.add(last.quantity, trade.quantity) }
    } else rows.push({ ...trade, at })
  }
  return rows
}
