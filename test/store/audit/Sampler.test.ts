import { assert, describe, it } from "@effect/vitest"
import { Sampler } from "../../../src/store/audit/Sampler.ts"

const minute = 60_000

describe("What is told of something frequent", () => {
  it("is so much in a window, and how much was left out with the first after it", () => {
    const sampler = new Sampler({ most: 3, windowMs: minute })
    const taken = Array.from({ length: 10 }, (_, n) => sampler.take("a", n * 1_000))
    assert.deepStrictEqual(taken, [0, 0, 0, null, null, null, null, null, null, null])
    assert.strictEqual(sampler.take("b", 10_000), 0)
    assert.strictEqual(sampler.take("a", minute), 7)
    assert.strictEqual(sampler.take("a", minute), 0)
  })

  it("is told with the next when it could not be written", () => {
    const sampler = new Sampler({ most: 1, windowMs: minute })
    sampler.giveBack("a")
    assert.strictEqual(sampler.take("a", 0), 0)
    sampler.giveBack("a")
    assert.deepStrictEqual([sampler.take("a", 1), sampler.take("a", 2)], [0, null])
  })

  it("is a sum for keys that do not come again, told once", () => {
    const sampler = new Sampler({ most: 1, windowMs: minute })
    for (const key of ["a", "b"]) for (let n = 0; n < 5; n++) sampler.take(key, 0)
    assert.strictEqual(sampler.leftOut(minute - 1), 0)
    assert.strictEqual(sampler.leftOut(minute), 8)
    assert.strictEqual(sampler.leftOut(2 * minute), 0)
    assert.strictEqual(sampler.take("a", 2 * minute), 0)
  })

  it("remembers ten thousand keys and loses no count of those it forgets", () => {
    const sampler = new Sampler({ most: 1, windowMs: minute })
    for (let n = 0; n < 30_000; n++) for (let times = 0; times < 3; times++) sampler.take(`address ${n}`, 0)
    assert.strictEqual(sampler.leftOut(minute), 60_000)
  })
})
