import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeRuleId } from "../../../src/domain/Ids.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { FakeMarket } from "../kit/FakeMarket.ts"
import { FakeOrders } from "../kit/FakeOrders.ts"
import { FakeWallet } from "../kit/FakeWallet.ts"
import { outcomes, stateOf, storeRule } from "../kit/rules.ts"
import { passTime } from "../kit/time.ts"
import { inOneLife, start } from "../lives.ts"

const dip = { trigger: { type: "price.level", side: "below", price: "90000" }, limits: { total: "10000" } }
const averaging = {
  trigger: { type: "schedule.every", every: "PT1M", anchor: "1970-01-01T00:00:00Z" },
  size: { type: "valueAveraging", start: "100", growth: "200", max: "500" },
  limits: { total: "10000" }
}
const placed = Effect.flatMap(FakeOrders, (orders) => orders.placed)
const spent = Effect.map(placed, (orders) =>
  orders.map(({ executedQuote }) => Math.round(Decimal.toNumber(executedQuote)))
)

/** Lets the rule fire once below its level, and tells what became of it. */
const fireOnce = Effect.fn(function* (rule: Readonly<Record<string, unknown>>) {
  const market = yield* FakeMarket
  const id = yield* makeRuleId()
  yield* storeRule(id, { ...dip, ...rule })
  yield* market.tick(95_000)
  yield* start
  yield* market.tick(89_000)
  return (yield* outcomes(id)).at(-1)
})

describe("value averaging", () => {
  it.effect("buys what is missing to the target of its slot, and skips when the rule holds it", () =>
    inOneLife(
      Effect.gen(function* () {
        const market = yield* FakeMarket
        const wallet = yield* FakeWallet
        const id = yield* makeRuleId()
        yield* market.tick(100_000)
        yield* storeRule(id, averaging)
        yield* start
        yield* passTime("1 minute")
        yield* wallet.setHeld({ quantity: "0.0012", cost: "100", lastBuy: null })
        yield* passTime("1 minute")
        yield* wallet.setHeld({ quantity: "0.02", cost: "100", lastBuy: null })
        yield* passTime("1 minute")
        assert.deepStrictEqual(
          (yield* outcomes(id)).map((line) => line.split(" ").slice(1).join(" ")),
          ["executed", "executed", "skipped ABOVE_TARGET"]
        )
        // The first slot's target is 100; the second's 300, of which 120 are held at the bid.
        assert.deepStrictEqual(yield* spent, [100, 180])
      })
    )
  )
})

describe("a size that follows the free balance", () => {
  it.effect("leaves the reserve, keeps within its maximum, and buys nothing below its minimum", () =>
    inOneLife(
      Effect.gen(function* () {
        const wallet = yield* FakeWallet
        yield* wallet.setFree("1000")
        const size = { type: "percentOfFreeQuote", percent: "50", min: "10", max: "300" }
        assert.match((yield* fireOnce({ size })) ?? "", /executed/)
        assert.isTrue(((yield* spent)[0] ?? 0) <= 300 && ((yield* spent)[0] ?? 0) > 290)
        yield* wallet.setFree("515")
        const limits = { total: "10000", reserveQuote: "500" }
        assert.match((yield* fireOnce({ size, limits })) ?? "", /skipped INSUFFICIENT_FUNDS/)
      })
    )
  )
})

describe("gates", () => {
  const cases: ReadonlyArray<readonly [string, unknown, string]> = [
    ["the day's trade is too small", { type: "min24hQuoteVolume", amount: "1000001" }, "GATE_VOLUME"],
    ["it is no better than the last buy", { type: "minImprovementOverLastBuy", percent: "3" }, "GATE_IMPROVEMENT"],
    ["it is outside its hours", { type: "timeWindow", from: "09:00", to: "17:00" }, "GATE_TIME"]
  ]
  for (const [name, gate, code] of cases)
    it.effect(`skip when ${name}`, () =>
      inOneLife(
        Effect.gen(function* () {
          yield* (yield* FakeMarket).setVolume("1000000")
          yield* (yield* FakeWallet).setHeld({ quantity: "0", cost: "0", lastBuy: "91000" })
          assert.match((yield* fireOnce({ gates: [gate] })) ?? "", new RegExp(`skipped ${code}`))
          assert.deepStrictEqual(yield* placed, [])
        })
      )
    )

  it.effect("pass when the volume is there, the price improved and the hour is right", () =>
    inOneLife(
      Effect.gen(function* () {
        yield* (yield* FakeMarket).setVolume("1000000")
        yield* (yield* FakeWallet).setHeld({ quantity: "0", cost: "0", lastBuy: "92000" })
        const gates = [
          { type: "min24hQuoteVolume", amount: "1000000" },
          { type: "minImprovementOverLastBuy", percent: "3" },
          { type: "timeWindow", from: "23:00", to: "01:00" }
        ]
        assert.match((yield* fireOnce({ gates })) ?? "", /executed/)
      })
    )
  )
})

describe("limits on what a rule holds and has open", () => {
  it.effect("refuse a buy beyond `maxPositionQuote`, which counts what waits to be bought", () =>
    inOneLife(
      Effect.gen(function* () {
        const orders = yield* FakeOrders
        const market = yield* FakeMarket
        const id = yield* makeRuleId()
        yield* (yield* FakeWallet).setHeld({ quantity: "0.001", cost: "60", lastBuy: null })
        const execution = { type: "limit", offsetPercent: "1", ttl: "PT1H" }
        yield* storeRule(id, { ...dip, execution, limits: { total: "10000", maxPositionQuote: "120" } })
        yield* orders.decideFate("rest")
        yield* market.tick(95_000)
        yield* start
        for (const price of [89_000, 91_000, 89_000]) yield* market.tick(price)
        assert.deepStrictEqual(yield* outcomes(id), ["n1 running", "n2 skipped CAP_POSITION"])
      })
    )
  )

  it.effect("refuse an order beyond `maxOpenOrders`", () =>
    inOneLife(
      Effect.gen(function* () {
        const orders = yield* FakeOrders
        const market = yield* FakeMarket
        const id = yield* makeRuleId()
        const execution = { type: "limit", offsetPercent: "1", ttl: "PT1H" }
        yield* storeRule(id, { ...dip, execution, limits: { total: "10000", maxOpenOrders: 2 } })
        yield* orders.decideFate("rest")
        yield* market.tick(95_000)
        yield* start
        for (let i = 0; i < 3; i++) for (const price of [89_000, 91_000]) yield* market.tick(price)
        assert.deepStrictEqual(yield* outcomes(id), ["n1 running", "n2 running", "n3 skipped CAP_OPEN_ORDERS"])
      })
    )
  )
})

describe("without enough money", () => {
  for (const [policy, expected] of [
    ["skip", "skipped INSUFFICIENT_FUNDS active"],
    ["buyWhatFits", "executed active"],
    ["pause", "skipped INSUFFICIENT_FUNDS paused"]
  ] as const)
    it.effect(`\`${policy}\` does what it says`, () =>
      inOneLife(
        Effect.gen(function* () {
          const market = yield* FakeMarket
          const id = yield* makeRuleId()
          yield* (yield* FakeWallet).setFree("20")
          yield* storeRule(id, { ...dip, onInsufficientFunds: policy })
          yield* market.tick(89_000)
          yield* start
          const { state } = yield* stateOf(id)
          assert.strictEqual(`${(yield* outcomes(id))[0]} ${state}`, `n1 ${expected}`)
          assert.isTrue((yield* spent).every((amount) => amount <= 20))
        })
      )
    )
})
