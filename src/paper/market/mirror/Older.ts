import type { Candle, Interval } from "../../../domain/Market.ts"
import type { Instant } from "../../../domain/Time.ts"
import { closeTimeOf, openTimeOf } from "../../engine/CandleSeries.ts"
import type { CandleQuery } from "../../Requests.ts"

/** The first candle of an interval that minutes from `coveredFrom` on make whole. */
const firstWhole = (interval: Interval, coveredFrom: Instant): Instant => {
  if (!Number.isFinite(coveredFrom)) return coveredFrom
  const openTime = openTimeOf(interval, coveredFrom)
  return openTime === coveredFrom ? openTime : closeTimeOf(interval, openTime)
}

/** Whether the minutes that are known here answer the query without the venue. */
export const isAnswered = (query: CandleQuery, known: ReadonlyArray<Candle>, coveredFrom: Instant): boolean => {
  const first = firstWhole(query.interval, coveredFrom)
  if (query.from !== undefined) return query.from >= first
  return known.filter(({ openTime }) => openTime >= first).length >= query.limit
}

/** The venue's candles as far as they are older than what is known here. */
export const withOlderCandles = (
  query: CandleQuery,
  older: ReadonlyArray<Candle>,
  known: ReadonlyArray<Candle>,
  coveredFrom: Instant
): ReadonlyArray<Candle> => {
  const first = firstWhole(query.interval, coveredFrom)
  const joined = [
    ...older.filter(({ openTime }) => openTime < first),
    ...known.filter(({ openTime }) => openTime >= first)
  ]
  return query.from === undefined ? joined.slice(-query.limit) : joined.slice(0, query.limit)
}
