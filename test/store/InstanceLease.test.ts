import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, TestClock } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { hostname } from "node:os"
import { NotOwner } from "../../src/api/Errors.ts"
import { Database } from "../../src/store/Database.ts"
import * as InstanceLease from "../../src/store/InstanceLease.ts"
import * as Migrations from "../../src/store/Migrations.ts"
import { Ownership } from "../../src/store/Ownership.ts"
import { databaseUrl, stealLease, temporaryFolder } from "../kit/TestDatabase.ts"

const instance = (folder: string) =>
  InstanceLease.layer({ dataDir: folder }).pipe(
    Layer.provideMerge(Migrations.layer({ venue: "paper" })),
    Layer.provideMerge(Database.layer({ url: databaseUrl(folder), authToken: null })),
    Layer.fresh
  )

const writeLease = (row: { pid: number; host: string; expires_at: number }) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`UPDATE trading_lease SET ${sql.update({ ...row, holder: "other", token: 7 })}`
  )

/** A process that has really lived and was really killed. */
const killedProcess = Effect.async<number>((resume) => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" })
  child.once("spawn", () => child.kill("SIGKILL"))
  child.once("exit", () => resume(Effect.succeed(child.pid ?? 0)))
})

/** Killed, but its parent never looks: it still answers to signals. */
const zombie = Effect.acquireRelease(
  Effect.async<{ readonly pid: number; readonly parent: ChildProcess }>((resume) => {
    const parent = spawn("sh", ["-c", "sleep 1000 & echo $!; exec cat"], { stdio: ["pipe", "pipe", "ignore"] })
    parent.stdout.once("data", (line: Buffer) => {
      const pid = Number(line.toString())
      process.kill(pid, "SIGKILL")
      // The echo comes after the kill has been delivered and the shell has become `cat`.
      parent.stdout.once("data", () => resume(Effect.succeed({ pid, parent })))
      parent.stdin.write("killed\n")
    })
  }),
  ({ parent }) => Effect.sync(() => parent.kill("SIGKILL"))
)

/** A second instance may post only if the fence lets this insert through. */
const fencedInsert = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const { fence } = yield* Ownership
  const condition = yield* fence
  yield* sql`CREATE TABLE IF NOT EXISTS intents (id TEXT)`
  const rows = yield* sql`INSERT INTO intents (id) SELECT 'intent' WHERE ${condition} RETURNING id`
  return rows.length
})

describe("InstanceLease", () => {
  it.scoped("a second instance on the same folder is refused in one line while the first lives", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Layer.build(instance(folder))
      const refused = yield* Effect.flip(Layer.build(instance(folder)))
      assert.strictEqual(refused._tag, "DataDirOwned")
      assert.include(refused.message, folder)
      assert.notInclude(refused.message, "\n")
    })
  )

  it.scoped("a clean stop frees the folder at once, and the token still grows", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const token = Effect.map(Ownership, (ownership) => ownership.fencingToken)
      const first = yield* token.pipe(Effect.provide(instance(folder)))
      const second = yield* token.pipe(Effect.provide(instance(folder)))
      assert.strictEqual(second, first + 1)
    })
  )

  it.scoped("the lease of a killed process on this host is taken over at once", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const pid = yield* killedProcess
      yield* writeLease({ pid, host: hostname(), expires_at: 60_000 }).pipe(Effect.provide(instance(folder)))
      const token = yield* Effect.map(Ownership, (ownership) => ownership.fencingToken).pipe(
        Effect.provide(instance(folder))
      )
      assert.strictEqual(token, 8)
    })
  )

  it.scoped.skipIf(process.platform !== "linux")("a killed process that nobody has buried yet counts as dead", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const { pid } = yield* zombie
      yield* writeLease({ pid, host: hostname(), expires_at: 60_000 }).pipe(Effect.provide(instance(folder)))
      yield* Layer.build(instance(folder))
    })
  )

  it.scoped("the lease of an earlier life under our own process id is taken over at once", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* writeLease({ pid: process.pid, host: hostname(), expires_at: 60_000 }).pipe(
        Effect.provide(instance(folder))
      )
      yield* Layer.build(instance(folder))
    })
  )

  it.scoped("the lease of another host counts until it expires", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* writeLease({ pid: 1, host: "elsewhere", expires_at: 12_000 }).pipe(Effect.provide(instance(folder)))
      assert.strictEqual((yield* Effect.flip(Layer.build(instance(folder))))._tag, "DataDirOwned")
      yield* TestClock.adjust("12 seconds")
      yield* Layer.build(instance(folder))
    })
  )

  it.scoped("an instance that runs keeps its lease for as long as it runs", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.gen(function* () {
        yield* Effect.forEach(Array.from({ length: 60 }), () => TestClock.adjust("5 seconds"), { discard: true })
        const ownership = yield* Ownership
        yield* ownership.assertOwner
        assert.strictEqual(yield* fencedInsert, 1)
      }).pipe(Effect.provide(instance(folder)))
    })
  )

  it.scoped("an owner that was overtaken refuses writes, and the fence stops its intents", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.gen(function* () {
        const ownership = yield* Ownership
        assert.strictEqual(yield* fencedInsert, 1)
        yield* stealLease
        assert.strictEqual(yield* fencedInsert, 0)
        yield* TestClock.adjust("4 seconds")
        assert.instanceOf(yield* Effect.flip(ownership.assertOwner), NotOwner)
        assert.isFalse(yield* ownership.isOwner)
      }).pipe(Effect.provide(instance(folder)))
    })
  )

  it.scoped("an owner that slept past its lease is no owner until it has renewed", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.gen(function* () {
        const ownership = yield* Ownership
        const database = yield* Database
        // The renewal waits for the writer, as it would for a process that is suspended.
        const [rows, owner] = yield* database.write(
          Effect.zipRight(TestClock.setTime(13_000), Effect.zip(fencedInsert, ownership.isOwner))
        )
        assert.deepStrictEqual([rows, owner], [0, false])
        yield* TestClock.adjust("4 seconds")
        yield* ownership.assertOwner
        assert.strictEqual(yield* fencedInsert, 1)
      }).pipe(Effect.provide(instance(folder)))
    })
  )

  it.scoped("an owner whose store took no renewal owns again with the next request, unless another was quicker", () =>
    Effect.gen(function* () {
      const refuse = `CREATE TRIGGER refused BEFORE UPDATE ON trading_lease
        BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`
      const lapsed = Effect.gen(function* () {
        const database = yield* Database
        const sql = yield* SqlClient.SqlClient
        yield* database.write(sql.unsafe(refuse))
        for (let n = 0; n < 4; n++) {
          yield* TestClock.adjust("3500 millis")
          yield* database.write(Effect.void)
        }
        yield* database.write(sql`DROP TRIGGER refused`)
        const ownership = yield* Ownership
        assert.isFalse(yield* ownership.isOwner)
        return ownership
      })
      yield* Effect.gen(function* () {
        const ownership = yield* lapsed
        yield* ownership.assertNotTaken
        assert.isTrue(yield* ownership.isOwner)
        assert.strictEqual(yield* fencedInsert, 1)
      }).pipe(Effect.provide(instance(yield* temporaryFolder)))
      yield* Effect.gen(function* () {
        const ownership = yield* lapsed
        yield* stealLease
        assert.instanceOf(yield* Effect.flip(ownership.assertNotTaken), NotOwner)
        assert.strictEqual(yield* fencedInsert, 0)
      }).pipe(Effect.provide(instance(yield* temporaryFolder)))
    })
  )
})
