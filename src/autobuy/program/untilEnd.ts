import { Effect } from "effect"
import type { RuleRow } from "../record/rows.ts"
import { RuleFiring } from "../RuleFiring.ts"
import { Timers } from "../Timers.ts"
import { forEver, untilTime, type Step, type Work } from "./waiting.ts"

/** A rule that only others fire, by hand or by signal; it can still come to its end. */
export const makeUntilEnd = Effect.gen(function* () {
  const timers = yield* Timers
  const firing = yield* RuleFiring

  return (rule: RuleRow): Step => {
    const { endAt } = rule.document
    const end = (): Work => Effect.map(firing.finished(rule), (finished) => finished ?? forEver)
    return endAt === null ? forEver : untilTime(timers, endAt, end)
  }
})
