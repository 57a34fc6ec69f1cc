import type { Instant } from "../../Time.ts"
import type { TimeWindow } from "../RuleParts.ts"
import { localDay, localInstant, minutesOf, weekdayOf, zoneOf } from "../schedule.ts"

/**
 * Whether an instant lies in a window of local time, from its start to before its end. Both are the instants of their
 * wall times, so a window over a clock change is as long as the clock says, and one inside a skipped hour comes an hour later.
 */
export const isInWindow = ({ days, from, to }: TimeWindow, at: Instant, timezone: string): boolean => {
  const zone = zoneOf(timezone)
  const start = minutesOf(from)
  const end = minutesOf(to)
  // Equal ends are a whole day; an earlier end is on the next one.
  const overnight = end <= start
  const today = localDay(at, zone)
  return [today - 1, today].some((day) => {
    const weekday = weekdayOf(day)
    if (weekday === undefined || !days.includes(weekday)) return false
    const opens = localInstant(day, start, zone)
    const closes = overnight ? localInstant(day + 1, end, zone) : localInstant(day, end, zone)
    return at >= opens && at < closes
  })
}
