import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, TestClock } from "effect"
import { Auth } from "../../../src/accounts/Auth.ts"
import { ClerkSessions } from "../../../src/accounts/clerk/ClerkSessions.ts"
import { UserId } from "../../../src/domain/Ids.ts"
import { actingAs } from "../../../src/store/audit/acting.ts"
import { Audit } from "../../../src/store/Audit.ts"
import { checkTrail } from "../../../src/store/AuditCheck.ts"
import * as TestDatabase from "../../kit/TestDatabase.ts"

const ann = UserId.make("user_2ann")
const bob = UserId.make("user_2bob")

/** Tokens of this file name their user and session: `user_2ann.sess_1.n`. */
const sessions = Layer.succeed(ClerkSessions, {
  verify: (token) =>
    Effect.sync(() => {
      const [user = "", sessionId = ""] = token.split(".")
      return { userId: UserId.make(user), sessionId, expiresAt: 1e15, freshMinutes: 0, org: null }
    }),
  isUsable: Effect.succeed(true)
})

const quiet = Logger.minimumLogLevel(LogLevel.None)
const auth = Auth.layerClerk.pipe(Layer.provide(sessions), Layer.provide(quiet), Layer.fresh)
const stored = Layer.provideMerge(Audit.layer, TestDatabase.layer)

const request = actingAs(() => ({
  by: { via: "nobody", credentialId: null },
  requestId: "r-1",
  address: "203.0.113.7"
}))
const comes = (token: string) =>
  request(Effect.flatMap(Auth, ({ authenticate }) => Effect.asVoid(authenticate(`Bearer ${token}`))))

const told = (user: UserId) =>
  Effect.gen(function* () {
    const audit = yield* Audit
    assert.deepStrictEqual((yield* checkTrail(audit)).breaks, [])
    return (yield* audit.list(user, { action: "sessionBegun", limit: 100 })).items.toReversed()
  })
const begun = (user: UserId) => Effect.map(told(user), (items) => items.map(({ objectId }) => objectId))

/** Until what is told beside a request is written. */
const eventually = (user: UserId, count: number) =>
  Effect.repeat(Effect.zipRight(Effect.yieldNow(), begun(user)), { until: ({ length }) => length >= count })

describe("A session of Clerk in the audit trail", () => {
  it.effect("is told with its first request, whatever tokens and processes come after it", () =>
    Effect.gen(function* () {
      yield* Effect.gen(function* () {
        yield* Effect.all(["user_2ann.sess_1.a", "user_2ann.sess_1.b"].map(comes), { concurrency: 2 })
        yield* comes("user_2bob.sess_2.a")
        yield* comes("user_2ann.sess_3.a")
        yield* TestClock.adjust("3 seconds")
        yield* comes("user_2ann.sess_1.a")
        yield* eventually(ann, 2)
        yield* eventually(bob, 1)
      }).pipe(Effect.provide(auth))
      const [first] = yield* told(ann)
      assert.deepInclude(first, {
        by: { via: "clerk", credentialId: "sess_1" },
        requestId: "r-1",
        address: "203.0.113.7",
        result: "done"
      })
      // As after a restart.
      yield* Effect.gen(function* () {
        yield* comes("user_2ann.sess_1.c")
        yield* comes("user_2ann.sess_4.a")
        yield* eventually(ann, 3)
      }).pipe(Effect.provide(auth))
      assert.deepStrictEqual([yield* begun(ann), yield* begun(bob)], [["sess_1", "sess_3", "sess_4"], ["sess_2"]])
      assert.notInclude(JSON.stringify(yield* told(ann)), "user_2ann.sess")
    }).pipe(Effect.provide(stored))
  )

  it.effect("lets its person in when it cannot be told, and is told a minute later", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TRIGGER no_place BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no place'); END`
      yield* comes("user_2ann.sess_1.a")
      yield* Effect.repeatN(Effect.zipRight(Effect.yieldNow(), begun(ann)), 20)
      yield* sql`DROP TRIGGER no_place`
      yield* TestClock.adjust("59 seconds")
      yield* comes("user_2ann.sess_1.b")
      yield* Effect.repeatN(Effect.zipRight(Effect.yieldNow(), begun(ann)), 20)
      assert.deepStrictEqual(yield* begun(ann), [])
      yield* TestClock.adjust("2 seconds")
      yield* comes("user_2ann.sess_1.c")
      assert.deepStrictEqual(yield* eventually(ann, 1), ["sess_1"])
    }).pipe(Effect.provide(Layer.provideMerge(auth, stored)))
  )
})
