import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { Effect } from "effect"
import { Api } from "../api/Api.ts"
import { Market } from "../market/Market.ts"
import { pageBySymbol } from "./answers.ts"
import { marketReads } from "./marketReads.ts"

export const layer = HttpApiBuilder.group(Api, "market", (handlers) =>
  Effect.map(Market, (market) => {
    const reads = marketReads(market)
    return handlers
      .handle("listSymbols", ({ urlParams }) => Effect.map(market.symbols, (all) => pageBySymbol(all, urlParams)))
      .handle("getSymbol", ({ path }) => market.symbol(path.symbol))
      .handle("listTickers", reads.tickers)
      .handle("getTicker", reads.ticker)
      .handle("listCandles", reads.candles)
      .handle("getOrderBook", reads.orderBook)
      .handle("listTrades", ({ path, urlParams }) => market.trades(path.symbol, urlParams.limit))
  })
)
