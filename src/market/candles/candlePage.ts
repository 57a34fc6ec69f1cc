import { Effect } from "effect"
import { ValidationFailed } from "../../api/Errors.ts"
import { defaultLimit } from "../../api/Requests.ts"
import type { Candle, Interval, SymbolName } from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"
import { longestMs } from "./intervals.ts"

export interface CandlePage {
  readonly symbol: SymbolName
  readonly interval: Interval
  /** Inclusive. */
  readonly from?: Instant
  /** Exclusive. */
  readonly to?: Instant
  readonly limit?: number
  readonly cursor?: string
}

const cursorOf = (openTime: Instant): string => `t${openTime.toString(36)}`

const readCursor = (cursor: string): Effect.Effect<Instant, ValidationFailed> => {
  const at = /^t[0-9a-z]{1,9}$/.test(cursor) ? Number.parseInt(cursor.slice(1), 36) : Number.NaN
  return Number.isSafeInteger(at)
    ? Effect.succeed(at)
    : new ValidationFailed({
        message: "The cursor is not one this list has given.",
        details: [{ path: "cursor", message: "expected a cursor as `nextCursor` gave it" }]
      })
}

/** The candles to read for a page, and how to cut it out of them. */
export const candlePage = Effect.fnUntraced(function* (asked: CandlePage, now: Instant) {
  const { interval, limit = defaultLimit } = asked
  const length = longestMs[interval]
  const to = Math.min(asked.to ?? Number.POSITIVE_INFINITY, now + 1)
  const from = asked.cursor === undefined ? asked.from : yield* readCursor(asked.cursor)
  if (from === undefined)
    return {
      range: { from: to - limit * length, to },
      cut: (candles: ReadonlyArray<Candle>) => ({ items: candles.slice(-limit), nextCursor: null })
    }
  const end = Math.min(to, from + (limit + 1) * length)
  return {
    range: { from, to: end },
    cut: (candles: ReadonlyArray<Candle>) => {
      const next = candles[limit]?.openTime ?? end
      return { items: candles.slice(0, limit), nextCursor: next < to ? cursorOf(next) : null }
    }
  }
})
