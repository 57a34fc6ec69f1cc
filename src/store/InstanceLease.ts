import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Clock, Effect, Layer, Option, Schedule, Schema } from "effect"
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { hostname } from "node:os"
import { NotOwner } from "../api/Errors.ts"
import { Database } from "./Database.ts"
import { Ownership } from "./Ownership.ts"

/** Another instance runs on this data directory; the message is the one line the operator reads. */
export class DataDirOwned extends Schema.TaggedError<DataDirOwned>()("DataDirOwned", {
  message: Schema.String,
  pid: Schema.Int,
  host: Schema.String
}) {}

/** Longer than three renewals, so that one slow write does not cost the ownership. */
const leaseMs = 12_000
const renewal = Schedule.spaced("3500 millis")

const LeaseRow = Schema.Struct({
  holder: Schema.String,
  pid: Schema.Int,
  host: Schema.String,
  token: Schema.Int,
  expires_at: Schema.Number
})

/** Takes the trading lease for as long as the layer lives, and gives it back at the end. */
export const layer = (options: { readonly dataDir: string }) => Layer.scoped(Ownership, hold(options.dataDir))

/** Holders of this process: a lease under our own pid that is not among them is one of an earlier life. */
const heldHere = new Set<string>()

const hold = Effect.fnUntraced(function* (dataDir: string) {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database
  const holder = randomBytes(8).toString("hex")
  const taken = yield* Effect.acquireRelease(database.write(take(sql, holder, dataDir)), () =>
    database.write(release(sql, holder)).pipe(Effect.ignore)
  )
  const token = taken.token
  let expiresAt = taken.expiresAt
  let lost = false

  const renew = database
    .write(
      Effect.gen(function* () {
        const until = (yield* Clock.currentTimeMillis) + leaseMs
        const rows = yield* sql`UPDATE trading_lease SET expires_at = ${until}
          WHERE id = 1 AND holder = ${holder} AND token = ${token} RETURNING token`
        return rows.length > 0 ? Option.some(until) : Option.none()
      })
    )
    .pipe(
      Effect.flatMap(
        Option.match({
          onSome: (until) => Effect.sync(() => void (expiresAt = until)),
          onNone: () =>
            Effect.zipRight(
              Effect.sync(() => void (lost = true)),
              Effect.logError("Another instance took the trading lease; this one no longer trades")
            )
        })
      ),
      Effect.catchTag("DATABASE_UNAVAILABLE", () =>
        Effect.logWarning("The trading lease could not be renewed; trying again")
      )
    )

  yield* Effect.forkScoped(
    Effect.repeat(renew, { schedule: renewal, until: () => lost }).pipe(Effect.delay("3500 millis"))
  )

  const isOwner = Effect.map(Clock.currentTimeMillis, (now) => !lost && now < expiresAt)
  return Ownership.of({
    isOwner,
    assertOwner: Effect.filterOrFail(isOwner, (owner) => owner, notOwner).pipe(Effect.asVoid),
    fencingToken: token,
    fence: Effect.map(
      Clock.currentTimeMillis,
      (now) =>
        sql`EXISTS (SELECT 1 FROM trading_lease WHERE id = 1 AND holder = ${holder} AND token = ${token} AND expires_at > ${now})`
    )
  })
})

const notOwner = () =>
  new NotOwner({
    message: "Another instance owns trading on this database; send the request there.",
    retryable: true,
    retryAfterSeconds: Math.ceil(leaseMs / 1000)
  })

const take = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, holder: string, dataDir: string) {
  const now = yield* Clock.currentTimeMillis
  const current = yield* SqlSchema.findOne({
    Request: Schema.Void,
    Result: LeaseRow,
    execute: () => sql`SELECT holder, pid, host, token, expires_at FROM trading_lease WHERE id = 1`
  })()
  if (Option.isSome(current) && current.value.expires_at > now && mayLive(current.value))
    return yield* new DataDirOwned({
      message: `DATA_DIR: ${dataDir} is in use by a running instance (process ${current.value.pid} on ${current.value.host}); stop it or name another. Example: DATA_DIR=./data2`,
      pid: current.value.pid,
      host: current.value.host
    })
  const token = Option.match(current, { onNone: () => 1, onSome: (row) => row.token + 1 })
  const expiresAt = now + leaseMs
  const row = { id: 1, holder, pid: process.pid, host: hostname(), token, expires_at: expiresAt }
  yield* sql`INSERT INTO trading_lease ${sql.insert(row)} ON CONFLICT (id) DO UPDATE SET holder = excluded.holder,
    pid = excluded.pid, host = excluded.host, token = excluded.token, expires_at = excluded.expires_at`
  heldHere.add(holder)
  return { token, expiresAt }
})

/** The row stays, because its token must go on growing. */
const release = (sql: SqlClient.SqlClient, holder: string) =>
  Effect.zipRight(
    Effect.sync(() => heldHere.delete(holder)),
    sql`UPDATE trading_lease SET expires_at = 0 WHERE id = 1 AND holder = ${holder}`
  )

/** On another host nobody can tell, so only the expiry counts there. */
const mayLive = (row: typeof LeaseRow.Type): boolean => {
  if (row.host !== hostname()) return true
  if (row.pid === process.pid) return heldHere.has(row.holder)
  return isAlive(row.pid)
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch (cause) {
    // Not ours to signal, but there.
    return cause instanceof Error && "code" in cause && cause.code === "EPERM"
  }
  return !isZombie(pid)
}

/** A killed process whose parent has not looked yet still answers to signals. */
const isZombie = (pid: number): boolean => {
  try {
    return /^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
  } catch {
    return false
  }
}
