import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { parseJson } from "../../../../src/mexc/wire/rest/ExactJson.ts"

const parsed = (text: string) => Option.getOrNull(parseJson(text))

describe("the venue's JSON", () => {
  it("keeps every digit of a long number, and the numbers that fit", () => {
    assert.deepStrictEqual(
      parsed('{"orderId":133734823834447873,"n":12,"x":-0.003000000000000000123,"t":1767211150479}'),
      {
        orderId: "133734823834447873",
        n: 12,
        x: "-0.003000000000000000123",
        t: 1_767_211_150_479
      }
    )
    assert.deepStrictEqual(parsed("[ 133734823834447873 , 1 ]"), ["133734823834447873", 1])
    assert.strictEqual(parsed("133734823834447873 "), "133734823834447873")
  })

  it("leaves texts alone, whatever numbers and quotes are in them", () => {
    const text = JSON.stringify({ msg: 'id: 133734823834447873, "133734823834447873" \\', id: 1 })
    assert.deepStrictEqual(parsed(text), JSON.parse(text))
    assert.deepStrictEqual(parsed(`{"a":"${"9".repeat(40)}"}`), { a: "9".repeat(40) })
  })

  it("is none where it is no JSON", () => {
    for (const text of ["", "{", "<html>", "NaN", "{'a':133734823834447873}", '{"a":"133734823834447873'])
      assert.isTrue(Option.isNone(parseJson(text)), text)
  })

  it("is read in a moment when it has eight million characters", () => {
    const text = JSON.stringify({ id: 1, filler: '\\"9'.repeat(2_000_000), last: "x" }).replace(
      '"id":1',
      '"id":133734823834447873'
    )
    assert.deepInclude(parsed(text), { id: "133734823834447873", last: "x" })
  })
})
