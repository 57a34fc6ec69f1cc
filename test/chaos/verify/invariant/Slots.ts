import { type Json, list, object, orNull, text, instant, Unreadable } from "../Reading.ts"

const day = 86_400_000
const units = { D: day, H: 3_600_000, M: 60_000, S: 1_000 } as const

/** An ISO duration of days, hours, minutes and seconds. */
const durationOf = (iso: string): number => {
  const match = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(iso)
  if (match === null) throw new Unreadable(`"${iso}" is not a duration this program knows`)
  const [, days = "0", hours = "0", minutes = "0", seconds = "0"] = match
  return Number(days) * units.D + Number(hours) * units.H + Number(minutes) * units.M + Number(seconds) * units.S
}

/** Slots of a schedule in a span of time, counted here once more and not as the service does. */
export interface Slots {
  readonly isOne: (at: number) => boolean
  /** After `from`, before `to`. */
  readonly between: (from: number, to: number) => ReadonlyArray<number>
}

/** Null for a trigger that waits for something else than the clock. */
export const slotsOf = (document: Json, createdAt: number): Slots | null => {
  const trigger = object(document, "trigger")
  const type = text(trigger, "type")
  if (!type.startsWith("schedule.")) return null
  const startAt = orNull(instant, document, "startAt")
  const endAt = orNull(instant, document, "endAt")
  const inLife = (at: number) => at > createdAt && (startAt === null || at >= startAt) && (endAt === null || at < endAt)
  const { isOne, next } =
    type === "schedule.every"
      ? interval(durationOf(text(trigger, "every")), orNull(instant, trigger, "anchor") ?? startAt ?? createdAt)
      : daily(trigger, text(document, "timezone"))
  return {
    isOne: (at) => isOne(at) && inLife(at),
    between: (from, to) => {
      const found: Array<number> = []
      for (let at = next(from); at < to; at = next(at)) if (inLife(at)) found.push(at)
      return found
    }
  }
}

interface Grid {
  readonly isOne: (at: number) => boolean
  readonly next: (after: number) => number
}

const interval = (every: number, anchor: number): Grid => ({
  isOne: (at) => (at - anchor) % every === 0,
  next: (after) => anchor + (Math.floor((after - anchor) / every) + 1) * every
})

const daily = (trigger: Json, timezone: string): Grid => {
  if (
    text(trigger, "type") !== "schedule.calendar" ||
    text(object(trigger, "on"), "type") !== "daily" ||
    timezone !== "UTC"
  )
    throw new Unreadable(`a schedule this program does not know: ${JSON.stringify(trigger)} in ${timezone}`)
  const times = list(trigger, "at")
    .map((time) => Number(String(time).slice(0, 2)) * units.H + Number(String(time).slice(3, 5)) * units.M)
    .toSorted((a, b) => a - b)
  const [first = 0] = times
  return {
    isOne: (at) => times.includes(at % day),
    next: (after) => {
      const midnight = Math.floor(after / day) * day
      const today = times.find((time) => midnight + time > after)
      return today === undefined ? midnight + day + first : midnight + today
    }
  }
}
