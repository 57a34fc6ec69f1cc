import { Context, Effect, Layer } from "effect"
import type { RuleId, UserId } from "../../../domain/Ids.ts"

type Handler = (userId: UserId, ruleId: RuleId) => Effect.Effect<void>

/** Tells the engine of cycles that a rule, its orders or its cycle have changed; losing one costs time, never an order. */
export class CycleSignals extends Context.Tag("dipper/autobuy/CycleSignals")<
  CycleSignals,
  {
    readonly changed: Handler
    /** Who runs the cycles listens here; before it does there is nobody to tell. */
    readonly listen: (handler: Handler) => Effect.Effect<void>
  }
>() {
  static readonly layer = Layer.sync(CycleSignals, () => {
    let tell: Handler = () => Effect.void
    return CycleSignals.of({
      changed: (userId, ruleId) => Effect.suspend(() => tell(userId, ruleId)),
      listen: (handler) => Effect.sync(() => void (tell = handler))
    })
  })
}
