import { Effect } from "effect"
import type { Candle, Interval, SymbolName, Trade } from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"
import type { MarketClock } from "../../MarketClock.ts"
import { toAggregateTrade, toCandle, toTrade } from "../map/MarketMapping.ts"
import type { Parameters } from "../signing/Signature.ts"
import type { Transport } from "../Transport.ts"
import type { VenueFailure } from "../VenueFailure.ts"
import { RowList } from "../wire/Fields.ts"
import * as Rest from "../wire/rest/RestMarket.ts"
import type { RowReader } from "./Listing.ts"
import { candleWindows, shortest } from "./Paging.ts"

export interface CandleRange {
  readonly symbol: SymbolName
  readonly interval: Interval
  /** Inclusive. */
  readonly from: Instant
  /** Exclusive. */
  readonly to: Instant
}

type Asked<A> = Effect.Effect<A, VenueFailure>

/** The public endpoints about what has been traded. */
export interface TradeCalls {
  /** Newest first. */
  readonly trades: (symbol: SymbolName, limit: number) => Asked<ReadonlyArray<Trade>>
  /** The same from an older, cheaper endpoint that the venue no longer documents. */
  readonly historicalTrades: (symbol: SymbolName, limit: number) => Asked<ReadonlyArray<Trade>>
  /** Trades of one price and side in one second as one; both ends of the window count. */
  readonly aggregateTrades: (
    symbol: SymbolName,
    query?: { readonly from: Instant; readonly to: Instant } | { readonly limit: number }
  ) => Asked<ReadonlyArray<Trade>>
  /** Oldest first, only rows whose open time is inside the range; pages of 500 are joined. */
  readonly candles: (range: CandleRange) => Asked<ReadonlyArray<Candle>>
}

export const makeTradeCalls = (
  { call }: Transport,
  clock: typeof MarketClock.Service,
  { usable }: RowReader
): TradeCalls => {
  const list = { class: "market", answer: RowList } as const

  const latest = (endpoint: "GET /trades" | "GET /historicalTrades", symbol: SymbolName, limit: number) =>
    call({
      ...list,
      endpoint,
      parameters: [
        ["symbol", symbol],
        ["limit", `${limit}`]
      ]
    }).pipe(
      Effect.flatMap((values) => usable(endpoint, Rest.readPublicTrades(values))),
      Effect.map((rows) => rows.map(toTrade))
    )

  const aggregateTrades: TradeCalls["aggregateTrades"] = Effect.fn("MexcClient.aggregateTrades")(
    function* (symbol, query) {
      const endpoint = "GET /aggTrades"
      const asked: Parameters =
        query === undefined
          ? []
          : "limit" in query
            ? [["limit", `${query.limit}`]]
            : [
                ["startTime", `${query.from}`],
                ["endTime", `${query.to}`],
                ["limit", "1000"]
              ]
      const values = yield* call({ ...list, endpoint, parameters: [["symbol", symbol], ...asked] })
      return (yield* usable(endpoint, Rest.readAggregateTrades(values))).map(toAggregateTrade)
    }
  )

  const candlePage = (range: CandleRange) =>
    call({
      ...list,
      endpoint: "GET /klines",
      parameters: [
        ["symbol", range.symbol],
        ["interval", range.interval],
        ["startTime", `${range.from}`],
        ["endTime", `${range.to}`]
      ]
    }).pipe(Effect.flatMap((values) => usable("GET /klines", Rest.readKlines(values))))

  const candles = Effect.fn("MexcClient.candles")(function* (range: CandleRange) {
    const rows = new Map<Instant, Rest.Kline>()
    for (const window of candleWindows(range.interval, range.from, range.to)) {
      // The venue was seen to answer with rows from before the window.
      for (const row of yield* candlePage({ ...range, ...window }))
        if (row.openTime >= range.from && row.openTime < range.to) rows.set(row.openTime, row)
    }
    const now = yield* clock.now
    const sorted = [...rows.values()].sort((a, b) => a.openTime - b.openTime)
    return sorted.map((row, i) => toCandle(row, i === sorted.length - 1, now, row.openTime + shortest[range.interval]))
  })

  return {
    trades: Effect.fn("MexcClient.trades")((symbol, limit) => latest("GET /trades", symbol, limit)),
    historicalTrades: Effect.fn("MexcClient.historicalTrades")((symbol, limit) =>
      latest("GET /historicalTrades", symbol, limit)
    ),
    aggregateTrades,
    candles
  }
}
