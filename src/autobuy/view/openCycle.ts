import { Effect, Option } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { SymbolInfo } from "../../domain/Market.ts"
import { exitPlan } from "../../domain/rule/decision/cycle/exitPlan.ts"
import { trailingStop } from "../../domain/rule/decision/cycle/trail.ts"
import type { NextFiring, Trailing } from "../../domain/rule/shape/Computed.ts"
import { nextOfCycle } from "../../domain/rule/words.ts"
import { CyclesRepo } from "../record/cycle/CyclesRepo.ts"
import type { RuleRow } from "../record/rows.ts"

export interface OpenCycle {
  /** The sale that is waited for; null when the cycle has no exit. */
  readonly next: NextFiring | null
  readonly trailing: Trailing | null
  /** Further firings are ignored until the cycle has ended. */
  readonly ignoresFirings: boolean
}

/** What a rule's open cycle waits for, on the version it began with. */
export const makeOpenCycle = Effect.gen(function* () {
  const cycles = yield* CyclesRepo

  return Effect.fnUntraced(function* (rule: RuleRow, symbol: SymbolInfo | null, last: Decimal.Decimal | null) {
    const open = yield* cycles.openOf(rule.user_id, rule.rule_id)
    if (Option.isNone(open)) return null
    const cycle = open.value
    const { cycle: terms, exit } = yield* cycles.document(cycle)
    const ignoresFirings = terms.whileOpen === "ignore"
    const { bought, lots } = yield* cycles.lots(rule.user_id, cycle.cycle_id)
    if (exit === null || symbol === null || !Decimal.isPositive(lots.quantity))
      return { next: null, trailing: null, ignoresFirings } satisfies OpenCycle
    const sales = (yield* cycles.executions(rule.user_id, cycle.cycle_id)).filter(({ kind }) => kind === "exit")
    const done = new Set(sales.filter(({ outcome }) => outcome === "executed").map(({ level }) => level - 1))
    const averageCost = Decimal.divide(lots.totalCost, lots.quantity)
    const plan = exitPlan(exit, { averageCost, quantity: lots.quantity, bought, done }, symbol)
    const { high } = cycle.memory
    const stop = exit.trailing === null || high === null ? null : trailingStop(exit.trailing, high)
    // On the venue's steps, as the market is: a cost carries more decimals than an answer may have.
    const arm = plan.arm === null ? null : Decimal.quantise(plan.arm, symbol.priceTick, "ceil")
    const sells = stop === null ? null : Decimal.quantise(stop, symbol.priceTick, "floor")
    return {
      next: nextOfCycle({ symbol: rule.symbol, plan, trailingStop: stop, last, tick: symbol.priceTick }),
      trailing:
        exit.trailing === null
          ? null
          : { side: "sell", armed: high !== null, extreme: high, firesAt: sells ?? arm, expiresAt: null },
      ignoresFirings
    } satisfies OpenCycle
  })
})
