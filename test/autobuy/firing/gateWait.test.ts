import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ExecutionsRepo } from "../../../src/autobuy/ExecutionsRepo.ts"
import { RulesRepo } from "../../../src/autobuy/RulesRepo.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { makeRuleId } from "../../../src/domain/Ids.ts"
import { d } from "../../domain/rule/fixtures.ts"
import { FakeMarket } from "../kit/FakeMarket.ts"
import { FakeOrders } from "../kit/FakeOrders.ts"
import { outcomes, storeRule } from "../kit/rules.ts"
import { passTime } from "../kit/time.ts"
import { alice } from "../kit/world.ts"
import { inOneLife, inTwoLives, start } from "../lives.ts"

const patient = {
  trigger: { type: "price.level", side: "below", price: "90000" },
  gates: [{ type: "priceBetween", max: "85000" }],
  waitForGates: "PT5M",
  limits: { total: "1000" }
}
const placed = Effect.flatMap(FakeOrders, (orders) => orders.placed)

describe("a firing whose gates do not pass", () => {
  it.effect("waits, and buys at the price of the moment they do", () =>
    inOneLife(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const id = yield* makeRuleId()
        yield* storeRule(id, patient)
        yield* market.tick(95_000)
        yield* start
        yield* market.tick(89_000)
        assert.deepStrictEqual(yield* outcomes(id), ["n1 running GATE_PRICE"])
        yield* passTime("30 seconds")
        assert.deepStrictEqual(yield* outcomes(id), ["n1 running GATE_PRICE"])
        yield* market.tick(84_000)
        yield* passTime("1 second")
        assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
        const [order] = yield* placed
        assert.isTrue(order?.price != null && Decimal.lessThan(order.price, d("85000")))
        // One record of the wait and one of the buy, however often it looked.
        const decisions = yield* (yield* ExecutionsRepo).decisions(alice, id, { limit: 50, before: null })
        assert.deepStrictEqual(
          decisions.map(({ record }) => record.outcome),
          ["fire", "skip"]
        )
      })
    )
  )

  it.effect("is skipped with the gate's reason when its time is over", () =>
    inOneLife(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const id = yield* makeRuleId()
        yield* storeRule(id, { ...patient, waitForGates: "PT2M" })
        yield* market.tick(89_000)
        yield* start
        yield* passTime("119 seconds")
        assert.deepStrictEqual(yield* outcomes(id), ["n1 running GATE_PRICE"])
        yield* passTime("1 second")
        assert.deepStrictEqual(yield* outcomes(id), ["n1 skipped GATE_PRICE"])
        yield* market.tick(84_000)
        yield* passTime("1 minute")
        assert.deepStrictEqual(yield* placed, [])
      })
    )
  )

  it.effect("goes on waiting after a restart, no longer than it would have", () =>
    inTwoLives(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const id = yield* makeRuleId()
        const other = yield* makeRuleId()
        yield* storeRule(id, patient)
        yield* storeRule(other, { ...patient, waitForGates: "PT2M" })
        yield* market.tick(89_000)
        yield* start
        yield* passTime("1 minute")
        return { id, other }
      }),
      ({ id, other }) =>
        Effect.gen(function* () {
          const market = yield* FakeMarket
          yield* passTime("1 minute")
          yield* market.tick(89_000)
          yield* start
          yield* passTime("1 second")
          assert.deepStrictEqual(yield* outcomes(other), ["n1 skipped GATE_PRICE"])
          assert.deepStrictEqual(yield* outcomes(id), ["n1 running GATE_PRICE"])
          yield* market.tick(80_000)
          yield* passTime("1 second")
          assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
          assert.strictEqual((yield* placed).length, 1)
        })
    )
  )

  it.effect("gives way to a newer one, so that an opening gate buys once", () =>
    inOneLife(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const id = yield* makeRuleId()
        yield* storeRule(id, patient)
        yield* market.tick(89_000)
        yield* start
        yield* passTime("61 seconds")
        yield* market.tick(91_000)
        yield* market.tick(89_000)
        assert.deepStrictEqual(yield* outcomes(id), ["n1 skipped GATE_PRICE", "n2 running GATE_PRICE"])
        yield* market.tick(84_000)
        yield* passTime("2 seconds")
        assert.deepStrictEqual(yield* outcomes(id), ["n1 skipped GATE_PRICE", "n2 executed"])
        assert.strictEqual((yield* placed).length, 1)
      })
    )
  )

  it.effect("is given up when its rule is paused", () =>
    inOneLife(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const rules = yield* RulesRepo
        const id = yield* makeRuleId()
        yield* storeRule(id, patient)
        yield* market.tick(89_000)
        yield* start
        yield* rules.setState(alice, id, ["active"], { state: "paused", reason: null, at: 0 })
        yield* passTime("1 second")
        assert.deepStrictEqual(yield* outcomes(id), ["n1 skipped BY_USER"])
      })
    )
  )
})

describe("a gate that ticks can ask many times a second", () => {
  it.effect("leaves one record a minute, and one more when the reason changes", () =>
    inOneLife(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const id = yield* makeRuleId()
        yield* storeRule(id, {
          trigger: { type: "price.level", side: "below", price: "90000", rearm: "cooldown" },
          gates: [{ type: "priceBetween", max: "50000" }]
        })
        yield* market.tick(95_000)
        yield* start
        for (let i = 0; i < 30; i++) yield* Effect.zipRight(market.tick(89_000 - i), passTime("1 second"))
        assert.deepStrictEqual(yield* outcomes(id), ["n1 skipped GATE_PRICE"])
        yield* market.setAge(20_000)
        yield* Effect.zipRight(market.tick(88_000), passTime("1 second"))
        assert.deepStrictEqual(
          (yield* outcomes(id)).map((line) => line.split(" ").at(-1)),
          ["GATE_PRICE", "GATE_STALE"]
        )
        yield* market.setAge(0)
        yield* Effect.zipRight(market.tick(49_000), passTime("1 second"))
        assert.match((yield* outcomes(id)).at(-1) ?? "", /executed$/)
      })
    )
  )
})
