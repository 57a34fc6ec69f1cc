import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import * as Decimal from "../../../../../src/domain/Decimal.ts"
import { trail, type TrailHigh } from "../../../../../src/domain/rule/decision/cycle/trail.ts"
import { d, decimal } from "../../fixtures.ts"

const trailing = { armPercent: d("5"), deltaPercent: d("2") }

/** The index at which it fires. */
const walk = (prices: ReadonlyArray<string>, cost = "100"): number | null => {
  let high: TrailHigh = null
  for (const [i, price] of prices.entries()) {
    const step = trail(trailing, high, d(price), d(cost))
    if (step.fires) return i
    high = step.high
  }
  return null
}

describe("a trailing stop", () => {
  it("arms at its gain, follows the highest price and fires at its distance", () => {
    assert.strictEqual(walk(["99", "104.99", "103", "105", "110", "107.81", "107.8"]), 6)
  })
  it("does not fire before it is armed, however far the price falls", () => {
    assert.isNull(walk(["104", "50", "10"]))
  })
  it("stays armed when a further buy moves the average cost", () => {
    const { high } = trail(trailing, null, d("105"), d("100"))
    assert.isTrue(trail(trailing, high, d("102.9"), d("103")).fires)
  })
})

it("its stop never falls, and it fires only below the highest price", () => {
  fc.assert(
    fc.property(fc.array(decimal(50, 200, 2), { minLength: 1, maxLength: 60 }), decimal(80, 120, 2), (prices, cost) => {
      let high: TrailHigh = null
      let stop: Decimal.Decimal | null = null
      for (const price of prices) {
        const step = trail(trailing, high, price, cost)
        if (stop !== null) assert.isTrue(step.stop !== null && Decimal.greaterOrEqual(step.stop, stop))
        if (step.fires) {
          assert.isTrue(step.high !== null && Decimal.lessThan(price, step.high))
          return
        }
        high = step.high
        stop = step.stop
      }
    })
  )
})
