import { Context, Effect, Layer, Option, Scope } from "effect"
import { completion, dependsOnSymbol } from "../domain/rule/decision/completion.ts"
import { noUsage } from "../domain/rule/decision/caps.ts"
import type { SymbolInfo } from "../domain/Market.ts"
import type { Instant } from "../domain/Time.ts"
import { MarketClock } from "../MarketClock.ts"
import { makeDepositing } from "./program/depositing.ts"
import { makeListing } from "./program/listing.ts"
import { makePriced } from "./program/priced.ts"
import { makeRebounding } from "./program/rebounding.ts"
import { makeScheduled } from "./program/scheduled.ts"
import { makeUntilEnd } from "./program/untilEnd.ts"
import { type Holder, untilTime, type Wait, type Work } from "./program/waiting.ts"
import type { RuleRow } from "./record/rows.ts"
import { RuleFiring } from "./RuleFiring.ts"
import { RuleMarket } from "./RuleMarket.ts"
import { Timers } from "./Timers.ts"

const orNull = (found: Option.Option<SymbolInfo> | null): SymbolInfo | null =>
  found === null ? null : Option.getOrNull(found)

/** One rule's life, from where it stood to its end. */
export class RuleProgram extends Context.Tag("dipper/autobuy/RuleProgram")<
  RuleProgram,
  {
    /**
     * Ends when the rule waits or has stopped by itself, and tells how. What the run holds is released by the caller when it is over. `settled`: no
     * firing of the rule is under way, and the row counts them all, as at a start.
     */
    readonly run: (rule: RuleRow, holder: Holder, options?: { readonly settled: boolean }) => Work
    /**
     * What a settled rule waits for, where its row and the last price tell: so it is with most at a start, and a hundred
     * thousand fibers that find nothing to do take longer than all the rest of it. Null where it has to run.
     */
    readonly parked: (rule: RuleRow, holder: Holder, now: Instant) => Wait | null
  }
>() {
  static readonly layer = Layer.effect(
    RuleProgram,
    Effect.gen(function* () {
      const firing = yield* RuleFiring
      const timers = yield* Timers
      const market = yield* RuleMarket
      const clock = yield* MarketClock
      const scheduled = yield* makeScheduled
      const priced = yield* makePriced
      const rebounding = yield* makeRebounding
      const depositing = yield* makeDepositing
      const listing = yield* makeListing
      const untilEnd = yield* makeUntilEnd

      const wait = (rule: RuleRow, holder: Holder): Work => {
        const { trigger } = rule.document
        switch (trigger.type) {
          case "schedule.every":
          case "schedule.calendar":
            return scheduled(rule, trigger)
          case "price.level":
          case "price.drop":
            return priced.run(rule, trigger, holder)
          case "price.rebound":
            return rebounding(rule, trigger, holder)
          case "balance.available":
            return Effect.flatMap(holder.scope, (scope) => Scope.extend(depositing(rule, trigger), scope))
          case "listing.tradable":
            return listing(rule)
          case "signal":
          case "manual":
            return Effect.succeed(untilEnd(rule))
        }
      }

      const symbolOf = ({ document, symbol }: RuleRow) =>
        dependsOnSymbol(document) ? Effect.map(market.symbol(symbol), orNull) : Effect.succeed(null)

      /** Whether the row alone tells that the rule has something left to do. */
      const hasMoreAt = (rule: RuleRow, symbol: SymbolInfo | null, now: Instant): boolean => {
        const { document, executed_count: executions, spent_total: total } = rule
        return completion(document, { ...noUsage, total, executions }, symbol, now) === null
      }

      const hasMore = (rule: RuleRow) =>
        Effect.flatMap(symbolOf(rule), (symbol) => Effect.map(clock.now, (now) => hasMoreAt(rule, symbol, now)))

      const parked = (rule: RuleRow, holder: Holder, now: Instant): Wait | null => {
        const { document } = rule
        const { startAt, trigger } = document
        if (trigger.type !== "price.level") return null
        if (dependsOnSymbol(document) || !hasMoreAt(rule, null, now)) return null
        return startAt !== null && now < startAt ? null : priced.parked(rule, trigger, holder, now)
      }

      /** With the firings of an earlier run first. */
      const settleAndBegin = Effect.fnUntraced(function* (rule: RuleRow, holder: Holder) {
        return (yield* firing.resume(rule)) ?? (yield* firing.finished(rule)) ?? (yield* begin(rule, holder))
      })

      const begin = (rule: RuleRow, holder: Holder): Work => {
        const { startAt } = rule.document
        if (startAt === null) return wait(rule, holder)
        return Effect.flatMap(clock.now, (now) =>
          now < startAt ? Effect.succeed(untilTime(timers, startAt, () => wait(rule, holder))) : wait(rule, holder)
        )
      }

      // Without a generator, as everything on the way of a rule to its wait: a start goes it a hundred thousand times.
      const run = (rule: RuleRow, holder: Holder, options?: { readonly settled: boolean }): Work =>
        options?.settled === true
          ? Effect.flatMap(hasMore(rule), (more) => (more ? begin(rule, holder) : settleAndBegin(rule, holder)))
          : settleAndBegin(rule, holder)

      return RuleProgram.of({ run, parked })
    })
  )
}
