import { Duration, Effect } from "effect"
import { awaited, movesWithTime, type Observation, observe } from "../../domain/rule/decision/levels.ts"
import type { PriceLevel, PriceTrigger } from "../../domain/rule/Trigger.ts"
import type { Instant } from "../../domain/Time.ts"
import { MarketClock } from "../../MarketClock.ts"
import type { RuleRow, Runtime } from "../record/rows.ts"
import { RuleFiring } from "../RuleFiring.ts"
import { Timers } from "../Timers.ts"
import type { PriceTick } from "../RuleMarket.ts"
import { type SymbolIndex, TriggerIndex } from "../TriggerIndex.ts"
import { priceOperands } from "./operands.ts"
import { earliest, makeReadAgain, nextLook } from "./pricing.ts"
import { type Followed, makeReferences, unmeasured } from "./reference.ts"
import { type Holder, untilMarket, type Wait, type Work } from "./waiting.ts"

/** A trigger that is still true re-arms no sooner: without it a rule without a cooldown would fire without end. */
const shortestRest = Duration.seconds(1)

/** A rule that waits for a price: what it looks with, and what it remembers. */
interface Watched {
  readonly rule: RuleRow
  readonly trigger: PriceTrigger
  readonly index: SymbolIndex
  readonly reference: Followed
  readonly cooldown: Duration.Duration
  /** How it goes on after each of its waits. */
  readonly again: (woken: PriceTick | null) => Work
  runtime: Runtime
}

/** The life of a rule that waits for a price. */
export const makePriced = Effect.gen(function* () {
  const indexes = yield* TriggerIndex
  const timers = yield* Timers
  const firing = yield* RuleFiring
  const clock = yield* MarketClock
  const referenceOf = yield* makeReferences
  const readAgain = yield* makeReadAgain

  /** Until there is nothing left to do but wait. One generator function for all looks: a new one for each took 7 % of a tick. */
  const look: (watched: Watched, woken: PriceTick | null) => Work = Effect.fnUntraced(function* (watched, woken) {
    const { cooldown, index, reference, rule, trigger } = watched
    const { endAt } = rule.document
    let tick = woken ?? index.last()
    for (;;) {
      const now = yield* clock.now
      if (endAt !== null && now >= endAt) {
        const finished = yield* firing.finished(rule)
        if (finished !== null) return finished
      }
      const { price: from } = yield* reference.read(now, tick)
      const seen = { reference: from, now, cooldown }
      const before = watched.runtime
      const observed = tick === null ? null : observe(trigger, before.trigger, { ...seen, price: tick.price })
      if (tick !== null && observed !== null && observed.fires) {
        const fresher = yield* readAgain(rule, tick)
        if (fresher !== null) {
          tick = fresher
          continue
        }
        const sequence = before.sequence + 1
        const runtime = { ...before, sequence, trigger: observed.state }
        watched.runtime = runtime
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
      if (observed !== null && observed.state !== before.trigger) {
        watched.runtime = { ...before, trigger: observed.state }
        yield* firing.remember(rule, watched.runtime)
      }
      return untilSeen(watched, seen)
    }
  })

  /** Until something could change what was seen. */
  const untilSeen = ({ again, index, rule, runtime, trigger }: Watched, seen: Omit<Observation, "price">): Wait => {
    const next = awaited(trigger, runtime.trigger, seen)
    const later = movesWithTime(trigger) ? nextLook(seen.now) : null
    return untilMarket(index, timers, next.bounds, earliest(next.until, later, rule.document.endAt), again)
  }

  const watch = (rule: RuleRow, trigger: PriceTrigger, index: SymbolIndex, reference: Followed): Watched => {
    const cooldown = Duration.max(rule.document.limits.cooldown, shortestRest)
    const again = (woken: PriceTick | null) => look(watched, woken)
    const watched: Watched = { rule, trigger, index, reference, cooldown, again, runtime: rule.runtime }
    return watched
  }

  const run = (rule: RuleRow, trigger: PriceTrigger, holder: Holder): Work =>
    Effect.flatMap(
      indexes.enter(rule.symbol, (release) => holder.hold(release)),
      (index) =>
        Effect.flatMap(referenceOf(rule, trigger, holder.scope), (reference) =>
          Effect.zipRight(reference.ready, look(watch(rule, trigger, index, reference), null))
        )
    )

  /** What it waits for, where the last price is known here and changes nothing. */
  const parked = (rule: RuleRow, trigger: PriceLevel, holder: Holder, now: Instant): Wait | null => {
    const opened = indexes.opened(rule.symbol)
    if (opened === null) return null
    const watched = watch(rule, trigger, opened.index, unmeasured)
    const seen = { reference: null, now, cooldown: watched.cooldown }
    const tick = opened.index.last()
    const { trigger: before } = rule.runtime
    if (tick !== null && observe(trigger, before, { ...seen, price: tick.price }).state !== before) return null
    opened.join((release) => holder.hold(release))
    return untilSeen(watched, seen)
  }

  return { run, parked }
})
