import { Cache, Clock, Data, Duration, Effect, Exit } from "effect"
import * as Decimal from "../../../../domain/Decimal.ts"
import type { BookLevel, Candle, Interval } from "../../../../domain/Market.ts"
import {
  Klines,
  readKlines,
  readTickers24h,
  type Ticker24h,
  Tickers24h
} from "../../../../mexc/wire/rest/RestMarket.ts"
import { closeTimeOf } from "../../../engine/CandleSeries.ts"
import type { CandleQuery, PaperTicker } from "../../../Requests.ts"
import { minuteMs } from "../../Units.ts"
import type { UpstreamFailed, VenueReader } from "./VenueReader.ts"

/** What the venue tells of the past, asked for as seldom as it serves. */
export interface VenuePast {
  /** Minutes up to now, oldest first; the last one runs. */
  readonly minutes: (symbol: string) => Effect.Effect<ReadonlyArray<Candle>, UpstreamFailed>
  /** The venue's answer to the query, of any interval. */
  readonly candles: (query: CandleQuery) => Effect.Effect<ReadonlyArray<Candle>, UpstreamFailed>
  readonly tickers: Effect.Effect<ReadonlyMap<string, PaperTicker>, UpstreamFailed>
}

const rowsPerAnswer = 500
/** 50 hours: more than what a 24 h ticker and a rule's window need. */
const minutePages = 6
/** ticker/24hr of all pairs is the heaviest answer of the venue. */
const tickersKept = "10 seconds"
const candlesKept = "20 seconds"
const keptAnswers = 50

class Page extends Data.Class<{
  readonly symbol: string
  readonly interval: Interval
  readonly from: number | null
  readonly to: number | null
  readonly limit: number
}> {}

/** A failure is asked again at once. */
const kept = (duration: Duration.DurationInput) => (exit: Exit.Exit<unknown, unknown>) =>
  Exit.isSuccess(exit) ? duration : Duration.zero

export const makeVenuePast = Effect.fnUntraced(function* (reader: VenueReader) {
  const readPage = Effect.fnUntraced(function* ({ from, interval, limit, symbol, to }: Page) {
    const now = yield* Clock.currentTimeMillis
    const answer = yield* reader.get(
      "/klines",
      {
        symbol,
        interval,
        limit: String(limit),
        ...(from === null ? {} : { startTime: String(from) }),
        ...(to === null ? {} : { endTime: String(to) })
      },
      Klines
    )
    // The venue was seen to answer rows from before the start that was asked for.
    return readKlines(answer)
      .rows.filter(({ openTime }) => (from === null || openTime >= from) && (to === null || openTime < to))
      .sort((a, b) => a.openTime - b.openTime)
      .map(({ close, high, low, open, openTime, quoteVolume, volume }): Candle => ({
        openTime,
        open,
        high,
        low,
        close,
        volume,
        quoteVolume: quoteVolume ?? Decimal.multiply(volume, close),
        closed: closeTimeOf(interval, openTime) <= now,
        synthetic: false
      }))
  })
  const pages = yield* Cache.makeWith({
    capacity: keptAnswers,
    lookup: readPage,
    timeToLive: kept(candlesKept)
  })
  const all = yield* Cache.makeWith({
    capacity: 1,
    lookup: (_: "all") =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const { rows } = readTickers24h(yield* reader.get("/ticker/24hr", {}, Tickers24h))
        return new Map(rows.map((row) => [row.symbol, tickerOf(row, now)]))
      }),
    timeToLive: kept(tickersKept)
  })

  const minutes = (symbol: string) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const next = Math.floor(now / minuteMs) * minuteMs + minuteMs
      const span = rowsPerAnswer * minuteMs
      const answers = yield* Effect.forEach(
        Array.from({ length: minutePages }, (_, i) => next - (minutePages - i) * span),
        (from) => readPage(new Page({ symbol, interval: "1m", from, to: from + span, limit: rowsPerAnswer }))
      )
      return answers.flat()
    })

  return {
    minutes,
    candles: ({ from, interval, limit, symbol, to }) =>
      pages.get(
        new Page({ symbol, interval, from: from ?? null, to: to ?? null, limit: Math.min(limit, rowsPerAnswer) })
      ),
    tickers: all.get("all")
  } satisfies VenuePast
})

const levelOf = (price: Decimal.Decimal | null, quantity: Decimal.Decimal | null): BookLevel | null =>
  price === null || Decimal.isZero(price) ? null : [price, quantity ?? Decimal.zero]

const tickerOf = (row: Ticker24h, now: number): PaperTicker => {
  const last = row.lastPrice ?? Decimal.zero
  return {
    symbol: row.symbol,
    last,
    bestBid: levelOf(row.bidPrice, row.bidQty),
    bestAsk: levelOf(row.askPrice, row.askQty),
    open: row.openPrice ?? last,
    high: row.highPrice ?? last,
    low: row.lowPrice ?? last,
    volume: row.volume ?? Decimal.zero,
    quoteVolume: row.quoteVolume ?? Decimal.zero,
    at: row.closeTime ?? now
  }
}
