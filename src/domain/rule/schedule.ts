import { DateTime, Duration, Option } from "effect"
import type { Instant } from "../Time.ts"
import type { CalendarDays, ScheduleCalendar, ScheduleTrigger, Weekday } from "./Trigger.ts"

/**
 * Slots of a schedule. An interval is counted in UTC, unaffected by clock changes. A calendar time exists once per
 * local day: one that the spring gap skips comes an hour later, one that autumn repeats comes the first time only.
 */
export interface Schedule {
  /** The first slot strictly later than `after`; null when there is none. */
  readonly next: (after: Instant) => Instant | null
  /** The last slot at or before `at`. */
  readonly previous: (at: Instant) => Instant | null
}

export interface ScheduleBounds {
  readonly timezone: string
  /** Slots before it belong to nobody. */
  readonly createdAt: Instant
  /** Inclusive. */
  readonly startAt: Instant | null
  /** Exclusive. */
  readonly endAt: Instant | null
}

const dayMs = 86_400_000
const weekdays: ReadonlyArray<Weekday> = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
/** 1970-01-01 was a Thursday. */
const weekOf = (day: number) => Math.floor((day + 3) / 7)
export const weekdayOf = (day: number) => weekdays[(((day + 3) % 7) + 7) % 7]

/** Days since 1970 of the local date. */
export const localDay = (at: Instant, zone: DateTime.TimeZone): number =>
  Math.floor((at + DateTime.zonedOffset(DateTime.unsafeMakeZoned(at, { timeZone: zone }))) / dayMs)

/** The instant of a local wall time; "compatible" with the rule above. */
export const localInstant = (day: number, minutes: number, zone: DateTime.TimeZone): Instant =>
  DateTime.toEpochMillis(
    DateTime.unsafeMakeZoned(day * dayMs + minutes * 60_000, {
      timeZone: zone,
      adjustForTimeZone: true,
      disambiguation: "compatible"
    })
  )

const utc = DateTime.zoneMakeOffset(0)

/** A document's zone; validation has refused unknown ones, so UTC only answers for drafts of problems. */
export const zoneOf = (timezone: string): DateTime.TimeZone =>
  Option.getOrElse(DateTime.zoneMakeNamed(timezone), () => utc)

export const minutesOf = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5))

const isLastOfMonth = (day: number) => new Date((day + 1) * dayMs).getUTCDate() === 1

/** A day past the month's end clamps to the last. */
const isMonthDay = (day: number, days: ReadonlyArray<number | "last">): boolean => {
  const date = new Date(day * dayMs).getUTCDate()
  return days.some((wanted) => wanted === date || ((wanted === "last" || wanted > date) && isLastOfMonth(day)))
}

const matches = (on: CalendarDays, day: number, firstWeek: number): boolean => {
  switch (on.type) {
    case "daily":
      return true
    case "weekly": {
      const weekday = weekdayOf(day)
      return weekday !== undefined && on.days.includes(weekday) && (weekOf(day) - firstWeek) % on.every === 0
    }
    case "monthly":
      return isMonthDay(day, on.days)
  }
}

/** Any calendar recurs within 52 weeks. */
const horizonDays = 7 * 53 + 2

const calendarSlots = (trigger: ScheduleCalendar, zone: DateTime.TimeZone, origin: Instant): Schedule => {
  const times = [...new Set(trigger.at.map(minutesOf))].sort((a, b) => a - b)
  const runs = (firstWeek: number, every: CalendarDays) => {
    const onDay = (day: number) =>
      matches(every, day, firstWeek) ? times.map((minutes) => localInstant(day, minutes, zone)) : []
    const search = (from: Instant, direction: 1 | -1, fits: (slot: Instant) => boolean): Instant | null => {
      // A day early, because a gap can move a slot across midnight.
      const first = localDay(from, zone) - direction
      for (let i = 0; i <= horizonDays; i++) {
        const found = onDay(first + i * direction).filter(fits)
        if (found.length > 0) return direction === 1 ? Math.min(...found) : Math.max(...found)
      }
      return null
    }
    return {
      next: (after: Instant) => search(after, 1, (slot) => slot > after),
      previous: (at: Instant) => search(at, -1, (slot) => slot <= at)
    }
  }
  const { on } = trigger
  if (on.type !== "weekly" || on.every === 1) return runs(0, on)
  // Every n weeks counts from the week of the first run.
  const first = runs(0, { ...on, every: 1 }).next(origin - 1)
  return runs(first === null ? 0 : weekOf(localDay(first, zone)), on)
}

const intervalSlots = (every: number, anchor: Instant): Schedule => ({
  next: (after) => anchor + (Math.floor((after - anchor) / every) + 1) * every,
  previous: (at) => anchor + Math.floor((at - anchor) / every) * every
})

export const makeSchedule = (trigger: ScheduleTrigger, bounds: ScheduleBounds): Schedule => {
  const { createdAt, startAt, endAt } = bounds
  const origin = startAt ?? createdAt
  const slots =
    trigger.type === "schedule.every"
      ? intervalSlots(Math.max(1_000, Duration.toMillis(trigger.every)), trigger.anchor ?? origin)
      : calendarSlots(trigger, zoneOf(bounds.timezone), origin)
  const earliest = Math.max(createdAt + 1, startAt ?? 0)
  return {
    next: (after) => {
      const slot = slots.next(Math.max(after, earliest - 1))
      return slot === null || (endAt !== null && slot >= endAt) ? null : slot
    },
    previous: (at) => {
      const slot = slots.previous(endAt === null ? at : Math.min(at, endAt - 1))
      return slot === null || slot < earliest ? null : slot
    }
  }
}

/** The next `count` slots after an instant. */
export const nextRuns = (schedule: Schedule, after: Instant, count: number): ReadonlyArray<Instant> => {
  const runs: Array<Instant> = []
  for (let slot = schedule.next(after); slot !== null && runs.length < count; slot = schedule.next(slot))
    runs.push(slot)
  return runs
}
