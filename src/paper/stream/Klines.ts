import { type Context, Effect } from "effect"
import { add, max, min, zero } from "../../domain/Decimal.ts"
import type { Candle } from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"
import type { KlineInterval } from "../../mexc/wire/Channels.ts"
import * as Series from "../engine/CandleSeries.ts"
import type { Exchange } from "../Exchange.ts"
import type { VenueRejection } from "../VenueRejection.ts"

const eightHours = 8 * 3_600_000
/** A market at speed may close many candles between two pushes; beyond this many the oldest are left to REST. */
const maxCandles = 500

export const openTimeOf = (interval: KlineInterval, at: Instant): Instant =>
  interval === "8h" ? Math.floor(at / eightHours) * eightHours : Series.openTimeOf(interval, at)

export const closeTimeOf = (interval: KlineInterval, openTime: Instant): Instant =>
  interval === "8h" ? openTime + eightHours : Series.closeTimeOf(interval, openTime)

/** The candles from an open time on, oldest first; only the newest one when there is none. */
export const candlesFrom = (
  exchange: Context.Tag.Service<typeof Exchange>,
  symbol: string,
  interval: KlineInterval,
  from: Instant | null
): Effect.Effect<ReadonlyArray<Candle>, VenueRejection> => {
  const range = from === null ? {} : { from }
  if (interval !== "8h") return exchange.candles({ symbol, interval, limit: from === null ? 1 : maxCandles, ...range })
  return exchange.candles({ symbol, interval: "4h", limit: from === null ? 2 : maxCandles, ...range }).pipe(
    Effect.map((halves) => {
      const candles = folded(halves)
      return from === null ? candles.slice(-1) : candles
    })
  )
}

const folded = (halves: ReadonlyArray<Candle>): ReadonlyArray<Candle> => {
  const candles: Array<Candle> = []
  for (const half of halves) {
    const openTime = openTimeOf("8h", half.openTime)
    const last = candles.at(-1)
    if (last?.openTime === openTime) candles[candles.length - 1] = joined(last, half)
    else candles.push({ ...half, openTime })
  }
  return candles
}

const joined = (earlier: Candle, later: Candle): Candle => ({
  ...earlier,
  high: max(earlier.high, later.high),
  low: min(earlier.low, later.low),
  close: later.close,
  volume: add(earlier.volume, later.volume),
  quoteVolume: add(earlier.quoteVolume, later.quoteVolume),
  closed: later.closed
})

/** The candle that runs now: without a trade in it yet it stands flat at the last price. */
export const runningCandle = Effect.fnUntraced(function* (
  exchange: Context.Tag.Service<typeof Exchange>,
  symbol: string,
  interval: KlineInterval,
  now: Instant
) {
  const openTime = openTimeOf(interval, now)
  const newest = (yield* candlesFrom(exchange, symbol, interval, null)).at(-1)
  if (newest !== undefined && newest.openTime >= openTime) return newest
  const { last } = yield* exchange.ticker(symbol)
  return {
    openTime,
    open: last,
    high: last,
    low: last,
    close: last,
    volume: zero,
    quoteVolume: zero,
    closed: false,
    synthetic: true
  } satisfies Candle
})
