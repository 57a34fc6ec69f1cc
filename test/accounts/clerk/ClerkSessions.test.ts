import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Layer, Logger, LogLevel } from "effect"
import { ClerkKeys } from "../../../src/accounts/clerk/ClerkKeys.ts"
import { ClerkSessions } from "../../../src/accounts/clerk/ClerkSessions.ts"
import { rsaKeyOfPem } from "../../../src/accounts/clerk/rsaKey.ts"
import { UserId } from "../../../src/domain/Ids.ts"
import { makeRandom } from "../../mexc/kit/virtualClock.ts"
import {
  claims,
  header,
  hs256,
  issuer,
  keys,
  makeKeys,
  mint,
  mutated,
  party,
  pem,
  respelled,
  sign,
  signText,
  unsigned
} from "./tokens.ts"

const other = makeKeys()

const sessions = ClerkSessions.layer({ issuer, authorizedParties: [party] }).pipe(
  Layer.provide(Layer.unwrapEffect(Effect.map(Effect.orDie(rsaKeyOfPem(pem)), ClerkKeys.layerPinned))),
  Layer.provide(Logger.minimumLogLevel(LogLevel.None))
)

const answerTo = (token: string) =>
  Effect.flatMap(ClerkSessions, (all) =>
    Effect.match(all.verify(token), { onFailure: ({ _tag }) => _tag, onSuccess: ({ userId }) => userId })
  )

const now = () => Math.floor(Date.now() / 1_000)
const good = mint()
const [head = "", body = "", signature = ""] = good.split(".")

type Attack = readonly [name: string, token: string | (() => string), answer?: string]

const attacks = (id: string, what: string, tokens: ReadonlyArray<Attack>) =>
  describe(`${id}: ${what}`, () => {
    for (const [name, token, answer = "UNAUTHENTICATED"] of tokens)
      it.live(`${name}: ${answer}`, () =>
        Effect.gen(function* () {
          assert.strictEqual(yield* answerTo(typeof token === "string" ? token : token()), answer)
        }).pipe(Effect.provide(sessions))
      )
  })

describe("a session token", () => {
  it.live("lets its person in, as Clerk describes them", () =>
    Effect.gen(function* () {
      const { verify } = yield* ClerkSessions
      const session = yield* verify(mint({ o: { id: "org_1", rol: "admin", slg: "ours" } }))
      assert.deepInclude(session, {
        userId: UserId.make("user_2test"),
        sessionId: "sess_2test",
        freshMinutes: 3,
        org: { id: "org_1", role: "org:admin" }
      })
      assert.isAtLeast(session.expiresAt, Date.now() + 500_000)
      assert.isAtMost(session.expiresAt, Date.now() + 605_000)
    }).pipe(Effect.provide(sessions))
  )

  it.live("of version 1 counts as well, without an organisation; who never proved a factor is not fresh", () =>
    Effect.gen(function* () {
      const { verify } = yield* ClerkSessions
      const session = yield* verify(mint({ v: undefined, fva: undefined, sts: undefined, org_id: "org_1" }))
      assert.deepInclude(session, { freshMinutes: null, org: null })
      assert.isNull((yield* verify(mint({ fva: [-1, -1] }))).freshMinutes)
    }).pipe(Effect.provide(sessions))
  )
})

attacks("T02", "a token that nobody signed", [
  ["alg none", unsigned("none")],
  ["alg None", unsigned("None")],
  ["no signature", `${head}.${body}.`]
])

attacks("T03", "HS256 with the public key as its secret", [
  ["the PEM", hs256(pem)],
  ["the PEM without its last line break", hs256(pem.trim())]
])

attacks("T04", "another digest of the right key", [
  ["RS384", sign(header({ alg: "RS384" }), claims(), keys.privateKey, "RSA-SHA384")],
  ["RS512", sign(header({ alg: "RS512" }), claims(), keys.privateKey, "RSA-SHA512")],
  ["RS384 that says RS256", sign(header(), claims(), keys.privateKey, "RSA-SHA384")]
])

attacks("T05", "another instance's key", [["the same kid", mint({}, {}, other.privateKey)]])

const theirs = { ...other.publicKey.export({ format: "jwk" }), kid: "ins_test", alg: "RS256" }
attacks("T06", "a key that the token brings along", [
  ["jku", mint({}, { jku: "https://evil.test/jwks.json" }, other.privateKey)],
  ["x5u", mint({}, { x5u: "https://evil.test/x5u" }, other.privateKey)],
  ["jwk", mint({}, { jwk: theirs }, other.privateKey)],
  ["x5c", mint({}, { x5c: ["MIIB"] }, other.privateKey)]
])

attacks("T07", "a critical extension that nobody knows", [["crit", mint({}, { crit: ["exp"] })]])

attacks("T08", "a key id that is none", [
  ["missing", mint({}, { kid: undefined })],
  ["a number", mint({}, { kid: 1 })],
  ["1 KiB", mint({}, { kid: "a".repeat(1_024) })],
  ["a path", mint({}, { kid: "../../etc/passwd" })],
  ["empty", mint({}, { kid: "" })]
])

attacks("T09", "a token that ran out", [
  ["six seconds ago", () => mint({ iat: now() - 66, exp: now() - 6 }), "TOKEN_EXPIRED"],
  ["two seconds ago", () => mint({ iat: now() - 62, exp: now() - 2 }), "user_2test"]
])

attacks("T10", "a token of the future", [
  ["nbf", () => mint({ nbf: now() + 60 })],
  ["iat", () => mint({ iat: now() + 60, exp: now() + 120 })]
])

attacks("T11", "a token without an end", [
  ["exp missing", mint({ exp: undefined })],
  ["exp a text", mint({ exp: String(now() + 60) })],
  ["exp in the year 31 million", mint({ exp: 1e15 })],
  ["iat missing", mint({ iat: undefined })],
  ["nbf missing", mint({ nbf: undefined })],
  ["more than an hour", () => mint({ exp: now() + 3_700 })],
  ["exp 1e400", () => signText(JSON.stringify(claims()).replace(/"exp":\d+/, `"exp":1e400`))]
])

attacks("T12", "nobody, or no person", [
  ["sub missing", mint({ sub: undefined })],
  ["sub empty", mint({ sub: "" })],
  ["sub an object", mint({ sub: { id: "user_2test" } })],
  ["a machine", mint({ sub: "mch_2test" })],
  ["one of our own local users", mint({ sub: "local_ann" })],
  ["sid missing", mint({ sid: undefined })],
  ["sid of another kind", mint({ sid: "user_2test" })]
])

attacks("T13", "another kind of token", [
  ["a machine's", mint({}, { cat: "cl_B7d4PD333AAA" })],
  ["of a kind nobody knows", mint({}, { cat: "cl_unknown" })],
  ["an OAuth access token", mint({}, { typ: "at+jwt" })],
  ["without a type", mint({}, { typ: undefined })]
])

attacks("T14", "a page that may not ask", [
  ["another origin", mint({ azp: "https://evil.test" })],
  ["azp missing", mint({ azp: undefined })],
  ["azp a list", mint({ azp: [party] })],
  ["azp a prefix", mint({ azp: `${party}.evil.test` })]
])

attacks("T15", "another issuer", [
  ["another one", mint({ iss: "https://clerk.evil.test" })],
  ["missing", mint({ iss: undefined })],
  ["with a slash", mint({ iss: `${issuer}/` })],
  ["without TLS", mint({ iss: issuer.replace("https", "http") })]
])

const flipped = (text: string) => (text.startsWith("A") ? "B" : "A") + text.slice(1)
attacks("T16", "a token that was changed", [
  [
    "the payload",
    `${head}.${Buffer.from(JSON.stringify(claims({ sub: "user_other" }))).toString("base64url")}.${signature}`
  ],
  ["a signature that was cut", good.slice(0, -10)],
  ["another first letter of the signature", `${head}.${body}.${flipped(signature)}`],
  ["padding", `${good}==`],
  ["two parts", `${head}.${body}`],
  ["four parts", `${good}.${signature}`],
  ["a space", `${head}.${body} .${signature}`],
  ["a control character", `${head}.${body}\u0000.${signature}`],
  ["another spelling of the same bytes", `${head}.${body}.${respelled(signature)}`]
])

attacks("T17", "JSON that is no object", [
  ["a header null", sign(null, claims())],
  ["a header []", sign([], claims())],
  ["a header 1", sign(1, claims())],
  ["a payload null", sign(header(), null)],
  ["a payload []", sign(header(), [])],
  ["a payload 1", sign(header(), 1)],
  ["a header that is no JSON", `${Buffer.from("{").toString("base64url")}.${body}.${signature}`],
  ["a payload that is no JSON", () => signText("{")]
])

attacks("T18", "a token that is too long", [
  ["64 KiB, signed", mint({ filler: "x".repeat(65_536) })],
  ["1 MiB of garbage", "a".repeat(1_048_576)],
  ["1 MiB of dots", ".".repeat(1_048_576)]
])

attacks("T19", "a claim named __proto__", [
  [
    "is one among others",
    () => signText(JSON.stringify(claims()).replace("{", `{"__proto__":{"sub":"user_evil"},`)),
    "user_2test"
  ]
])

attacks("T20", "somebody who may not act", [
  ["a session with a task left", mint({ sts: "pending" }), "SESSION_PENDING"],
  ["support staff", mint({ act: { sub: "user_support" } }), "IMPERSONATION_FORBIDDEN"],
  ["an act that is null", mint({ act: null }), "IMPERSONATION_FORBIDDEN"]
])

describe("T19 and T22", () => {
  it.live("leave the prototype alone, and organisations of version 1 out of tokens of version 2", () =>
    Effect.gen(function* () {
      const { verify } = yield* ClerkSessions
      yield* verify(signText(JSON.stringify(claims()).replace("{", `{"__proto__":{"polluted":true},`)))
      assert.isFalse("polluted" in {})
      assert.isNull((yield* verify(mint({ org_id: "org_1", org_role: "org:admin" }))).org)
    }).pipe(Effect.provide(sessions))
  )
})

describe("T24: mutations of a valid token", () => {
  const count = 20_000

  it.live(
    `are refused, ${count} of ${count}, without a defect`,
    () =>
      Effect.gen(function* () {
        const { verify } = yield* ClerkSessions
        const random = makeRandom(24)
        const token = mint({ exp: now() + 600 })
        assert.isTrue(Either.isRight(yield* Effect.either(verify(token))))
        const seen = new Map<string, number>()
        for (let n = 0; n < count; n++) {
          const changed = mutated(token, random)
          const answer = yield* Effect.match(verify(changed), {
            onFailure: ({ _tag }) => _tag,
            onSuccess: () => changed
          })
          seen.set(answer, (seen.get(answer) ?? 0) + 1)
        }
        assert.deepStrictEqual([...seen], [["UNAUTHENTICATED", count]])
      }).pipe(Effect.provide(sessions)),
    120_000
  )
})
