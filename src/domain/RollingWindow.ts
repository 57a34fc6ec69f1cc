import * as Decimal from "./Decimal.ts"
import type { Instant } from "./Time.ts"

/** The window's value, null until history covers it; `have` of `need` minutes are known. */
export interface WindowReading {
  readonly value: Decimal.Decimal | null
  readonly need: number
  readonly have: number
}

/** A price seen at an instant. */
export interface PricePoint {
  readonly at: Instant
  readonly price: Decimal.Decimal
}

/** What a sliding window of prices is asked for. Points come in order of time; the instants asked for never go back. */
export interface RollingWindow {
  readonly observe: (point: PricePoint) => void
  /** Null while nothing is known. */
  readonly read: (now: Instant) => Decimal.Decimal | null
  /** The points still needed, oldest first: observing them again makes the same window. */
  readonly points: () => ReadonlyArray<PricePoint>
}

export const minuteMs = 60_000

/**
 * How finely a window of this length keeps time, so that even a falling one stays small: a minute, more finely below a
 * day, more coarsely above a month.
 */
export const granularityOf = (lengthMs: number): number =>
  Math.max(Math.min(minuteMs, Math.floor(lengthMs / 1_440)), Math.floor(lengthMs / 44_640))

/** Readings of minutes: a window is covered when every whole minute inside it is known. */
export const coverage = (lengthMs: number, coveredFrom: Instant | null, now: Instant) => {
  const need = Math.max(1, Math.ceil(lengthMs / minuteMs))
  const have = coveredFrom === null ? 0 : Math.ceil((now - coveredFrom) / minuteMs)
  return { need, have: Math.max(0, Math.min(need, have)) }
}

/** Takes from the front without moving the rest each time. */
const makeQueue = () => {
  let items: Array<PricePoint> = []
  let head = 0
  return {
    first: () => items[head],
    second: () => items[head + 1],
    last: () => (items.length > head ? items[items.length - 1] : undefined),
    push: (point: PricePoint) => items.push(point),
    dropLast: () => items.pop(),
    dropFirst: () => {
      head++
      if (head < 1_024 || head * 2 < items.length) return
      items = items.slice(head)
      head = 0
    },
    toArray: () => items.slice(head)
  }
}

const sameStep = (a: Instant, b: Instant, stepMs: number): boolean =>
  stepMs > 0 && Math.floor(a / stepMs) === Math.floor(b / stepMs)

/**
 * The highest price not older than the window. Only points that may still become the highest are kept, in falling
 * order, and of one time step only the highest: a high leaves at most one step early or late. The last price stays:
 * while nothing happens it is what the market stands at.
 */
export const rollingHigh = (lengthMs: number, stepMs = granularityOf(lengthMs)): RollingWindow => {
  const queue = makeQueue()
  let latest: PricePoint | undefined
  return {
    observe: (point) => {
      latest = point
      for (let last = queue.last(); last !== undefined; last = queue.last()) {
        if (Decimal.greaterThan(last.price, point.price)) {
          if (sameStep(last.at, point.at, stepMs)) return
          break
        }
        queue.dropLast()
      }
      queue.push(point)
    },
    read: (now) => {
      for (let first = queue.first(); first !== undefined; first = queue.first()) {
        if (first.at >= now - lengthMs) return first.price
        if (queue.second() === undefined) return latest?.price ?? first.price
        queue.dropFirst()
      }
      return null
    },
    points: () => (latest === undefined || latest === queue.last() ? queue.toArray() : [...queue.toArray(), latest])
  }
}

/** The price at the window's start: the last one known then. Of one time step only the last is kept. */
export const rollingOpen = (lengthMs: number, stepMs = granularityOf(lengthMs)): RollingWindow => {
  const queue = makeQueue()
  return {
    observe: (point) => {
      const last = queue.last()
      // The first point carries the start of the window: replacing it would move what is known forward.
      if (last !== undefined && last !== queue.first() && sameStep(last.at, point.at, stepMs)) queue.dropLast()
      queue.push(point)
    },
    read: (now) => {
      const start = now - lengthMs
      for (let second = queue.second(); second !== undefined && second.at <= start; second = queue.second())
        queue.dropFirst()
      const first = queue.first()
      return first !== undefined && first.at <= start ? first.price : null
    },
    points: queue.toArray
  }
}
