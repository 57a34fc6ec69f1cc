import { Effect, Scope } from "effect"
import type { DatabaseUnavailable } from "../../api/Errors.ts"
import * as Decimal from "../../domain/Decimal.ts"
import type { DropFrom, PriceRebound, PriceTrigger } from "../../domain/rule/Trigger.ts"
import type { WindowReading } from "../../domain/RollingWindow.ts"
import type { Instant } from "../../domain/Time.ts"
import { type BookScope, Books } from "../../portfolio/Books.ts"
import type { RuleRow } from "../record/rows.ts"
import { type PriceTick, RuleMarket } from "../RuleMarket.ts"

/** What a price trigger is measured from at an instant; `warmup` tells how far a window is covered. */
export interface Reference {
  readonly price: Decimal.Decimal | null
  readonly warmup: WindowReading | null
}

const fixed = (price: Decimal.Decimal | null): Reference => ({ price, warmup: null })

const scopeOf = (rule: RuleRow, scope: "rule" | "symbol"): BookScope =>
  scope === "rule" ? { scope, ruleId: rule.rule_id } : { scope }

/** `ready` once it can be read. */
export interface Followed {
  readonly ready: Effect.Effect<void>
  readonly read: (now: Instant, tick: PriceTick | null) => Effect.Effect<Reference, DatabaseUnavailable>
}

/** Follows what a rule's price trigger is measured from, while the scope lives. */
export const makeReferences = Effect.gen(function* () {
  const market = yield* RuleMarket
  const books = yield* Books

  return (
    rule: RuleRow,
    trigger: PriceTrigger | PriceRebound,
    scope: Effect.Effect<Scope.Scope>
  ): Effect.Effect<Followed> => {
    if (trigger.type === "price.level") return Effect.succeed(unmeasured)
    const { from } = trigger
    switch (from.type) {
      case "fixed":
        return always(Effect.succeed(fixed(from.price)))
      case "lastBuy":
        return always(Effect.map(books.lastBuy(rule.user_id, rule.symbol, scopeOf(rule, from.scope)), fixed))
      case "averageCost":
        return always(Effect.map(books.averageCost(rule.user_id, rule.symbol, scopeOf(rule, from.scope)), fixed))
      case "highOf":
      case "openOf": {
        const kept = market.window(rule.symbol, { kind: from.type, length: from.window })
        return Effect.map(
          Effect.flatMap(scope, (holding) => Scope.extend(kept, holding)),
          (window) => ({
            ready: window.ready,
            read: (now: Instant, tick: PriceTick | null) => Effect.sync(() => withTick(from, window.read(now), tick))
          })
        )
      }
    }
  }
})

/** The same for one look. */
export const makeReference = (rule: RuleRow, trigger: PriceTrigger | PriceRebound) =>
  Effect.flatMap(Effect.all([makeReferences, Effect.scope]), ([referenceOf, scope]) =>
    referenceOf(rule, trigger, Effect.succeed(scope))
  )

const unmoved = (read: ReturnType<Followed["read"]>): Followed => ({ ready: Effect.void, read: () => read })

const always = (read: ReturnType<Followed["read"]>): Effect.Effect<Followed> => Effect.succeed(unmoved(read))

/** Of a trigger that knows its price itself. */
export const unmeasured = unmoved(Effect.succeed(fixed(null)))

/** The tick a rule looks at belongs to the window, whether or not the window has heard of it yet. */
const withTick = (from: DropFrom, warmup: WindowReading, tick: PriceTick | null): Reference => {
  const { value } = warmup
  const price = value !== null && tick !== null && from.type === "highOf" ? Decimal.max(value, tick.price) : value
  return { price, warmup }
}
