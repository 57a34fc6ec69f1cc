import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { Meter } from "../../../src/paper/rest/Meter.ts"

const limits = { ipWeight: 300, ordersPerSecond: 12 }

describe("the exchange's meter", () => {
  it("refuses what would exceed the weight of any rolling ten seconds, and says how long to wait", () => {
    const meter = new Meter(limits)
    assert.strictEqual(meter.weigh("a", 300, 1_000), 0)
    assert.strictEqual(meter.weigh("b", 1, 5_000), 0, "another address has its own window")
    assert.strictEqual(meter.weigh("a", 1, 10_999), 1)
    assert.strictEqual(meter.weigh("a", 1, 11_000), 0)
    const { maxIpWeight, refusedByLimit, requests } = meter.counters()
    assert.deepStrictEqual(
      { maxIpWeight, refusedByLimit, requests },
      { maxIpWeight: 301, refusedByLimit: 1, requests: 4 }
    )
  })

  it("counts order operations per account and second", () => {
    const meter = new Meter(limits)
    for (let i = 0; i < 12; i++) assert.strictEqual(meter.countOrder("1", i), 0)
    assert.isAbove(meter.countOrder("1", 12), 0)
    assert.strictEqual(meter.countOrder("2", 12), 0)
    assert.strictEqual(meter.counters().maxOrdersPerSecond, 13)
  })

  it("agrees with a plain sum over the window", () => {
    const request = fc.record({ gap: fc.nat(3_000), weight: fc.integer({ min: 1, max: 40 }) })
    fc.assert(
      fc.property(fc.array(request, { maxLength: 80 }), (requests) => {
        const meter = new Meter(limits)
        const seen: Array<{ at: number; weight: number }> = []
        let at = 0
        let highest = 0
        for (const { gap, weight } of requests) {
          at += gap
          seen.push({ at, weight })
          const sum = seen.filter((each) => each.at > at - 10_000).reduce((total, each) => total + each.weight, 0)
          highest = Math.max(highest, sum)
          assert.strictEqual(meter.weigh("a", weight, at) === 0, sum <= 300)
        }
        assert.strictEqual(meter.counters().maxIpWeight, highest)
      })
    )
  })
})
