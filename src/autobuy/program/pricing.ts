import { Duration, Effect } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { dataAgeLimit } from "../../domain/rule/decision/gates.ts"
import type { Instant } from "../../domain/Time.ts"
import type { RuleRow } from "../record/rows.ts"
import { type PriceTick, RuleMarket } from "../RuleMarket.ts"

/** Thresholds that time or other buys move are looked at again with each minute of market time. */
const lookAgainMs = 60_000

export const nextLook = (now: Instant): Instant => (Math.floor(now / lookAgainMs) + 1) * lookAgainMs

export const earliest = (...times: ReadonlyArray<Instant | null>): Instant | null =>
  times.reduce((first, at) => (at === null ? first : first === null ? at : Math.min(first, at)), null)

/** A price that has grown old is read once more before it fires a rule; null when it stands, or nobody answers. */
export const makeReadAgain = Effect.map(RuleMarket, (market) =>
  Effect.fnUntraced(function* (rule: RuleRow, tick: PriceTick) {
    const maxAge = dataAgeLimit(rule.document.gates)
    if ((yield* market.age(rule.symbol)) <= Duration.toMillis(maxAge)) return null
    const view = yield* market.view(rule.symbol, maxAge)
    const isAnswer = view !== null && view.ageMs <= Duration.toMillis(maxAge)
    return isAnswer && !Decimal.equals(view.last, tick.price)
      ? ({ price: view.last, at: view.asOf } satisfies PriceTick)
      : null
  })
)
