import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck, Option, Redacted } from "effect"
import { randomBytes } from "node:crypto"
import type { MasterKey } from "../../../src/accounts/secrets/KeyRing.ts"
import { open, seal } from "../../../src/accounts/secrets/SealedBox.ts"

const masterKey = (): MasterKey => Redacted.make(Uint8Array.from(randomBytes(32)))
const first = masterKey()
const ring = { current: "k1", keys: new Map([["k1", first]]) }
const place = { userId: "local_ann", recordId: "r1", field: "secretKey" }
const secret = Redacted.make("45d0b3c26f2644f19bfb98b07741b2f5")

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ "

describe("SealedBox", () => {
  it.effect("what was sealed opens in its place, and two seals differ", () =>
    Effect.gen(function* () {
      const [one, two] = yield* Effect.all([seal(ring, place, secret), seal(ring, place, secret)])
      assert.deepStrictEqual(Option.map(open(ring, place, one), Redacted.value), Option.some(Redacted.value(secret)))
      assert.notStrictEqual(one, two)
      assert.notInclude(one, Redacted.value(secret))
      assert.match(one, /^v1\.k1(\.[A-Za-z0-9_-]+){4}$/)
    })
  )

  it.effect("no change of a single character is accepted", () =>
    Effect.gen(function* () {
      // 31 bytes leave unused bits in the last character, where a lenient decoder would not look.
      for (const plain of ["45d0b3c26f2644f19bfb98b07741b2f", "45d0b3c26f2644f19bfb98b07741b2f5", ""]) {
        const sealed = yield* seal(ring, place, Redacted.make(plain))
        assert.isTrue(Option.isSome(open(ring, place, sealed)))
        for (let at = 0; at < sealed.length; at++) {
          const original = sealed.charAt(at)
          for (const other of alphabet)
            if (other !== original) assertClosed(ring, place, sealed.slice(0, at) + other + sealed.slice(at + 1))
          assertClosed(ring, place, sealed.slice(0, at) + sealed.slice(at + 1))
          assertClosed(ring, place, sealed.slice(0, at))
        }
        assertClosed(ring, place, `${sealed}=`)
        assertClosed(ring, place, `${sealed}.`)
      }
    })
  )

  it.effect("a text moved to another user, record or field does not open", () =>
    Effect.gen(function* () {
      const sealed = yield* seal(ring, place, secret)
      for (const moved of [
        { ...place, userId: "local_bob" },
        { ...place, recordId: "r2" },
        { ...place, field: "accessKey" }
      ])
        assertClosed(ring, moved, sealed)
    })
  )

  it.effect("a retired key still opens, a removed or exchanged one does not", () =>
    Effect.gen(function* () {
      const sealed = yield* seal(ring, place, secret)
      const rotated = {
        current: "k2",
        keys: new Map([
          ["k2", masterKey()],
          ["k1", first]
        ])
      }
      assert.isTrue(Option.isSome(open(rotated, place, sealed)))
      assertClosed({ current: "k2", keys: new Map([["k2", masterKey()]]) }, place, sealed)
      assertClosed({ current: "k1", keys: new Map([["k1", masterKey()]]) }, place, sealed)
    })
  )

  it("foreign text is refused, never an exception", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.string(),
        FastCheck.array(FastCheck.base64String(), { maxLength: 6 }),
        (a, parts) => {
          assertClosed(ring, place, a)
          assertClosed(ring, place, ["v1", "k1", ...parts].join("."))
        }
      ),
      { numRuns: 500 }
    )
    for (const id of ["__proto__", "constructor", ""]) assertClosed(ring, place, `v1.${id}.AAAA.AAAA.AAAA.AAAA`)
  })
})

const assertClosed = (keys: typeof ring, where: typeof place, sealed: string) =>
  assert.isTrue(Option.isNone(open(keys, where, sealed)), `opened: ${sealed}`)
