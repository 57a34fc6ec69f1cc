import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { StepUp } from "../../src/accounts/StepUp.ts"
import { unsafe as d, zero } from "../../src/domain/Decimal.ts"
import { UserId } from "../../src/domain/Ids.ts"
import { type Limits, type LimitsInForce, unlimited } from "../../src/domain/Limits.ts"
import type { Principal } from "../../src/domain/Principal.ts"
import { TradingLimits } from "../../src/orders/limits/TradingLimits.ts"
import { Limiting } from "../../src/service/Limiting.ts"

const caller = (freshMinutes: number): Principal => ({
  userId: UserId.make("user_ann"),
  via: "clerk",
  credentialId: "sess_1",
  scopes: new Set(["manage"]),
  freshMinutes
})
const perDay = (amount: string): Limits => ({ ...unlimited, user: { ...unlimited.user, perDay: d(amount) } })
const used = { day: zero, week: zero, month: zero, openOrders: 0 }

/** Limits in memory. */
const limits = Layer.sync(TradingLimits, () => {
  let now: LimitsInForce = { ...perDay("100"), quoteAsset: "USDT", used }
  const inForce = () => Effect.sync(() => now)
  return TradingLimits.of({
    prepare: () => Effect.dieMessage("no order here"),
    inForce,
    set: (_, given) =>
      Effect.zipRight(
        Effect.sync(() => (now = { ...now, ...given })),
        inForce()
      )
  })
})

describe("the limits of a person", () => {
  it.effect("go down at any time, and up only with a fresh proof", () =>
    Effect.gen(function* () {
      const { change } = yield* Limiting
      yield* change(caller(600), perDay("50"))
      const refused = yield* Effect.flip(change(caller(600), perDay("51")))
      assert.strictEqual(refused._tag, "REVERIFICATION_REQUIRED")
      const raised = yield* change(caller(3), perDay("51"))
      assert.deepStrictEqual(raised.user.perDay, d("51"))
    }).pipe(Effect.provide(Limiting.layer.pipe(Layer.provide([limits, StepUp.layerClerk]))))
  )
})
