import { Clock, Data, Duration, Effect, Either, Option } from "effect"
import * as Decimal from "../../../domain/Decimal.ts"
import type { Decision } from "../../../domain/order/Execution.ts"
import { reason, type Reason } from "../../../domain/Reason.ts"
import { checkCaps } from "../../../domain/rule/decision/caps.ts"
import { MarketClock } from "../../../MarketClock.ts"
import { Orders } from "../../../orders/Orders.ts"
import { Wallets } from "../../../portfolio/Wallets.ts"
import { ExecutionsRepo } from "../../ExecutionsRepo.ts"
import { newExecution } from "../../firing/records.ts"
import { makeSettling } from "../../firing/settling.ts"
import type { ExecutionRow, RuleRow } from "../../record/rows.ts"
import { refusedBy } from "../../record/settle.ts"
import { RulesRepo } from "../../RulesRepo.ts"
import { CyclesRepo } from "../../record/cycle/CyclesRepo.ts"
import { type CycleAsk, type Snapshot, stepName } from "../plan/Snapshot.ts"
import type { makeRefusals } from "./reading.ts"

/** The intent was refused inside its own transaction. */
class StepRefused extends Data.TaggedError("StepRefused")<{ readonly reason: Reason }> {}

/** How long a step waits for an order that ends by itself. */
const orderPatience = Duration.seconds(10)

/** From a planned order to the venue: execution, reservation, decision and intent commit together, then one request. */
export const makeSending = Effect.gen(function* () {
  const cycles = yield* CyclesRepo
  const rules = yield* RulesRepo
  const executions = yield* ExecutionsRepo
  const orders = yield* Orders
  const wallets = yield* Wallets
  const clock = yield* MarketClock
  const { join, usageOf } = yield* makeSettling

  /** Levels obey every limit on money as it is now; counts are of entries, to which a level belongs. */
  const mayBuy = Effect.fnUntraced(function* (rule: RuleRow, row: ExecutionRow, worst: Decimal.Decimal) {
    if (rule.state !== "active") return reason("BY_USER")
    const { limits } = rule.document
    const usage = yield* usageOf(rule, row.triggered_at, row.execution_id)
    const { refusal } = checkCaps({ ...limits, maxExecutions: null, maxExecutionsPerDay: null }, usage, worst)
    if (refusal !== null) return refusal
    const { reserveQuote: keep } = limits
    if (keep === null || row.quote_asset === null) return null
    const free = yield* wallets.keptFreeOf(rule.user_id, row.quote_asset)
    const text = Decimal.format
    return Decimal.greaterOrEqual(Decimal.subtract(free, worst), keep)
      ? null
      : reason("CAP_RESERVE", { asset: row.quote_asset, free: text(free), needed: text(worst), keep: text(keep) })
  })

  const decisionOf = (snapshot: Snapshot, ask: CycleAsk, refused: Reason | null): Decision => ({
    at: snapshot.now,
    ruleId: snapshot.cycle.rule_id,
    ruleVersion: snapshot.cycle.rule_version,
    trigger: ask.label,
    operands: ask.operands,
    gates: [],
    budget: [],
    sizing: {
      asked: ask.asked,
      capped: ask.asked,
      rounded: ask.quantity,
      final: ask.kind === "exit" ? null : ask.worst
    },
    outcome: refused === null ? "fire" : "skip",
    reason: refused
  })

  /** Inside the intent's transaction: what the plan took for granted is looked at once more. */
  const record = Effect.fnUntraced(function* (snapshot: Snapshot, row: ExecutionRow, ask: CycleAsk) {
    const { cycle } = snapshot
    const open = yield* cycles.find(cycle.user_id, cycle.cycle_id)
    const rule = yield* rules.find(cycle.user_id, cycle.rule_id)
    if (Option.isNone(open) || open.value.state !== "open" || Option.isNone(rule))
      return yield* new StepRefused({ reason: reason("BY_USER") })
    if (ask.kind === "level") {
      const refusal =
        open.value.memory.exiting === null ? yield* mayBuy(rule.value, row, ask.worst) : reason("CYCLE_EXITING")
      if (refusal !== null) return yield* new StepRefused({ reason: refusal })
    }
    yield* executions.begin(row)
    yield* executions.record(row.user_id, row.execution_id, decisionOf(snapshot, ask, null))
  })

  return Effect.fnUntraced(function* (snapshot: Snapshot, ask: CycleAsk, refusals: ReturnType<typeof makeRefusals>) {
    const { cycle, document, symbol, view } = snapshot
    const found = yield* rules.find(cycle.user_id, cycle.rule_id)
    if (Option.isNone(found)) return
    const made = yield* newExecution(found.value, {
      slot: ask.slot,
      kind: ask.kind,
      level: ask.level,
      cycleId: cycle.cycle_id,
      triggeredAt: yield* clock.now
    })
    const row: ExecutionRow = {
      ...made,
      rule_version: cycle.rule_version,
      attempted: true,
      quote_asset: symbol?.quoteAsset ?? null,
      requested_quote: ask.asked,
      reserved_quote: ask.worst,
      expected_price: view === null ? null : ask.kind === "exit" ? view.bid : view.ask
    }
    const isResting = ask.type === "limit" || ask.type === "limitMaker"
    const placed = yield* Effect.either(
      orders.placeForRule({
        userId: cycle.user_id,
        ruleId: cycle.rule_id,
        ruleVersion: cycle.rule_version,
        executionId: row.execution_id,
        cycleId: cycle.cycle_id,
        slot: ask.slot,
        kind: ask.kind,
        level: ask.level,
        symbol: cycle.symbol,
        type: ask.type,
        ...(ask.quantity === null ? {} : { quantity: ask.quantity }),
        ...(ask.quoteAmount === null ? {} : { quoteAmount: ask.quoteAmount }),
        ...(ask.price === null ? {} : { price: ask.price }),
        ...(document.maxPrice === null || ask.kind === "exit" ? {} : { maxPrice: document.maxPrice }),
        wait: isResting ? Duration.zero : orderPatience,
        withIntent: record(snapshot, row, ask),
        decision: decisionOf(snapshot, ask, null)
      })
    )
    const step = stepName(ask.kind, ask.level)
    if (Either.isRight(placed)) {
      const { rejectReason } = placed.right
      if (rejectReason === null) refusals.forget(step)
      else refusals.add(step, rejectReason.code, yield* Clock.currentTimeMillis)
      yield* join(cycle.user_id, row.execution_id, {})
      return
    }
    const error = placed.left
    if (error._tag === "DATABASE_UNAVAILABLE" || error._tag === "NOT_OWNER") return yield* error
    const why = error._tag === "StepRefused" ? error.reason : refusedBy(error).reason
    // Repeating itself, a refusal is recorded once.
    if (refusals.add(step, why.code, yield* Clock.currentTimeMillis))
      yield* executions.record(cycle.user_id, null, decisionOf(snapshot, ask, why))
  })
})
