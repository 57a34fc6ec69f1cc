import { Context, Effect, Layer } from "effect"
import { Forbidden, ReverificationRequired } from "../api/Errors.ts"
import type { Principal } from "../domain/Principal.ts"

/** What a stolen session or key must not be enough for. */
export class StepUp extends Context.Tag("dipper/accounts/StepUp")<
  StepUp,
  {
    /** The caller has proven lately who they are. */
    readonly assert: (principal: Principal) => Effect.Effect<void, Forbidden | ReverificationRequired>
  }
>() {
  /** Nobody signs in: whoever has a key of the command line is the owner. */
  static readonly layerLocal = Layer.succeed(StepUp, { assert: () => Effect.void })

  /** People prove it to Clerk; a key can prove nothing. */
  static readonly layerClerk = Layer.succeed(StepUp, {
    assert: ({ freshMinutes, via }) => {
      if (via === "apiKey")
        return new Forbidden({ message: "This needs a person who is signed in; a key cannot do it." })
      if (freshMinutes !== null && freshMinutes <= freshForMinutes) return Effect.void
      return new ReverificationRequired({
        message: `Prove again who you are: this needs a factor that is at most ${freshForMinutes} minutes old.`
      })
    }
  })
}

const freshForMinutes = 10
