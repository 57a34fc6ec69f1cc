import * as Decimal from "../../domain/Decimal.ts"
import type { Candle, Interval } from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"
import { nextOpen } from "./intervals.ts"

/** The venue leaves out intervals without a trade: each becomes a flat candle at the last close before it. */
export const fillGaps = (
  rows: ReadonlyArray<Candle>,
  interval: Interval,
  { from, to, now }: { readonly from: Instant; readonly to: Instant; readonly now: Instant }
): ReadonlyArray<Candle> => {
  const filled: Array<Candle> = []
  const isClosed = (openTime: Instant): boolean => nextOpen(interval, openTime) <= now
  const fill = (last: Candle, until: Instant): void => {
    for (let at = nextOpen(interval, last.openTime); at < until; at = nextOpen(interval, at))
      if (at >= from) filled.push(flat(at, last.close, isClosed(at)))
  }
  let last: Candle | undefined
  for (const row of rows) {
    if (row.openTime >= to) break
    if (last !== undefined) fill(last, row.openTime)
    if (row.openTime >= from) filled.push({ ...row, closed: isClosed(row.openTime) })
    last = row
  }
  if (last !== undefined) fill(last, to)
  return filled
}

const flat = (openTime: Instant, price: Decimal.Decimal, closed: boolean): Candle => ({
  openTime,
  open: price,
  high: price,
  low: price,
  close: price,
  volume: Decimal.zero,
  quoteVolume: Decimal.zero,
  closed,
  synthetic: true
})
