import { Effect } from "effect"
import { MarketClock } from "../../MarketClock.ts"
import type { RuleRow } from "../record/rows.ts"
import { RuleFiring } from "../RuleFiring.ts"
import { RuleMarket } from "../RuleMarket.ts"
import { Timers } from "../Timers.ts"
import { listingOperands } from "./operands.ts"
import { makeUntilEnd } from "./untilEnd.ts"

/** A listing happens once, and so does its firing. */
const slot = "listed"

/** The life of a rule that waits for the venue to take orders for its symbol, which it may not know yet. */
export const makeListing = Effect.gen(function* () {
  const firing = yield* RuleFiring
  const market = yield* RuleMarket
  const timers = yield* Timers
  const clock = yield* MarketClock
  const untilEnd = yield* makeUntilEnd

  return Effect.fnUntraced(function* (rule: RuleRow) {
    const { endAt } = rule.document

    const listed = Effect.as(market.whenTradable(rule.symbol), true)
    if (rule.runtime.listed !== true) {
      const isListed = yield* endAt === null
        ? listed
        : Effect.raceFirst(listed, Effect.as(timers.sleepUntil(endAt), false))
      if (isListed) {
        const now = yield* clock.now
        const { finished } = yield* firing.fire(rule, {
          slot,
          label: "listing.tradable",
          operands: listingOperands(rule.symbol, now),
          triggeredAt: now,
          runtime: { ...rule.runtime, listed: true }
        })
        if (finished !== null) return finished
      }
    }
    return untilEnd(rule)
  })
})
