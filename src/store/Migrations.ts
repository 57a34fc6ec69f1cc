import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import { createHash, randomBytes } from "node:crypto"
import * as released from "../../migrations/all.ts"
import { failPoint } from "../FailPoints.ts"
import { Database } from "./Database.ts"
import { Meta } from "./Meta.ts"
import { StoreRefused } from "./StoreRefused.ts"

export interface MigrationSet {
  readonly migrations: Readonly<Record<string, ReadonlyArray<string>>>
  /** Programs whose last migration has a lower number cannot run on what this set makes. */
  readonly minBinary: number
}

export interface PlannedMigration {
  readonly name: string
  readonly state: "applied" | "pending"
  readonly statements: ReadonlyArray<string>
}

const AppliedRow = Schema.Struct({ name: Schema.String, checksum: Schema.String })

const MetaRow = Schema.Struct({
  venue: Schema.String,
  install_id: Schema.String,
  epoch: Schema.Int,
  min_binary: Schema.Int
})

const bookkeeping = [
  `CREATE TABLE IF NOT EXISTS migrations (
    name TEXT NOT NULL PRIMARY KEY,
    checksum TEXT NOT NULL,
    applied_at INTEGER NOT NULL
  ) STRICT`,
  `CREATE TABLE IF NOT EXISTS meta (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    venue TEXT NOT NULL,
    install_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    min_binary INTEGER NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT`
] as const

const checksumOf = (statements: ReadonlyArray<string>) =>
  createHash("sha256").update(JSON.stringify(statements)).digest("hex")

const numberOf = (name: string) => Number.parseInt(name, 10)

/** Brings the database to this program's schema, forward only, or refuses it; then says whose database it is. */
export const layer = (options: { readonly venue: string; readonly set?: MigrationSet }) =>
  Layer.effect(Meta, migrate(options.venue, options.set ?? released))

/** What `layer` would do to the database, without touching it. */
export const plan = (
  set: MigrationSet = released
): Effect.Effect<ReadonlyArray<PlannedMigration>, StoreRefused, Database | SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const database = yield* Database
    const exists = yield* database.read(sql`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migrations'`)
    const applied = exists.length === 0 ? new Map<string, string>() : yield* database.read(readApplied(sql))
    return yield* pendingOf(set, applied)
  }).pipe(Effect.catchTag("DATABASE_UNAVAILABLE", unreachable))

const migrate = Effect.fnUntraced(
  function* (venue: string, set: MigrationSet) {
    const sql = yield* SqlClient.SqlClient
    const database = yield* Database

    yield* database.write(Effect.forEach(bookkeeping, (statement) => sql.unsafe(statement), { discard: true }))
    const stamped = yield* database.read(readMeta(sql))
    if (Option.isSome(stamped)) yield* acceptMeta(stamped.value, venue, set)
    const known = yield* database.read(readApplied(sql))
    for (const migration of yield* pendingOf(set, known))
      if (migration.state === "pending")
        yield* Effect.zipRight(database.write(applyOnce(sql, set, migration)), failPoint("migration.applied"))
    return Meta.of(yield* database.write(stamp(sql, venue, set)))
  },
  Effect.catchTag("DATABASE_UNAVAILABLE", unreachable)
)

/** Another process may have applied it, and even stamped a venue, between our look and our turn. */
const applyOnce = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  set: MigrationSet,
  { name, statements }: PlannedMigration
) {
  if ((yield* readApplied(sql)).has(name)) return
  const run = (statement: string) => Effect.zipRight(sql.unsafe(statement), failPoint("migration.begun"))
  yield* Effect.forEach(statements, run, { discard: true }).pipe(
    Effect.catchTag("SqlError", (error) =>
      Effect.fail(
        new StoreRefused({
          reason: "failedMigration",
          message: `migration ${name} failed and left nothing behind: ${String(error.cause)}`
        })
      )
    )
  )
  const now = yield* Clock.currentTimeMillis
  yield* sql`INSERT INTO migrations ${sql.insert({ name, checksum: checksumOf(statements), applied_at: now })}`
  yield* sql`UPDATE meta SET schema_version = ${numberOf(name)}, min_binary = max(min_binary, ${set.minBinary})`
})

const stamp = Effect.fnUntraced(
  function* (sql: SqlClient.SqlClient, venue: string, set: MigrationSet) {
    const now = yield* Clock.currentTimeMillis
    yield* sql`INSERT INTO meta ${sql.insert({
      id: 1,
      venue,
      install_id: randomBytes(10).toString("hex"),
      epoch: 0,
      schema_version: lastNumber(set),
      min_binary: set.minBinary,
      created_at: now
    })} ON CONFLICT DO NOTHING`
    const row = yield* Effect.flatten(readMeta(sql))
    yield* acceptMeta(row, venue, set)
    return { venue: row.venue, installId: row.install_id, epoch: row.epoch }
  },
  Effect.catchTag("NoSuchElementException", Effect.die)
)

const lastNumber = (set: MigrationSet) => Math.max(0, ...Object.keys(set.migrations).map(numberOf))

const acceptMeta = (row: typeof MetaRow.Type, venue: string, set: MigrationSet): Effect.Effect<void, StoreRefused> => {
  if (row.min_binary > lastNumber(set))
    return Effect.fail(
      new StoreRefused({
        reason: "newerDatabase",
        message: `the database needs a program that knows migration ${row.min_binary}, this one knows ${lastNumber(set)}; install the newer version again or restore an older backup`
      })
    )
  if (row.venue !== venue)
    return Effect.fail(
      new StoreRefused({
        reason: "otherVenue",
        message: `this data directory belongs to ${row.venue} and cannot be used for ${venue}; use another DATA_DIR. Example: DATA_DIR=./data-${venue.replaceAll(/[^a-z0-9.-]/gi, "-")}`
      })
    )
  return Effect.void
}

const pendingOf = (
  set: MigrationSet,
  applied: ReadonlyMap<string, string>
): Effect.Effect<ReadonlyArray<PlannedMigration>, StoreRefused> => {
  const all = Object.entries(set.migrations)
  const changed = all.find(([name, statements]) => applied.has(name) && applied.get(name) !== checksumOf(statements))
  if (changed !== undefined)
    return Effect.fail(
      new StoreRefused({
        reason: "changedMigration",
        message: `migration ${changed[0]} was applied with other statements than this program has; use the program that made this database`
      })
    )
  return Effect.succeed(
    all.map(([name, statements]) => ({ name, statements, state: applied.has(name) ? "applied" : "pending" }))
  )
}

const readApplied = (sql: SqlClient.SqlClient) =>
  SqlSchema.findAll({
    Request: Schema.Void,
    Result: AppliedRow,
    execute: () => sql`SELECT name, checksum FROM migrations ORDER BY name`
  })().pipe(Effect.map((rows) => new Map(rows.map((row) => [row.name, row.checksum] as const))))

const readMeta = (sql: SqlClient.SqlClient) =>
  SqlSchema.findOne({
    Request: Schema.Void,
    Result: MetaRow,
    execute: () => sql`SELECT venue, install_id, epoch, min_binary FROM meta WHERE id = 1`
  })()

function unreachable(error: { readonly message: string }): Effect.Effect<never, StoreRefused> {
  return Effect.fail(new StoreRefused({ reason: "cannotOpen", message: `DATABASE_URL: ${error.message}` }))
}
