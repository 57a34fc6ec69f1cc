import { Context, Effect, Layer } from "effect"
import { StepUp } from "../accounts/StepUp.ts"
import type { DatabaseUnavailable, Forbidden, ReverificationRequired } from "../api/Errors.ts"
import { type Limits, type LimitsInForce, loosens } from "../domain/Limits.ts"
import type { Principal } from "../domain/Principal.ts"
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
      const limits = yield* TradingLimits
      const stepUp = yield* StepUp

      const change = Effect.fn("Limiting.change")(function* (principal: Principal, asked: Limits) {
        if (loosens(yield* limits.inForce(principal.userId), asked)) yield* stepUp.assert(principal)
        return yield* limits.set(principal.userId, asked)
      })

      return Limiting.of({ change })
    })
  )
}
