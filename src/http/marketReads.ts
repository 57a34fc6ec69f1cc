import { Effect } from "effect"
import type { bySymbol, candlesQuery, orderBookQuery, tickersQuery } from "../api/Market.ts"
import type { Market } from "../market/Market.ts"
import { paged, pageBySymbol } from "./answers.ts"

interface OfSymbol {
  readonly path: typeof bySymbol.Type
}

interface Asked<Query> {
  readonly urlParams: Query
}

/** What the routes asked most read, whichever way they are served. */
export const marketReads = (market: typeof Market.Service) => ({
  ticker: ({ path }: OfSymbol) => market.ticker(path.symbol),
  tickers: ({ urlParams }: Asked<typeof tickersQuery.Type>) =>
    Effect.map(market.tickers(urlParams.symbols), (all) => pageBySymbol(all, urlParams)),
  candles: ({ path, urlParams }: OfSymbol & Asked<typeof candlesQuery.Type>) =>
    market.candles(paged({ ...path, ...urlParams })),
  orderBook: ({ path, urlParams }: OfSymbol & Asked<typeof orderBookQuery.Type>) =>
    market.orderBook(path.symbol, urlParams.depth)
})
