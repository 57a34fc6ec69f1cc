import { Clock, Duration, Effect, Option } from "effect"
import type * as Decimal from "../../../domain/Decimal.ts"
import type { Interval } from "../../../domain/Market.ts"
import { isTerminal } from "../../../domain/order/Order.ts"
import type { RuleDocument } from "../../../domain/Rule.ts"
import { dataAgeLimit } from "../../../domain/rule/decision/gates.ts"
import type { Instant } from "../../../domain/Time.ts"
import { longestMs, nextOpen } from "../../../market/candles/intervals.ts"
import { Candles } from "../../../market/Candles.ts"
import { MarketClock } from "../../../MarketClock.ts"
import { Orders } from "../../../orders/Orders.ts"
import { Books } from "../../../portfolio/Books.ts"
import { Wallets } from "../../../portfolio/Wallets.ts"
import { ExecutionsRepo } from "../../ExecutionsRepo.ts"
import { makeSettling } from "../../firing/settling.ts"
import { RuleMarket } from "../../RuleMarket.ts"
import { RulesRepo } from "../../RulesRepo.ts"
import { bookOf } from "../../record/bookOf.ts"
import type { CycleRow } from "../../record/cycle/CycleRow.ts"
import { CyclesRepo } from "../../record/cycle/CyclesRepo.ts"
import type { OpenOrder, Snapshot } from "../plan/Snapshot.ts"

/** The part of a snapshot that is in the database, and what only this process remembers. */
export type Rows = Pick<
  Snapshot,
  "cycle" | "document" | "ruleState" | "executions" | "open" | "lots" | "book" | "free" | "symbol"
>

/** The last close of an interval since the cycle began, and when there may be another. */
export interface Closing {
  readonly price: Decimal.Decimal | null
  readonly nextAt: Instant
}

/** A close that the venue does not tell yet is asked for again this soon. */
const askAgainMs = 2_000

/** Reads everything a cycle's next step depends on. */
export const makeReading = Effect.gen(function* () {
  const cycles = yield* CyclesRepo
  const rules = yield* RulesRepo
  const executions = yield* ExecutionsRepo
  const orders = yield* Orders
  const books = yield* Books
  const wallets = yield* Wallets
  const market = yield* RuleMarket
  const candles = yield* Candles
  const clock = yield* MarketClock
  const { join } = yield* makeSettling

  /** The rows as they are now, after joining what became of the orders; null once the cycle has ended. */
  const rows = Effect.fnUntraced(function* (
    { cycle_id: id, rule_id: ruleId, user_id: userId }: CycleRow,
    document: RuleDocument
  ) {
    const found = yield* cycles.find(userId, id)
    const rule = yield* rules.find(userId, ruleId)
    if (Option.isNone(found) || found.value.state !== "open" || Option.isNone(rule)) return null
    const open: Array<OpenOrder> = []
    for (const row of yield* cycles.executions(userId, id)) {
      if (row.state !== "running") continue
      yield* join(userId, row.execution_id, {})
      for (const order of yield* orders.ofExecution(userId, row.execution_id))
        if (!isTerminal(order.status)) open.push({ kind: row.kind, level: row.level, order })
    }
    const listed = yield* market.symbol(found.value.symbol)
    const symbol = listed === null ? null : Option.getOrNull(listed)
    const read: Rows = {
      cycle: found.value,
      document,
      ruleState: rule.value.state,
      executions: yield* cycles.executions(userId, id),
      open,
      lots: yield* cycles.lots(userId, id),
      book: (yield* books.lots(userId, found.value.symbol, bookOf(ruleId))).quantity,
      free: symbol === null ? null : Option.getOrNull(yield* Effect.option(wallets.freeOf(userId, symbol.baseAsset))),
      symbol
    }
    return read
  })

  /** Closes from before the cycle began say nothing about it. */
  const closing = Effect.fnUntraced(function* (cycle: CycleRow, interval: Interval) {
    const now = yield* clock.now
    const span = yield* Effect.option(
      candles.range({ symbol: cycle.symbol, interval, from: now - 3 * longestMs[interval], to: now + 1, fresh: true })
    )
    const closed = Option.isNone(span) ? [] : span.value.candles.filter((candle) => candle.closed)
    const last = closed.at(-1)
    if (last === undefined) return { price: null, nextAt: now + askAgainMs } satisfies Closing
    const closedAt = nextOpen(interval, last.openTime)
    const next = nextOpen(interval, closedAt)
    return {
      price: closedAt > cycle.opened_at ? last.close : null,
      nextAt: next <= now ? now + askAgainMs : next
    } satisfies Closing
  })

  const view = (cycle: CycleRow, document: RuleDocument) => market.view(cycle.symbol, dataAgeLimit(document.gates))

  return { rows, closing, view, executions }
})

/** Steps that were refused, and until when they are left alone: twice as long each time, on the wall clock. */
export const makeRefusals = () => {
  const refused = new Map<string, { readonly times: number; readonly until: number; readonly code: string }>()
  const first = Duration.toMillis("1 second")
  const longest = Duration.toMillis("1 minute")
  return {
    /** Whether this is news. */
    add: (step: string, code: string, now: number): boolean => {
      const before = refused.get(step)
      const times = (before?.times ?? 0) + 1
      refused.set(step, { times, until: now + Math.min(longest, first * 2 ** (times - 1)), code })
      return before?.code !== code
    },
    forget: (step: string) => refused.delete(step),
    at: Effect.map(
      Clock.currentTimeMillis,
      (now): ReadonlySet<string> => new Set([...refused].filter(([, { until }]) => until > now).map(([step]) => step))
    )
  }
}
