import { Clock, Effect, Option } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { ExecutionId, UserId } from "../../domain/Ids.ts"
import { isTerminal, type Order } from "../../domain/order/Order.ts"
import { reason, type Reason } from "../../domain/Reason.ts"
import { tooSmallOrLarge } from "../../domain/rule/decision/feasible.ts"
import { bothSides, judgeGates } from "../../domain/rule/decision/gates.ts"
import { type FixedSize, sizeOrder } from "../../domain/rule/decision/sizing.ts"
import { formatInstant, type Instant } from "../../domain/Time.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Orders } from "../../orders/Orders.ts"
import { Database } from "../../store/Database.ts"
import { ExecutionsRepo } from "../ExecutionsRepo.ts"
import type { ExecutionRow, RuleRow } from "../record/rows.ts"
import { settled } from "../record/settle.ts"
import { RulesRepo } from "../RulesRepo.ts"
import type { makeLooking } from "./looking.ts"
import type { makePlacing } from "./placing.ts"
import { bareDecision, type Finished } from "./records.ts"
import { restStep } from "./restStep.ts"
import type { makeSettling } from "./settling.ts"

/** An order that did not end although it was cancelled is asked about again after so long. */
const proofPauseMs = 1_000
/** Prices that are too old to price the next order are looked at again after so long. */
const stalePauseMs = 1_000

/** What is left to buy once the order in the middle of it ended by itself. */
const protectedFor = { type: "protectedMarket", maxSlippageBps: 50 } as const

/** What became of one step: `until` is when to look again, `finished` that the rule has stopped by itself. */
export type Rested =
  | { readonly _tag: "Wait"; readonly until: Instant | null; readonly order: Order | null }
  | { readonly _tag: "Done"; readonly finished: Finished | null }

interface Parts {
  readonly settling: Effect.Effect.Success<typeof makeSettling>
  readonly look: Effect.Effect.Success<ReturnType<typeof makeLooking>>
  readonly place: Effect.Effect.Success<ReturnType<typeof makePlacing>>["place"]
}

/** What a firing may still buy, in the measure it was sized in; what its orders filled is counted. */
const restOf = (row: ExecutionRow, rule: RuleRow, orders: ReadonlyArray<Order>): FixedSize | null => {
  const { size } = rule.document
  const quantity = orders[0]?.quantity ?? null
  if (size.type === "base" && quantity !== null) {
    const left = Decimal.subtract(quantity, row.executed_quantity)
    return Decimal.isPositive(left) ? { type: "base", quantity: left } : null
  }
  const left = Decimal.subtract(row.reserved_quote, row.spent_quote)
  return Decimal.isPositive(left) ? { type: "quote", amount: left } : null
}

/** Entries whose limit order may stay at the venue, followed to their end one step at a time. */
export const makeResting = Effect.fnUntraced(function* ({ settling, look, place }: Parts) {
  const database = yield* Database
  const rules = yield* RulesRepo
  const executions = yield* ExecutionsRepo
  const orders = yield* Orders
  const clock = yield* MarketClock

  /** No further order comes: what its orders add up to is what became of it. */
  const end = Effect.fnUntraced(function* (rule: RuleRow, id: ExecutionId, why: Reason | null) {
    const ended = yield* database.write(
      Effect.gen(function* () {
        const found = yield* executions.find(rule.user_id, id)
        if (Option.isNone(found) || found.value.state !== "running") return null
        const sums = settled({ ...found.value, resting: false }, yield* orders.ofExecution(rule.user_id, id))
        // An order without a proven end keeps it running; its end is joined like any other.
        const row = sums.state === "done" ? { ...sums, reason: why } : sums
        yield* executions.save(row)
        if (row.state === "done") yield* settling.count(row)
        return row
      })
    )
    const finished = ended?.state === "done" ? yield* settling.consequences(rule, ended) : null
    return { _tag: "Done", finished } satisfies Rested
  })

  const later = Effect.fnUntraced(function* (ms: number) {
    return { _tag: "Wait", until: (yield* clock.now) + ms, order: null } satisfies Rested
  })

  /** The next order of the same execution, for what is left of it and never more. */
  const again = Effect.fnUntraced(function* (
    rule: RuleRow,
    row: ExecutionRow,
    made: ReadonlyArray<Order>,
    as: "limit" | "market"
  ) {
    const began = yield* Clock.currentTimeMillis
    const size = restOf(row, rule, made)
    if (size === null) return yield* end(rule, row.execution_id, null)
    const now = yield* clock.now
    const seen = yield* look(rule, row)
    const gates = judgeGates(rule.document, seen.view, { now, lastBuy: seen.lastBuy })
    const best = bothSides(seen.view)
    if (seen.isSymbolUnread || best === null || gates.refusal?.code === "GATE_STALE") return yield* later(stalePauseMs)
    if (gates.refusal !== null) return yield* end(rule, row.execution_id, gates.refusal)
    if (seen.symbol === null || !seen.symbol.tradable)
      return yield* end(rule, row.execution_id, reason("NOT_TRADABLE", { symbol: rule.symbol }))
    const { execution, maxPrice } = rule.document
    const styled = { size, maxPrice, execution: as === "market" ? protectedFor : execution }
    const budget = size.type === "quote" ? size.amount : null
    const order = sizeOrder(styled, seen.symbol, best, budget)
    // The rest is too little for the venue: what was bought is what there is.
    const unfit = tooSmallOrLarge(order, seen.symbol)
    if (unfit !== null) return yield* end(rule, row.execution_id, Decimal.isZero(row.executed_quantity) ? unfit : null)
    const decision = {
      ...bareDecision(rule, rule.document.trigger.type, now, reason("TIMED_OUT")),
      gates: gates.results,
      sizing: { asked: budget, capped: budget, rounded: order.quantity, final: order.worst },
      outcome: "fire" as const,
      reason: null
    }
    const sent = yield* place(rule, row, decision, order, {
      attempt: made.length,
      spent: row.spent_quote,
      resting: true,
      began
    })
    if (sent._tag === "Refused") return yield* end(rule, row.execution_id, sent.refused.reason)
    return yield* later(0)
  })

  /** One step of an entry that rests; call it while nobody else works on the rule. */
  const step = Effect.fn("RuleFiring.rest")(function* (userId: UserId, id: ExecutionId) {
    const done = { _tag: "Done", finished: null } satisfies Rested
    const joined = yield* settling.join(userId, id, {})
    if (joined === null || joined.row.state !== "running") return done
    const { row } = joined
    const rule = Option.getOrNull(yield* rules.find(userId, row.rule_id))
    if (rule === null || !row.resting) return done
    const made = yield* orders.ofExecution(userId, id)
    const last = made.at(-1)
    // Intent and reservation commit together: no order means that none was sent.
    if (last === undefined) return yield* end(rule, id, reason("NOT_PLACED"))
    const now = yield* clock.now
    const { endAt, execution } = rule.document
    const isActive = rule.state === "active" && (endAt === null || now < endAt)
    const next = restStep({ last, made, execution, isActive, now })
    switch (next.type) {
      case "wait":
        return { _tag: "Wait", until: next.until, order: last } satisfies Rested
      case "cancel": {
        const isStopped = rule.state !== "active" && rule.state !== "completed"
        const after = yield* orders.cancelForRule(userId, last.id, isStopped ? "ruleStopped" : "ruleDecided")
        const proven = isTerminal(after.status)
        yield* Effect.logDebug("A resting entry was cancelled", { order: last.id, proven, at: formatInstant(now) })
        return yield* later(proven ? 0 : proofPauseMs)
      }
      case "again":
        return yield* again(rule, row, made, next.as)
      case "end":
        return yield* end(rule, id, next.reason)
    }
  })

  return { step }
})
