import type { Instant } from "../../domain/Time.ts"

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

export interface SeedRange {
  readonly interval: "1m" | "60m"
  readonly from: Instant
  /** Exclusive; null is up to now, the running candle included. */
  readonly to: Instant | null
}

const ceil = (at: Instant, step: number): Instant => Math.ceil(at / step) * step
const floor = (at: Instant, step: number): Instant => Math.floor(at / step) * step

/**
 * The candles a window of this length begins with: the whole minutes inside it. Of a window longer than a day the
 * older whole hours are read as hours, which know the same highs in a sixtieth of the requests.
 */
export const seedRanges = (lengthMs: number, now: Instant): ReadonlyArray<SeedRange> => {
  const start = ceil(now - lengthMs, minute)
  const firstHour = ceil(start, hour)
  const lastHour = floor(now - day, hour)
  if (lastHour <= firstHour) return [{ interval: "1m", from: start, to: null }]
  const minutesBefore: ReadonlyArray<SeedRange> =
    start < firstHour ? [{ interval: "1m", from: start, to: firstHour }] : []
  return [
    ...minutesBefore,
    { interval: "60m", from: firstHour, to: lastHour },
    { interval: "1m", from: lastHour, to: null }
  ]
}
