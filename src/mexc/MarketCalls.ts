import { Effect } from "effect"
import type { Candle, Interval, SymbolInfo, SymbolName, Ticker } from "../domain/Market.ts"
import type { Instant } from "../domain/Time.ts"
import type { MarketClock } from "../MarketClock.ts"
import { toCandle, toOrderBook, toSymbolInfo, toTicker, toTrade } from "./map/MarketMapping.ts"
import { candleWindows } from "./Paging.ts"
import type { makeTransport } from "./Transport.ts"
import { type VenueFailure, VenueUnavailable } from "./VenueFailure.ts"
import type { Rows } from "./wire/Fields.ts"
import * as Rest from "./wire/RestMarket.ts"

interface Range {
  readonly symbol: SymbolName
  readonly interval: Interval
  readonly from: Instant
  readonly to: Instant
}

/** Rows that do not fit are left out, with a warning; a list of which nothing fits is no list. */
const usable = <A>(what: string, { rejected, rows }: Rows<A>): Effect.Effect<ReadonlyArray<A>, VenueUnavailable> => {
  if (rows.length === 0)
    return Effect.fail(new VenueUnavailable({ message: `The venue's list of ${what} has no usable row.` }))
  const kept = Effect.succeed(rows)
  return rejected === 0
    ? kept
    : Effect.zipRight(Effect.logWarning(`The venue sent ${rejected} ${what} of an unknown form; left out.`), kept)
}

/** The public endpoints. */
export const makeMarketCalls = (
  { call }: Effect.Effect.Success<ReturnType<typeof makeTransport>>,
  clock: typeof MarketClock.Service
) => {
  const get = { method: "GET", class: "market" } as const

  const listedSymbols = call({ ...get, path: "/defaultSymbols", answer: Rest.SymbolList }).pipe(
    // An empty list would take every pair away at once.
    Effect.filterOrFail(
      ({ data }) => data.length > 0,
      () => new VenueUnavailable({ message: "The venue's list of tradable pairs is empty." })
    ),
    Effect.map(({ data }) => new Set(data))
  )

  const symbols: Effect.Effect<ReadonlyArray<SymbolInfo>, VenueFailure> = Effect.gen(function* () {
    const info = yield* call({ ...get, path: "/exchangeInfo", answer: Rest.ExchangeInfo, slow: true })
    const rows = yield* usable("pairs", Rest.readExchangeSymbols(info.symbols))
    const listed = yield* listedSymbols
    const now = yield* clock.now
    return rows.map((row) => toSymbolInfo(row, listed, now))
  })

  const tickers: Effect.Effect<ReadonlyArray<Ticker>, VenueFailure> = Effect.gen(function* () {
    const answer = yield* call({ ...get, path: "/ticker/24hr", answer: Rest.Tickers24h, slow: true })
    const rows = yield* usable("tickers", Rest.readTickers24h(answer))
    const now = yield* clock.now
    return rows.flatMap((row) => toTicker(row, now) ?? [])
  })

  const ticker = Effect.fn("MexcClient.ticker")(function* (symbol: SymbolName) {
    const row = yield* call({
      ...get,
      path: "/ticker/24hr",
      parameters: [["symbol", symbol]],
      answer: Rest.Ticker24h
    })
    const found = toTicker(row, yield* clock.now)
    return found ?? (yield* new VenueUnavailable({ message: `The venue has no bid or no ask for ${symbol}.` }))
  })

  const orderBook = Effect.fn("MexcClient.orderBook")(function* (symbol: SymbolName, depth: number) {
    const answer = yield* call({
      ...get,
      path: "/depth",
      parameters: [
        ["symbol", symbol],
        ["limit", `${depth}`]
      ],
      answer: Rest.Depth
    })
    return toOrderBook(symbol, answer, yield* clock.now)
  })

  const trades = Effect.fn("MexcClient.trades")(function* (symbol: SymbolName, limit: number) {
    const rows = yield* call({
      ...get,
      path: "/trades",
      parameters: [
        ["symbol", symbol],
        ["limit", `${limit}`]
      ],
      answer: Rest.PublicTrades
    })
    return rows.map(toTrade)
  })

  const candlePage = (range: Range) =>
    call({
      ...get,
      path: "/klines",
      parameters: [
        ["symbol", range.symbol],
        ["interval", range.interval],
        ["startTime", `${range.from}`],
        ["endTime", `${range.to}`]
      ],
      answer: Rest.Klines
    })

  const candles = Effect.fn("MexcClient.candles")(function* (range: Range) {
    const rows = new Map<Instant, Rest.Kline>()
    for (const window of candleWindows(range.interval, range.from, range.to)) {
      // The venue was seen to answer with rows from before the window.
      for (const row of yield* candlePage({ ...range, ...window }))
        if (row[0] >= range.from && row[0] < range.to) rows.set(row[0], row)
    }
    const now = yield* clock.now
    const sorted = [...rows.values()].sort((a, b) => a[0] - b[0])
    return sorted.map((row, i): Candle => toCandle(row, i === sorted.length - 1, now))
  })

  return { symbols, tickers, ticker, orderBook, trades, candles }
}
