import { assert, describe, it } from "@effect/vitest"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { nextFiring } from "../../../src/domain/rule/words.ts"
import { d, document } from "./fixtures.ts"

describe("What a rule waits for", () => {
  const waiting = (trigger: object, reference: string | null) =>
    nextFiring({
      document: document({ trigger }),
      nextAt: null,
      last: d("100000"),
      reference: reference === null ? null : d(reference),
      armed: true,
      tick: d("0.1")
    })
  const drop = { type: "price.drop", percent: "8", from: { type: "averageCost", scope: "symbol" } }

  it("is told on the venue's price steps, whatever the average cost is", () => {
    const next = waiting(drop, "93148.677591801493878393")
    assert.strictEqual(next?.price && Decimal.format(next.price), "85696.7")
    assert.strictEqual(next?.text, "buys when BTCUSDT falls to 85,696.7 or below")
    assert.strictEqual(next?.awayPercent, -14.3033)
  })

  it("stays true for bounds between two steps", () => {
    const level = (side: string) => waiting({ type: "price.level", side, price: "99999.95" }, null)?.text
    assert.strictEqual(level("below"), "buys when BTCUSDT falls to 99,999.9 or below")
    assert.strictEqual(level("above"), "buys when BTCUSDT rises to 100,000.0 or above")
    assert.strictEqual(level("crossesBelow"), "buys when BTCUSDT crosses below 100,000.0")
    assert.strictEqual(level("crossesAbove"), "buys when BTCUSDT crosses above 99,999.9")
  })
})
