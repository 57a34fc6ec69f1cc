import { Effect } from "effect"
import type { Interval } from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"
import { VenueUnavailable } from "../VenueFailure.ts"
import type { Listing } from "./Listing.ts"

/** A stretch of time, both ends included as far as the venue is concerned. */
export interface Window {
  readonly from: Instant
  readonly to: Instant
}

/** One answer; `size` counts also the rows that could not be read. */
export interface Page<A> extends Listing<A> {
  readonly size: number
}

interface Pages<A, E> {
  readonly window: Window
  /** Rows of one request at most; a full page may have left some out. */
  readonly limit: number
  readonly read: (window: Window) => Effect.Effect<Page<A>, E>
  readonly idOf: (row: A) => string
  readonly timeOf: (row: A) => Instant
}

/** Far above what a user can trade in the venue's reach; a venue that repeats itself must not hold us for ever. */
const maxRequests = 500

/**
 * Every row of a window, oldest first, each once. The venue does not say whether a full page holds the newest or the
 * oldest rows, so what lies before and after the page is asked for as well. More rows of one moment than fit on a page
 * cannot be had: the list is then not complete.
 */
export const readPages = <A, E>({ idOf, limit, read, timeOf, window }: Pages<A, E>) =>
  Effect.gen(function* () {
    const rows = new Map<string, A>()
    const pending: Array<Window> = [window]
    let complete = true
    for (let requests = 0; pending.length > 0; requests++) {
      if (requests === maxRequests)
        return yield* new VenueUnavailable({ message: "The venue's history is longer than can be read at once." })
      const next = pending.pop() ?? window
      const page = yield* read(next)
      complete &&= page.complete
      const known = rows.size
      for (const row of page.rows) rows.set(idOf(row), row)
      if (page.size < limit) continue
      if (rows.size === known) {
        complete = false
        continue
      }
      const times = page.rows.map(timeOf)
      const oldest = Math.min(...times)
      const newest = Math.max(...times)
      if (oldest >= next.from) pending.push({ from: next.from, to: oldest })
      if (newest <= next.to) pending.push({ from: newest, to: next.to })
    }
    const sorted = [...rows.values()].sort((a, b) => timeOf(a) - timeOf(b))
    return { rows: sorted, complete } satisfies Listing<A>
  })

/** Windows no longer than `length`, one after the other, the newest first: what cannot be read is the oldest. */
export const windowsOf = ({ from, to }: Window, length: number): ReadonlyArray<Window> => {
  const windows: Array<Window> = []
  for (let end = to; end >= from; end -= length) windows.push({ from: Math.max(from, end - length + 1), to: end })
  return windows
}

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** Lengths that no candle falls short of: a month has 28 days at least. */
export const shortest: Readonly<Record<Interval, number>> = {
  "1m": minute,
  "5m": 5 * minute,
  "15m": 15 * minute,
  "30m": 30 * minute,
  "60m": hour,
  "4h": 4 * hour,
  "1d": day,
  "1W": 7 * day,
  "1M": 28 * day
}

/** Default and maximum of `GET /klines`; sending it as `limit` brought rows from long before the window. */
const candlesPerPage = 500

/** Windows of at most 500 candles, end excluded, that cover a range. */
export const candleWindows = (interval: Interval, from: Instant, to: Instant): ReadonlyArray<Window> => {
  const windows: Array<Window> = []
  const length = candlesPerPage * shortest[interval]
  for (let start = from; start < to; start += length) windows.push({ from: start, to: Math.min(start + length, to) })
  return windows
}
