import { Effect, Metric, Option } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { Decision } from "../../domain/order/Execution.ts"
import type { ExecutionId, UserId } from "../../domain/Ids.ts"
import { reason, type ReasonCode } from "../../domain/Reason.ts"
import type { Usage } from "../../domain/rule/decision/caps.ts"
import { completion } from "../../domain/rule/decision/completion.ts"
import type { Instant } from "../../domain/Time.ts"
import { failPoint } from "../../FailPoints.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Orders } from "../../orders/Orders.ts"
import { Books } from "../../portfolio/Books.ts"
import { Database } from "../../store/Database.ts"
import { Events } from "../../store/Events.ts"
import { CyclesRepo } from "../record/cycle/CyclesRepo.ts"
import { ExecutionsRepo } from "../ExecutionsRepo.ts"
import { aboutRule, type ExecutionRow, nameOf, type RuleRow } from "../record/rows.ts"
import { settled } from "../record/settle.ts"
import { RuleMarket } from "../RuleMarket.ts"
import { RulesRepo } from "../RulesRepo.ts"
import { bookOf } from "../record/bookOf.ts"
import type { Finished, Fired } from "./records.ts"

/** So many skipped firings in a row are told to the owner. */
const skipsToTell = 3

const unmet: ReadonlySet<ReasonCode> = new Set<ReasonCode>(["TIMED_OUT", "POST_ONLY", "BY_USER", "CANCELLED"])

const firingsTotal = Metric.counter("dipper_rule_firings_total", {
  description: "Firings of rules, their levels and exits that have ended, by outcome.",
  incremental: true
})
const outcomes = ["executed", "skipped", "failed", "shadow"] as const

/** How firings end: what became of their orders, and what follows for their rule. */
export const makeSettling = Effect.gen(function* () {
  const database = yield* Database
  const rules = yield* RulesRepo
  const executions = yield* ExecutionsRepo
  const cycles = yield* CyclesRepo
  const orders = yield* Orders
  const market = yield* RuleMarket
  const clock = yield* MarketClock
  const events = yield* Events
  const books = yield* Books

  /** What the rule holds at cost, with what its other buys may still add: `except` counts by what it asks for. */
  const positionOf = Effect.fnUntraced(function* (rule: RuleRow, except: ExecutionId | null) {
    const { totalCost } = yield* books.lots(rule.user_id, rule.symbol, bookOf(rule.rule_id))
    const running = yield* executions.running(rule.user_id, rule.rule_id)
    const added = running
      .filter(({ kind }) => kind !== "exit")
      .map((row) => (row.execution_id === except ? Decimal.zero : Decimal.max(row.reserved_quote, row.spent_quote)))
    return Decimal.subtract(
      Decimal.add(totalCost, Decimal.sum(added)),
      Decimal.sum(running.map((row) => row.spent_quote))
    )
  })

  const openOrdersOf = Effect.fnUntraced(function* (rule: RuleRow) {
    const open = yield* orders.openOfRule(rule.user_id, rule.rule_id)
    return open.filter(({ side }) => side === "buy").length
  })

  /** Holdings are read only where a limit asks for them. */
  const usageOf = Effect.fnUntraced(function* (rule: RuleRow, at: Instant, except: ExecutionId | null) {
    const { limits, timezone } = rule.document
    const usage = yield* executions.usage({ userId: rule.user_id, ruleId: rule.rule_id, timezone }, at, except)
    return {
      ...usage,
      ...(limits.maxPositionQuote === null
        ? {}
        : { position: Decimal.add(yield* positionOf(rule, except), usage.doubtful) }),
      ...(limits.maxOpenOrders === null ? {} : { openOrders: yield* openOrdersOf(rule) })
    } satisfies Usage
  })

  const symbolOf = (rule: RuleRow) =>
    Effect.map(market.symbol(rule.symbol), (info) => (info === null ? null : Option.getOrNull(info)))

  const finished = Effect.fn("RuleFiring.finished")(function* (rule: RuleRow) {
    const now = yield* clock.now
    const usage = yield* usageOf(rule, now, null)
    const spent = { ...usage, total: Decimal.subtract(usage.total, usage.doubtful) }
    const why = completion(rule.document, spent, yield* symbolOf(rule), now)
    if (why === null) return null
    // What is bought has still to be sold, and its levels to be bought; only the end of its time ends them now.
    if (why.code !== "COMPLETED_END" && Option.isSome(yield* cycles.openOf(rule.user_id, rule.rule_id))) return null
    // A buy without a proven end may still turn out not to have happened.
    const open = why.code === "COMPLETED_END" ? [] : yield* executions.running(rule.user_id, rule.rule_id)
    return open.length > 0 ? null : ({ state: "completed", reason: why } satisfies Finished)
  })

  /** What follows from a finished execution: a streak of failures, missing money, or a used-up limit stops the rule. */
  const consequences = Effect.fnUntraced(function* (rule: RuleRow, row: ExecutionRow) {
    yield* failPoint("tick.settled")
    // Levels and exits are repeated by their cycle; it says when it is over.
    if (row.kind !== "entry") return yield* finished(rule)
    // Its limits may have been changed while the order was under way.
    const current = Option.getOrElse(yield* rules.find(rule.user_id, rule.rule_id), () => rule)
    const { onFailure, onInsufficientFunds } = current.document
    if (onInsufficientFunds === "pause" && row.reason?.code === "INSUFFICIENT_FUNDS")
      return { state: "paused", reason: row.reason } satisfies Finished
    const { failures } = current
    if (row.outcome === "failed" && failures >= onFailure.maxConsecutive) {
      const last = row.reason?.code ?? ""
      return {
        state: "paused",
        reason: reason("TOO_MANY_FAILURES", { failures: String(failures), last })
      } satisfies Finished
    }
    return yield* finished(current)
  })

  /** Call it inside a transaction. */
  const countFailure = Effect.fnUntraced(function* (row: ExecutionRow) {
    if (row.kind !== "entry" || (row.outcome !== "failed" && row.outcome !== "executed")) return
    // A limit order that nobody met is no fault of anything.
    if (row.outcome === "failed" && row.reason !== null && unmet.has(row.reason.code)) return
    const found = yield* rules.find(row.user_id, row.rule_id)
    if (Option.isNone(found)) return
    const failures = row.outcome === "failed" ? found.value.failures + 1 : 0
    if (failures !== found.value.failures) yield* rules.saveFailures(row.user_id, row.rule_id, failures)
  })

  /** Three firings in a row that bought nothing are worth a word, once. Call it inside a transaction. */
  const countSkip = Effect.fnUntraced(function* (row: ExecutionRow) {
    if (row.kind !== "entry" || row.outcome === "shadow") return
    const skips = yield* rules.countSkip(row.user_id, row.rule_id, row.outcome === "skipped")
    if (row.outcome !== "skipped" || skips !== skipsToTell) return
    const rule = Option.getOrNull(yield* rules.find(row.user_id, row.rule_id))
    if (rule === null) return
    const text = `${nameOf(rule)} fired ${skips} times in a row and bought nothing: ${row.reason?.text ?? ""}`
    yield* events.append(row.user_id, {
      type: "notice.skipsInARow",
      objectId: row.rule_id,
      data: { text, ...aboutRule(rule), skips, reason: row.reason }
    })
  })

  for (const outcome of outcomes) yield* Metric.incrementBy(Metric.tagged(firingsTotal, "outcome", outcome), 0)
  const countFiring = ({ outcome }: ExecutionRow) =>
    database.afterCommit(() => Metric.tagged(firingsTotal, "outcome", outcome ?? "skipped").unsafeUpdate(1, []))

  const count = (row: ExecutionRow) => Effect.all([countFailure(row), countSkip(row), countFiring(row)])

  const conclude = Effect.fnUntraced(function* (rule: RuleRow, row: ExecutionRow, decision: Decision) {
    yield* database.write(
      Effect.all([executions.save(row), executions.record(row.user_id, row.execution_id, decision), count(row)])
    )
    return { execution: row, finished: yield* consequences(rule, row) } satisfies Fired
  })

  const skip = (rule: RuleRow, row: ExecutionRow, decision: Decision) =>
    conclude(
      rule,
      {
        ...row,
        state: "done",
        outcome: decision.outcome === "shadow" ? "shadow" : "skipped",
        reason: decision.reason,
        attempted: decision.outcome === "shadow",
        waits_until: null,
        requested_quote: decision.sizing?.capped ?? null
      },
      decision
    )

  /** Reads the orders inside the transaction that stores their sum, so that no older state can follow a newer one. */
  const join = Effect.fnUntraced(function* (
    userId: UserId,
    id: ExecutionId,
    latency: Partial<Pick<ExecutionRow, "submit_ms" | "fill_ms">>
  ) {
    return yield* database.write(
      Effect.gen(function* () {
        const found = yield* executions.find(userId, id)
        if (Option.isNone(found)) return null
        const before = found.value
        const row = { ...settled(before, yield* orders.ofExecution(userId, id)), ...latency }
        yield* executions.save(row)
        const ended = before.state === "running" && row.state === "done"
        if (ended) yield* count(row)
        return { row, ended }
      })
    )
  })

  const settle = Effect.fn("RuleFiring.settle")(function* (userId: UserId, id: ExecutionId) {
    const joined = yield* join(userId, id, {})
    if (joined === null || !joined.ended) return null
    const rule = yield* rules.find(userId, joined.row.rule_id)
    return Option.isNone(rule) ? null : yield* consequences(rule.value, joined.row)
  })

  /** An entry that was sent and not proven blocks its rule; one that rests at the venue is known to be there. */
  const blocks = (row: ExecutionRow): boolean =>
    row.state === "running" && (row.outcome === "unknown" || (row.kind === "entry" && row.attempted && !row.resting))

  /** Others that have no proven end, after asking once more. */
  const unresolved = Effect.fnUntraced(function* (row: ExecutionRow) {
    const others = (yield* executions.running(row.user_id, row.rule_id)).filter(
      (other) => other.execution_id !== row.execution_id && other.attempted
    )
    const joined = yield* Effect.forEach(others, (other) => join(other.user_id, other.execution_id, {}))
    return joined.some((other) => other !== null && blocks(other.row))
  })

  return { usageOf, symbolOf, finished, consequences, conclude, count, skip, join, settle, unresolved }
})
