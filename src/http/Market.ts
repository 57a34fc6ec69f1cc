import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { Effect } from "effect"
import { Api } from "../api/Api.ts"
import { Market } from "../market/Market.ts"
import { paged, pageBySymbol } from "./answers.ts"

export const layer = HttpApiBuilder.group(Api, "market", (handlers) =>
  Effect.map(Market, (market) =>
    handlers
      .handle("listSymbols", ({ urlParams }) => Effect.map(market.symbols, (all) => pageBySymbol(all, urlParams)))
      .handle("getSymbol", ({ path }) => market.symbol(path.symbol))
      .handle("listTickers", ({ urlParams }) =>
        Effect.map(market.tickers(urlParams.symbols), (all) => pageBySymbol(all, urlParams))
      )
      .handle("getTicker", ({ path }) => market.ticker(path.symbol))
      .handle("listCandles", ({ path, urlParams }) => market.candles(paged({ ...path, ...urlParams })))
      .handle("getOrderBook", ({ path, urlParams }) => market.orderBook(path.symbol, urlParams.depth))
      .handle("listTrades", ({ path, urlParams }) => market.trades(path.symbol, urlParams.limit))
  )
)
