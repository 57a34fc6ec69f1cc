import { assert, describe, it } from "@effect/vitest"
import { parseParameters } from "../../../src/paper/rest/ApiRequest.ts"
import { isSignedBy, signedText } from "../../../src/paper/rest/Signature.ts"

/** Example 2 of the venue's documentation. */
const secret = "45d0b3c26f2644f19bfb98b07741b2f5"
const text = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=11&recvWindow=5000&timestamp=1644489390087"
const signature = "fd3e4e8543c5188531eb7279d68ae7d26a573d0fc5ab0d18eb692451654d837a"

describe("the exchange's signature check", () => {
  it("accepts the venue's documented example", () => {
    assert.isTrue(isSignedBy(secret, text, signature))
  })

  it("refuses upper case, another secret, another text and a cut signature", () => {
    assert.isFalse(isSignedBy(secret, text, signature.toUpperCase()))
    assert.isFalse(isSignedBy(`${secret}x`, text, signature))
    assert.isFalse(isSignedBy(secret, `${text}0`, signature))
    assert.isFalse(isSignedBy(secret, text, signature.slice(1)))
  })

  it("takes the query and then the body as they came, without the signature wherever it stands", () => {
    assert.strictEqual(signedText(`${text}&signature=${signature}`, ""), text)
    assert.strictEqual(signedText("symbol=BTCUSDT", `price=11&signature=${signature}`), "symbol=BTCUSDTprice=11")
    assert.strictEqual(signedText("a=%2C%20&signature=x&b=1", ""), "a=%2C%20&b=1")
  })
})

describe("parameters", () => {
  it("are read from query and body, the query winning", () => {
    const parameters = parseParameters("symbol=BTCUSDT&price=1", "price=2&quantity=3")
    assert.deepStrictEqual([...parameters].sort(), [
      ["price", "1"],
      ["quantity", "3"],
      ["symbol", "BTCUSDT"]
    ])
  })

  it("are unescaped as RFC 3986 bytes, and broken escapes stay", () => {
    const parameters = parseParameters("a=A%2CB%20C&b=%C3%BC&c=%zz&d=1+2", "")
    assert.strictEqual(parameters.get("a"), "A,B C")
    assert.strictEqual(parameters.get("b"), "ü")
    assert.strictEqual(parameters.get("c"), "%zz")
    assert.strictEqual(parameters.get("d"), "1+2")
  })
})
