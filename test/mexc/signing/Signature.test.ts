import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import { encodeQuery, sign, signedQuery } from "../../../src/mexc/signing/Signature.ts"

const secret = Redacted.make("45d0b3c26f2644f19bfb98b07741b2f5")

describe("the signature", () => {
  it("of the documented request is the documented one", () => {
    const query = encodeQuery([
      ["symbol", "BTCUSDT"],
      ["side", "BUY"],
      ["type", "LIMIT"],
      ["quantity", "1"],
      ["price", "11"],
      ["recvWindow", "5000"],
      ["timestamp", "1644489390087"]
    ])
    assert.strictEqual(
      query,
      "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=11&recvWindow=5000&timestamp=1644489390087"
    )
    assert.strictEqual(sign(secret, query), "fd3e4e8543c5188531eb7279d68ae7d26a573d0fc5ab0d18eb692451654d837a")
  })

  it("covers upper-case escapes, with %20 for a blank and every reserved sign escaped", () => {
    assert.strictEqual(encodeQuery([["a", "b c,d(e)*!'~-_.é+/"]]), "a=b%20c%2Cd%28e%29%2A%21%27~-_.%C3%A9%2B%2F")
  })

  it("stands last in the query", () => {
    assert.match(signedQuery(secret, [["timestamp", "1"]]), /^timestamp=1&signature=[0-9a-f]{64}$/)
  })
})
