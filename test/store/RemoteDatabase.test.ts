import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Chunk, Effect, Either, Exit, Layer } from "effect"
import { UserId } from "../../src/domain/Ids.ts"
import { Database } from "../../src/store/Database.ts"
import { Idempotency } from "../../src/store/Idempotency.ts"
import * as InstanceLease from "../../src/store/InstanceLease.ts"
import { Meta } from "../../src/store/Meta.ts"
import * as Migrations from "../../src/store/Migrations.ts"
import { Ownership } from "../../src/store/Ownership.ts"
import { hasSqld, sqld, sqldWithLimit } from "../kit/Sqld.ts"

const storeAt = (url: string) =>
  Layer.merge(Idempotency.layer, InstanceLease.layer({ dataDir: "data" })).pipe(
    Layer.provideMerge(Migrations.layer({ venue: "paper" })),
    Layer.provideMerge(Database.layer({ url, authToken: null })),
    Layer.fresh
  )

const full = "The disk of the database is full. Try again with the same key."
const createNotes = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)`
)
const insert = (id: number, length = 1) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.asVoid(sql`INSERT INTO notes VALUES (${id}, ${"a".repeat(length)})`)
  )
const ids = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(sql<{ id: number }>`SELECT id FROM notes ORDER BY id`, (rows) => rows.map((row) => row.id))
)

describe.skipIf(!hasSqld)("The store on a libSQL server", () => {
  it.scopedLive("migrates once, keeps its stamp, and knows its owner", () =>
    Effect.gen(function* () {
      const url = yield* sqld
      const first = yield* Effect.zip(Meta, Ownership).pipe(Effect.provide(storeAt(url)))
      const [meta, ownership] = yield* Effect.zip(Meta, Ownership).pipe(Effect.provide(storeAt(url)))
      assert.deepStrictEqual(meta, first[0])
      assert.strictEqual(ownership.fencingToken, first[1].fencingToken + 1)
    })
  )

  it.scopedLive("a write is all or nothing, and one inside it undoes only itself", () =>
    Effect.gen(function* () {
      const url = yield* sqld
      yield* Effect.gen(function* () {
        const database = yield* Database
        yield* database.write(createNotes)
        yield* Effect.ignore(database.write(Effect.zipRight(insert(1), Effect.fail("undo"))))
        yield* database.write(
          Effect.gen(function* () {
            yield* insert(2)
            yield* Effect.ignore(database.write(Effect.zipRight(insert(3), Effect.fail("undo"))))
            yield* insert(4)
          })
        )
        assert.deepStrictEqual(yield* database.read(ids), [2, 4])
        const exit = yield* Effect.exit(database.write(insert(2)))
        assert.isTrue(Exit.isFailure(exit) && Chunk.isNonEmpty(Cause.defects(exit.cause)))
        assert.isTrue(yield* database.isUp)
      }).pipe(Effect.provide(storeAt(url)))
    })
  )

  it.scopedLive("thirty identical requests at once begin once", () =>
    Effect.gen(function* () {
      const url = yield* sqld
      yield* Effect.gen(function* () {
        const idempotency = yield* Idempotency
        const claim = { userId: UserId.make("local_ann"), route: "POST /x", key: "key-0123456789abcdef", bodyHash: "h" }
        const results = yield* Effect.forEach(
          Array.from({ length: 30 }),
          () => Effect.either(idempotency.begin(claim)),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(results.filter(Either.isRight).length, 1)
      }).pipe(Effect.provide(storeAt(url)))
    })
  )

  it.scopedLive("a full disk is told as such by whatever meets it, and what was begun is not stored in parts", () =>
    Effect.gen(function* () {
      const { limit, url } = yield* sqldWithLimit
      yield* Effect.gen(function* () {
        const database = yield* Database
        yield* database.write(createNotes)
        yield* limit("100KB")
        const big = insert(0, 1_000_000)
        const overlooked = Effect.ignore(big)
        const writes = [
          Effect.zipRight(insert(2), overlooked),
          big,
          Effect.zipRight(insert(1), database.write(big)),
          Effect.zipRight(overlooked, insert(3))
        ]
        const told = yield* Effect.forEach(writes, (write) => Effect.flip(database.write(write)))
        assert.deepStrictEqual(yield* database.read(ids), [])
        assert.deepStrictEqual(
          told.map(({ message }) => message),
          writes.map(() => full)
        )
        assert.deepStrictEqual([yield* database.problem, yield* database.isUp], ["full", false])

        yield* limit("1GB")
        yield* database.write(insert(4, 1_000_000))
        assert.deepStrictEqual([yield* database.problem, yield* database.isUp], [null, true])
        assert.deepStrictEqual(yield* database.read(ids), [4])
      }).pipe(Effect.provide(Database.layer({ url, authToken: null })))
    })
  )
})
