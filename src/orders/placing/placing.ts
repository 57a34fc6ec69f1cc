import { Effect } from "effect"
import { makeFollowing } from "../following/following.ts"
import { makeAdmitting } from "./admitting.ts"
import { makeAuditing } from "./auditing.ts"
import { makeApproving } from "./approving.ts"
import { makeForRule } from "./forRule.ts"
import { makeManual } from "./manual.ts"
import type { Steps } from "./Steps.ts"
import { makeWorking } from "./working.ts"

/** The two ways an order comes about, and its rehearsal. */
export const makePlacing = Effect.gen(function* () {
  const approving = yield* makeApproving
  const { decided, tellingRefusal } = yield* makeAuditing
  const following = yield* makeFollowing
  const steps: Steps = {
    ...approving,
    admit: yield* makeAdmitting({ decided }),
    tellingRefusal,
    finish: yield* makeWorking,
    // Intents are never deleted, so an order that was just committed is there.
    waitFor: (...order) => Effect.catchTag(following.waitFor(...order), "NOT_FOUND", Effect.die)
  }
  return { preview: approving.preview, ...(yield* makeManual(steps)), placeForRule: yield* makeForRule(steps) }
})
