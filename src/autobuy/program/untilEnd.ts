import { Effect } from "effect"
import type { RuleRow } from "../record/rows.ts"
import { RuleFiring } from "../RuleFiring.ts"
import { Timers } from "../Timers.ts"

/** A rule that only others fire, by hand or by signal; it can still come to its end. */
export const untilEnd = Effect.fnUntraced(function* (rule: RuleRow) {
  const { endAt } = rule.document
  if (endAt === null) return yield* Effect.never
  const timers = yield* Timers
  const firing = yield* RuleFiring
  yield* timers.sleepUntil(endAt)
  return (yield* firing.finished(rule)) ?? (yield* Effect.never)
})
