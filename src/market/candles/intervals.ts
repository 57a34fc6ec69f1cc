import type { Interval } from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"

const minute = 60_000
const day = 86_400_000

/** The longest a candle of the interval can be; all but months are always that long. */
export const longestMs: Readonly<Record<Interval, number>> = {
  "1m": minute,
  "5m": 5 * minute,
  "15m": 15 * minute,
  "30m": 30 * minute,
  "60m": 60 * minute,
  "4h": 240 * minute,
  "1d": day,
  "1W": 7 * day,
  "1M": 31 * day
}

/**
 * Where the candle after this one opens. Counted from candles the venue gave, never from our own idea of where its
 * weeks and days begin.
 */
export const nextOpen = (interval: Interval, openTime: Instant): Instant => {
  if (interval !== "1M") return openTime + longestMs[interval]
  const opened = new Date(openTime)
  return Date.UTC(
    opened.getUTCFullYear(),
    opened.getUTCMonth() + 1,
    opened.getUTCDate(),
    opened.getUTCHours(),
    opened.getUTCMinutes()
  )
}
