import { Effect, Queue } from "effect"
import { afterBalance, balanceStep, freshBalance } from "../../domain/rule/decision/balance.ts"
import type { BalanceAvailable } from "../../domain/rule/Trigger.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Wallets } from "../../portfolio/Wallets.ts"
import type { RuleRow } from "../record/rows.ts"
import { RuleFiring } from "../RuleFiring.ts"
import { Timers } from "../Timers.ts"
import { balanceOperands } from "./operands.ts"

/** The life of a rule that waits for money. Changes of the wallet wake it; the venue is not asked. */
export const makeDepositing = Effect.gen(function* () {
  const wallets = yield* Wallets
  const timers = yield* Timers
  const firing = yield* RuleFiring
  const clock = yield* MarketClock

  return Effect.fnUntraced(function* (rule: RuleRow, trigger: BalanceAvailable) {
    const { endAt } = rule.document
    const changes = yield* Queue.sliding<void>(1)
    // Watched before the first look, so that nothing comes between.
    yield* wallets.onChange(rule.user_id, () => void Queue.unsafeOffer(changes, undefined))
    const read = wallets.keptFreeOf(rule.user_id, trigger.asset)
    const change =
      endAt === null ? Queue.take(changes) : Effect.raceFirst(Queue.take(changes), timers.sleepUntil(endAt))
    let runtime = rule.runtime

    for (;;) {
      const now = yield* clock.now
      if (endAt !== null && now >= endAt) {
        const finished = yield* firing.finished(rule)
        if (finished !== null) return finished
      }
      const free = yield* read
      const before = runtime.balance ?? freshBalance
      const step = balanceStep(trigger, before, free)
      if (step.fires) {
        const sequence = runtime.sequence + 1
        runtime = { ...runtime, sequence, balance: step.state }
        const { execution, finished } = yield* firing.fire(rule, {
          slot: `n${sequence}`,
          label: trigger.type,
          operands: balanceOperands(trigger.asset, free, trigger.atLeast, now),
          triggeredAt: now,
          runtime,
          often: true
        })
        if (finished !== null) return finished
        // A firing that bought nothing has not used the balance it saw: what comes on top of it is news.
        const boughtNothing = execution.outcome === "skipped" || execution.outcome === "failed"
        runtime = { ...runtime, balance: afterBalance(!boughtNothing, free) }
        yield* firing.remember(rule, runtime)
      } else if (step.state !== before) {
        runtime = { ...runtime, balance: step.state }
        yield* firing.remember(rule, runtime)
      }
      yield* change
    }
  })
})
