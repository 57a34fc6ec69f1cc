import { DateTime } from "effect"
import * as Decimal from "../../Decimal.ts"
import type { BudgetLine } from "../../order/Execution.ts"
import { reason, type Reason } from "../../Reason.ts"
import type { Limits } from "../shape/Limits.ts"
import type { Instant } from "../../Time.ts"
import { zoneOf } from "../schedule.ts"

/** What a rule has spent (finished buys, quote fees included) and reserved (running ones), by `triggeredAt`. */
export interface Usage {
  readonly day: Decimal.Decimal
  readonly week: Decimal.Decimal
  readonly month: Decimal.Decimal
  readonly total: Decimal.Decimal
  /** Of `total`: what orders of this month that count as never placed would take, should they be filled after all. */
  readonly doubtful: Decimal.Decimal
  /** Buys that filled, and those that still may. */
  readonly executions: number
  readonly executionsToday: number
  /** When the rule last sent an order, filled or not. */
  readonly lastAttemptAt: Instant | null
  /** What the rule holds, at cost, and what its running buys may add; absent when it was not read. */
  readonly position?: Decimal.Decimal
  /** Orders of the rule that are not at their end; absent when they were not counted. */
  readonly openOrders?: number
}

export const noUsage: Usage = {
  day: Decimal.zero,
  week: Decimal.zero,
  month: Decimal.zero,
  total: Decimal.zero,
  doubtful: Decimal.zero,
  executions: 0,
  executionsToday: 0,
  lastAttemptAt: null
}

/** Starts of the calendar windows that contain an instant; weeks begin on Monday. */
export interface Windows {
  readonly day: Instant
  readonly week: Instant
  readonly month: Instant
}

export const windowsAt = (at: Instant, timezone: string): Windows => {
  const zoned = DateTime.unsafeMakeZoned(at, { timeZone: zoneOf(timezone) })
  const start = (part: "day" | "week" | "month") =>
    DateTime.toEpochMillis(DateTime.startOf(zoned, part, { weekStartsOn: 1 }))
  return { day: start("day"), week: start("week"), month: start("month") }
}

const amountCaps = [
  { cap: "total", used: "total", code: "CAP_TOTAL" },
  { cap: "perDay", used: "day", code: "CAP_DAY" },
  { cap: "perWeek", used: "week", code: "CAP_WEEK" },
  { cap: "perMonth", used: "month", code: "CAP_MONTH" }
] as const

const countCaps = [
  { cap: "maxExecutions", used: "executions", code: "CAP_EXECUTIONS" },
  { cap: "maxExecutionsPerDay", used: "executionsToday", code: "CAP_EXECUTIONS_DAY" }
] as const

/** The most quote the amount caps leave for one buy; null when none bounds it. */
export const quoteLeft = (limits: Limits, usage: Usage): Decimal.Decimal | null => {
  let left: Decimal.Decimal | null = null
  for (const { cap, used } of amountCaps) {
    const limit = limits[cap]
    if (limit === null) continue
    const rest = Decimal.max(Decimal.zero, Decimal.subtract(limit, usage[used]))
    left = left === null ? rest : Decimal.min(left, rest)
  }
  const { maxPositionQuote } = limits
  if (maxPositionQuote === null) return left
  const room = Decimal.max(Decimal.zero, Decimal.subtract(maxPositionQuote, usage.position ?? maxPositionQuote))
  return left === null ? room : Decimal.min(left, room)
}

export interface Budget {
  readonly lines: ReadonlyArray<BudgetLine>
  /** The first limit that refuses. */
  readonly refusal: Reason | null
}

interface Line {
  readonly line: BudgetLine
  readonly refusal: Reason | null
}

/** What the rule holds and has open. What was not read refuses: an unknown position is not an empty one. */
const holdings = (limits: Limits, usage: Usage, asked: Decimal.Decimal): ReadonlyArray<Line> => {
  const lines: Array<Line> = []
  const { maxPositionQuote, maxOpenOrders } = limits
  if (maxPositionQuote !== null) {
    const { position } = usage
    const pass = position !== undefined && Decimal.lessOrEqual(Decimal.add(position, asked), maxPositionQuote)
    const used = position === undefined ? "unknown" : Decimal.format(position)
    const line = {
      cap: "maxPositionQuote",
      limit: Decimal.format(maxPositionQuote),
      used,
      asked: Decimal.format(asked)
    }
    const { cap: _, ...params } = line
    lines.push({ line: { ...line, pass }, refusal: pass ? null : reason("CAP_POSITION", params) })
  }
  if (maxOpenOrders !== null) {
    const { openOrders } = usage
    const pass = openOrders !== undefined && openOrders + 1 <= maxOpenOrders
    const used = openOrders === undefined ? "unknown" : String(openOrders)
    const line = { cap: "maxOpenOrders", limit: String(maxOpenOrders), used, asked: "1" }
    lines.push({
      line: { ...line, pass },
      refusal: pass ? null : reason("CAP_OPEN_ORDERS", { limit: line.limit, used })
    })
  }
  return lines
}

/** Every limit against a buy that may spend `asked`, fees included. */
export const checkCaps = (limits: Limits, usage: Usage, asked: Decimal.Decimal): Budget => {
  const lines: Array<BudgetLine> = []
  const refusals: Array<Reason> = []
  for (const { cap, used, code } of countCaps) {
    const limit = limits[cap]
    if (limit === null) continue
    const pass = usage[used] + 1 <= limit
    lines.push({ cap, limit: String(limit), used: String(usage[used]), asked: "1", pass })
    if (!pass) refusals.push(reason(code, { limit: String(limit) }))
  }
  for (const { cap, used, code } of amountCaps) {
    const limit = limits[cap]
    if (limit === null) continue
    const pass = Decimal.lessOrEqual(Decimal.add(usage[used], asked), limit)
    const line = {
      cap,
      limit: Decimal.format(limit),
      used: Decimal.format(usage[used]),
      asked: Decimal.format(asked)
    }
    lines.push({ ...line, pass })
    if (!pass) refusals.push(reason(code, { limit: line.limit, used: line.used, asked: line.asked }))
  }
  for (const { line, refusal } of holdings(limits, usage, asked)) {
    lines.push(line)
    if (refusal !== null) refusals.push(refusal)
  }
  return { lines, refusal: refusals[0] ?? null }
}
