import { toNumber } from "../../domain/Decimal.ts"
import type { Candle } from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"
import { minuteMs } from "./Units.ts"

const dayMs = 1_440 * minuteMs

/** The candle whose low is deepest below the highest high of the window before it. */
export interface Crash {
  readonly at: Instant
  /** How far below, in percent of the high; a statistic. */
  readonly percent: number
}

/**
 * The moment deepest below the rolling high. Moments whose window the candles do not cover count only when none is
 * covered. Null without candles.
 */
export const deepestBelowHigh = (candles: ReadonlyArray<Candle>, windowMs = dayMs): Crash | null => {
  const first = candles[0]
  if (first === undefined) return null
  const all = drawdowns(candles, windowMs)
  const covered = all.filter((crash) => crash.at - first.openTime >= windowMs)
  const [start, ...rest] = covered.length > 0 ? covered : all
  return start === undefined ? null : rest.reduce((best, next) => (next.percent > best.percent ? next : best), start)
}

/** The candidates for the rolling high stand in a falling queue, so that long recordings take one pass. */
const drawdowns = (candles: ReadonlyArray<Candle>, windowMs: number): ReadonlyArray<Crash> => {
  const queue: Array<{ readonly at: Instant; readonly high: number }> = []
  let head = 0
  return candles.map((candle) => {
    for (let top = queue[head]; top !== undefined && top.at < candle.openTime - windowMs; top = queue[head]) head++
    const highest = Math.max(queue[head]?.high ?? 0, toNumber(candle.open))
    const high = toNumber(candle.high)
    for (let last = queue.at(-1); queue.length > head && last !== undefined && last.high <= high; last = queue.at(-1))
      queue.pop()
    queue.push({ at: candle.openTime, high })
    return { at: candle.openTime, percent: (1 - toNumber(candle.low) / highest) * 100 }
  })
}
