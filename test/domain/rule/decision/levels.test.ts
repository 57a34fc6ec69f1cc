import { assert, describe, it } from "@effect/vitest"
import { Duration, Schema } from "effect"
import {
  freshTrigger,
  holds,
  observe,
  type TriggerState,
  awaited
} from "../../../../src/domain/rule/decision/levels.ts"
import { Trigger } from "../../../../src/domain/rule/Trigger.ts"
import { d } from "../fixtures.ts"

const price = (json: unknown) => {
  const trigger = Schema.decodeUnknownSync(Trigger)(json)
  if (trigger.type !== "price.level" && trigger.type !== "price.drop") throw new TypeError("not a price trigger")
  return trigger
}
const level = (side: string, rearm = "recover") => price({ type: "price.level", side, price: "100", rearm })

/** Feeds prices one minute apart and tells at which of them the trigger fired. */
const firings = (
  trigger: ReturnType<typeof price>,
  prices: ReadonlyArray<number>,
  reference: (i: number) => number | null = () => null,
  cooldown: Duration.DurationInput = 0
) => {
  let state: TriggerState = freshTrigger
  const fired: Array<number> = []
  prices.forEach((value, i) => {
    const from = reference(i)
    const before = reference(Math.max(0, i - 1))
    const seen = {
      price: d(String(value)),
      reference: from === null ? null : d(String(from)),
      now: i * 60_000,
      cooldown: Duration.decode(cooldown)
    }
    const observed = observe(trigger, state, seen)
    // What the index waits for must wake for every price that changes anything.
    const from0 = before === null ? null : d(String(before))
    const waited = awaited(trigger, state, { ...seen, reference: from0 })
    const wakes = waited.bounds.some((bound) => holds(bound, seen.price)) || (waited.until ?? Infinity) <= seen.now
    if (observed.state !== state) assert.isTrue(wakes, `price ${value} would not have woken the rule`)
    // And once nothing changes any more, the price that was just seen must not wake it again at once.
    if (!observed.fires && observed.state === state)
      assert.isFalse(
        awaited(trigger, state, seen).bounds.some((bound) => holds(bound, seen.price)),
        `price ${value} would wake the rule for ever`
      )
    state = observed.state
    if (observed.fires) fired.push(i)
  })
  return fired
}

describe("a level trigger", () => {
  it("fires when already true, once, and again after it recovered", () => {
    assert.deepStrictEqual(firings(level("below"), [99, 98, 100, 101, 100, 90]), [0, 4])
    assert.deepStrictEqual(firings(level("above"), [99, 100, 101, 99, 100]), [1, 4])
  })
  it("re-arms by cooldown while it stays true", () => {
    assert.deepStrictEqual(firings(level("below", "cooldown"), [99, 98, 97, 96, 95], undefined, "2 minutes"), [0, 2, 4])
  })
  it("re-arms by a new extreme only", () => {
    assert.deepStrictEqual(firings(level("below", "newExtreme"), [99, 99, 101, 99, 98, 98.5, 97]), [0, 4, 6])
  })
})

describe("a crossing", () => {
  it("needs a price on each side after arming", () => {
    assert.deepStrictEqual(firings(level("crossesBelow"), [99, 98, 100, 99, 98, 101, 100, 99]), [3, 7])
    assert.deepStrictEqual(firings(level("crossesAbove"), [101, 100, 100, 101, 102, 99, 101]), [3, 6])
  })
})

describe("a drop", () => {
  const drop = price({ type: "price.drop", percent: "8", from: { type: "highOf", window: "PT24H" } })
  it("is measured exactly from its reference", () => {
    assert.deepStrictEqual(
      firings(drop, [95761.1, 95761, 95000], () => 104088.05),
      [1]
    )
    assert.deepStrictEqual(
      firings(drop, [92.01, 92, 91], () => 100),
      [1]
    )
  })
  it("waits for history, and says so", () => {
    const seen = { price: d("1"), reference: null, now: 0, cooldown: Duration.zero }
    assert.strictEqual(observe(drop, freshTrigger, seen).reason?.code, "INSUFFICIENT_HISTORY")
    const fromBuy = price({ type: "price.drop", percent: "8", from: { type: "lastBuy", scope: "rule" } })
    assert.strictEqual(observe(fromBuy, freshTrigger, seen).reason?.code, "NOT_TRUE")
  })
  it("with newExtreme starts anew from a higher high", () => {
    const deep = price({
      type: "price.drop",
      percent: "10",
      from: { type: "highOf", window: "PT24H" },
      rearm: "newExtreme"
    })
    assert.deepStrictEqual(
      firings(deep, [90, 91, 90, 120, 108, 108], (i) => (i < 3 ? 100 : 120)),
      [0, 4]
    )
  })
})
