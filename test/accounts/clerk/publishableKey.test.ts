import { assert, describe, it } from "@effect/vitest"
import { Either, Redacted } from "effect"
import { backendOf, fits, issuerOf } from "../../../src/accounts/clerk/publishableKey.ts"
import { rsaKeyOfPem } from "../../../src/accounts/clerk/rsaKey.ts"
import { keys, makeKeys, pem } from "./tokens.ts"

const keyOf = (text: string, kind = "live") => `pk_${kind}_${Buffer.from(text).toString("base64")}`

describe("a publishable key", () => {
  it.each([
    [keyOf("clerk.example.com$"), "https://clerk.example.com"],
    [keyOf("sure-1.clerk.accounts.dev$", "test"), "https://sure-1.clerk.accounts.dev"],
    [keyOf("127.0.0.1:4000$", "test"), "http://127.0.0.1:4000"]
  ])("%s names %s", (key, issuer) => assert.deepStrictEqual(issuerOf(key), Either.right(issuer)))

  it.each([
    "",
    "pk_live_",
    "sk_live_Y2xlcmsuZXhhbXBsZS5jb20k",
    keyOf("clerk.example.com"),
    keyOf("clerk.example.com/path$"),
    keyOf("user@clerk.example.com$"),
    keyOf("clerk.example.com:443$"),
    keyOf("https://clerk.example.com$"),
    keyOf("evil.test\n$"),
    keyOf("localhost$"),
    keyOf("10.0.0.1:80$")
  ])("%j is refused", (key) => assert.isTrue(Either.isLeft(issuerOf(key))))
})

describe("a secret key", () => {
  const problemOf = (secretKey: string, kind = "live") =>
    Either.match(fits(keyOf("clerk.example.com$", kind), Redacted.make(secretKey)), {
      onLeft: (problem) => problem,
      onRight: () => "accepted"
    })

  it("goes with a publishable key of its own kind, and is never in what is said of it", () => {
    assert.strictEqual(problemOf("sk_live_aB3"), "accepted")
    assert.strictEqual(problemOf("sk_test_aB3", "test"), "accepted")
    assert.match(problemOf("sk_test_aB3"), /another Clerk instance/)
    for (const nonsense of ["", "sk_live_", "pk_live_aB3", "sk_live_a b", "aB3"])
      assert.strictEqual(problemOf(nonsense), "expected a key that begins with sk_test_ or sk_live_")
  })

  it("is sent to Clerk, or to who stands in for Clerk on this machine", () => {
    assert.strictEqual(backendOf("https://clerk.example.com"), "https://api.clerk.com")
    assert.strictEqual(backendOf("http://127.0.0.1:4000"), "http://127.0.0.1:4000")
  })
})

describe("a PEM of Clerk", () => {
  const problemOf = (text: string) => Either.getOrElse(Either.flip(rsaKeyOfPem(text)), () => "accepted")

  it("is read with its line breaks written out, and verifies RS256 alone", () => {
    const key = Either.getOrThrow(rsaKeyOfPem(pem.replaceAll("\n", "\\n")))
    assert.deepStrictEqual([key.kty, key.alg, key.n], ["RSA", "RS256", keys.publicKey.export({ format: "jwk" }).n])
  })

  it("is refused when it is short, private, PKCS #1 or nonsense, and says so", () => {
    const short = makeKeys(1_024).publicKey.export({ type: "spki", format: "pem" }).toString()
    assert.match(problemOf(short), /1024 bits/)
    assert.match(problemOf(keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString()), /BEGIN PUBLIC KEY/)
    assert.match(problemOf(keys.publicKey.export({ type: "pkcs1", format: "pem" }).toString()), /BEGIN PUBLIC KEY/)
    assert.match(problemOf("-----BEGIN PUBLIC KEY-----\nnonsense"), /cannot be read/)
    assert.match(problemOf("nonsense"), /BEGIN PUBLIC KEY/)
  })
})
