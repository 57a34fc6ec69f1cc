import { Duration, Effect } from "effect"
import { awaited, movesWithTime, observe } from "../../domain/rule/decision/levels.ts"
import type { PriceTrigger } from "../../domain/rule/Trigger.ts"
import { MarketClock } from "../../MarketClock.ts"
import type { RuleRow } from "../record/rows.ts"
import { RuleFiring } from "../RuleFiring.ts"
import { Timers } from "../Timers.ts"
import type { PriceTick } from "../RuleMarket.ts"
import { type SymbolIndex, TriggerIndex } from "../TriggerIndex.ts"
import { priceOperands } from "./operands.ts"
import { earliest, makeReadAgain, nextLook } from "./pricing.ts"
import { type Followed, makeReferences } from "./reference.ts"
import { type Holder, untilMarket, type Work } from "./waiting.ts"

/** A trigger that is still true re-arms no sooner: without it a rule without a cooldown would fire without end. */
const shortestRest = Duration.seconds(1)

/** The life of a rule that waits for a price. */
export const makePriced = Effect.gen(function* () {
  const indexes = yield* TriggerIndex
  const timers = yield* Timers
  const firing = yield* RuleFiring
  const clock = yield* MarketClock
  const referenceOf = yield* makeReferences
  const readAgain = yield* makeReadAgain

  const watch = (rule: RuleRow, trigger: PriceTrigger, index: SymbolIndex, reference: Followed) => {
    const { endAt, limits } = rule.document
    const cooldown = Duration.max(limits.cooldown, shortestRest)
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
          const { price: from } = yield* reference.read(now, tick)
          const seen = { reference: from, now, cooldown }
          const observed = tick === null ? null : observe(trigger, runtime.trigger, { ...seen, price: tick.price })
          if (tick !== null && observed !== null && observed.fires) {
            const fresher = yield* readAgain(rule, tick)
            if (fresher !== null) {
              tick = fresher
              continue
            }
            const sequence = runtime.sequence + 1
            runtime = { ...runtime, sequence, trigger: observed.state }
            const { finished } = yield* firing.fire(rule, {
              slot: `n${sequence}`,
              label: trigger.type,
              operands: priceOperands(rule.symbol, trigger, tick, from),
              triggeredAt: now,
              runtime,
              receivedAt: tick === woken ? woken.receivedAt : undefined,
              often: true
            })
            if (finished !== null) return finished
            // The firing took time and may have moved what the trigger is measured from.
            tick = index.last()
            continue
          }
          if (observed !== null && observed.state !== runtime.trigger) {
            runtime = { ...runtime, trigger: observed.state }
            yield* firing.remember(rule, runtime)
          }
          const next = awaited(trigger, runtime.trigger, seen)
          const again = movesWithTime(trigger) ? nextLook(now) : null
          return untilMarket(index, timers, next.bounds, earliest(next.until, again, endAt), look)
        }
      })
    return look(null)
  }

  return (rule: RuleRow, trigger: PriceTrigger, holder: Holder): Work =>
    Effect.flatMap(
      indexes.enter(rule.symbol, (release) => holder.hold(release)),
      (index) =>
        Effect.flatMap(referenceOf(rule, trigger, holder.scope), (reference) =>
          Effect.zipRight(reference.ready, watch(rule, trigger, index, reference))
        )
    )
})
