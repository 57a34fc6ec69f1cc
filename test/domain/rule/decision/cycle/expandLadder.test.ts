import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import * as Decimal from "../../../../../src/domain/Decimal.ts"
import { expandLadder, worstOfCycle } from "../../../../../src/domain/rule/decision/cycle/expandLadder.ts"
import { d, decimal, document, symbolInfo } from "../../fixtures.ts"

const show = Decimal.format
const base = { averagePrice: d("100000"), size: { type: "quote", amount: d("50") } } as const

const rungs = (ladder: unknown, changes: Readonly<Record<string, unknown>> = {}) => {
  const rule = document({ ladder, ...changes })
  assert.isNotNull(rule.ladder)
  return rule.ladder === null ? [] : expandLadder(base, rule.ladder, rule, symbolInfo)
}

describe("a ladder in its short form", () => {
  it("lies cumulatively below the base buy and grows from it", () => {
    const short = { count: 3, stepPercent: "2", stepScale: "1.5", sizeScale: "2", place: "resting" }
    assert.deepStrictEqual(
      rungs(short).map((rung) => [rung.level, show(rung.offsetPercent), show(rung.sizeMultiplier), show(rung.price)]),
      [
        [1, "2", "2", "98000"],
        [2, "5", "4", "95000"],
        [3, "9.5", "8", "90500"]
      ]
    )
  })
  it("is the same as its levels written out", () => {
    const levels = [
      { offsetPercent: "2", sizeMultiplier: "2" },
      { offsetPercent: "5", sizeMultiplier: "4" }
    ]
    const short = { count: 2, stepPercent: "2", stepScale: "1.5", sizeScale: "2" }
    assert.deepStrictEqual(document({ ladder: { levels } }).ladder, document({ ladder: short }).ladder)
  })
})

describe("a level", () => {
  it("rests at its price, or is sent within the slippage when the price is there", () => {
    const [resting] = rungs({ levels: [{ offsetPercent: "3.00015" }], place: "resting" })
    const [watched] = rungs({ levels: [{ offsetPercent: "3.00015" }] })
    assert.deepStrictEqual([resting?.order.type, show(resting?.order.price ?? d("0"))], ["limit", "96999.8"])
    assert.deepStrictEqual(
      [watched?.order.type, show(watched?.price ?? d("0")), show(watched?.order.price ?? d("0"))],
      ["immediateOrCancel", "96999.8", "97484.7"]
    )
  })
  it("that the venue would not take says so", () => {
    const [first, second] = rungs({ levels: [{ offsetPercent: "1", sizeMultiplier: "0.01" }, { offsetPercent: "2" }] })
    assert.strictEqual(first?.refusal?.code, "BELOW_MIN_NOTIONAL")
    assert.isNull(second?.refusal)
  })
})

it("the worst case is the base buy and every level, each at most perBuyMax", () => {
  const ladder = { count: 2, stepPercent: "1", sizeScale: "2" }
  assert.strictEqual(show(worstOfCycle(document({ ladder }), null, null) ?? d("0")), "350")
  const trimmed = document({ ladder, limits: { total: "1000", perBuyMax: "100" } })
  assert.strictEqual(show(worstOfCycle(trimmed, null, null) ?? d("0")), "250")
  assert.isNull(worstOfCycle(document({ size: { type: "base", quantity: "1" } }), null, null))
})

it("no ladder ever asks for a negative size, pays more than asked or maxPrice, or exceeds its worst case", () => {
  fc.assert(
    fc.property(
      fc.record({
        price: decimal(1, 100_000, 1),
        amount: decimal(1, 500, 2),
        base: fc.boolean(),
        count: fc.integer({ min: 1, max: 12 }),
        step: decimal(1, 8, 2),
        stepScale: fc.constantFrom("0.8", "1", "1.1"),
        sizeScale: fc.constantFrom("0.7", "1", "1.3", "2"),
        place: fc.constantFrom("watched", "resting"),
        bps: fc.integer({ min: 1, max: 300 }),
        maxPrice: fc.option(decimal(1, 120_000, 2)),
        perBuyMax: fc.option(decimal(1, 900, 2)),
        step_: fc.constantFrom("0.000001", "0.01", "3"),
        fee: fc.constantFrom("0", "0.0005", "0.002")
      }),
      (input) => {
        const symbol = { ...symbolInfo, quantityStep: d(input.step_), takerFeeRate: d(input.fee) }
        const rule = document({
          size: input.base
            ? { type: "base", quantity: show(Decimal.divide(input.amount, d("100"), 6)) }
            : { type: "quote", amount: show(input.amount) },
          execution: { type: "protectedMarket", maxSlippageBps: input.bps },
          maxPrice: input.maxPrice === null ? null : show(input.maxPrice),
          limits: { total: "100000", perBuyMax: input.perBuyMax === null ? null : show(input.perBuyMax) },
          ladder: {
            count: input.count,
            stepPercent: show(input.step),
            stepScale: input.stepScale,
            sizeScale: input.sizeScale,
            place: input.place
          }
        })
        const { ladder, size } = rule
        if (ladder === null || (size.type !== "quote" && size.type !== "base")) return assert.fail("no ladder")
        const inside = ladder.levels.filter(({ offsetPercent }) => Decimal.lessThan(offsetPercent, Decimal.hundred))
        const expanded = expandLadder({ averagePrice: input.price, size }, { ...ladder, levels: inside }, rule, symbol)
        let previous = input.price
        for (const { order, price } of expanded) {
          assert.isTrue(Decimal.lessOrEqual(price, previous), "levels fall")
          previous = price
          assert.isFalse(Decimal.isNegative(order.quantity ?? d("0")))
          assert.isFalse(Decimal.isNegative(order.worst))
          if (rule.maxPrice !== null && order.price !== null)
            assert.isTrue(Decimal.lessOrEqual(order.price, rule.maxPrice), "above maxPrice")
          if (rule.limits.perBuyMax !== null)
            assert.isTrue(Decimal.lessOrEqual(order.worst, rule.limits.perBuyMax), "above perBuyMax")
        }
        const worst = worstOfCycle({ ...rule, ladder: { ...ladder, levels: inside } }, symbol, input.price)
        assert.isNotNull(worst)
        const all = Decimal.sum(expanded.map(({ order }) => order.worst))
        assert.isTrue(worst !== null && Decimal.lessOrEqual(all, worst), "above the worst case")
      }
    ),
    { numRuns: 1_000 }
  )
})
