import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { Meter, venueLimits } from "../../../src/paper/rest/Meter.ts"

const minute = 60_000

describe("the exchange's meter", () => {
  it("refuses what would exceed the weight of any rolling ten seconds, and says how long to wait", () => {
    const meter = new Meter(venueLimits)
    assert.isNull(meter.weigh("a", 300, 1_000))
    assert.isNull(meter.weigh("b", 1, 5_000), "another address has its own window")
    assert.deepStrictEqual(meter.weigh("a", 1, 10_999), { status: 429, waitMillis: 1 })
    assert.isNull(meter.weigh("a", 1, 11_000))
    const { maxIpWeight, refusedByLimit, requests } = meter.counters()
    assert.deepStrictEqual(
      { maxIpWeight, refusedByLimit, requests },
      { maxIpWeight: 301, refusedByLimit: 1, requests: 4 }
    )
  })

  it("tells the wait after which the same request fits", () => {
    const meter = new Meter(venueLimits)
    for (const at of [0, 2_000, 4_000]) assert.isNull(meter.weigh("a", 100, at))
    const refused = meter.weigh("a", 25, 5_000)
    assert.deepStrictEqual(refused, { status: 429, waitMillis: 5_000 })
    assert.isNull(meter.weigh("a", 25, 10_000))
  })

  it("counts order operations per account and second", () => {
    const meter = new Meter(venueLimits)
    for (let i = 0; i < 12; i++) assert.isNull(meter.countOrder("a", "1", i))
    assert.strictEqual(meter.countOrder("a", "1", 12)?.status, 429)
    assert.isNull(meter.countOrder("a", "2", 12))
    assert.strictEqual(meter.counters().maxOrdersPerSecond, 13)
  })

  it("has a pool of its own for each account, whatever address asks", () => {
    const meter = new Meter(venueLimits)
    assert.isNull(meter.weighAccount("a", "1", 499, 0))
    assert.isNull(meter.weighAccount("b", "1", 1, 1))
    assert.strictEqual(meter.weighAccount("c", "1", 1, 2)?.status, 429)
    assert.isNull(meter.weighAccount("c", "2", 1, 2))
    assert.strictEqual(meter.counters().maxUidWeight, 501)
  })

  it("knows the limit of one endpoint", () => {
    const meter = new Meter(venueLimits)
    const twoPerSecond = { requests: 2, perMillis: 1_000 }
    assert.isNull(meter.countOwn("a", "GET /x", "1", twoPerSecond, 0))
    assert.isNull(meter.countOwn("a", "GET /x", "1", twoPerSecond, 1))
    assert.deepStrictEqual(meter.countOwn("a", "GET /x", "1", twoPerSecond, 2), { status: 429, waitMillis: 999 })
    assert.isNull(meter.countOwn("a", "GET /y", "1", twoPerSecond, 2))
    assert.isNull(meter.countOwn("a", "GET /x", "2", twoPerSecond, 2))
  })

  it("bans an address that goes on asking, each time for twice as long, up to three days", () => {
    const meter = new Meter(venueLimits)
    let at = 0
    const hammer = () => {
      for (let i = 0; i < 1_000; i++) {
        const over = meter.weigh("a", 100, at)
        if (over?.status === 418) return over.waitMillis
        at += 10
      }
      return 0
    }
    const bans: Array<number> = []
    for (let i = 0; i < 14; i++) {
      const waitMillis = hammer()
      bans.push(waitMillis / minute)
      assert.strictEqual(meter.weigh("a", 1, at + waitMillis - 1)?.status, 418, "until its end")
      at += waitMillis
    }
    assert.deepStrictEqual(bans.slice(0, 4), [2, 4, 8, 16])
    assert.strictEqual(bans.at(-1), 3 * 24 * 60)
    assert.strictEqual(meter.counters().bans, 14)
    assert.isNull(meter.weigh("b", 1, at), "nobody else is banned")
  })

  it("forgives ten impatient requests, and a caller who waited", () => {
    const meter = new Meter(venueLimits)
    meter.weigh("a", 300, 0)
    assert.strictEqual(meter.weigh("a", 1, 1)?.status, 429)
    for (let i = 0; i < 10; i++) assert.strictEqual(meter.weigh("a", 1, 301 + i)?.status, 429)
    assert.strictEqual(meter.weigh("a", 1, 311)?.status, 418)
    const patient = new Meter(venueLimits)
    for (let round = 0; round < 30; round++) {
      assert.isNull(patient.weigh("a", 300, round * 20_000))
      assert.strictEqual(patient.weigh("a", 1, round * 20_000 + 1)?.status, 429)
    }
    assert.strictEqual(patient.counters().bans, 0)
  })

  it("bans nobody for requests that were on their way before the first refusal could be heard", () => {
    const meter = new Meter(venueLimits)
    const orders = Array.from({ length: 30 }, (_, i) => meter.countOrder("a", "1", i)?.status ?? 200)
    assert.deepStrictEqual(
      [200, 429, 418].map((status) => orders.filter((each) => each === status).length),
      [12, 18, 0]
    )
    const weights = Array.from({ length: 30 }, () => meter.weigh("b", 300, 200)?.status ?? 200)
    assert.deepStrictEqual([...new Set(weights)], [200, 429])
    assert.strictEqual(meter.counters().bans, 0)
  })

  it("bans the address of an account that goes on for seconds, and no other account's patience is used up by it", () => {
    const hammer = (accounts: number, forMillis: number) => {
      const meter = new Meter(venueLimits)
      for (let at = 0; at < forMillis; at += 20)
        for (let account = 0; account < accounts; account++) {
          const over = meter.countOrder("a", `account ${account}`, at)
          if (over?.status === 418) return at
        }
      return null
    }
    assert.isNull(hammer(20, 600), "many at once are no one's disobedience")
    assert.isNull(hammer(1, 2_500))
    const at = hammer(1, 10_000) ?? 0
    assert.isAtLeast(at, 3_000)
    assert.isBelow(at, 4_000)
    const meter = new Meter(venueLimits)
    for (let i = 0; i < 400; i++) meter.countOrder("a", "1", i * 10)
    assert.strictEqual(meter.weigh("a", 1, 4_000)?.status, 418)
    assert.isNull(meter.weigh("b", 1, 4_000))
  })

  it("forgets callers who are gone", () => {
    const meter = new Meter(venueLimits)
    for (let i = 0; i < 50_000; i++) meter.weigh(`address ${i}`, 1, i * 100)
    assert.isBelow(meter.size, 5_000)
  })

  it("agrees with a plain sum over the window", () => {
    const request = fc.record({ gap: fc.nat(3_000), weight: fc.integer({ min: 1, max: 40 }) })
    fc.assert(
      fc.property(fc.array(request, { maxLength: 80 }), (requests) => {
        const meter = new Meter(venueLimits)
        const seen: Array<{ at: number; weight: number }> = []
        let at = 0
        let highest = 0
        for (const { gap, weight } of requests) {
          at += gap
          seen.push({ at, weight })
          const sum = seen.filter((each) => each.at > at - 10_000).reduce((total, each) => total + each.weight, 0)
          const over = meter.weigh("a", weight, at)
          if (over?.status === 418) return
          highest = Math.max(highest, sum)
          assert.strictEqual(over === null, sum <= 300)
        }
        assert.strictEqual(meter.counters().maxIpWeight, highest)
      })
    )
  })
})
