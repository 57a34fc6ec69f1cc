import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { Rules } from "../../../src/autobuy/Rules.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { RuleRequest } from "../../../src/domain/Rule.ts"
import { Idempotency } from "../../../src/store/Idempotency.ts"
import { body } from "../../domain/rule/fixtures.ts"
import { FakeMarket } from "../kit/FakeMarket.ts"
import { FakeOrders } from "../kit/FakeOrders.ts"
import { alice, engine } from "../kit/world.ts"

const app = Rules.layer({ maxRulesPerUser: 3 }).pipe(
  Layer.provide(Idempotency.layer),
  Layer.provideMerge(engine()),
  Layer.orDie
)

const preview = (changes: Readonly<Record<string, unknown>>) =>
  Effect.gen(function* () {
    yield* (yield* FakeMarket).tick(100_000)
    return yield* (yield* Rules).preview(alice, Schema.decodeUnknownSync(RuleRequest)(body(changes)))
  })
const show = (value: Decimal.Decimal | null) => (value === null ? null : Decimal.format(value))

describe("a preview", () => {
  it.scoped("shows every buy of a ladder with its price, what it costs and whether it could be made", () =>
    Effect.gen(function* () {
      const { ladder, worstCaseSpend } = yield* preview({
        size: { type: "quote", amount: "50" },
        ladder: {
          levels: [{ offsetPercent: "2" }, { offsetPercent: "4", sizeMultiplier: "0.01" }, { offsetPercent: "6" }]
        },
        limits: { total: "1000", perDay: "120" }
      })
      assert.deepStrictEqual(
        ladder?.map(({ feasible, level, price, reason }) => [level, show(price), feasible, reason?.code ?? null]),
        [
          [0, "100000.1", true, null],
          [1, "98000", true, null],
          [2, "96000", false, "BELOW_MIN_NOTIONAL"],
          [3, "94000", false, "CAP_DAY"]
        ]
      )
      assert.strictEqual(show(worstCaseSpend), "1000")
    }).pipe(Effect.provide(app))
  )

  it.scoped("shows where the exits of the base buy would stand", () =>
    Effect.gen(function* () {
      const { exit } = yield* preview({
        exit: {
          takeProfit: [{ gainPercent: "3" }],
          stopLoss: { lossPercent: "10" },
          trailing: { armPercent: "2", deltaPercent: "1" }
        }
      })
      // 100000.1 with the taker fee of 0.05 % is 100050.10005.
      assert.deepStrictEqual(
        [show(exit?.averageCost ?? null), show(exit?.targets[0]?.price ?? null), show(exit?.stop ?? null)],
        ["100050.10005", "103051.7", "90045"]
      )
    }).pipe(Effect.provide(app))
  )

  it.scoped("tells why a rule would not fire now: its trigger, or what would refuse it", () =>
    Effect.gen(function* () {
      const above = yield* preview({ trigger: { type: "price.level", side: "below", price: "90000" } })
      assert.deepStrictEqual([above.wouldFireNow, above.reason?.code], [false, "NOT_TRUE"])
      const late = yield* preview({ startAt: "2999-01-01T00:00:00Z" })
      assert.deepStrictEqual([late.wouldFireNow, late.reason?.code], [false, "NOT_STARTED"])
      const fine = yield* preview({})
      assert.deepStrictEqual([fine.wouldFireNow, fine.reason], [true, null])
    }).pipe(Effect.provide(app))
  )

  it.scoped("tells in words what each trigger waits for", () =>
    Effect.gen(function* () {
      const words = (trigger: object, changes: object = {}) =>
        Effect.map(preview({ trigger, ...changes }), ({ next }) => next?.text)
      assert.strictEqual(yield* words({ type: "manual" }), "buys when it is run by hand")
      assert.strictEqual(yield* words({ type: "signal" }), "buys when a signal arrives")
      assert.strictEqual(
        yield* words({ type: "listing.tradable" }, { maxPrice: "1" }),
        "buys when the venue takes orders for BTCUSDT"
      )
      assert.strictEqual(
        yield* words({ type: "balance.available", asset: "USDT", atLeast: "100" }),
        "buys when 100 USDT are free"
      )
      const rebound = { type: "price.rebound", from: { type: "fixed", price: "100000" }, afterDropPercent: "5" }
      assert.strictEqual(
        yield* words({ ...rebound, reboundPercent: "1.5" }),
        "buys 1.5 % above the low, once BTCUSDT falls to 95,000.0 or below, 5 % below 100000"
      )
    }).pipe(Effect.provide(app))
  )

  it.scoped("stores nothing and places nothing", () =>
    Effect.gen(function* () {
      const before = (yield* (yield* FakeOrders).placed).length
      yield* preview({})
      assert.deepStrictEqual((yield* (yield* Rules).list(alice, { limit: 50 })).items, [])
      assert.strictEqual((yield* (yield* FakeOrders).placed).length, before)
    }).pipe(Effect.provide(app))
  )
})
