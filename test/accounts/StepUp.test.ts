import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, type Layer } from "effect"
import { StepUp } from "../../src/accounts/StepUp.ts"
import { UserId } from "../../src/domain/Ids.ts"
import type { Principal } from "../../src/domain/Principal.ts"

const caller = (more: Partial<Principal>): Principal => ({
  userId: UserId.make("user_ann"),
  via: "clerk",
  credentialId: "sess_1",
  scopes: new Set(["manage"]),
  freshMinutes: 0,
  ...more
})

const answer = (layer: Layer.Layer<StepUp>, more: Partial<Principal>) =>
  Effect.flatMap(StepUp, (stepUp) => Effect.either(stepUp.assert(caller(more)))).pipe(
    Effect.map(Either.match({ onLeft: ({ _tag }) => _tag, onRight: () => "allowed" })),
    Effect.provide(layer)
  )

describe("a fresh proof of who asks", () => {
  it.effect("is a factor of ten minutes at most, of a person", () =>
    Effect.gen(function* () {
      const answers = yield* Effect.forEach(
        [
          { freshMinutes: 0 },
          { freshMinutes: 10 },
          { freshMinutes: 11 },
          { freshMinutes: null },
          { via: "apiKey", freshMinutes: null }
        ] satisfies ReadonlyArray<Partial<Principal>>,
        (more) => answer(StepUp.layerClerk, more)
      )
      assert.deepStrictEqual(answers, [
        "allowed",
        "allowed",
        "REVERIFICATION_REQUIRED",
        "REVERIFICATION_REQUIRED",
        "FORBIDDEN"
      ])
    })
  )

  it.effect("is a key of the command line where nobody signs in", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* answer(StepUp.layerLocal, { via: "apiKey", freshMinutes: null }), "allowed")
    })
  )
})
