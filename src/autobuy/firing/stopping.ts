import { Effect, Option } from "effect"
import type { RuleId, UserId } from "../../domain/Ids.ts"
import type { Reason } from "../../domain/Reason.ts"
import type { RuleState } from "../../domain/Rule.ts"
import type { Instant } from "../../domain/Time.ts"
import { Database } from "../../store/Database.ts"
import { RulesRepo } from "../RulesRepo.ts"
import { makeMissing } from "./missing.ts"

/** Changes of a rule's state; with the end of its activity, what was due and had no turn yet is recorded as missed. */
export const makeStopping = Effect.gen(function* () {
  const database = yield* Database
  const rules = yield* RulesRepo
  const missing = yield* makeMissing

  return (
    userId: UserId,
    id: RuleId,
    from: ReadonlyArray<RuleState>,
    to: { readonly state: RuleState; readonly reason: Reason | null; readonly at: Instant }
  ) =>
    database.write(
      Effect.gen(function* () {
        const row = Option.getOrNull(yield* rules.find(userId, id))
        if (row?.state === "active" && from.includes("active")) yield* missing.due(row, to.at)
        return yield* rules.setState(userId, id, from, to)
      })
    )
})
