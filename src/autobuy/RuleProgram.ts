import { Context, Effect, Layer } from "effect"
import { MarketClock } from "../MarketClock.ts"
import { Books } from "../portfolio/Books.ts"
import { Wallets } from "../portfolio/Wallets.ts"
import type { Finished, Stuck } from "./firing/records.ts"
import { depositing } from "./program/depositing.ts"
import { listing } from "./program/listing.ts"
import { priced } from "./program/priced.ts"
import { rebounding } from "./program/rebounding.ts"
import { scheduled } from "./program/scheduled.ts"
import { untilEnd } from "./program/untilEnd.ts"
import type { RuleRow } from "./record/rows.ts"
import { RuleFiring } from "./RuleFiring.ts"
import { RuleMarket } from "./RuleMarket.ts"
import { RulesRepo } from "./RulesRepo.ts"
import { Timers } from "./Timers.ts"
import { TriggerIndex } from "./TriggerIndex.ts"

/** One rule's life, from where it stood to its end. */
export class RuleProgram extends Context.Tag("dipper/autobuy/RuleProgram")<
  RuleProgram,
  {
    /** Ends when the rule has stopped by itself, and tells how. */
    readonly run: (rule: RuleRow) => Effect.Effect<Finished, Stuck>
  }
>() {
  static readonly layer = Layer.effect(
    RuleProgram,
    Effect.gen(function* () {
      const services = yield* Effect.context<
        TriggerIndex | Timers | RuleFiring | RulesRepo | RuleMarket | Books | Wallets | MarketClock
      >()
      const firing = yield* RuleFiring
      const timers = yield* Timers

      const wait = (rule: RuleRow) => {
        const { trigger } = rule.document
        switch (trigger.type) {
          case "schedule.every":
          case "schedule.calendar":
            return scheduled(rule, trigger)
          case "price.level":
          case "price.drop":
            return priced(rule, trigger)
          case "price.rebound":
            return rebounding(rule, trigger)
          case "balance.available":
            return depositing(rule, trigger)
          case "listing.tradable":
            return listing(rule)
          case "signal":
          case "manual":
            return untilEnd(rule)
        }
      }

      const run = Effect.fnUntraced(function* (rule: RuleRow) {
        const stopped = (yield* firing.resume(rule)) ?? (yield* firing.finished(rule))
        if (stopped !== null) return stopped
        if (rule.document.startAt !== null) yield* timers.sleepUntil(rule.document.startAt)
        return yield* wait(rule)
      })

      return RuleProgram.of({ run: (rule) => Effect.provide(Effect.scoped(run(rule)), services) })
    })
  )
}
