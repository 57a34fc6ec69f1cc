import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mayBe } from "../../../src/orders/record/mayBe.ts"
import { d, newIntent, told } from "../kit/orders.ts"

const nameless = { clientOrderId: null, type: "market", price: d("10.5") } as const

describe("a market order by amount that the venue lists without a name", () => {
  it.effect("is told by its amount", () =>
    Effect.gen(function* () {
      const row = yield* newIntent(1, { type: "market", price: null, quantity: null, quote_amount: d("30") })
      assert.isTrue(mayBe(row, told(1, "filled", "3", "30", { ...nameless, quoteAmount: d("30") })))
      assert.isTrue(mayBe(row, told(1, "filled", "3", "30", nameless)))
      assert.isFalse(mayBe(row, told(1, "filled", "2", "20", { ...nameless, quoteAmount: d("20") })))
    })
  )
})
