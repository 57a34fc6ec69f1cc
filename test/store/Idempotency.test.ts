import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Layer, Schema, TestClock } from "effect"
import { UserId } from "../../src/domain/Ids.ts"
import { Database } from "../../src/store/Database.ts"
import { hashBody, Idempotency } from "../../src/store/Idempotency.ts"
import { layer, layerAt, temporaryFolder } from "../kit/TestDatabase.ts"

const user = Schema.decodeSync(UserId)
const scope = { userId: user("local_ann"), route: "POST /trading/orders", key: "key-0123456789abcdef" }
const bodyHash = hashBody({ symbol: "BTCUSDT", quoteAmount: "50" })
const answer = { status: 201, body: '{"success":true,"data":{"id":"ord_1"}}' }

const store = Layer.provideMerge(Idempotency.layer, layer)

describe("Idempotency", () => {
  it.effect("a hundred identical requests at once begin once", () =>
    Effect.gen(function* () {
      const idempotency = yield* Idempotency
      const results = yield* Effect.forEach(
        Array.from({ length: 100 }),
        () => Effect.either(idempotency.begin({ ...scope, bodyHash })),
        { concurrency: "unbounded" }
      )
      const began = results.filter((result) => Either.isRight(result) && result.right._tag === "New")
      const running = results.filter(
        (result) => Either.isLeft(result) && result.left._tag === "IDEMPOTENCY_IN_PROGRESS"
      )
      assert.deepStrictEqual([began.length, running.length], [1, 99])
    }).pipe(Effect.provide(store))
  )

  it.effect("a finished request is answered again, byte for byte", () =>
    Effect.gen(function* () {
      const idempotency = yield* Idempotency
      yield* idempotency.begin({ ...scope, bodyHash, objectId: "ord_1" })
      yield* idempotency.complete(scope, answer)
      assert.deepStrictEqual(yield* idempotency.begin({ ...scope, bodyHash, objectId: "ord_2" }), {
        _tag: "Replay",
        ...answer,
        objectId: "ord_1"
      })
    }).pipe(Effect.provide(store))
  )

  it.effect("the same key with another body is refused, running or finished", () =>
    Effect.gen(function* () {
      const idempotency = yield* Idempotency
      const other = { ...scope, bodyHash: hashBody({ symbol: "BTCUSDT", quoteAmount: "500" }) }
      yield* idempotency.begin({ ...scope, bodyHash })
      assert.strictEqual((yield* Effect.flip(idempotency.begin(other)))._tag, "IDEMPOTENCY_KEY_REUSED")
      yield* idempotency.complete(scope, answer)
      assert.strictEqual((yield* Effect.flip(idempotency.begin(other)))._tag, "IDEMPOTENCY_KEY_REUSED")
    }).pipe(Effect.provide(store))
  )

  it.effect("a key belongs to one user and one route", () =>
    Effect.gen(function* () {
      const idempotency = yield* Idempotency
      yield* idempotency.begin({ ...scope, bodyHash })
      for (const other of [
        { ...scope, userId: user("local_bob") },
        { ...scope, route: "POST /trading/rules" }
      ])
        assert.strictEqual((yield* idempotency.begin({ ...other, bodyHash }))._tag, "New")
    }).pipe(Effect.provide(store))
  )

  it.effect("a request that was refused before it acted frees its key", () =>
    Effect.gen(function* () {
      const idempotency = yield* Idempotency
      yield* idempotency.begin({ ...scope, bodyHash })
      yield* idempotency.forget(scope)
      assert.strictEqual((yield* idempotency.begin({ ...scope, bodyHash: hashBody("other") }))._tag, "New")
    }).pipe(Effect.provide(store))
  )

  it.effect("an intent that did not commit leaves its key unclaimed", () =>
    Effect.gen(function* () {
      const idempotency = yield* Idempotency
      const database = yield* Database
      yield* Effect.ignore(
        database.write(Effect.zipRight(idempotency.begin({ ...scope, bodyHash }), Effect.fail("no")))
      )
      assert.strictEqual((yield* idempotency.begin({ ...scope, bodyHash }))._tag, "New")
    }).pipe(Effect.provide(store))
  )

  it.scoped("after a crash the object that was made is named, and a bare claim is begun anew", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const life = Layer.provideMerge(Idempotency.layer, layerAt(folder)).pipe(Layer.fresh)
      const bare = { ...scope, key: "key-fedcba9876543210" }
      yield* Effect.gen(function* () {
        const idempotency = yield* Idempotency
        yield* idempotency.begin({ ...scope, bodyHash, objectId: "ord_1" })
        yield* idempotency.begin({ ...bare, bodyHash })
      }).pipe(Effect.provide(life))
      yield* Effect.gen(function* () {
        const idempotency = yield* Idempotency
        assert.deepStrictEqual(yield* idempotency.begin({ ...scope, bodyHash, objectId: "ord_2" }), {
          _tag: "Unfinished",
          objectId: "ord_1"
        })
        yield* idempotency.complete(scope, answer)
        assert.strictEqual((yield* idempotency.begin({ ...scope, bodyHash }))._tag, "Replay")
        assert.strictEqual((yield* idempotency.begin({ ...bare, bodyHash }))._tag, "New")
        assert.strictEqual(
          (yield* Effect.flip(idempotency.begin({ ...bare, bodyHash })))._tag,
          "IDEMPOTENCY_IN_PROGRESS"
        )
      }).pipe(Effect.provide(life))
    })
  )

  it.effect("a request cut off without a crash is unfinished after a minute", () =>
    Effect.gen(function* () {
      const idempotency = yield* Idempotency
      yield* idempotency.begin({ ...scope, bodyHash, objectId: "ord_1" })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* idempotency.begin({ ...scope, bodyHash }))._tag, "Unfinished")
    }).pipe(Effect.provide(store))
  )

  it.effect("keys are kept seven days, then forgotten", () =>
    Effect.gen(function* () {
      const idempotency = yield* Idempotency
      const sql = yield* SqlClient.SqlClient
      yield* idempotency.begin({ ...scope, bodyHash })
      yield* idempotency.complete(scope, answer)
      yield* TestClock.adjust("7 days")
      assert.strictEqual((yield* sql`SELECT 1 FROM idempotency_keys`).length, 1)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* sql`SELECT 1 FROM idempotency_keys`).length, 0)
    }).pipe(Effect.provide(store))
  )

  it("a body is the same body in any order of its fields", () => {
    assert.strictEqual(hashBody({ a: [1, { c: 1, b: 2 }], d: null }), hashBody({ d: null, a: [1, { b: 2, c: 1 }] }))
    assert.notStrictEqual(hashBody({ a: [1, 2] }), hashBody({ a: [2, 1] }))
  })
})
