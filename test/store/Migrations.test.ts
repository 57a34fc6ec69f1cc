import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { migrations } from "../../migrations/all.ts"
import { Database } from "../../src/store/Database.ts"
import { Meta } from "../../src/store/Meta.ts"
import * as Migrations from "../../src/store/Migrations.ts"
import { databaseUrl, temporaryFolder } from "../kit/TestDatabase.ts"

const start = (folder: string, options: Parameters<typeof Migrations.layer>[0]) =>
  Migrations.layer(options).pipe(
    Layer.provideMerge(Database.layer({ url: databaseUrl(folder), authToken: null })),
    Layer.fresh
  )

const firstSet = { migrations: { "0001_cats": ["CREATE TABLE cats (id TEXT)"] }, minBinary: 1 }
const secondSet = {
  migrations: {
    ...firstSet.migrations,
    "0002_dogs": ["CREATE TABLE dogs (id TEXT)", "INSERT INTO dogs VALUES ('rex')"]
  },
  minBinary: 1
}

const tables = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(sql<{ name: string }>`SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`, (rows) =>
    rows.map((row) => row.name)
  )
)

describe("Migrations", () => {
  it.scoped("a new database gets every table and a stamp of its own", () =>
    Effect.gen(function* () {
      const [one, other] = yield* Effect.all([temporaryFolder, temporaryFolder])
      const stamps = yield* Effect.forEach([one, other], (folder) =>
        Effect.zip(Meta, tables).pipe(Effect.provide(start(folder, { venue: "paper" })))
      )
      for (const [meta, names] of stamps) {
        assert.deepStrictEqual([meta.venue, meta.epoch], ["paper", 0])
        for (const name of ["users", "api_keys", "exchange_credentials", "idempotency_keys", "trading_lease"])
          assert.include(names, name)
      }
      assert.notStrictEqual(stamps[0]?.[0].installId, stamps[1]?.[0].installId)
    })
  )

  it.scoped("a second start keeps the install id and applies only what is new", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const before = yield* Meta.pipe(Effect.provide(start(folder, { venue: "paper", set: firstSet })))
      const [after, names, plan] = yield* Effect.all([Meta, tables, Migrations.plan(secondSet)]).pipe(
        Effect.provide(start(folder, { venue: "paper", set: secondSet }))
      )
      assert.strictEqual(after.installId, before.installId)
      assert.include(names, "dogs")
      assert.deepStrictEqual(
        plan.map((step) => step.state),
        ["applied", "applied"]
      )
    })
  )

  it.scoped("a plan names what is pending and touches nothing", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [plan, names] = yield* Effect.zip(Migrations.plan(), tables).pipe(
        Effect.provide(Database.layer({ url: databaseUrl(folder), authToken: null }))
      )
      assert.deepStrictEqual(
        plan.map((step) => [step.name, step.state]),
        Object.keys(migrations).map((name) => [name, "pending"])
      )
      assert.deepStrictEqual(names, [])
    })
  )

  it.scoped("a migration that was changed after it ran is refused by name", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Meta.pipe(Effect.provide(start(folder, { venue: "paper", set: firstSet })))
      const changed = { ...firstSet, migrations: { "0001_cats": ["CREATE TABLE cats (id INTEGER)"] } }
      const refused = yield* Effect.flip(Meta.pipe(Effect.provide(start(folder, { venue: "paper", set: changed }))))
      assert.strictEqual(refused.reason, "changedMigration")
      assert.include(refused.message, "0001_cats")
    })
  )

  it.scoped("a migration that fails half way leaves nothing behind", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const broken = {
        migrations: { ...firstSet.migrations, "0002_half": ["CREATE TABLE half (id TEXT)", "CREATE GARBAGE"] },
        minBinary: 1
      }
      const refused = yield* Effect.flip(Meta.pipe(Effect.provide(start(folder, { venue: "paper", set: broken }))))
      assert.strictEqual(refused.reason, "failedMigration")
      assert.include(refused.message, "0002_half")
      const names = yield* tables.pipe(Effect.provide(start(folder, { venue: "paper", set: secondSet })))
      assert.notInclude(names, "half")
      assert.include(names, "dogs")
    })
  )

  it.scoped("an older program refuses a database it cannot run on, and runs on one that only grew", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Meta.pipe(Effect.provide(start(folder, { venue: "paper", set: secondSet })))
      yield* Meta.pipe(Effect.provide(start(folder, { venue: "paper", set: firstSet })))
      const contracted = { migrations: { ...secondSet.migrations, "0003_drop": ["DROP TABLE cats"] }, minBinary: 3 }
      yield* Meta.pipe(Effect.provide(start(folder, { venue: "paper", set: contracted })))
      const refused = yield* Effect.flip(Meta.pipe(Effect.provide(start(folder, { venue: "paper", set: secondSet }))))
      assert.strictEqual(refused.reason, "newerDatabase")
    })
  )

  it.scoped("a database of one venue is refused to another", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Meta.pipe(Effect.provide(start(folder, { venue: "paper" })))
      const refused = yield* Effect.flip(Meta.pipe(Effect.provide(start(folder, { venue: "api.mexc.com" }))))
      assert.strictEqual(refused.reason, "otherVenue")
      assert.include(refused.message, "use another DATA_DIR")
    })
  )
})
