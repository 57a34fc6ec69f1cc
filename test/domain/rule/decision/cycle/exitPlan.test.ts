import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc, Schema } from "effect"
import * as Decimal from "../../../../../src/domain/Decimal.ts"
import { type CyclePosition, exitPlan, slippageOf } from "../../../../../src/domain/rule/decision/cycle/exitPlan.ts"
import { Exit } from "../../../../../src/domain/rule/shape/Exit.ts"
import { d, decimal, symbolInfo } from "../../fixtures.ts"

const show = Decimal.format
const exit = Schema.decodeUnknownSync(Exit)
const position = (changes: Partial<CyclePosition> = {}): CyclePosition => ({
  averageCost: d("100050"),
  quantity: d("0.01"),
  bought: d("0.01"),
  done: new Set(),
  ...changes
})
const legs = (json: unknown, changes: Partial<CyclePosition> = {}, symbol = symbolInfo) =>
  exitPlan(exit(json), position(changes), symbol).legs.map((leg) => [leg.leg, show(leg.price), show(leg.quantity)])

describe("take profit", () => {
  it("is measured from the average cost with fees and rounded up to the tick", () => {
    assert.deepStrictEqual(legs({ takeProfit: [{ gainPercent: "3.00007" }] }), [[0, "103051.6", "0.01"]])
  })
  it("shares what was bought, the last leg takes what rounding left", () => {
    const thirds = ["1", "2", "3"].map((gainPercent, i) => ({ gainPercent, closePercent: i === 2 ? "34" : "33" }))
    const symbol = { ...symbolInfo, quantityStep: d("0.001") }
    assert.deepStrictEqual(
      legs({ takeProfit: thirds }, {}, symbol).map(([, , quantity]) => quantity),
      ["0.003", "0.003", "0.004"]
    )
  })
  it("keeps the share of a later leg when an earlier one has sold", () => {
    const halves = [
      { gainPercent: "1", closePercent: "50" },
      { gainPercent: "2", closePercent: "50" }
    ]
    assert.deepStrictEqual(legs({ takeProfit: halves }, { quantity: d("0.005"), done: new Set([0]) }), [
      [1, "102051", "0.005"]
    ])
  })
  it("sells a share that is too small together with the next", () => {
    const small = [
      { gainPercent: "1", closePercent: "1" },
      { gainPercent: "2", closePercent: "99" }
    ]
    assert.deepStrictEqual(legs({ takeProfit: small }, { quantity: d("0.0001"), bought: d("0.0001") }), [
      [1, "102051", "0.0001"]
    ])
    const last = [
      { gainPercent: "1", closePercent: "99" },
      { gainPercent: "2", closePercent: "1" }
    ]
    assert.deepStrictEqual(legs({ takeProfit: last }, { quantity: d("0.0001"), bought: d("0.0001") }), [
      [0, "101050.5", "0.0001"]
    ])
  })
  it("says when all of it is dust", () => {
    const { legs: dust } = exitPlan(
      exit({ takeProfit: [{ gainPercent: "1" }] }),
      position({ quantity: d("0.000001") }),
      symbolInfo
    )
    assert.strictEqual(dust[0]?.refusal?.code, "BELOW_MIN_NOTIONAL")
  })
})

it("a stop and the arming of a trail are counted from the same cost", () => {
  const plan = exitPlan(
    exit({ stopLoss: { lossPercent: "10" }, trailing: { armPercent: "2", deltaPercent: "1" } }),
    position(),
    symbolInfo
  )
  assert.deepStrictEqual([show(plan.stop ?? d("0")), show(plan.arm ?? d("0"))], ["90045", "102051"])
})

it("each attempt of an exit may sell lower, down to the bound", () => {
  const { execution } = exit({
    stopLoss: { lossPercent: "1" },
    execution: { maxSlippageBps: 50, escalate: { every: "PT5S", stepBps: 100, maxBps: 200 } }
  })
  assert.deepStrictEqual(
    [0, 1, 2, 3].map((attempt) => slippageOf(execution, attempt)),
    [50, 150, 200, 200]
  )
  assert.strictEqual(slippageOf({ ...execution, escalate: null }, 7), 50)
})

it("no plan sells more than is held, sells at a loss by a target, or leaves a whole position in part", () => {
  fc.assert(
    fc.property(
      fc.record({
        cost: decimal(1, 50_000, 3),
        bought: decimal(1, 100, 6),
        left: fc.integer({ min: 0, max: 100 }),
        step: fc.constantFrom("0.000001", "0.01", "0.5"),
        targets: fc.array(
          fc.record({ gain: fc.integer({ min: 1, max: 900 }), close: fc.integer({ min: 1, max: 60 }) }),
          { minLength: 1, maxLength: 6 }
        ),
        done: fc.integer({ min: 0, max: 5 })
      }),
      (input) => {
        const takeProfit: Array<{ gainPercent: string; closePercent: string }> = []
        let open = 100
        for (const { close, gain } of input.targets) {
          const share = Math.min(open, close)
          if (share > 0) takeProfit.push({ gainPercent: show(d(String(gain))), closePercent: String(share) })
          open -= share
        }
        const quantity = Decimal.percentOf(input.bought, d(String(input.left)))
        const symbol = { ...symbolInfo, quantityStep: d(input.step) }
        const done = input.done < takeProfit.length - 1 ? new Set([input.done]) : new Set<number>()
        const held = { averageCost: input.cost, bought: input.bought, quantity, done }
        const { legs: planned } = exitPlan(exit({ takeProfit }), held, symbol)
        const sold = Decimal.sum(planned.map((leg) => leg.quantity))
        assert.isTrue(Decimal.lessOrEqual(sold, quantity), "more than is held")
        for (const leg of planned) {
          assert.isFalse(Decimal.isNegative(leg.quantity))
          assert.isTrue(Decimal.greaterThan(leg.price, input.cost), "a target below cost")
          assert.isTrue(Decimal.equals(Decimal.quantise(leg.quantity, symbol.quantityStep, "floor"), leg.quantity))
        }
        if (open === 0 && done.size === 0)
          assert.isTrue(Decimal.equals(sold, Decimal.quantise(quantity, symbol.quantityStep, "floor")), "left over")
      }
    ),
    { numRuns: 2_000 }
  )
})
