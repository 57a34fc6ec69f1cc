import { assert, describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import { RateLimiter } from "../../../src/http/gate/RateLimiter.ts"

const perMinute = (requests: number) => new RateLimiter({ name: "test", requests, windowSeconds: 60 })

describe("The request quota", () => {
  it("lets a minute's quota through at once, then evenly", () => {
    const limiter = perMinute(60)
    const allowed = Array.from({ length: 100 }, () => limiter.take("ann", 0).allowed).filter(Boolean)
    assert.strictEqual(allowed.length, 60)
    assert.isFalse(limiter.take("ann", 999).allowed)
    assert.isTrue(limiter.take("ann", 1_000).allowed)
    assert.isFalse(limiter.take("ann", 1_001).allowed)
  })

  it("tells what is left and how long to wait", () => {
    const limiter = perMinute(2)
    assert.deepStrictEqual(limiter.take("ann", 0), { allowed: true, remaining: 1, resetSeconds: 30 })
    assert.deepStrictEqual(limiter.take("ann", 0), { allowed: true, remaining: 0, resetSeconds: 60 })
    assert.deepStrictEqual(limiter.take("ann", 0), { allowed: false, remaining: 0, resetSeconds: 30 })
  })

  it("gives back a class's burst within its own window", () => {
    const limiter = new RateLimiter({ name: "orders", requests: 30, windowSeconds: 6 })
    const granted = (now: number) =>
      Array.from({ length: 100 }, () => limiter.take("ann", now).allowed).filter(Boolean).length
    assert.deepStrictEqual([granted(0), granted(199), granted(200), granted(1_200), granted(60_000)], [30, 0, 1, 5, 30])
  })

  it("can be looked at without taking from it", () => {
    const limiter = perMinute(1)
    for (let i = 0; i < 3; i++) assert.isTrue(limiter.look("ann", 0).allowed)
    assert.isTrue(limiter.take("ann", 0).allowed)
    assert.isFalse(limiter.look("ann", 0).allowed)
  })

  it("is each user's own", () => {
    const limiter = perMinute(1)
    assert.isTrue(limiter.take("ann", 0).allowed)
    assert.isTrue(limiter.take("bob", 0).allowed)
    assert.isFalse(limiter.take("ann", 0).allowed)
  })

  it("never lets more than two minutes' worth through in any minute, however requests come", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 300 }), (gaps) => {
        const limiter = perMinute(30)
        const granted: Array<number> = []
        let now = 0
        for (const gap of gaps) {
          now += gap
          if (limiter.take("ann", now).allowed) granted.push(now)
        }
        for (const start of granted) {
          assert.isAtMost(granted.filter((at) => at >= start && at < start + 60_000).length, 60)
        }
      })
    )
  })

  it("stays small when addresses never repeat", () => {
    const limiter = perMinute(1)
    for (let i = 0; i < 30_000; i++) limiter.take(`address ${i}`, 0)
    assert.isTrue(limiter.take("address 0", 0).allowed)
    assert.isFalse(limiter.take("address 29999", 0).allowed)
    assert.isAtMost(limiter.size, 10_000)
  })
})
