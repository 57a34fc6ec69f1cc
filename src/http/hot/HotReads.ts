import { Context, Effect, Layer } from "effect"
import { getWallet } from "../../api/Account.ts"
import type { ApiError } from "../../api/Errors.ts"
import {
  bySymbol,
  candlesQuery,
  getOrderBook,
  getTicker,
  listCandles,
  listTickers,
  orderBookQuery,
  tickersQuery
} from "../../api/Market.ts"
import { getStatus } from "../../api/Status.ts"
import { Market } from "../../market/Market.ts"
import { Readiness } from "../../service/Readiness.ts"
import { Cache } from "../../store/Cache.ts"
import { marketReads } from "../marketReads.ts"
import { type HotRoute, hotRoute, nothing, type Ready } from "./HotRoute.ts"
import { makeOwnWallet } from "./ownWallet.ts"

/** Lists are made of what the services keep for as long themselves. */
const listLifetime = "1 second"

/** The longest, of all tickers, is under a megabyte. */
const listsKept = 32

/** The routes that are asked most, as reads of the services that the API builder asks as well. */
export class HotReads extends Context.Tag("dipper/http/hot/HotReads")<HotReads, ReadonlyArray<HotRoute>>() {
  static readonly layer = Layer.effect(
    HotReads,
    Effect.gen(function* () {
      const service = yield* Market
      const live = yield* service.live
      const market = marketReads(service)
      const readiness = yield* Readiness
      const lists = yield* (yield* Cache).open({
        kind: "hot lists",
        capacity: listsKept,
        lifetime: listLifetime,
        nameOf: ({ url }: KeptList) => url,
        load: ({ answer }) => answer
      })
      const keep = (url: string, answer: KeptList["answer"]) =>
        Effect.map(lists.get({ url, answer }), ({ value }) => value)

      const ownWallet = yield* makeOwnWallet

      return [
        hotRoute(getStatus, { path: nothing, urlParams: nothing }, { read: () => readiness.status }),
        hotRoute(
          getTicker,
          { path: bySymbol, urlParams: nothing },
          { peek: ({ path }, now) => live.ticker(path.symbol, now), read: market.ticker }
        ),
        hotRoute(
          getOrderBook,
          { path: bySymbol, urlParams: orderBookQuery },
          {
            peek: ({ path, urlParams }, now) => live.orderBook(path.symbol, now, urlParams.depth),
            read: market.orderBook
          }
        ),
        hotRoute(listTickers, { path: nothing, urlParams: tickersQuery }, { read: market.tickers, keep }),
        hotRoute(listCandles, { path: bySymbol, urlParams: candlesQuery }, { read: market.candles, keep }),
        { operation: getWallet.name, prepare: () => ownWallet }
      ]
    })
  ).pipe(Layer.provide(Cache.layerMemory))
}

interface KeptList {
  readonly url: string
  readonly answer: Effect.Effect<Ready, ApiError>
}
