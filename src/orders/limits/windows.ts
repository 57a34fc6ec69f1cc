import type { Instant } from "../../domain/Time.ts"

export interface Windows {
  readonly day: Instant
  readonly week: Instant
  readonly month: Instant
}

const dayMs = 86_400_000

/** The starts of the calendar day, week (from Monday) and month in UTC that `now` is in. */
export const windowsAt = (now: Instant): Windows => {
  const date = new Date(now)
  const day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate())
  const sinceMonday = (date.getUTCDay() + 6) % 7
  return {
    day,
    week: day - sinceMonday * dayMs,
    month: Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
  }
}
