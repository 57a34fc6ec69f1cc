import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { StepUp } from "../../src/accounts/StepUp.ts"
import type { Decimal } from "../../src/domain/Decimal.ts"
import { type Limits, unlimited } from "../../src/domain/Limits.ts"
import type { Principal } from "../../src/domain/Principal.ts"
import { Symbols } from "../../src/market/Symbols.ts"
import { TickerHub } from "../../src/market/TickerHub.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { LimitsRepo } from "../../src/orders/limits/LimitsRepo.ts"
import { TradingLimits } from "../../src/orders/limits/TradingLimits.ts"
import { Books } from "../../src/portfolio/Books.ts"
import { Ledger } from "../../src/portfolio/Ledger.ts"
import { Wallets } from "../../src/portfolio/Wallets.ts"
import { Limiting } from "../../src/service/Limiting.ts"
import { Events } from "../../src/store/Events.ts"
import * as TestDatabase from "../kit/TestDatabase.ts"
import { addUsers, ann, d } from "../orders/kit/orders.ts"

const caller = (freshMinutes: number): Principal => ({
  userId: ann,
  via: "clerk",
  credentialId: "sess_1",
  scopes: new Set(["manage"]),
  freshMinutes
})
const perDay = (amount: string): Limits => ({ ...unlimited, user: { ...unlimited.user, perDay: d(amount) } })
const dayOf = ({ user }: Limits): Decimal | null => user.perDay

const layer = Limiting.layer.pipe(
  Layer.provide(StepUp.layerClerk),
  Layer.provide(TradingLimits.layer),
  Layer.provideMerge(LimitsRepo.layer),
  Layer.provide(Ledger.layer),
  Layer.provide(Events.layer),
  Layer.provide(
    Layer.mergeAll(
      Layer.mock(Books, {}),
      Layer.mock(Symbols, {}),
      Layer.mock(TickerHub, {}),
      Layer.mock(Wallets, {}),
      MarketClock.layer
    )
  ),
  Layer.provideMerge(TestDatabase.layer)
)

describe("the limits of a person", () => {
  it.scoped("go down at any time, and up only with a fresh proof", () =>
    Effect.gen(function* () {
      yield* addUsers
      const { change } = yield* Limiting
      yield* change(caller(600), perDay("50"))
      const refused = yield* Effect.flip(change(caller(600), perDay("51")))
      assert.strictEqual(refused._tag, "REVERIFICATION_REQUIRED")
      const raised = yield* change(caller(3), perDay("51"))
      assert.deepStrictEqual(dayOf(raised), d("51"))
    }).pipe(Effect.provide(layer))
  )

  it.scoped("do not go up without one because they go down at the same time", () =>
    Effect.gen(function* () {
      yield* addUsers
      const { change } = yield* Limiting
      const limits = yield* LimitsRepo
      yield* limits.change(ann, () => Effect.succeed(perDay("100")))
      // The second asks for no more than is in force while the first is under way, and for twice as much afterwards.
      yield* Effect.all([change(caller(600), perDay("50")), Effect.either(change(caller(600), perDay("100")))], {
        concurrency: 2
      })
      assert.deepStrictEqual(dayOf(yield* limits.of(ann)), d("50"))
    }).pipe(Effect.provide(layer))
  )
})
