import { Clock, Data, Duration, Effect, Either, Option } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { OrderId } from "../../domain/Ids.ts"
import type { Decision } from "../../domain/order/Execution.ts"
import { isTerminal } from "../../domain/order/Order.ts"
import { reason, type Reason } from "../../domain/Reason.ts"
import { checkCaps } from "../../domain/rule/decision/caps.ts"
import { failPoint } from "../../FailPoints.ts"
import { Orders } from "../../orders/Orders.ts"
import { Wallets } from "../../portfolio/Wallets.ts"
import { makeEntering } from "../record/cycle/entering.ts"
import { ExecutionsRepo } from "../ExecutionsRepo.ts"
import type { ExecutionRow, RuleRow } from "../record/rows.ts"
import { refusedBy } from "../record/settle.ts"
import { RulesRepo } from "../RulesRepo.ts"
import type { Fired, SizedOrder } from "./records.ts"
import type { makeSettling } from "./settling.ts"

/** The intent was refused inside its own transaction: a limit was taken or the rule stopped since the decision. */
class IntentRefused extends Data.TaggedError("IntentRefused")<{ readonly reason: Reason }> {}

/** How long a firing waits for its order to end; a longer one is settled when its end is told. */
const orderPatience = Duration.seconds(10)

export interface Placing {
  /** 0 is the first order of its execution. */
  readonly attempt: number
  /** What earlier orders of the execution have spent. */
  readonly spent: Decimal.Decimal
  /** More orders may follow this one. */
  readonly resting: boolean
  readonly began: number
}

/** The order went out, and this is what is left to do: `order` is null when nothing has to be waited for. */
export interface Sent extends Fired {
  readonly order: OrderId | null
  readonly began: number
}

/** From a decided order to the venue: reservation, decision and intent commit together, then the one request. */
export const makePlacing = Effect.fnUntraced(function* (settling: Effect.Effect.Success<typeof makeSettling>) {
  const rules = yield* RulesRepo
  const executions = yield* ExecutionsRepo
  const orders = yield* Orders
  const wallets = yield* Wallets
  const { conclude, consequences, join, usageOf } = settling
  const entering = yield* makeEntering

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

  /** The rule as it is now: its owner may have stopped it, or lowered a limit, since the decision. */
  const mayBuy = Effect.fnUntraced(function* (
    rule: RuleRow,
    row: ExecutionRow,
    order: SizedOrder,
    spent: Decimal.Decimal
  ) {
    const current = yield* rules.find(rule.user_id, rule.rule_id)
    if (Option.isNone(current) || current.value.state !== "active") return reason("BY_USER")
    const noRoom = row.kind === "entry" ? yield* entering.refusal(current.value, row) : null
    // A further order of the same entry belongs to the cycle that its first one opened.
    if (noRoom !== null && !(row.attempted && noRoom.code === "CYCLE_OPEN")) return noRoom
    const { limits } = current.value.document
    const usage = yield* usageOf(current.value, row.triggered_at, row.execution_id)
    // Counts are of entries; a level belongs to the entry it follows.
    const counted = row.kind === "entry" ? limits : { ...limits, maxExecutions: null, maxExecutionsPerDay: null }
    const { refusal } = checkCaps(counted, usage, Decimal.add(spent, order.worst))
    return refusal ?? (yield* reserveTaken(rule, row, limits.reserveQuote, order.worst))
  })

  const place = Effect.fnUntraced(function* (
    rule: RuleRow,
    row: ExecutionRow,
    decision: Decision,
    order: SizedOrder,
    { attempt, began, resting, spent }: Placing
  ) {
    const { document } = rule
    let sentMs: number | null = null
    yield* failPoint("tick.decided")
    const withIntent = Effect.gen(function* () {
      // What a rule holds may be sold whatever its limits are, also while it is paused.
      const refusal = row.kind === "exit" ? null : yield* mayBuy(rule, row, order, spent)
      if (refusal !== null) return yield* new IntentRefused({ reason: refusal })
      const reserved = row.kind === "exit" ? Decimal.zero : Decimal.add(spent, order.worst)
      yield* executions.save({
        ...row,
        attempted: true,
        resting,
        waits_until: null,
        reason: null,
        reserved_quote: attempt === 0 ? reserved : Decimal.max(row.reserved_quote, reserved)
      })
      yield* executions.record(row.user_id, row.execution_id, decision)
      if (row.kind === "entry") yield* entering.open(rule, row)
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
        attempt,
        kind: row.kind,
        level: row.level,
        symbol: rule.symbol,
        type: order.type,
        ...(order.quantity === null ? {} : { quantity: order.quantity }),
        ...(order.quoteAmount === null ? {} : { quoteAmount: order.quoteAmount }),
        ...(order.price === null ? {} : { price: order.price }),
        ...(document.maxPrice === null || row.kind === "exit" ? {} : { maxPrice: document.maxPrice }),
        // Whoever waits here holds a share of what all users have; the end is waited for elsewhere.
        wait: Duration.zero,
        withIntent,
        decision
      })
    )
    if (Either.isLeft(placed)) {
      const error = placed.left
      if (error._tag === "DATABASE_UNAVAILABLE" || error._tag === "NOT_OWNER") return yield* error
      const refused =
        error._tag === "IntentRefused" ? { outcome: "skipped" as const, reason: error.reason } : refusedBy(error)
      return { _tag: "Refused", refused, decision } as const
    }
    const fillMs = Math.round((yield* Clock.currentTimeMillis) - began)
    const joined = yield* join(row.user_id, row.execution_id, {
      ...(attempt === 0 ? { submit_ms: sentMs } : {}),
      ...(Decimal.isPositive(placed.right.executedQuantity) && row.fill_ms === null ? { fill_ms: fillMs } : {})
    })
    const waits = !resting && !isTerminal(placed.right.status)
    return { _tag: "Sent", order: waits ? placed.right.id : null, joined } as const
  })

  /** The only order of its execution, or the first of several. */
  const placeFirst = Effect.fnUntraced(function* (
    rule: RuleRow,
    row: ExecutionRow,
    decision: Decision,
    order: SizedOrder,
    { began, resting }: Pick<Placing, "began" | "resting">
  ) {
    const made = yield* place(rule, row, decision, order, { attempt: 0, spent: Decimal.zero, resting, began })
    if (made._tag === "Refused") {
      const ended: ExecutionRow = { ...row, state: "done", waits_until: null, ...made.refused }
      const skip: Decision = { ...decision, outcome: "skip", reason: made.refused.reason }
      return { ...(yield* conclude(rule, ended, skip)), order: null, began } satisfies Sent
    }
    const { joined, order: open } = made
    if (joined === null) return { execution: row, finished: null, order: open, began } satisfies Sent
    return {
      execution: joined.row,
      finished: joined.ended ? yield* consequences(rule, joined.row) : null,
      order: joined.row.state === "running" ? open : null,
      began
    } satisfies Sent
  })

  /** Waits a moment for the end of an order that was sent, and joins it. */
  const awaitEnd = Effect.fnUntraced(function* (rule: RuleRow, sent: Sent) {
    const { began, execution, finished, order } = sent
    if (order === null) return { execution, finished } satisfies Fired
    const seen = yield* Effect.catchTag(
      orders.awaitTerminal(execution.user_id, order, orderPatience),
      "NOT_FOUND",
      Effect.die
    )
    const tookMs = Math.round((yield* Clock.currentTimeMillis) - began)
    const fill = Decimal.isPositive(seen.executedQuantity) ? { fill_ms: tookMs } : {}
    const joined = yield* join(execution.user_id, execution.execution_id, fill)
    if (joined === null) return { execution, finished } satisfies Fired
    return {
      execution: joined.row,
      finished: joined.ended ? yield* consequences(rule, joined.row) : finished
    } satisfies Fired
  })

  return { place, placeFirst, awaitEnd }
})
