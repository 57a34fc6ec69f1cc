import { Effect } from "effect"
import { freshRebound, reboundAwaited, reboundStep } from "../../domain/rule/decision/rebound.ts"
import type { PriceRebound } from "../../domain/rule/Trigger.ts"
import { MarketClock } from "../../MarketClock.ts"
import type { RuleRow } from "../record/rows.ts"
import { RuleFiring } from "../RuleFiring.ts"
import { Timers } from "../Timers.ts"
import type { PriceTick } from "../RuleMarket.ts"
import { TriggerIndex } from "../TriggerIndex.ts"
import { reboundOperands } from "./operands.ts"
import { earliest, makeReadAgain, nextLook } from "./pricing.ts"
import { makeReferences } from "./reference.ts"
import { type Holder, untilMarket, type Work } from "./waiting.ts"

/** The life of a trailing buy. The low it follows is kept with each change, so that a restart follows the same one. */
export const makeRebounding = Effect.gen(function* () {
  const indexes = yield* TriggerIndex
  const timers = yield* Timers
  const firing = yield* RuleFiring
  const clock = yield* MarketClock
  const referenceOf = yield* makeReferences
  const readAgain = yield* makeReadAgain

  return Effect.fnUntraced(function* (rule: RuleRow, trigger: PriceRebound, holder: Holder) {
    const { endAt } = rule.document
    const index = yield* indexes.enter(rule.symbol, (release) => holder.hold(release))
    const reference = yield* referenceOf(rule, trigger, holder.scope)
    yield* reference.ready
    let runtime = rule.runtime

    /** Until there is nothing left to do but wait. */
    const look = (woken: PriceTick | null): Work =>
      Effect.gen(function* () {
        let tick = woken ?? index.last()
        for (;;) {
          const now = yield* clock.now
          if (endAt !== null && now >= endAt) {
            const finished = yield* firing.finished(rule)
            if (finished !== null) return finished
          }
          const before = runtime.rebound ?? freshRebound
          const { price: from } = yield* reference.read(now, tick)
          const seen = tick
          const step = seen === null ? null : reboundStep(trigger, before, { price: seen.price, reference: from, now })
          if (seen !== null && step !== null && step.fires) {
            const fresher = yield* readAgain(rule, seen)
            if (fresher !== null) {
              tick = fresher
              continue
            }
            const sequence = runtime.sequence + 1
            runtime = { ...runtime, sequence, rebound: step.state }
            const { finished } = yield* firing.fire(rule, {
              slot: `n${sequence}`,
              label: trigger.type,
              operands: reboundOperands(rule.symbol, trigger, before, seen, from),
              triggeredAt: now,
              runtime,
              often: true
            })
            if (finished !== null) return finished
            tick = index.last()
            continue
          }
          if (step !== null && step.state !== before) {
            runtime = { ...runtime, rebound: step.state }
            yield* firing.remember(rule, runtime)
            continue
          }
          const next = reboundAwaited(trigger, before, from)
          // Only what the fall is measured from moves with time; a low that is followed does not.
          const again = trigger.from.type === "fixed" || before.phase === "falling" ? null : nextLook(now)
          return untilMarket(index, timers, next.bounds, earliest(next.until, again, endAt), look)
        }
      })
    return yield* look(null)
  })
})
