import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Schema } from "effect"
import { Candle, Interval, OrderBook, Source, SymbolInfo, SymbolName, Ticker, Trade } from "../domain/Market.ts"
import { Instant } from "../domain/Time.ts"
import { Authorization, RequiredScope } from "./Authorization.ts"
import { failures, ok } from "./Envelope.ts"
import { HotRead } from "./HotRead.ts"
import { ExchangeRateLimited, ExchangeUnavailable, StaleMarketData, SymbolNotFound } from "./Errors.ts"
import { integerParameter, Limit, optional, page, paging, period, query, SymbolNames } from "./Requests.ts"

const freshness = { asOf: Instant, source: Source, stale: Schema.Boolean }

/** Oldest first. `from` is inclusive, `to` exclusive. */
export const Candles = Schema.Struct({
  symbol: SymbolName,
  interval: Interval,
  ...page(Candle).fields,
  ...freshness
}).annotations({ identifier: "Candles" })
export interface Candles extends Schema.Schema.Type<typeof Candles> {}

/** Newest first. */
export const Trades = Schema.Struct({ symbol: SymbolName, ...page(Trade).fields, ...freshness }).annotations({
  identifier: "Trades"
})
export interface Trades extends Schema.Schema.Type<typeof Trades> {}

export const bySymbol = Schema.Struct({ symbol: SymbolName })
export const tickersQuery = query({ symbols: optional(SymbolNames), ...paging })
export const candlesQuery = query({ interval: Interval, ...period, ...paging })
export const orderBookQuery = query({ depth: optional(integerParameter(1, 1_000, 20)) })
const unknownSymbol = failures(SymbolNotFound, ExchangeUnavailable, ExchangeRateLimited, StaleMarketData)

export const listTickers = HttpApiEndpoint.get("listTickers", "/market/tickers")
  .setUrlParams(tickersQuery)
  .addSuccess(ok(page(Ticker)))
  .annotate(RequiredScope, "read")
  .annotate(HotRead, true)

export const getTicker = HttpApiEndpoint.get("getTicker", "/market/tickers/:symbol")
  .setPath(bySymbol)
  .addSuccess(ok(Ticker))
  .annotate(RequiredScope, "read")
  .annotate(HotRead, true)

export const listCandles = HttpApiEndpoint.get("listCandles", "/market/candles/:symbol")
  .setPath(bySymbol)
  .setUrlParams(candlesQuery)
  .addSuccess(ok(Candles))
  .annotate(RequiredScope, "read")
  .annotate(HotRead, true)

export const getOrderBook = HttpApiEndpoint.get("getOrderBook", "/market/order-book/:symbol")
  .setPath(bySymbol)
  .setUrlParams(orderBookQuery)
  .addSuccess(ok(OrderBook))
  .annotate(RequiredScope, "read")
  .annotate(HotRead, true)

export class MarketApi extends HttpApiGroup.make("market")
  .add(
    HttpApiEndpoint.get("listSymbols", "/market/symbols")
      .setUrlParams(query(paging))
      .addSuccess(ok(page(SymbolInfo)))
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("getSymbol", "/market/symbols/:symbol")
      .setPath(bySymbol)
      .addSuccess(ok(SymbolInfo))
      .annotate(RequiredScope, "read")
  )
  .add(listTickers)
  .add(getTicker)
  .add(listCandles)
  .add(getOrderBook)
  .add(
    HttpApiEndpoint.get("listTrades", "/market/trades/:symbol")
      .setPath(bySymbol)
      .setUrlParams(query({ limit: optional(Limit) }))
      .addSuccess(ok(Trades))
      .annotate(RequiredScope, "read")
  )
  .addError(unknownSymbol)
  .middleware(Authorization) {}
