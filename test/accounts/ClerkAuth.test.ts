import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Redacted, TestClock } from "effect"
import { ApiKeys } from "../../src/accounts/ApiKeys.ts"
import { Auth } from "../../src/accounts/Auth.ts"
import { ClerkKeys } from "../../src/accounts/clerk/ClerkKeys.ts"
import { ClerkSessions } from "../../src/accounts/clerk/ClerkSessions.ts"
import { rsaKeyOfPem } from "../../src/accounts/clerk/rsaKey.ts"
import { UsersRepo } from "../../src/accounts/UsersRepo.ts"
import { AuthUnavailable } from "../../src/api/Errors.ts"
import { UserId } from "../../src/domain/Ids.ts"
import { Scope } from "../../src/domain/Principal.ts"
import * as TestDatabase from "../kit/TestDatabase.ts"
import { issuer, mint, party, pem } from "./clerk/tokens.ts"

const pinned = Layer.unwrapEffect(Effect.map(Effect.orDie(rsaKeyOfPem(pem)), ClerkKeys.layerPinned))
const away = Layer.succeed(ClerkKeys, {
  find: () => Effect.fail(new AuthUnavailable({ message: "no keys" })),
  isUsable: Effect.succeed(false)
})

const withKeys = (keys: Layer.Layer<ClerkKeys>) =>
  Layer.mergeAll(ApiKeys.layer, Auth.layerClerk, UsersRepo.layer).pipe(
    Layer.provide(ClerkSessions.layer({ issuer, authorizedParties: [party] })),
    Layer.provide(keys),
    Layer.provideMerge(TestDatabase.layer),
    Layer.provide(Logger.minimumLogLevel(LogLevel.None))
  )
const app = withKeys(pinned)

const person = UserId.make("user_2test")
const refusalOf = (header: string | undefined) =>
  Effect.flatMap(Auth, (auth) => Effect.map(Effect.flip(auth.authenticate(header)), ({ _tag }) => _tag))

describe("Auth with Clerk", () => {
  it.live("lets a person in with everything that is theirs, by the id Clerk gave them", () =>
    Effect.gen(function* () {
      const auth = yield* Auth
      const principal = yield* auth.authenticate(`Bearer ${mint({ o: { id: "org_1", rol: "admin" } })}`)
      assert.deepStrictEqual(principal, {
        userId: person,
        via: "clerk",
        credentialId: "sess_2test",
        scopes: new Set(Scope.literals),
        freshMinutes: 3,
        org: { id: "org_1", role: "org:admin" }
      })
      assert.isTrue(yield* auth.isStillGood(principal))
      assert.isTrue(yield* auth.isUsable)
    }).pipe(Effect.provide(app))
  )

  it.live("T01: anything but one bearer token is refused, and nobody is told to make a first user", () =>
    Effect.gen(function* () {
      const token = mint()
      for (const header of [
        undefined,
        "",
        "Bearer",
        "Bearer ",
        "Basic eDp5",
        token,
        `Token ${token}`,
        `Bearer ${token}, Bearer ${token}`,
        `Bearer ${token} ${token}`,
        `Bearer ${token},`
      ])
        assert.strictEqual(yield* refusalOf(header), "UNAUTHENTICATED", header)
    }).pipe(Effect.provide(app))
  )

  it.live("T21: a person who is disabled stays out with a good token, and an open stream ends", () =>
    Effect.gen(function* () {
      const auth = yield* Auth
      const users = yield* UsersRepo
      const sql = yield* SqlClient.SqlClient
      const header = `Bearer ${mint()}`
      const principal = yield* auth.authenticate(header)
      yield* users.ensure(person)
      yield* sql`UPDATE users SET disabled_at = 1`
      assert.strictEqual(yield* refusalOf(header), "USER_DISABLED")
      assert.isFalse(yield* auth.isStillGood(principal))
      assert.isUndefined(auth.authenticateCached(header, Date.now()))
    }).pipe(Effect.provide(app))
  )

  it.effect("knows a token that came once without verifying it again, for two seconds and never past its end", () => {
    let verified = 0
    const session = { userId: person, sessionId: "sess_2test", expiresAt: 3_000, freshMinutes: 0, org: null }
    const counting = Layer.succeed(ClerkSessions, {
      verify: () => Effect.sync(() => (verified++, session)),
      isUsable: Effect.succeed(true)
    })
    return Effect.gen(function* () {
      const auth = yield* Auth
      const header = "Bearer a.b.c"
      assert.isUndefined(auth.authenticateCached(header, 0))
      const principal = yield* auth.authenticate(header)
      assert.strictEqual(auth.authenticateCached(header, 2_000), principal)
      assert.isUndefined(auth.authenticateCached(header, 2_001))
      assert.isUndefined(auth.authenticateCached("Bearer a.b.d", 0))
      assert.strictEqual(auth.authenticateCached("Bearer bk_x", 0), "unauthenticated")
      yield* TestClock.adjust("2 seconds")
      yield* auth.authenticate(header)
      assert.isObject(auth.authenticateCached(header, 2_999))
      assert.isUndefined(auth.authenticateCached(header, 3_000))
      assert.strictEqual(verified, 2)
    }).pipe(Effect.provide(Layer.provide(Layer.provideMerge(Auth.layerClerk, TestDatabase.layer), counting)))
  })

  it.live("K07: without Clerk's keys nobody can tell who a token is, and keys work", () =>
    Effect.gen(function* () {
      const auth = yield* Auth
      const keys = yield* ApiKeys
      assert.strictEqual(yield* refusalOf(`Bearer ${mint()}`), "AUTH_UNAVAILABLE")
      assert.isFalse(yield* auth.isUsable)
      const { token } = yield* keys.create(person, { name: "bot", scopes: ["read"] })
      const principal = yield* auth.authenticate(`Bearer ${Redacted.value(token)}`)
      assert.deepStrictEqual([principal.userId, principal.via], [person, "apiKey"])
    }).pipe(Effect.provide(withKeys(away)))
  )
})
