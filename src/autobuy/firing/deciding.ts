import { Clock, Effect, Metric, MetricBoundaries } from "effect"
import { reason } from "../../domain/Reason.ts"
import { decide } from "../../domain/rule/decision/decide.ts"
import type { Decision } from "../../domain/order/Execution.ts"
import type { Instant } from "../../domain/Time.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Database } from "../../store/Database.ts"
import { makeEntering } from "../record/cycle/entering.ts"
import { ExecutionsRepo } from "../ExecutionsRepo.ts"
import type { ExecutionRow, RuleRow } from "../record/rows.ts"
import { waitsUntil } from "./gateWait.ts"
import type { makeLooking } from "./looking.ts"
import type { makePlacing, Sent } from "./placing.ts"
import { bareDecision, type Trigger } from "./records.ts"
import type { makeSettling } from "./settling.ts"

const decisionSeconds = Metric.histogram(
  "dipper_decision_seconds",
  MetricBoundaries.fromIterable([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]),
  "Time from the arrival of the tick that fires a rule to its decision."
)

interface Parts {
  readonly settling: Effect.Effect.Success<typeof makeSettling>
  readonly look: Effect.Effect.Success<ReturnType<typeof makeLooking>>
  readonly placeFirst: Effect.Effect.Success<ReturnType<typeof makePlacing>>["placeFirst"]
}

/** From a claimed slot to its order, its wait or its record. */
export const makeDeciding = Effect.fnUntraced(function* ({ look, placeFirst, settling }: Parts) {
  const database = yield* Database
  const executions = yield* ExecutionsRepo
  const clock = yield* MarketClock
  const { skip, unresolved } = settling
  const entering = yield* makeEntering

  /**
   * In the rule's lane nobody else works on a firing: one that has no order yet broke off, and is too late now. One that
   * waits for its gates gives way to the newer firing, so that no two buys come from one opening gate.
   */
  const closeBroken = Effect.fnUntraced(function* (rule: RuleRow, row: ExecutionRow) {
    const now = yield* clock.now
    const running = yield* executions.running(rule.user_id, rule.rule_id)
    const broken = running.filter(
      (other) => other.kind === "entry" && !other.attempted && other.execution_id !== row.execution_id
    )
    yield* Effect.forEach(
      broken,
      (other) => {
        const why = other.waits_until === null ? reason("MISSED") : (other.reason ?? reason("MISSED"))
        return skip(rule, other, bareDecision(rule, rule.document.trigger.type, now, why))
      },
      { discard: true }
    )
  })

  const settled = (fired: Pick<Sent, "execution" | "finished">, began: number): Sent => ({
    ...fired,
    order: null,
    began
  })

  /** A change of the reason is recorded, not each look. */
  const keepWaiting = Effect.fnUntraced(function* (
    before: ExecutionRow,
    row: ExecutionRow,
    decision: Decision,
    until: Instant
  ) {
    const waiting: ExecutionRow = { ...row, waits_until: until, reason: decision.reason }
    const isNews = before.waits_until === null || before.reason?.code !== decision.reason?.code
    if (isNews)
      yield* database.write(
        Effect.zipRight(executions.save(waiting), executions.record(row.user_id, row.execution_id, decision))
      )
    return waiting
  })

  type Cause = Pick<Trigger, "label" | "operands" | "receivedAt">

  /** Looks and decides, and writes nothing. */
  const judge = Effect.fnUntraced(function* (rule: RuleRow, row: ExecutionRow, trigger: Cause) {
    const began = yield* Clock.currentTimeMillis
    const now = yield* clock.now
    const noRoom = yield* entering.refusal(rule, row)
    if (noRoom !== null)
      return { decision: bareDecision(rule, trigger.label, now, noRoom), order: null, row, began, now }
    if (yield* unresolved(row)) {
      const decision = bareDecision(rule, trigger.label, now, reason("UNKNOWN_PENDING"))
      return { decision, order: null, row, began, now }
    }
    const seen = yield* look(rule, row)
    const { decision, order } = decide({
      ruleId: rule.rule_id,
      ruleVersion: rule.version,
      document: rule.document,
      trigger: trigger.label,
      operands: trigger.operands,
      now,
      ...seen
    })
    const decided: ExecutionRow = {
      ...row,
      decide_ms: Math.round((yield* Clock.currentTimeMillis) - began),
      quote_asset: seen.symbol?.quoteAsset ?? null,
      expected_price: seen.view?.ask ?? null,
      requested_quote: decision.sizing?.capped ?? null
    }
    return { decision, order, row: decided, began, now }
  })

  /** Why the firing would be skipped now; null when it would not. */
  const wouldSkip = Effect.fnUntraced(function* (rule: RuleRow, row: ExecutionRow, trigger: Cause) {
    const { decision, now, row: decided } = yield* judge(rule, row, trigger)
    return decision.outcome === "skip" && waitsUntil(rule, decided, decision, now) === null ? decision.reason : null
  })

  const carryOn = Effect.fnUntraced(function* (rule: RuleRow, claimed: ExecutionRow, trigger: Cause) {
    const { began, decision, now, order, row } = yield* judge(rule, claimed, trigger)
    if (trigger.receivedAt !== undefined)
      yield* Metric.update(decisionSeconds, ((yield* Clock.currentTimeMillis) - trigger.receivedAt) / 1_000)
    const until = waitsUntil(rule, row, decision, now)
    if (until !== null)
      return settled({ execution: yield* keepWaiting(claimed, row, decision, until), finished: null }, began)
    if (order === null || decision.outcome !== "fire") return settled(yield* skip(rule, row, decision), began)
    const resting = order.type === "limit" || order.type === "limitMaker"
    return yield* placeFirst(rule, row, decision, order, { began, resting })
  })

  return { carryOn, closeBroken, wouldSkip }
})
