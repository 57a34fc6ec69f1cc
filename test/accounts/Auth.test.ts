import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, Layer, Redacted, TestClock } from "effect"
import { createHash } from "node:crypto"
import { inspect } from "node:util"
import { ApiKeys } from "../../src/accounts/ApiKeys.ts"
import { Auth } from "../../src/accounts/Auth.ts"
import { localUserId } from "../../src/accounts/UsersRepo.ts"
import { UserId } from "../../src/domain/Ids.ts"
import { layer, layerAt, temporaryFolder } from "../kit/TestDatabase.ts"

const services = Layer.mergeAll(ApiKeys.layer, Auth.layerLocal)
const app = Layer.provideMerge(services, layer)

const ann = UserId.make("local_ann")
const bob = UserId.make("local_bob")
const newKey = { name: "bot", scopes: ["read", "trade"] } as const

const createKey = Effect.flatMap(ApiKeys, (keys) =>
  Effect.map(keys.create(ann, newKey), (key) => ({ ...key, header: `Bearer ${Redacted.value(key.token)}` }))
)

const refusalOf = (header: string | undefined) => Effect.flatMap(Auth, (auth) => Effect.flip(auth.authenticate(header)))

describe("Auth with local keys", () => {
  it.effect("a new key lets its user in with its scopes", () =>
    Effect.gen(function* () {
      const key = yield* createKey
      const auth = yield* Auth
      assert.match(Redacted.value(key.token), /^bk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}_[0-9a-f]{6}$/)
      const principal = yield* auth.authenticate(key.header)
      assert.deepStrictEqual(
        [principal.userId, principal.via, principal.credentialId, [...principal.scopes], principal.freshMinutes],
        [ann, "apiKey", key.id, ["read", "trade"], null]
      )
      assert.deepStrictEqual(yield* auth.authenticate(key.header.replace("Bearer", "bearer")), principal)
    }).pipe(Effect.provide(app))
  )

  it.effect("before the first user every refusal says how to make one", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* refusalOf(undefined))._tag, "SETUP_REQUIRED")
      assert.strictEqual((yield* refusalOf("Bearer bk_x"))._tag, "SETUP_REQUIRED")
      const auth = yield* Auth
      assert.isUndefined(auth.authenticateCached(undefined, 0))
      yield* createKey
      assert.strictEqual((yield* refusalOf(undefined))._tag, "UNAUTHENTICATED")
      assert.strictEqual(auth.authenticateCached(undefined, 0), "unauthenticated")
    }).pipe(Effect.provide(app))
  )

  it.effect("L01: a wrong id, secret, checksum, length or case is refused, all with one answer", () =>
    Effect.gen(function* () {
      const { header } = yield* createKey
      const token = header.slice(7)
      const [, id = "", secret = "", checksum = ""] = /^bk_(.{16})_(.{43})_(.{6})$/.exec(token) ?? []
      const sealWith = (body: string) => `${body}_${createHash("sha256").update(body).digest("hex").slice(0, 6)}`
      const flip = (text: string) => (text.startsWith("0") ? "1" : "0") + text.slice(1)
      const attempts = [
        undefined,
        "",
        "Bearer",
        "Bearer ",
        token,
        `Basic ${token}`,
        `Xearer ${token}`,
        `Bearer ${token}, Bearer ${token}`,
        `Bearer ${token} ${token}`,
        `Bearer ${sealWith(`bk_${flip(id)}_${secret}`)}`,
        `Bearer ${sealWith(`bk_${id}_${flip(secret)}`)}`,
        `Bearer bk_${id}_${secret}_${flip(checksum)}`,
        `Bearer bk_${id}_${secret}`,
        `Bearer ${token.slice(0, -1)}`,
        `Bearer ${token}0`,
        `Bearer ${token.toUpperCase()}`,
        `Bearer ${token.toLowerCase()}`,
        `Bearer ${"a".repeat(100_000)}`
      ]
      const answers = yield* Effect.forEach(attempts, refusalOf)
      for (const [at, answer] of answers.entries()) {
        assert.strictEqual(answer._tag, "UNAUTHENTICATED", String(attempts[at]))
        assert.strictEqual(answer.message, answers[0]?.message)
      }
    }).pipe(Effect.provide(app))
  )

  it.effect("L02: a revoked and an expired key get the answer of an unknown one", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const [revoked, expired] = yield* Effect.all([createKey, createKey])
      const unknown = yield* refusalOf("Bearer nonsense")
      yield* keys.revoke(ann, revoked.id)
      assert.deepStrictEqual(yield* refusalOf(revoked.header), unknown)
      yield* TestClock.adjust("90 days")
      assert.deepStrictEqual(yield* refusalOf(expired.header), unknown)
    }).pipe(Effect.provide(app))
  )

  it.effect("L07: a hash copied from the database is no key", () =>
    Effect.gen(function* () {
      const { header, id } = yield* createKey
      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql<{ hash: string }>`SELECT hash FROM api_keys`
      const hash = rows[0]?.hash ?? ""
      assert.notInclude(header, hash)
      const body = `bk_${id}_${Buffer.from(hash, "hex").toString("base64url")}`
      const checksum = createHash("sha256").update(body).digest("hex").slice(0, 6)
      for (const guess of [hash, `${body}_${checksum}`])
        assert.strictEqual((yield* refusalOf(`Bearer ${guess}`))._tag, "UNAUTHENTICATED")
    }).pipe(Effect.provide(app))
  )

  it.effect("a disabled user is told so, and only with a good key", () =>
    Effect.gen(function* () {
      const { header } = yield* createKey
      const sql = yield* SqlClient.SqlClient
      yield* sql`UPDATE users SET disabled_at = 1`
      assert.strictEqual((yield* refusalOf(header))._tag, "USER_DISABLED")
      assert.strictEqual((yield* refusalOf("Bearer nonsense"))._tag, "UNAUTHENTICATED")
    }).pipe(Effect.provide(app))
  )

  it.effect("a key that came once is known without the database, for two seconds", () =>
    Effect.gen(function* () {
      const { header } = yield* createKey
      const auth = yield* Auth
      assert.isUndefined(auth.authenticateCached(header, 0))
      const principal = yield* auth.authenticate(header)
      assert.strictEqual(auth.authenticateCached(header, 0), principal)
      assert.strictEqual(auth.authenticateCached(header, 2_000), principal)
      assert.isUndefined(auth.authenticateCached(header, 2_001))
      assert.isUndefined(auth.authenticateCached(header, -1))
      assert.strictEqual(auth.authenticateCached(`${header}0`, 0), "unauthenticated")
    }).pipe(Effect.provide(app))
  )

  it.scoped("a key revoked by another process is refused within two seconds", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const life = () => Layer.provideMerge(services, layerAt(folder)).pipe(Layer.fresh)
      yield* Effect.gen(function* () {
        const auth = yield* Auth
        const { header, id } = yield* createKey.pipe(Effect.provide(life()))
        yield* auth.authenticate(header)
        yield* Effect.flatMap(ApiKeys, (keys) => keys.revoke(ann, id)).pipe(Effect.provide(life()))
        yield* TestClock.adjust("2001 millis")
        assert.isUndefined(auth.authenticateCached(header, 2_001))
        assert.strictEqual((yield* refusalOf(header))._tag, "UNAUTHENTICATED")
        assert.isUndefined(auth.authenticateCached(header, 2_001))
      }).pipe(Effect.provide(life()))
    })
  )

  it.effect("the time of last use is written a minute later", () =>
    Effect.gen(function* () {
      const { header, id } = yield* createKey
      const auth = yield* Auth
      const keys = yield* ApiKeys
      const lastUsed = Effect.map(keys.get(ann, id), (key) => key.lastUsedAt)
      yield* TestClock.adjust("10 seconds")
      yield* auth.authenticate(header)
      assert.isNull(yield* lastUsed)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* lastUsed, 10_000)
    }).pipe(Effect.provide(app))
  )
})

describe("ApiKeys", () => {
  it.effect("a key ends after ninety days unless asked otherwise, and never later than a year", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const daysOf = (expiresIn?: Duration.Duration) =>
        Effect.map(
          keys.create(ann, { ...newKey, ...(expiresIn === undefined ? {} : { expiresIn }) }),
          (key) => (key.expiresAt - key.createdAt) / 86_400_000
        )
      assert.deepStrictEqual(
        yield* Effect.all([daysOf(), daysOf(Duration.days(7)), daysOf(Duration.days(4_000))]),
        [90, 7, 365]
      )
    }).pipe(Effect.provide(app))
  )

  it.effect("a key cannot make one that may do more than itself", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const { header } = yield* createKey
      const caller = yield* Effect.flatMap(Auth, (auth) => auth.authenticate(header))
      assert.strictEqual(
        (yield* Effect.flip(keys.createFor(caller, { name: null, scopes: ["manage"] })))._tag,
        "FORBIDDEN"
      )
      assert.deepStrictEqual((yield* keys.createFor(caller, { name: null, scopes: ["read"] })).scopes, ["read"])
    }).pipe(Effect.provide(app))
  )

  const headerOf = ({ token }: { readonly token: Redacted.Redacted }) => `Bearer ${Redacted.value(token)}`
  const letsIn = (header: string) => Effect.flatMap(Auth, (auth) => Effect.isSuccess(auth.authenticate(header)))

  it.effect("a rotated key keeps its id and lets in with both secrets until the grace ends", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const first = yield* keys.create(ann, { ...newKey, expiresIn: Duration.days(30) })
      yield* TestClock.adjust("10 days")
      const second = yield* keys.rotate(ann, first.id, Duration.hours(24))
      assert.deepStrictEqual(
        [second.id, second.scopes, second.expiresAt - Duration.toMillis("10 days"), second.rotatedAt],
        [first.id, first.scopes, Duration.toMillis("30 days"), Duration.toMillis("10 days")]
      )
      assert.deepStrictEqual(yield* Effect.all([letsIn(headerOf(first)), letsIn(headerOf(second))]), [true, true])
      yield* TestClock.adjust("24 hours")
      assert.deepStrictEqual(yield* Effect.all([letsIn(headerOf(first)), letsIn(headerOf(second))]), [false, true])
      const auth = yield* Auth
      const now = Duration.toMillis("11 days")
      assert.isUndefined(auth.authenticateCached(headerOf(first), now))
    }).pipe(Effect.provide(app))
  )

  it.effect("a second rotation ends the first secret at once, and a revocation ends all", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const first = yield* keys.create(ann, newKey)
      const second = yield* keys.rotate(ann, first.id, Duration.hours(24))
      const third = yield* keys.rotate(ann, first.id, Duration.hours(24))
      const all = Effect.all([first, second, third].map((key) => letsIn(headerOf(key))))
      assert.deepStrictEqual(yield* all, [false, true, true])
      yield* keys.revoke(ann, first.id)
      assert.deepStrictEqual(yield* all, [false, false, false])
      assert.strictEqual((yield* Effect.flip(keys.rotate(ann, first.id, Duration.hours(1))))._tag, "CONFLICT")
    }).pipe(Effect.provide(app))
  )

  it.effect("the secret before ends with its key, however long the grace", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const first = yield* keys.create(ann, { ...newKey, expiresIn: Duration.days(1) })
      yield* keys.rotate(ann, first.id, Duration.hours(168))
      yield* TestClock.adjust("23 hours")
      assert.isTrue(yield* letsIn(headerOf(first)))
      yield* TestClock.adjust("1 hour")
      assert.isFalse(yield* letsIn(headerOf(first)))
      assert.strictEqual((yield* Effect.flip(keys.rotate(ann, first.id, Duration.hours(1))))._tag, "CONFLICT")
      assert.strictEqual((yield* Effect.flip(keys.rotate(bob, first.id, Duration.hours(1))))._tag, "NOT_FOUND")
    }).pipe(Effect.provide(app))
  )

  it.effect("a key gives no other key more rights or more addresses than it has", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const bound = yield* keys.create(ann, {
        name: "bound",
        scopes: ["read", "manage"],
        addresses: ["203.0.113.0/24"]
      })
      const wide = yield* keys.create(ann, { name: "wide", scopes: ["read", "trade"] })
      const caller = yield* Effect.flatMap(Auth, (auth) => auth.authenticate(headerOf(bound)))
      assert.isTrue(caller.allows?.("203.0.113.9"))
      assert.isFalse(caller.allows?.("198.51.100.1"))
      const refusal = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>) =>
        Effect.map(Effect.flip(effect), ({ _tag }) => _tag)
      const key = { name: null, scopes: ["read"] } as const
      assert.deepStrictEqual((yield* keys.createFor(caller, key)).addresses, ["203.0.113.0/24"])
      assert.strictEqual(yield* refusal(keys.createFor(caller, { ...key, addresses: [] })), "FORBIDDEN")
      assert.strictEqual(yield* refusal(keys.createFor(caller, { ...key, addresses: ["0.0.0.0/1"] })), "FORBIDDEN")
      assert.strictEqual(yield* refusal(keys.rotateFor(caller, wide.id, Duration.zero)), "FORBIDDEN")
      assert.strictEqual((yield* keys.rotateFor(caller, bound.id, Duration.zero)).id, bound.id)
    }).pipe(Effect.provide(app))
  )

  it.effect("a user has at most twenty live keys, and revoking makes room", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const made = yield* Effect.forEach(Array.from({ length: 20 }), () => keys.create(ann, newKey))
      assert.strictEqual((yield* Effect.flip(keys.create(ann, newKey)))._tag, "QUOTA_EXCEEDED")
      yield* keys.create(bob, newKey)
      yield* keys.revoke(ann, made[0]?.id ?? "")
      yield* keys.create(ann, newKey)
    }).pipe(Effect.provide(app))
  )

  it.effect("another user's key does not exist", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const { id } = yield* createKey
      assert.strictEqual((yield* Effect.flip(keys.get(bob, id)))._tag, "NOT_FOUND")
      assert.strictEqual((yield* Effect.flip(keys.revoke(bob, id)))._tag, "NOT_FOUND")
      assert.deepStrictEqual(yield* keys.list(bob), [])
      assert.isNull((yield* keys.get(ann, id)).revokedAt)
      assert.strictEqual(yield* keys.ownerOf(id), ann)
    }).pipe(Effect.provide(app))
  )

  it.effect("neither the token nor its secret is stored or printed", () =>
    Effect.gen(function* () {
      const key = yield* createKey
      const secret = Redacted.value(key.token).split("_")[2] ?? "none"
      const sql = yield* SqlClient.SqlClient
      const { header: _, ...shown } = key
      for (const text of [
        inspect(shown, { depth: 9 }),
        JSON.stringify(shown),
        JSON.stringify(yield* sql`SELECT * FROM api_keys`)
      ])
        assert.notInclude(text, secret)
    }).pipe(Effect.provide(app))
  )

  it("a user's name is a name, not a path or a sentence", () => {
    assert.deepStrictEqual(localUserId("ann"), Either.right(ann))
    for (const name of ["", "Ann", "a b", "../x", "ann\n", "-ann", "a".repeat(65)])
      assert.isTrue(Either.isLeft(localUserId(name)), name)
  })
})
