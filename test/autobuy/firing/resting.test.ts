import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ExecutionsRepo } from "../../../src/autobuy/ExecutionsRepo.ts"
import { RuleFiring } from "../../../src/autobuy/RuleFiring.ts"
import { RulesRepo } from "../../../src/autobuy/RulesRepo.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { makeRuleId, type RuleId } from "../../../src/domain/Ids.ts"
import { d } from "../../domain/rule/fixtures.ts"
import { FakeMarket } from "../kit/FakeMarket.ts"
import { FakeOrders } from "../kit/FakeOrders.ts"
import { outcomes, stateOf, storeRule } from "../kit/rules.ts"
import { passTime, settleDown } from "../kit/time.ts"
import { alice } from "../kit/world.ts"
import { inOneLife, inTwoLives, start } from "../lives.ts"

const limit = (execution: Readonly<Record<string, unknown>>) => ({
  trigger: { type: "price.level", side: "below", price: "90000" },
  size: { type: "quote", amount: "100" },
  execution: { type: "limit", offsetPercent: "1", ttl: "PT10M", ...execution },
  limits: { total: "1000" }
})
const placed = Effect.flatMap(FakeOrders, (orders) => orders.placed)
const last = Effect.map(placed, (orders) => orders[orders.length - 1])
const text = (value: Decimal.Decimal | null | undefined) => (value == null ? null : Decimal.format(value))

/** A rule whose entry rests at the venue. */
const resting = Effect.fn(function* (execution: Readonly<Record<string, unknown>>, fate: "rest" | "half" = "rest") {
  const market = yield* FakeMarket
  const orders = yield* FakeOrders
  const id = yield* makeRuleId()
  yield* storeRule(id, limit(execution))
  yield* orders.decideFate(fate)
  yield* market.tick(95_000)
  yield* start
  yield* market.tick(89_000)
  return id
})

/** What an execution holds and has spent, never more than its amount. */
const spentOf = (id: RuleId) =>
  Effect.gen(function* () {
    const rows = yield* (yield* ExecutionsRepo).list(alice, { ruleId: id, limit: 100, before: null })
    return rows.map((row) => [text(row.spent_quote), row.state])
  })

/** The worst that all orders of the test together could have cost. */
const worst = Effect.map(placed, (orders) =>
  Decimal.sum(
    orders.map(({ executedQuantity, price, quantity, status }) =>
      Decimal.multiply(
        status === "open" || status === "partiallyFilled" ? (quantity ?? Decimal.zero) : executedQuantity,
        price ?? Decimal.zero
      )
    )
  )
)

describe("an entry by limit order", () => {
  it.effect("rests below the bid, keeps its reservation, and is done when it fills", () =>
    inOneLife(
      Effect.gen(function* () {
        const orders = yield* FakeOrders
        const id = yield* resting({})
        const order = yield* last
        assert.deepStrictEqual([order?.type, text(order?.price)], ["limit", "88109.9"])
        assert.deepStrictEqual(yield* outcomes(id), ["n1 running"])
        const used = yield* (yield* ExecutionsRepo).usage({ userId: alice, ruleId: id, timezone: "UTC" }, 0, null)
        assert.isTrue(Decimal.greaterThan(used.total, d("99")))
        if (order !== undefined) yield* orders.fillShare(order.id, "1")
        assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
        assert.deepStrictEqual(yield* orders.cancels, [])
      })
    )
  )

  it.effect("is cancelled after its time, and what filled counts", () =>
    inOneLife(
      Effect.gen(function* () {
        const orders = yield* FakeOrders
        const id = yield* resting({}, "half")
        yield* passTime("10 minutes")
        yield* passTime("1 second")
        assert.deepStrictEqual(yield* outcomes(id), ["n1 executed TIMED_OUT"])
        assert.deepStrictEqual(yield* orders.cancelCauses, ["ruleDecided"])
        // The venue tells its end once more.
        const order = yield* last
        if (order !== undefined) yield* orders.cancelOutside(order.id)
        assert.deepStrictEqual(yield* outcomes(id), ["n1 executed TIMED_OUT"])
        const [[spent] = []] = yield* spentOf(id)
        assert.isTrue(Number(spent) > 49 && Number(spent) < 51, String(spent))
      })
    )
  )

  it.effect("that nobody met is no failure of the rule", () =>
    inOneLife(
      Effect.gen(function* () {
        const id = yield* resting({})
        yield* passTime("10 minutes")
        yield* passTime("1 second")
        assert.deepStrictEqual(yield* outcomes(id), ["n1 failed TIMED_OUT"])
        assert.strictEqual((yield* stateOf(id)).failures, 0)
      })
    )
  )

  it.effect("is sent again at the bid of then, for what is left and never more than its amount", () =>
    inOneLife(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const orders = yield* FakeOrders
        const id = yield* resting({ onTimeout: "reprice" }, "half")
        for (const price of [85_000, 89_500, 88_000]) {
          yield* market.tick(price)
          yield* passTime("10 minutes")
          yield* passTime("1 second")
        }
        const all = yield* placed
        assert.strictEqual(all.length, 4)
        assert.deepStrictEqual(
          all.map(({ price }) => text(price)),
          ["88109.9", "84149.9", "88604.9", "87119.9"]
        )
        assert.isTrue(Decimal.lessOrEqual(yield* worst, d("100")), text(yield* worst) ?? "")
        const open = yield* last
        if (open !== undefined) yield* orders.fillShare(open.id, "1")
        assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
        const [[spent] = []] = yield* spentOf(id)
        assert.isTrue(Number(spent) > 99 && Number(spent) <= 100, String(spent))
        // One execution, however many orders.
        assert.strictEqual((yield* stateOf(id)).executed_count, 1)
      })
    )
  )

  it.effect("sends no other order before the end of the one before is proven", () =>
    inOneLife(
      Effect.gen(function* () {
        const orders = yield* FakeOrders
        yield* resting({ onTimeout: "reprice" })
        yield* orders.loseCancels(true)
        yield* passTime("10 minutes")
        for (let i = 0; i < 20; i++) yield* passTime("1 second")
        assert.strictEqual((yield* placed).length, 1)
        assert.isTrue((yield* orders.cancels).length > 10, "it asks again")
        yield* orders.loseCancels(false)
        for (let i = 0; i < 3; i++) yield* passTime("1 second")
        assert.strictEqual((yield* placed).length, 2)
      })
    )
  )

  it.effect("buys what is left at the market when told so", () =>
    inOneLife(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const orders = yield* FakeOrders
        const id = yield* resting({ onTimeout: "market" }, "half")
        yield* orders.decideFate("fill")
        yield* market.tick(92_000)
        yield* passTime("10 minutes")
        yield* passTime("1 second")
        const order = yield* last
        assert.deepStrictEqual([order?.type, (yield* placed).length], ["immediateOrCancel", 2])
        assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
        const [[spent] = []] = yield* spentOf(id)
        assert.isTrue(Number(spent) > 99 && Number(spent) <= 100, String(spent))
      })
    )
  )

  it.effect("that somebody else cancels is not sent again", () =>
    inOneLife(
      Effect.gen(function* () {
        const orders = yield* FakeOrders
        const id = yield* resting({ onTimeout: "reprice" })
        const order = yield* last
        yield* passTime("1 minute")
        if (order !== undefined) yield* orders.cancelOutside(order.id)
        yield* passTime("20 minutes")
        assert.deepStrictEqual(yield* outcomes(id), ["n1 failed CANCELLED"])
        assert.strictEqual((yield* placed).length, 1)
      })
    )
  )

  it.effect("is withdrawn when its rule is paused", () =>
    inOneLife(
      Effect.gen(function* () {
        const rules = yield* RulesRepo
        const firing = yield* RuleFiring
        const orders = yield* FakeOrders
        const id = yield* resting({ onTimeout: "reprice" })
        yield* rules.setState(alice, id, ["active"], { state: "paused", reason: null, at: 0 })
        yield* firing.withdraw(alice, id)
        yield* settleDown
        yield* passTime("1 second")
        assert.deepStrictEqual(yield* orders.cancelCauses, ["ruleStopped"])
        assert.deepStrictEqual(yield* outcomes(id), ["n1 failed BY_USER"])
      })
    )
  )

  it.effect("an unknown order is followed by none", () =>
    inOneLife(
      Effect.gen(function* () {
        const orders = yield* FakeOrders
        const market = yield* FakeMarket
        const id = yield* makeRuleId()
        yield* storeRule(id, limit({ onTimeout: "reprice" }))
        yield* orders.decideFate("unknown")
        yield* market.tick(89_000)
        yield* start
        yield* passTime("1 hour")
        assert.deepStrictEqual(yield* outcomes(id), ["n1 unknown UNKNOWN_PENDING"])
        assert.strictEqual((yield* placed).length, 1)
      })
    )
  )
})

describe("a post-only entry that would have bought at once", () => {
  const tried = Effect.fn(function* (onTimeout: string) {
    const market = yield* FakeMarket
    const orders = yield* FakeOrders
    const id = yield* makeRuleId()
    yield* storeRule(id, limit({ postOnly: true, onTimeout }))
    yield* orders.decideFate("takes")
    yield* market.tick(89_000)
    yield* start
    return id
  })

  it.effect("is given up with the reason", () =>
    inOneLife(
      Effect.gen(function* () {
        const id = yield* tried("cancel")
        assert.strictEqual((yield* last)?.type, "limitMaker")
        assert.deepStrictEqual(yield* outcomes(id), ["n1 failed POST_ONLY"])
      })
    )
  )

  it.effect("is tried again a second later, at the bid of then", () =>
    inOneLife(
      Effect.gen(function* () {
        const orders = yield* FakeOrders
        const id = yield* tried("reprice")
        yield* orders.decideFate("rest")
        yield* passTime("1 second")
        assert.strictEqual((yield* placed).length, 2)
        const order = yield* last
        if (order !== undefined) yield* orders.fillShare(order.id, "1")
        assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
      })
    )
  )

  it.effect("ten times in a row is given up: no market is that quick", () =>
    inOneLife(
      Effect.gen(function* () {
        const id = yield* tried("reprice")
        for (let i = 0; i < 30; i++) yield* passTime("1 second")
        assert.strictEqual((yield* placed).length, 10)
        assert.deepStrictEqual(yield* outcomes(id), ["n1 failed POST_ONLY"])
      })
    )
  )

  it.effect("is tried ten times anew once an order rested", () =>
    inOneLife(
      Effect.gen(function* () {
        const orders = yield* FakeOrders
        const id = yield* tried("reprice")
        for (let i = 0; i < 5; i++) yield* passTime("1 second")
        yield* orders.decideFate("rest")
        yield* passTime("1 second")
        const before = (yield* placed).length
        yield* orders.decideFate("takes")
        yield* passTime("10 minutes")
        for (let i = 0; i < 30; i++) yield* passTime("1 second")
        assert.strictEqual((yield* placed).length, before + 10)
        assert.deepStrictEqual(yield* outcomes(id), ["n1 failed POST_ONLY"])
      })
    )
  )
})

describe("a post-only entry that was never placed", () => {
  for (const onTimeout of ["reprice", "market"])
    it.effect(`is followed by no order with \`${onTimeout}\`, because a late fill may still come`, () =>
      inOneLife(
        Effect.gen(function* () {
          const market = yield* FakeMarket
          const orders = yield* FakeOrders
          const id = yield* makeRuleId()
          yield* storeRule(id, limit({ postOnly: true, onTimeout }))
          yield* orders.decideFate("unknown")
          yield* market.tick(89_000)
          yield* start
          yield* passTime("11 minutes")
          const order = yield* last
          if (order !== undefined) yield* orders.resolve(order.id, "rejected")
          yield* passTime("1 minute")
          assert.deepStrictEqual(yield* outcomes(id), ["n1 failed NOT_PLACED"])
          assert.strictEqual((yield* placed).length, 1)
        })
      )
    )
})

describe("after a restart an entry that rests", () => {
  it.effect("is cancelled at the time it had from the beginning", () =>
    inTwoLives(Effect.zipLeft(resting({}), passTime("9 minutes")), (id) =>
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const orders = yield* FakeOrders
        yield* market.tick(95_000)
        yield* start
        assert.deepStrictEqual(yield* orders.cancels, [])
        yield* passTime("1 minute")
        yield* passTime("1 second")
        assert.strictEqual((yield* orders.cancels).length, 1)
        assert.deepStrictEqual(yield* outcomes(id), ["n1 failed TIMED_OUT"])
      })
    )
  )

  it.effect("is sent again when the end fell into the downtime", () =>
    inTwoLives(
      Effect.gen(function* () {
        const orders = yield* FakeOrders
        const id = yield* resting({ onTimeout: "reprice" }, "half")
        // Cancelled in time; the process ends before the next order.
        yield* orders.beforeIntent(Effect.never)
        yield* passTime("10 minutes")
        yield* passTime("1 second")
        return id
      }),
      (id) =>
        Effect.gen(function* () {
          const market = yield* FakeMarket
          const orders = yield* FakeOrders
          yield* orders.decideFate("fill")
          yield* market.tick(91_000)
          yield* start
          yield* passTime("1 second")
          assert.strictEqual((yield* placed).length, 2)
          assert.deepStrictEqual(yield* outcomes(id), ["n1 executed"])
          const [[spent] = []] = yield* spentOf(id)
          assert.isTrue(Number(spent) <= 100, String(spent))
        })
    )
  )
})
