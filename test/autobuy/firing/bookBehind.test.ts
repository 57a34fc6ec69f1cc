import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, TestClock } from "effect"
import { makeRuleId } from "../../../src/domain/Ids.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { btc, d } from "../../domain/rule/fixtures.ts"
import { FakeOrders } from "../kit/FakeOrders.ts"
import { makePlayedMarket } from "../kit/playedMarket.ts"
import { outcomes, storeRule } from "../kit/rules.ts"
import { settleDown } from "../kit/time.ts"
import { runners, world } from "../kit/world.ts"
import { start } from "../lives.ts"

describe("a buy whose price has leapt", () => {
  it.scoped("is judged by best prices that have followed it", () =>
    Effect.gen(function* () {
      const { layer, stream } = yield* makePlayedMarket
      yield* Effect.gen(function* () {
        const orders = yield* FakeOrders
        const id = yield* makeRuleId()
        yield* storeRule(id, { trigger: { type: "price.level", side: "below", price: "80000" }, maxPrice: "80000" })
        yield* start
        yield* stream.best(btc, "89999", "90001")
        yield* stream.trade(btc, "90000")
        yield* TestClock.adjust("500 millis")
        yield* stream.trade(btc, "75000")
        yield* settleDown
        // By the ask from before the leap it would be skipped: MAX_PRICE.
        assert.deepStrictEqual(yield* outcomes(id), ["n1 running"])
        yield* stream.best(btc, "74999", "75001")
        yield* settleDown
        assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
        const [order] = yield* orders.placed
        assert.isTrue(order?.price != null && Decimal.lessThan(order.price, d("80000")))
      }).pipe(Effect.provide(runners.pipe(Layer.provideMerge(layer), Layer.provideMerge(world()))))
    })
  )
})
