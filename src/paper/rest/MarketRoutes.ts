import { Clock, type Context, Effect } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { Interval } from "../../domain/Market.ts"
import { MarketClock } from "../../MarketClock.ts"
import type { Restriction } from "../engine/Checks.ts"
import { Exchange } from "../Exchange.ts"
import * as Refusals from "../Refusals.ts"
import type { PaperTicker } from "../Requests.ts"
import type { ApiRequest } from "./ApiRequest.ts"
import * as Parameters from "./Parameters.ts"
import * as Payloads from "./Payloads.ts"
import { open, type Routes } from "./Route.ts"

const intervals = new Map(Interval.literals.map((interval) => [interval, interval]))
const averageMinutes = 5

/** What anybody may ask: no key, market time in the data, wall time only in `/time`. */
export const marketRoutes = Effect.fnUntraced(function* (restrictions: Readonly<Record<string, Restriction>>) {
  const exchange = yield* Exchange
  const marketClock = yield* MarketClock
  const symbols = exchange.listings.map((listing) => listing.symbol)
  const forApi = symbols.filter((symbol) => restrictions[symbol]?.apiTrading ?? true)

  const tickers = (request: ApiRequest, render: (ticker: PaperTicker) => unknown) => {
    const symbol = Parameters.optionalText(request, "symbol")
    return symbol === null
      ? Effect.map(Effect.forEach(symbols, exchange.ticker), (all) => all.map(render))
      : Effect.map(exchange.ticker(symbol), render)
  }

  const routes: Routes = {
    "GET /api/v3/ping": open(1, () => Effect.succeed({})),
    "GET /api/v3/time": open(1, () => Effect.map(Clock.currentTimeMillis, (serverTime) => ({ serverTime }))),
    "GET /api/v3/defaultSymbols": open(1, () => listed(forApi)),
    "GET /api/v3/exchangeInfo": open(25, (request) => exchangeInfo(exchange, restrictions, request)),
    "GET /api/v3/depth": open(3, (request) =>
      Effect.gen(function* () {
        const symbol = yield* Parameters.text(request, "symbol")
        const levels = yield* Parameters.limit(request, 100, 5_000)
        return Payloads.depth(yield* exchange.book(symbol, levels))
      })
    ),
    "GET /api/v3/trades": open(5, (request) =>
      Effect.gen(function* () {
        const symbol = yield* Parameters.text(request, "symbol")
        const trades = yield* exchange.trades(symbol, yield* Parameters.limit(request, 500, 1_000))
        return trades.map(Payloads.trade)
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
    "GET /api/v3/ticker/bookTicker": open(10, (request) => tickers(request, Payloads.bookTicker))
  }
  return routes
})

/** The wrapped list of pairs, as defaultSymbols and selfSymbols answer it. */
export const listed = (symbols: ReadonlyArray<string>) =>
  Effect.map(Clock.currentTimeMillis, (timestamp) => ({ code: 0, data: symbols, msg: "success", timestamp }))

const exchangeInfo = Effect.fnUntraced(function* (
  exchange: Context.Tag.Service<typeof Exchange>,
  restrictions: Readonly<Record<string, Restriction>>,
  request: ApiRequest
) {
  const one = Parameters.optionalText(request, "symbol")
  const several = Parameters.optionalText(request, "symbols")
  const wanted = one !== null ? [one] : several !== null ? several.split(",") : null
  const found = exchange.listings.filter((listing) => wanted?.includes(listing.symbol) ?? true)
  if (wanted !== null && found.length < new Set(wanted).size) return yield* Refusals.invalidSymbol()
  return {
    timezone: "CST",
    serverTime: yield* Clock.currentTimeMillis,
    rateLimits: [],
    exchangeFilters: [],
    symbols: found.map((listing) => Payloads.symbolInfo(listing, restrictions[listing.symbol] ?? {}))
  }
})

const klines = Effect.fnUntraced(function* (exchange: Context.Tag.Service<typeof Exchange>, request: ApiRequest) {
  const symbol = yield* Parameters.text(request, "symbol")
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
  const symbol = yield* Parameters.text(request, "symbol")
  const ticker = yield* exchange.ticker(symbol)
  const minutes = yield* exchange.candles({ symbol, interval: "1m", limit: averageMinutes })
  const volume = Decimal.sum(minutes.map((each) => each.volume))
  const value = Decimal.sum(minutes.map((each) => each.quoteVolume))
  const price = Decimal.isZero(volume) ? ticker.last : Decimal.divide(value, volume, averageDecimals)
  return { mins: averageMinutes, price: Decimal.format(price) }
})

const averageDecimals = 12
