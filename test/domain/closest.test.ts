import { assert, describe, it } from "@effect/vitest"
import { closest } from "../../src/domain/closest.ts"

const known = ["symbol", "side", "type", "quantity", "quoteAmount", "maxSlippageBps"]

describe("The closest known name", () => {
  it("finds what was meant by a typing mistake", () => {
    assert.strictEqual(closest("symbl", known), "symbol")
    assert.strictEqual(closest("quoteamount", known), "quoteAmount")
    assert.strictEqual(closest("qty", known), null)
    assert.strictEqual(closest("max_slippage_bps", known), "maxSlippageBps")
  })

  it("says nothing where nothing is near, or nothing is known", () => {
    assert.strictEqual(closest("leverage", known), null)
    assert.strictEqual(closest("x", []), null)
  })
})
