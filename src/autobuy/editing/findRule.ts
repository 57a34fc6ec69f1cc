import { Effect, Option } from "effect"
import { NotFound } from "../../api/Errors.ts"
import type { RuleId, UserId } from "../../domain/Ids.ts"
import type { RulesRepo } from "../RulesRepo.ts"

/** A rule of this user; another user's is not there either. */
export const findRule = (rules: RulesRepo["Type"], userId: UserId, id: RuleId) =>
  Effect.flatMap(
    rules.find(userId, id),
    Option.match({
      onNone: () => Effect.fail(new NotFound({ message: `You have no rule ${id}.` })),
      onSome: Effect.succeed
    })
  )
