import { assert, describe, it } from "vitest"
import { exact, plain, sum, times } from "./Exact.ts"

const of = (text: string) => exact(text) ?? assert.fail(`${text} is a decimal`)

describe("Exact decimals", () => {
  it("come back as they were written, in their shortest form", () => {
    for (const text of ["0", "1", "-1", "0.00000001", "-0.5", "60303.01", "123456789012345678901234567890.000001"])
      assert.strictEqual(plain(of(text)), text)
    assert.strictEqual(plain(of("1.500")), "1.5")
    assert.strictEqual(plain(of("-0.0")), "0")
  })

  it("are refused when they are not plain digits, or finer than can be kept", () => {
    for (const text of ["", ".5", "5.", "1e-8", "+1", "1,5", " 1", "NaN", `0.${"1".repeat(31)}`])
      assert.isNull(exact(text))
  })

  it("add and multiply without rounding", () => {
    assert.strictEqual(plain(sum([of("0.1"), of("0.2")])), "0.3")
    assert.strictEqual(plain(times(of("60003"), of("0.000331"))), "19.860993")
    assert.isTrue(of("50.02500001") > of("50.025"))
  })
})
