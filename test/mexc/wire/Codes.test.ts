import { assert, describe, it } from "@effect/vitest"
import { isSuccessCode, meaningOf } from "../../../src/mexc/wire/Codes.ts"

describe("error codes", () => {
  it("say who has to act", () => {
    const expected: ReadonlyArray<readonly [number, string, string]> = [
      [-1121, "input", "no"],
      [-2011, "orderState", "check"],
      [-2013, "orderState", "check"],
      [400, "input", "no"],
      [403, "permission", "wait"],
      [429, "rate", "wait"],
      [510, "rate", "wait"],
      [500, "venue", "check"],
      [702, "permission", "no"],
      [603, "input", "check"],
      [604, "venue", "wait"],
      [10007, "permission", "no"],
      [10072, "auth", "no"],
      [10073, "time", "resync"],
      [10101, "funds", "no"],
      [30002, "input", "no"],
      [30004, "funds", "no"],
      [30005, "funds", "no"],
      [30016, "symbol", "wait"],
      [30051, "symbol", "no"],
      [30087, "market", "no"],
      [700002, "auth", "no"],
      [700003, "time", "resync"],
      [700007, "permission", "no"],
      [730000, "venue", "check"],
      [730650, "input", "no"]
    ]
    for (const [code, codeClass, retry] of expected)
      assert.deepStrictEqual(meaningOf(code), { class: codeClass, retry }, `code ${code}`)
  })

  it("nobody documented prove nothing about an order", () => {
    assert.deepStrictEqual(meaningOf(987654), { class: "venue", retry: "check" })
  })

  it("0 and 200 both mean success", () => {
    assert.isTrue(isSuccessCode(0))
    assert.isTrue(isSuccessCode(200))
    assert.isFalse(isSuccessCode(400))
  })
})
