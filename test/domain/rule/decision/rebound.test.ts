import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc, Schema } from "effect"
import * as Decimal from "../../../../src/domain/Decimal.ts"
import { holds } from "../../../../src/domain/rule/decision/levels.ts"
import {
  freshRebound,
  reboundAwaited,
  type ReboundState,
  reboundStep
} from "../../../../src/domain/rule/decision/rebound.ts"
import { PriceRebound } from "../../../../src/domain/rule/Trigger.ts"
import { d, decimal } from "../fixtures.ts"

const rebound = (changes: Readonly<Record<string, unknown>> = {}) =>
  Schema.decodeUnknownSync(PriceRebound)({
    type: "price.rebound",
    from: { type: "highOf", window: "PT24H" },
    afterDropPercent: "5",
    reboundPercent: "1.5",
    ...changes
  })

/** Feeds prices one minute apart and tells at which of them the trigger fired. */
const firings = (
  trigger: PriceRebound,
  prices: ReadonlyArray<Decimal.Decimal>,
  reference: (i: number) => Decimal.Decimal | null = () => d("100")
) => {
  let state: ReboundState = freshRebound
  const fired: Array<number> = []
  prices.forEach((price, i) => {
    const seen = { price, reference: reference(i), now: i * 60_000 }
    const waited = reboundAwaited(trigger, state, seen.reference)
    const wakes = waited.bounds.some((bound) => holds(bound, price)) || (waited.until ?? Infinity) <= seen.now
    const step = reboundStep(trigger, state, seen)
    // What the index waits for must wake for every price that changes anything, and for none for ever.
    if (step.fires || step.state !== state) assert.isTrue(wakes, `price ${Decimal.format(price)} would not have woken`)
    else if (trigger.from.type === "fixed")
      assert.isFalse(wakes, `price ${Decimal.format(price)} would wake it for ever`)
    state = step.state
    if (step.fires) fired.push(i)
  })
  return fired
}
const walk = (trigger: PriceRebound, prices: ReadonlyArray<number>, reference?: (i: number) => number | null) =>
  firings(
    trigger,
    prices.map((price) => d(String(price))),
    reference === undefined
      ? undefined
      : (i) => {
          const from = reference(i)
          return from === null ? null : d(String(from))
        }
  )

describe("a trailing buy", () => {
  it("waits for the fall, follows the low and fires at the rebound", () => {
    assert.deepStrictEqual(walk(rebound(), [100, 96, 95.01, 95, 93, 94, 92, 93.37, 93.38]), [8])
  })
  it("does not fire on a rebound from a smaller fall", () => {
    assert.deepStrictEqual(walk(rebound(), [95.01, 99, 95.01, 99]), [])
  })
  it("fires again only after the price has recovered from the fall", () => {
    assert.deepStrictEqual(walk(rebound(), [90, 92, 90, 92, 95.1, 90, 92]), [1, 6])
  })
  it("forgets a fall without a rebound within expireAfter", () => {
    const impatient = rebound({ expireAfter: "PT2M" })
    assert.deepStrictEqual(walk(impatient, [90, 90, 92, 92]), [])
    assert.deepStrictEqual(walk(impatient, [90, 92, 92, 92]), [1])
    assert.deepStrictEqual(walk(impatient, [90, 90, 92, 96, 90, 92]), [5])
  })
  it("waits while its reference is unknown, and keeps a low when the reference moves", () => {
    assert.deepStrictEqual(
      walk(rebound(), [90, 92, 93], () => null),
      []
    )
    assert.deepStrictEqual(
      walk(rebound(), [95, 94, 95.5], (i) => (i === 0 ? 100 : 80)),
      [2]
    )
  })
})

it("it never fires below its rebound, nor twice without a recovery in between", () => {
  const trigger = rebound({ from: { type: "fixed", price: "100" } })
  fc.assert(
    fc.property(fc.array(decimal(80, 110, 2), { minLength: 1, maxLength: 80 }), (prices) => {
      const fired = firings(trigger, prices)
      fired.forEach((at, nth) => {
        const since = nth === 0 ? 0 : (fired[nth - 1] ?? 0)
        const before = prices.slice(nth === 0 ? 0 : since + 1, at)
        const low = before.reduce((least, price) => Decimal.min(least, price), d("1000"))
        assert.isTrue(Decimal.lessOrEqual(low, d("95")), "without a fall")
        const price = prices[at] ?? d("0")
        if (nth > 0)
          assert.isTrue(
            before.some((one) => Decimal.greaterThan(one, d("95"))),
            "without a recovery"
          )
        assert.isTrue(Decimal.greaterOrEqual(price, Decimal.percentOf(low, d("101.5"))), "below the rebound")
      })
    }),
    { numRuns: 1_000 }
  )
})
