import { Context, Effect, Layer } from "effect"
import { StepUp } from "../accounts/StepUp.ts"
import type { DatabaseUnavailable, Forbidden, ReverificationRequired } from "../api/Errors.ts"
import { type Limits, type LimitsInForce, loosens } from "../domain/Limits.ts"
import type { Principal } from "../domain/Principal.ts"
import { LimitsRepo } from "../orders/limits/LimitsRepo.ts"
import { TradingLimits } from "../orders/limits/TradingLimits.ts"

/** Who may change the limits of a user, and how. */
export class Limiting extends Context.Tag("dipper/service/Limiting")<
  Limiting,
  {
    /** Less is always allowed; more needs a fresh proof of who asks. */
    readonly change: (
      principal: Principal,
      limits: Limits
    ) => Effect.Effect<LimitsInForce, Forbidden | ReverificationRequired | DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    Limiting,
    Effect.gen(function* () {
      const limits = yield* LimitsRepo
      const { inForce } = yield* TradingLimits
      const stepUp = yield* StepUp

      const change = Effect.fn("Limiting.change")(function* (principal: Principal, asked: Limits) {
        yield* limits.change(principal.userId, (before) =>
          Effect.as(loosens(before, asked) ? stepUp.assert(principal) : Effect.void, asked)
        )
        return yield* inForce(principal.userId)
      })

      return Limiting.of({ change })
    })
  )
}
