import { assert, describe, it } from "@effect/vitest"
import { Effect, Either } from "effect"
import { parseJson } from "../../../src/http/input/parseJson.ts"

const refused = (text: string) =>
  Effect.map(Effect.either(parseJson(text)), (result) =>
    Either.isLeft(result) ? result.left.message : `accepted ${JSON.stringify(result.right)}`
  )

describe("A request body", () => {
  it.effect("is read as JSON", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* parseJson(`{"a": [1, {"b": "x\\n\\u00e9", "c": null}], "d": "{,}"}`), {
        a: [1, { b: "x\né", c: null }],
        d: "{,}"
      })
    })
  )

  it.effect("may use a name again in another object, and names as values", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* parseJson(`{"a":{"a":"a"},"b":["b","b"]}`), { a: { a: "a" }, b: ["b", "b"] })
    })
  )

  it.effect("is refused when it is not JSON", () =>
    Effect.gen(function* () {
      for (const text of ["{", `{"a":NaN}`, `{"a":1,}`, "undefined", `{"a":"\\x"}`, `"open`]) {
        assert.strictEqual(yield* refused(text), "The body is not JSON.", text)
      }
      assert.strictEqual(yield* refused(""), "The body is empty.")
      assert.strictEqual(yield* refused(Buffer.from([0x22, 0xff, 0x22]).toString()), "The body is not UTF-8.")
    })
  )

  it.effect("is refused when parsers would disagree about it", () =>
    Effect.gen(function* () {
      assert.include(yield* refused(`{"price":"1","price":"2"}`), `"price" occurs twice`)
      assert.include(yield* refused(`{"price":"1","pr\\u0069ce":"2"}`), `"price" occurs twice`)
      assert.include(yield* refused(`{"note":"\\ud800"}`), "surrogate")
      assert.include(yield* refused(`{"note":"a\\u0000b"}`), "control characters")
      assert.include(yield* refused(`{"note":"a\\r\\nSet-Cookie: x"}`), "control characters")
    })
  )

  it.effect("is refused when it is nested twenty thousand levels deep, before a schema sees it", () =>
    Effect.gen(function* () {
      assert.include(yield* refused("[".repeat(20_000) + "]".repeat(20_000)), "deeper than 20 levels")
      assert.include(yield* refused(`{"a":`.repeat(21) + "1" + "}".repeat(21)), "deeper than 20 levels")
      assert.include(yield* refused("[".repeat(20) + "]".repeat(20)), "accepted")
    })
  )
})
