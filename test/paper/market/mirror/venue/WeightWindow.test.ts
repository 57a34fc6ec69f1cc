import { assert, describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import { WeightWindow } from "../../../../../src/paper/market/mirror/venue/WeightWindow.ts"

describe("what a mirror may ask of its venue", () => {
  it("never exceeds the limit in any window, and always gets its turn", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ weight: fc.integer({ min: 1, max: 25 }), pause: fc.integer({ min: 0, max: 3_000 }) }), {
          minLength: 30,
          maxLength: 80
        }),
        (wishes) => {
          const window = new WeightWindow(60, 10_000)
          const spent: Array<{ at: number; weight: number }> = []
          let now = 1_000_000
          for (const { pause, weight } of wishes) {
            now += pause
            const wait = window.spend(weight, now)
            if (wait > 0) {
              now += wait
              assert.strictEqual(window.spend(weight, now), 0, "after the wait there is room")
            }
            spent.push({ at: now, weight })
          }
          for (const { at } of spent) {
            const used = spent.filter((each) => each.at > at - 10_000 && each.at <= at)
            assert.isAtMost(
              used.reduce((sum, each) => sum + each.weight, 0),
              60
            )
          }
        }
      )
    )
  })

  it("rests for as long as the venue says", () => {
    const window = new WeightWindow(60, 10_000)
    window.pauseUntil(5_000)
    assert.strictEqual(window.spend(1, 2_000), 3_000)
    assert.strictEqual(window.spend(1, 5_000), 0)
  })
})
