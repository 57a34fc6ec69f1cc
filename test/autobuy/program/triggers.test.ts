import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ExecutionsRepo } from "../../../src/autobuy/ExecutionsRepo.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { makeRuleId } from "../../../src/domain/Ids.ts"
import { d } from "../../domain/rule/fixtures.ts"
import { FakeMarket } from "../kit/FakeMarket.ts"
import { FakeOrders } from "../kit/FakeOrders.ts"
import { FakeWallet } from "../kit/FakeWallet.ts"
import { outcomes, storeRule } from "../kit/rules.ts"
import { passTime } from "../kit/time.ts"
import { alice } from "../kit/world.ts"
import { inOneLife, inTwoLives, start } from "../lives.ts"

const placed = Effect.flatMap(FakeOrders, (orders) => orders.placed)

describe("a trailing buy", () => {
  const rebound = {
    trigger: {
      type: "price.rebound",
      from: { type: "fixed", price: "100000" },
      afterDropPercent: "5",
      reboundPercent: "1",
      expireAfter: "PT1H"
    }
  }

  it.effect("follows the fall to its low and buys when the price has risen from it", () =>
    inOneLife(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const id = yield* makeRuleId()
        yield* storeRule(id, rebound)
        yield* market.tick(99_000)
        yield* start
        for (const price of [96_000, 95_000, 94_000, 94_500, 90_000, 90_899]) yield* market.tick(price)
        assert.deepStrictEqual(yield* outcomes(id), [])
        yield* market.tick(90_900)
        assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
        // It fires once per fall.
        for (const price of [91_000, 90_000, 92_000]) yield* market.tick(price)
        assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
        const [decision] = yield* (yield* ExecutionsRepo).decisions(alice, id, { limit: 1, before: null })
        assert.deepStrictEqual(
          decision?.record.operands.map(({ threshold, value }) => [value, threshold]),
          [
            ["90900", "90900"],
            ["90000", "95000"]
          ]
        )
      })
    )
  )

  it.effect("follows the same low after a restart", () =>
    inTwoLives(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const id = yield* makeRuleId()
        yield* storeRule(id, rebound)
        yield* market.tick(99_000)
        yield* start
        for (const price of [94_000, 90_000]) yield* market.tick(price)
        return id
      }),
      (id) =>
        Effect.gen(function* () {
          const market = yield* FakeMarket
          yield* market.tick(90_800)
          yield* start
          assert.deepStrictEqual(yield* outcomes(id), [])
          // Measured from the new life's own low it would need 91708.
          yield* market.tick(91_000)
          assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
        })
    )
  )

  it.effect("forgets a fall without a rebound after `expireAfter`, until the price has recovered", () =>
    inOneLife(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const id = yield* makeRuleId()
        yield* storeRule(id, rebound)
        yield* market.tick(99_000)
        yield* start
        yield* market.tick(90_000)
        yield* passTime("1 hour")
        yield* market.tick(92_000)
        assert.deepStrictEqual(yield* outcomes(id), [])
        for (const price of [96_000, 94_000, 95_000]) yield* market.tick(price)
        assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
      })
    )
  )
})

describe("a rule that sweeps deposits", () => {
  const deposit = {
    trigger: { type: "balance.available", asset: "USDT", atLeast: "100" },
    size: { type: "percentOfFreeQuote", percent: "100", max: "500" },
    limits: { total: "10000" }
  }

  it.effect("buys when the money is there, and again when more comes after it was spent", () =>
    inOneLife(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const wallet = yield* FakeWallet
        const id = yield* makeRuleId()
        yield* wallet.setFree("20")
        yield* storeRule(id, deposit)
        yield* market.tick(95_000)
        yield* start
        yield* wallet.setFree("99.99")
        assert.deepStrictEqual(yield* outcomes(id), [])
        const asked = yield* wallet.asked
        assert.strictEqual(asked, 0, "waiting asks nobody")
        yield* wallet.setFree("300")
        assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
        const [order] = yield* placed
        assert.isTrue(order !== undefined && Decimal.lessOrEqual(order.executedQuote, d("300")))
        // The same balance, told again, is no deposit.
        yield* wallet.setFree("300")
        yield* wallet.setFree("2")
        assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
        yield* wallet.setFree("150")
        assert.deepStrictEqual(yield* outcomes(id), ["n1 executed", "n2 executed"])
      })
    )
  )

  it.effect("that could not buy tries again when more comes", () =>
    inOneLife(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const wallet = yield* FakeWallet
        const id = yield* makeRuleId()
        yield* wallet.setFree("20")
        yield* storeRule(id, { ...deposit, maxPrice: "90000" })
        yield* market.tick(95_000)
        yield* start
        yield* wallet.setFree("200")
        yield* market.tick(89_000)
        assert.deepStrictEqual(yield* outcomes(id), ["n1 skipped MAX_PRICE"])
        yield* wallet.setFree("250")
        assert.deepStrictEqual(yield* outcomes(id), ["n1 skipped MAX_PRICE", "n2 executed"])
      })
    )
  )

  it.effect("does not take a balance for a new one after a restart", () =>
    inTwoLives(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const wallet = yield* FakeWallet
        const id = yield* makeRuleId()
        yield* wallet.setFree("900")
        yield* storeRule(id, deposit)
        yield* market.tick(95_000)
        yield* start
        assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
        return id
      }),
      (id) =>
        Effect.gen(function* () {
          const market = yield* FakeMarket
          const wallet = yield* FakeWallet
          yield* wallet.setFree("400")
          yield* market.tick(95_000)
          yield* start
          yield* wallet.setFree("400")
          assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
        })
    )
  )
})

describe("a rule for a new listing", () => {
  const listing = { trigger: { type: "listing.tradable" }, maxPrice: "100000" }

  it.effect("waits for a symbol that does not exist yet, and buys once", () =>
    inOneLife(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const id = yield* makeRuleId()
        yield* market.unlist
        yield* storeRule(id, listing)
        yield* start
        yield* passTime("3 days")
        assert.deepStrictEqual(yield* outcomes(id), [])
        yield* market.tick(95_000)
        yield* market.list
        assert.deepStrictEqual(yield* outcomes(id), ["listed executed"])
        yield* market.list
        assert.deepStrictEqual(yield* outcomes(id), ["listed executed"])
      })
    )
  )

  it.effect("that has bought does not buy again after a restart", () =>
    inTwoLives(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const id = yield* makeRuleId()
        yield* storeRule(id, listing)
        yield* market.tick(95_000)
        yield* start
        assert.deepStrictEqual(yield* outcomes(id), ["listed executed"])
        return id
      }),
      (id) =>
        Effect.gen(function* () {
          yield* (yield* FakeMarket).tick(95_000)
          yield* start
          assert.deepStrictEqual(yield* outcomes(id), ["listed executed"])
          assert.strictEqual((yield* placed).length, 1)
        })
    )
  )

  it.effect("waits ten minutes for the first prices, and never pays more than its cap", () =>
    inOneLife(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const id = yield* makeRuleId()
        yield* market.unlist
        yield* storeRule(id, listing)
        yield* start
        // Orders are taken before the first trade is known.
        yield* market.list
        assert.deepStrictEqual(yield* outcomes(id), ["listed running GATE_STALE"])
        yield* passTime("30 seconds")
        yield* market.tick(120_000)
        yield* passTime("1 second")
        assert.deepStrictEqual(yield* outcomes(id), ["listed skipped MAX_PRICE"])
        assert.deepStrictEqual(yield* placed, [])
      })
    )
  )
})
