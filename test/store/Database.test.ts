import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Chunk, type Context, Effect, Exit, Fiber, Layer, Option, Schedule, TestClock } from "effect"
import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { Conflict, DatabaseUnavailable } from "../../src/api/Errors.ts"
import { Database } from "../../src/store/Database.ts"
import { databaseUrl, lock, temporaryFolder } from "../kit/TestDatabase.ts"

const open = (folder: string) => Database.layer({ url: databaseUrl(folder), authToken: null })

const withNotes = <A, E>(use: Effect.Effect<A, E, Database | SqlClient.SqlClient>) =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    return yield* Effect.zipRight(createNotes, use).pipe(Effect.provide(open(folder)))
  })

const createNotes = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)`
)
const insert = (id: number) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql`INSERT INTO notes VALUES (${id}, 'note')`)
const ids = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(sql<{ id: number }>`SELECT id FROM notes ORDER BY id`, (rows) => rows.map((row) => row.id))
)

describe("Database", () => {
  it.scoped("a connection is durable, checked and impatient, also after a transaction", () =>
    withNotes(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const database = yield* Database
        yield* database.write(insert(1))
        const read = (name: string) => Effect.map(sql.unsafe(`PRAGMA ${name}`).values, (rows) => rows[0]?.[0])
        assert.deepStrictEqual(
          yield* Effect.forEach(["journal_mode", "synchronous", "foreign_keys", "busy_timeout"], read),
          ["wal", 2, 1, 50]
        )
      })
    )
  )

  it.effect("a database that does not keep the settings is refused", () =>
    Effect.gen(function* () {
      const refused = yield* Effect.flip(
        Layer.build(Database.layer({ url: "file::memory:", authToken: null })).pipe(Effect.scoped)
      )
      assert.strictEqual(refused.reason, "cannotOpen")
      assert.include(refused.message, "PRAGMA journal_mode = WAL")
    })
  )

  it.scoped("a folder is made for its owner only, and one that cannot be is refused by name", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const fresh = join(folder, "a", "b")
      yield* Effect.scoped(Layer.build(open(fresh)))
      assert.strictEqual(statSync(fresh).mode & 0o777, 0o700)
      writeFileSync(join(folder, "file"), "")
      const refused = yield* Effect.flip(Effect.scoped(Layer.build(open(join(folder, "file", "data")))))
      assert.strictEqual(refused.reason, "notWritable")
      assert.include(refused.message, "DATA_DIR")
    })
  )

  it.scoped("a write that fails leaves nothing, and its error reaches the caller", () =>
    withNotes(
      Effect.gen(function* () {
        const database = yield* Database
        const error = yield* Effect.flip(
          database.write(Effect.zipRight(insert(1), Effect.fail(new Conflict({ message: "no" }))))
        )
        assert.instanceOf(error, Conflict)
        assert.deepStrictEqual(yield* database.read(ids), [])
      })
    )
  )

  it.scoped("a write inside a write undoes only itself", () =>
    withNotes(
      Effect.gen(function* () {
        const database = yield* Database
        yield* database.write(
          Effect.gen(function* () {
            yield* insert(1)
            yield* Effect.ignore(database.write(Effect.zipRight(insert(2), Effect.fail("undo"))))
            yield* database.write(insert(3))
          })
        )
        assert.deepStrictEqual(yield* database.read(ids), [1, 3])
      })
    )
  )

  it.scoped("a hundred writers at once all get through", () =>
    withNotes(
      Effect.gen(function* () {
        const database = yield* Database
        yield* Effect.forEach(
          Array.from({ length: 100 }, (_, i) => i),
          (i) => database.write(insert(i)),
          { concurrency: "unbounded", discard: true }
        )
        assert.strictEqual((yield* database.read(ids)).length, 100)
      })
    )
  )

  it.scoped("a statement that breaks a constraint is a bug, not an outage", () =>
    withNotes(
      Effect.gen(function* () {
        const database = yield* Database
        const exit = yield* Effect.exit(database.write(Effect.zipRight(insert(1), insert(1))))
        assert.isTrue(Exit.isFailure(exit) && Chunk.isNonEmpty(Cause.defects(exit.cause)))
        assert.isTrue(yield* database.isUp)
      })
    )
  )

  it.scopedLive.each([
    ["a statement", (_: Context.Tag.Service<Database>) => insert(1)],
    ["a read", ({ read }: Context.Tag.Service<Database>) => Effect.zipRight(read(ids), insert(1))],
    ["a write", ({ write }: Context.Tag.Service<Database>) => write(insert(1))],
    ["what joins it", ({ join }: Context.Tag.Service<Database>) => join(insert(1))]
  ] as const)(
    "a write that begins with %s waits while another process holds the lock, and then goes through",
    ([, begin]) =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        yield* Effect.gen(function* () {
          yield* createNotes
          const database = yield* Database
          const unlock = yield* lock(folder)
          const write = yield* Effect.fork(database.write(begin(database)))
          yield* Effect.sleep("300 millis")
          assert.isTrue(Option.isNone(yield* Fiber.poll(write)))
          assert.deepStrictEqual(yield* database.read(ids), [])
          yield* Effect.promise(unlock)
          yield* Fiber.join(write)
          assert.deepStrictEqual(yield* database.read(ids), [1])
        }).pipe(Effect.provide(open(folder)))
      })
  )

  it.scopedLive("a lock that stays is DATABASE_UNAVAILABLE, and the next write works", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.gen(function* () {
        yield* createNotes
        const database = yield* Database
        const unlock = yield* lock(folder)
        const error = yield* Effect.flip(database.write(insert(1)))
        assert.instanceOf(error, DatabaseUnavailable)
        yield* Effect.promise(unlock)
        yield* database.write(insert(2))
        assert.deepStrictEqual(yield* database.read(ids), [2])
      }).pipe(Effect.provide(open(folder)))
    })
  )

  it.scoped(
    "a full disk is not taken for mended by a write that stores nothing, unless nothing failed for a while",
    () =>
      withNotes(
        Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          const database = yield* Database
          yield* sql`PRAGMA max_page_count = 1`
          const big = sql`INSERT INTO notes (id, text) VALUES (0, ${"a".repeat(1_000_000)})`
          assert.instanceOf(yield* Effect.flip(database.write(big)), DatabaseUnavailable)
          assert.strictEqual(yield* database.problem, "full")
          yield* database.write(sql`DELETE FROM notes WHERE id = -1`)
          assert.deepStrictEqual([yield* database.problem, yield* database.isUp], ["full", false])
          yield* sql`PRAGMA max_page_count = 1000000`
          yield* database.write(insert(1))
          assert.deepStrictEqual([yield* database.problem, yield* database.isUp], [null, true])

          yield* sql`PRAGMA max_page_count = 1`
          assert.instanceOf(yield* Effect.flip(database.write(database.write(big))), DatabaseUnavailable)
          yield* TestClock.adjust("11 seconds")
          assert.strictEqual(yield* database.problem, "full")
          yield* database.write(sql`DELETE FROM notes WHERE id = -1`)
          assert.deepStrictEqual([yield* database.problem, yield* database.isUp], [null, true])
        })
      )
  )

  it.scoped("a full disk that the writer overlooks is told all the same", () =>
    withNotes(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const database = yield* Database
        yield* sql`PRAGMA max_page_count = 1`
        const big = sql`INSERT INTO notes (id, text) VALUES (0, ${"a".repeat(1_000_000)})`
        const told = yield* Effect.flip(database.write(Effect.zipRight(insert(1), Effect.ignore(big))))
        assert.include(told.message, "full")
        assert.strictEqual(yield* database.problem, "full")
        assert.deepStrictEqual(yield* database.read(ids), [])
      })
    )
  )

  it.scopedLive("a server that is not there is DATABASE_UNAVAILABLE and not up", () =>
    Effect.gen(function* () {
      const database = yield* Database
      assert.instanceOf(yield* Effect.flip(database.write(insert(1))), DatabaseUnavailable)
      assert.instanceOf(yield* Effect.flip(database.read(ids)), DatabaseUnavailable)
      assert.isFalse(yield* database.isUp)
      assert.strictEqual(database.mode, "remote")
    }).pipe(Effect.provide(Database.layer({ url: "http://127.0.0.1:1", authToken: null })))
  )

  it.scopedLive("a long run of writes leaves timers their turn", () =>
    withNotes(
      Effect.gen(function* () {
        const database = yield* Database
        let ticks = 0
        const ticking = yield* Effect.fork(
          Effect.forever(
            Effect.delay(
              Effect.sync(() => void ticks++),
              "1 millis"
            )
          )
        )
        yield* Effect.forEach(
          Array.from({ length: 200 }, (_, i) => i),
          (i) => database.write(insert(i)),
          { discard: true }
        )
        yield* Fiber.interrupt(ticking)
        assert.isAbove(ticks, 10)
      })
    )
  )

  it.scoped("a page found damaged ends all writing, says so, and leaves what can be read", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const database = yield* Database
        yield* createNotes
        yield* database.write(insert(1))
        yield* sql`CREATE TABLE pages (id INTEGER PRIMARY KEY, filling BLOB NOT NULL)`
        // More than SQLite keeps in memory.
        yield* Effect.forEach(
          Array.from({ length: 80 }, (_, id) => id),
          (id) => database.write(sql`INSERT INTO pages VALUES (${id}, zeroblob(100000))`),
          { discard: true }
        )
        yield* sql`PRAGMA wal_checkpoint(TRUNCATE)`
        const path = join(folder, "dipper.db")
        const file = readFileSync(path)
        writeFileSync(path, file.fill(0x5a, 40_960))

        const count = sql`SELECT count(*), sum(length(CAST(filling AS TEXT))) FROM pages`
        const refused = yield* Effect.flip(database.read(count))
        assert.strictEqual(refused._tag, "DATABASE_UNAVAILABLE")
        assert.strictEqual(refused.retryable, false)
        assert.include(refused.message, "DB_CORRUPT")
        assert.deepStrictEqual(yield* Effect.flip(database.write(insert(2))), refused)
        assert.isFalse(yield* database.isUp)
        assert.strictEqual(yield* database.problem, "corrupt")
        assert.deepStrictEqual(yield* database.read(ids), [1])
      }).pipe(Effect.provide(open(folder)))
    })
  )

  it.scoped("files that were taken away end all writing, and the process with it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.gen(function* () {
        const database = yield* Database
        yield* createNotes
        yield* database.write(insert(1))
        renameSync(join(folder, "dipper.db"), join(folder, "moved.db"))
        const refused = yield* Effect.flip(database.write(insert(2)))
        assert.strictEqual(refused.retryable, false)
        const lost = yield* Effect.flip(database.lost)
        assert.strictEqual(lost.reason, "brokenWhileUsed")
      }).pipe(Effect.provide(open(folder)))
    })
  )

  it.scopedLive("a lock held elsewhere never holds up the process", () =>
    withNotes(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const database = yield* Database
        const [row] = yield* sql<{ file: string }>`SELECT file FROM pragma_database_list`
        const unlock = yield* lock(dirname(row?.file ?? ""))
        const writing = yield* Effect.fork(
          Effect.forEach([1, 2, 3, 4], (id) => Effect.option(database.write(insert(id))), { concurrency: 4 })
        )
        let longest = 0
        let last = performance.now()
        const look = Effect.sync(() => {
          longest = Math.max(longest, performance.now() - last)
          last = performance.now()
        })
        yield* Effect.repeat(look, Schedule.spaced("1 millis").pipe(Schedule.upTo("2 seconds")))
        yield* Effect.promise(unlock)
        yield* Fiber.join(writing)
        assert.isBelow(longest, 50)
      })
    )
  )
})
