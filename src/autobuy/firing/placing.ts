import { Clock, Data, Duration, Effect, Either, Option } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { Decision } from "../../domain/order/Execution.ts"
import { reason, type Reason } from "../../domain/Reason.ts"
import { checkCaps } from "../../domain/rule/decision/caps.ts"
import type { BuyOrder } from "../../domain/rule/decision/sizing.ts"
import { Orders } from "../../orders/Orders.ts"
import { Wallets } from "../../portfolio/Wallets.ts"
import { ExecutionsRepo } from "../ExecutionsRepo.ts"
import type { ExecutionRow, RuleRow } from "../record/rows.ts"
import { refusedBy } from "../record/settle.ts"
import { RulesRepo } from "../RulesRepo.ts"
import type { Fired } from "./records.ts"
import type { makeSettling } from "./settling.ts"

/** The intent was refused inside its own transaction: a limit was taken or the rule stopped since the decision. */
class IntentRefused extends Data.TaggedError("IntentRefused")<{ readonly reason: Reason }> {}

/** How long a firing waits for its order to end; a longer one is settled when its end is told. */
const orderPatience = Duration.seconds(10)

/** From a decided buy to its order: reservation, decision and intent commit together, then the one request. */
export const makePlacing = Effect.fnUntraced(function* (settling: Effect.Effect.Success<typeof makeSettling>) {
  const rules = yield* RulesRepo
  const executions = yield* ExecutionsRepo
  const orders = yield* Orders
  const wallets = yield* Wallets
  const { conclude, consequences, join, usageOf } = settling

  /** Other rules of the user decide at the same time; only here does each see what the others have taken. */
  const reserveTaken = Effect.fnUntraced(function* (
    { user_id: userId }: RuleRow,
    { quote_asset: asset }: ExecutionRow,
    keep: Decimal.Decimal | null,
    needed: Decimal.Decimal
  ) {
    if (keep === null || asset === null) return null
    const free = yield* wallets.keptFreeOf(userId, asset)
    if (Decimal.greaterOrEqual(Decimal.subtract(free, needed), keep)) return null
    const text = Decimal.format
    return reason("CAP_RESERVE", { asset, free: text(free), needed: text(needed), keep: text(keep) })
  })

  const place = Effect.fnUntraced(function* (
    rule: RuleRow,
    row: ExecutionRow,
    decision: Decision,
    order: BuyOrder,
    began: number
  ) {
    const { document } = rule
    let sentMs: number | null = null
    const withIntent = Effect.gen(function* () {
      const current = yield* rules.find(rule.user_id, rule.rule_id)
      if (Option.isNone(current) || current.value.state !== "active")
        return yield* new IntentRefused({ reason: reason("BY_USER") })
      // The rule as it is now: its owner may have lowered a limit since the decision.
      const { limits } = current.value.document
      const usage = yield* usageOf(current.value, row.triggered_at, row.execution_id)
      const { refusal } = checkCaps(limits, usage, order.worst)
      if (refusal !== null) return yield* new IntentRefused({ reason: refusal })
      const reserve = yield* reserveTaken(rule, row, limits.reserveQuote, order.worst)
      if (reserve !== null) return yield* new IntentRefused({ reason: reserve })
      yield* executions.save({ ...row, attempted: true, reserved_quote: order.worst })
      yield* executions.record(row.user_id, row.execution_id, decision)
      sentMs = Math.round((yield* Clock.currentTimeMillis) - began)
    })
    const placed = yield* Effect.either(
      orders.placeForRule({
        userId: rule.user_id,
        ruleId: rule.rule_id,
        ruleVersion: rule.version,
        executionId: row.execution_id,
        cycleId: row.cycle_id,
        slot: row.slot,
        kind: "entry",
        level: 0,
        symbol: rule.symbol,
        type: order.type,
        ...(order.quantity === null ? {} : { quantity: order.quantity }),
        ...(order.quoteAmount === null ? {} : { quoteAmount: order.quoteAmount }),
        ...(order.price === null ? {} : { price: order.price }),
        ...(document.maxPrice === null ? {} : { maxPrice: document.maxPrice }),
        wait: orderPatience,
        withIntent
      })
    )
    if (Either.isLeft(placed)) {
      const error = placed.left
      if (error._tag === "DATABASE_UNAVAILABLE" || error._tag === "NOT_OWNER") return yield* error
      const refused =
        error._tag === "IntentRefused" ? { outcome: "skipped" as const, reason: error.reason } : refusedBy(error)
      const ended: ExecutionRow = { ...row, state: "done", ...refused }
      return yield* conclude(rule, ended, { ...decision, outcome: "skip", reason: refused.reason })
    }
    const tookMs = Math.round((yield* Clock.currentTimeMillis) - began)
    const joined = yield* join(row.user_id, row.execution_id, {
      submit_ms: sentMs,
      ...(Decimal.isPositive(placed.right.executedQuantity) ? { fill_ms: tookMs } : {})
    })
    if (joined === null) return { execution: row, finished: null } satisfies Fired
    return {
      execution: joined.row,
      finished: joined.ended ? yield* consequences(rule, joined.row) : null
    } satisfies Fired
  })

  return place
})
