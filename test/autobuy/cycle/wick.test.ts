import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Queue, TestClock } from "effect"
import { CycleProgram } from "../../../src/autobuy/cycle/CycleProgram.ts"
import { freshMemory } from "../../../src/autobuy/record/cycle/CycleRow.ts"
import { CyclesRepo } from "../../../src/autobuy/record/cycle/CyclesRepo.ts"
import { Timers } from "../../../src/autobuy/Timers.ts"
import { TriggerIndex } from "../../../src/autobuy/TriggerIndex.ts"
import { makeCycleId, makeRuleId } from "../../../src/domain/Ids.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { noLots } from "../../../src/domain/order/lots.ts"
import { btc, d } from "../../domain/rule/fixtures.ts"
import { FakeOrders } from "../kit/FakeOrders.ts"
import { FakeWallet } from "../kit/FakeWallet.ts"
import { makePlayedMarket } from "../kit/playedMarket.ts"
import { storeRule } from "../kit/rules.ts"
import { settleDown } from "../kit/time.ts"
import { alice, world } from "../kit/world.ts"

const quantity = d("0.01")

/** Cycles that hold 0.01 BTC, bought at 90000. */
const holding = Layer.effect(
  CyclesRepo,
  Effect.map(CyclesRepo, (real) => ({
    ...real,
    lots: () =>
      Effect.succeed({ bought: quantity, sold: Decimal.zero, lots: { ...noLots, quantity, totalCost: d("900") } })
  }))
)

const openCycle = Effect.gen(function* () {
  const cycles = yield* CyclesRepo
  const [cycle_id, rule_id] = [yield* makeCycleId(), yield* makeRuleId()]
  yield* storeRule(rule_id, { exit: { stopLoss: { lossPercent: "5" } } })
  yield* (yield* FakeWallet).setHeld({ quantity: "0.01", cost: "900", lastBuy: null })
  yield* cycles.insert({
    user_id: alice,
    cycle_id,
    rule_id,
    rule_version: 1,
    symbol: btc,
    state: "open",
    reason: null,
    bought: false,
    memory: freshMemory,
    opened_at: 0,
    closed_at: null
  })
  return Option.getOrThrow(yield* cycles.find(alice, cycle_id))
})

describe("a stop", () => {
  it.scoped("sells in a wick at once, whatever best prices have not followed it", () =>
    Effect.gen(function* () {
      const { layer, stream } = yield* makePlayedMarket
      const programs = CycleProgram.layer.pipe(
        Layer.provideMerge(Layer.mergeAll(TriggerIndex.layer, Timers.layer)),
        Layer.provideMerge(layer),
        Layer.provideMerge(holding),
        Layer.provideMerge(world())
      )
      yield* Effect.gen(function* () {
        const orders = yield* FakeOrders
        const cycle = yield* openCycle
        yield* Effect.fork((yield* CycleProgram).run(cycle, yield* Queue.sliding<void>(1)))
        yield* settleDown
        yield* stream.best(btc, "89999", "90001")
        yield* stream.trade(btc, "90000")
        yield* TestClock.adjust("500 millis")
        yield* settleDown
        assert.deepStrictEqual(yield* orders.placed, [])
        yield* stream.trade(btc, "75000")
        yield* settleDown
        yield* stream.trade(btc, "90000")
        yield* settleDown
        const sold = (yield* orders.placed).map(({ price, type }) => `${type} ${price && Decimal.format(price)}`)
        assert.deepStrictEqual(sold, ["immediateOrCancel 89549.1"])
      }).pipe(Effect.provide(programs))
    })
  )
})
