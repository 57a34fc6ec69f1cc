import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { awaitMarket } from "../../../src/autobuy/program/waiting.ts"
import { Timers } from "../../../src/autobuy/Timers.ts"
import { TriggerIndex } from "../../../src/autobuy/TriggerIndex.ts"
import { btc, d } from "../../domain/rule/fixtures.ts"
import { FakeMarket } from "../kit/FakeMarket.ts"
import { settleDown } from "../kit/time.ts"
import { world } from "../kit/world.ts"

const parts = Layer.mergeAll(TriggerIndex.layer, Timers.layer).pipe(Layer.provideMerge(world()))

describe("a rule that begins to wait for a price", () => {
  for (const turns of [0, 1, 2, 3])
    it.scoped(`is woken by one that comes at that very moment: ${turns} turns later`, () =>
      Effect.gen(function* () {
        const feed = yield* FakeMarket
        const index = yield* (yield* TriggerIndex).of(btc)
        yield* feed.tick(100)
        const bounds = [{ comparison: "atOrBelow", price: d("90") }] as const
        const waiting = yield* Effect.fork(awaitMarket(index, yield* Timers, bounds, null))
        for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow()
        yield* feed.tick(80)
        yield* settleDown
        assert.isNotNull(waiting.unsafePoll())
      }).pipe(Effect.provide(parts))
    )
})
