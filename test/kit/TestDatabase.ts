import * as SqlClient from "@effect/sql/SqlClient"
import { createClient } from "@libsql/client/sqlite3"
import { Effect, Layer } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NotOwner } from "../../src/api/Errors.ts"
import { Database } from "../../src/store/Database.ts"
import * as Migrations from "../../src/store/Migrations.ts"
import { Ownership } from "../../src/store/Ownership.ts"

/** A folder that goes away with the scope. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "dipper-test-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

export const databaseUrl = (folder: string): string => `file:${join(folder, "dipper.db")}`

/** Another process in the eyes of SQLite: holds the write lock until what this gives is run. */
export const lock = (folder: string) =>
  Effect.promise(async () => {
    const client = createClient({ url: databaseUrl(folder) })
    const transaction = await client.transaction("write")
    return async () => {
      await transaction.rollback()
      client.close()
    }
  })

/** Owns trading for ever, without a renewal that would follow the test clock; `steal` takes it away. */
export const ownershipLayer = Layer.effect(
  Ownership,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const database = yield* Database
    const token = 1
    yield* database.write(
      sql`INSERT INTO trading_lease ${sql.insert({ id: 1, holder: "test", pid: process.pid, host: "test", token, expires_at: 8_640_000_000_000_000 })} ON CONFLICT DO NOTHING`
    )
    const condition = sql`EXISTS (SELECT 1 FROM trading_lease WHERE id = 1 AND token = ${token})`
    const isOwner = Effect.map(database.read(sql`SELECT 1 WHERE ${condition}`), (rows) => rows.length > 0).pipe(
      Effect.orDie
    )
    const assertOwner = Effect.flatMap(isOwner, (owner) =>
      owner ? Effect.void : Effect.fail(new NotOwner({ message: "Another instance owns trading." }))
    )
    return Ownership.of({
      isOwner,
      assertOwner,
      assertNotTaken: assertOwner,
      fencingToken: token,
      fence: Effect.succeed(condition),
      lost: Effect.never
    })
  })
)

/** Another instance takes the lease. */
export const stealLease = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.orDie(sql`UPDATE trading_lease SET token = token + 1, holder = 'thief'`)
)

/** The migrated database of a folder that the test keeps, for restarts: `Database | SqlClient | Meta | Ownership`. */
export const layerAt = (folder: string, venue = "paper") =>
  ownershipLayer.pipe(
    Layer.provideMerge(Migrations.layer({ venue })),
    Layer.provideMerge(Database.layer({ url: databaseUrl(folder), authToken: null })),
    Layer.orDie
  )

/**
 * A migrated temporary database, new for every `Effect.provide`: `Database | SqlClient | Meta | Ownership`. Not
 * `Layer.fresh`, which would give every service that is built on it a database of its own.
 */
export const layer = Layer.unwrapScoped(Effect.map(temporaryFolder, (folder) => layerAt(folder)))
