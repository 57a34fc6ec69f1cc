import { Clock, type Context, Effect, Option, Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { Interval } from "../../domain/Market.ts"
import { MarketClock } from "../../MarketClock.ts"
import type { Pair } from "../engine/Pair.ts"
import { Exchange } from "../Exchange.ts"
import * as Refusals from "../Refusals.ts"
import type { PaperTicker } from "../Requests.ts"
import type { ApiRequest } from "./ApiRequest.ts"
import * as Parameters from "./Parameters.ts"
import * as Payloads from "./Payloads.ts"
import { open, type OwnLimit, type Routes } from "./Route.ts"
import { futuresRoutes } from "./routes/FuturesRoutes.ts"
import { symbolsForApi } from "./routes/SymbolsForApi.ts"
import { tradeRoutes } from "./routes/TradeRoutes.ts"

const intervals = new Map(Interval.literals.map((interval) => [interval, interval]))
const averageMinutes = 5

/** As the venue writes about its listings, so that a reader of these sees what he talks to. */
const announcement = {
  title: "This is a paper exchange: orders are simulated, no money moves",
  url: "",
  language: "EN",
  postTime: 0
}
const announcementsLimit: OwnLimit = { requests: 5, perMillis: 2_000 }

/** What anybody may ask: no key, market time in the data, wall time only in `/time`. */
export const marketRoutes = Effect.gen(function* () {
  const exchange = yield* Exchange
  const marketClock = yield* MarketClock
  const listed = Effect.map(exchange.pairs, (pairs) => pairs.filter((pair) => pair.listed))

  const tickers = (request: ApiRequest, render: (ticker: PaperTicker) => unknown) =>
    Parameters.optionalText(request, "symbol") === null
      ? Effect.map(exchange.tickers, (all) => all.map(render))
      : Effect.map(Effect.flatMap(Parameters.symbol(request, exchange), exchange.ticker), render)

  const routes: Routes = {
    ...futuresRoutes,
    ...(yield* tradeRoutes),
    "GET /api/v3/ping": open(1, () => Effect.succeed({})),
    "GET /api/v3/time": open(1, () => Effect.map(Clock.currentTimeMillis, (serverTime) => ({ serverTime }))),
    "GET /api/v3/defaultSymbols": open(1, () => symbolsForApi(exchange)),
    "GET /api/v3/symbol/offline": open(10, () =>
      Effect.map(listed, (pairs) => ({ data: pairs.filter(({ status }) => status !== "1").map(Payloads.offline) }))
    ),
    "GET /api/v3/exchangeInfo": open(25, (request) => Effect.flatMap(listed, (pairs) => exchangeInfo(pairs, request))),
    "GET /api/v3/depth": open(3, (request) =>
      Effect.gen(function* () {
        const symbol = yield* Parameters.symbol(request, exchange)
        const levels = yield* Parameters.limit(request, 100, 5_000)
        return Payloads.depth(yield* exchange.book(symbol, levels))
      })
    ),
    "GET /api/v3/klines": open(1, (request) => klines(exchange, request)),
    "GET /api/v3/avgPrice": open(1, (request) => averagePrice(exchange, request)),
    "GET /api/v3/ticker/24hr": open(25, (request) =>
      Effect.flatMap(marketClock.now, (now) => tickers(request, (ticker) => Payloads.ticker24h(ticker, now)))
    ),
    "GET /api/v3/ticker/price": open(10, (request) =>
      tickers(request, ({ last, symbol }) => ({ symbol, price: Decimal.format(last) }))
    ),
    "GET /api/v3/ticker/bookTicker": open(10, (request) => tickers(request, Payloads.bookTicker)),
    // No pair here is a leveraged token.
    "GET /api/v3/etf/info": open(1, (request) =>
      Parameters.optionalText(request, "symbol") === null ? Effect.succeed([]) : Effect.fail(Refusals.invalidSymbol())
    ),
    "GET /api/v3/announcements": open(
      0,
      () => Effect.succeed({ code: 0, data: [{ details: [announcement], totalPage: "1" }], msg: "" }),
      announcementsLimit
    )
  }
  return routes
})

const exchangeInfo = Effect.fnUntraced(function* (pairs: ReadonlyArray<Pair>, request: ApiRequest) {
  const one = Parameters.optionalText(request, "symbol")
  const several = Parameters.optionalText(request, "symbols")
  const wanted = one !== null ? [one] : several !== null ? namesIn(several) : null
  const found = pairs.filter(({ listing }) => wanted?.includes(listing.symbol) ?? true)
  if (wanted !== null && found.length < new Set(wanted).size) return yield* Refusals.invalidSymbol()
  return {
    timezone: "CST",
    serverTime: yield* Clock.currentTimeMillis,
    rateLimits: [],
    exchangeFilters: [],
    symbols: found.map(Payloads.symbolInfo)
  }
})

const decodeNames = Schema.decodeUnknownOption(Schema.parseJson(Schema.Array(Schema.String)))

/** With commas between them, or as the venue's own SDK writes a list: as JSON. */
const namesIn = (text: string): ReadonlyArray<string> =>
  text.startsWith("[") ? Option.getOrElse(decodeNames(text), () => [text]) : text.split(",")

const klines = Effect.fnUntraced(function* (exchange: Context.Tag.Service<typeof Exchange>, request: ApiRequest) {
  const symbol = yield* Parameters.symbol(request, exchange)
  const interval = yield* Parameters.choice(request, "interval", intervals)
  const from = yield* Parameters.optionalInteger(request, "startTime")
  const to = yield* Parameters.optionalInteger(request, "endTime")
  const limit = yield* Parameters.limit(request, 500, 500)
  const candles = yield* exchange.candles({
    symbol,
    interval,
    limit,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to })
  })
  return candles.map((candle) => Payloads.kline(interval, candle))
})

const averagePrice = Effect.fnUntraced(function* (exchange: Context.Tag.Service<typeof Exchange>, request: ApiRequest) {
  const symbol = yield* Parameters.symbol(request, exchange)
  const ticker = yield* exchange.ticker(symbol)
  const minutes = yield* exchange.candles({ symbol, interval: "1m", limit: averageMinutes })
  const volume = Decimal.sum(minutes.map((each) => each.volume))
  const value = Decimal.sum(minutes.map((each) => each.quoteVolume))
  const price = Decimal.isZero(volume) ? ticker.last : Decimal.divide(value, volume, averageDecimals)
  return { mins: averageMinutes, price: Decimal.format(price) }
})

const averageDecimals = 12
