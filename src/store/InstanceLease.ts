import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Clock, Context, Deferred, Effect, Layer, Option, Schedule, Schema, type Scope } from "effect"
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { hostname } from "node:os"
import { type DatabaseUnavailable, NotOwner } from "../api/Errors.ts"
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

const standbyLook = Schedule.spaced("1 second")

/** Takes the trading lease for as long as the layer lives, and gives it back at the end. */
export const layer = (options: { readonly dataDir: string }) =>
  Layer.scoped(
    Ownership,
    Effect.flatMap(make, ({ take }) =>
      Effect.flatMap(take, (taken) =>
        taken._tag === "Ours" ? Effect.succeed(taken.ownership) : Effect.fail(refused(options.dataDir, taken.by))
      )
    )
  )

/** For instances that share a database: one trades, the others stand by. */
export class InstanceLease extends Context.Tag("dipper/store/InstanceLease")<
  InstanceLease,
  {
    /** Takes the lease until the scope closes, unless another instance has it. */
    readonly take: Effect.Effect<Taken, DatabaseUnavailable, Scope.Scope>
    /** The ownership of an instance that has none. */
    readonly standby: Ownership["Type"]
    /** Ends when the lease can be had: its owner has stopped, died on this host, or not renewed it in time. */
    readonly free: Effect.Effect<void>
  }
>() {
  static readonly layer = Layer.effect(
    InstanceLease,
    Effect.suspend(() => make)
  )
}

export type Taken =
  { readonly _tag: "Ours"; readonly ownership: Ownership["Type"] } | { readonly _tag: "Theirs"; readonly by: Holder }

/** Who has the lease. */
export interface Holder {
  readonly pid: number
  readonly host: string
}

const refused = (dataDir: string, { host, pid }: Holder) =>
  new DataDirOwned({
    message: `DATA_DIR: ${dataDir} is in use by a running instance (process ${pid} on ${host}); stop it, name another, or let both use one exchange (PAPER_URL), so that this one can stand by. Example: DATA_DIR=./data2`,
    pid,
    host
  })

/** Holders of this process: a lease under our own pid that is not among them is one of an earlier life. */
const heldHere = new Set<string>()

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database

  const find = SqlSchema.findOne({
    Request: Schema.Void,
    Result: LeaseRow,
    execute: () => sql`SELECT holder, pid, host, token, expires_at FROM trading_lease WHERE id = 1`
  })
  const isFree = (row: typeof LeaseRow.Type, now: number) => row.expires_at <= now || !mayLive(row)

  const claim = (holder: string) =>
    database.write(
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const current = Option.getOrNull(yield* find())
        if (current !== null && !isFree(current, now)) return { _tag: "Theirs" as const, by: current }
        const token = (current?.token ?? 0) + 1
        const expiresAt = now + leaseMs
        const row = { id: 1, holder, pid: process.pid, host: hostname(), token, expires_at: expiresAt }
        yield* sql`INSERT INTO trading_lease ${sql.insert(row)} ON CONFLICT (id) DO UPDATE SET holder = excluded.holder,
          pid = excluded.pid, host = excluded.host, token = excluded.token, expires_at = excluded.expires_at`
        heldHere.add(holder)
        return { _tag: "Ours" as const, token, expiresAt }
      })
    )

  /** The row stays, because its token must go on growing. */
  const release = (holder: string) =>
    Effect.zipRight(
      Effect.sync(() => heldHere.delete(holder)),
      database.write(sql`UPDATE trading_lease SET expires_at = 0 WHERE id = 1 AND holder = ${holder}`)
    ).pipe(Effect.ignore)

  const keep = Effect.fnUntraced(function* (holder: string, token: number, until: number) {
    const lost = yield* Deferred.make<void>()
    let expiresAt = until
    let isLost = false

    const lose = Effect.gen(function* () {
      isLost = true
      yield* Effect.logError("Another instance took the trading lease; this one no longer trades")
      yield* Deferred.succeed(lost, undefined)
    })
    const renew = database
      .write(
        Effect.gen(function* () {
          const until = (yield* Clock.currentTimeMillis) + leaseMs
          const rows = yield* sql`UPDATE trading_lease SET expires_at = ${until}
            WHERE id = 1 AND holder = ${holder} AND token = ${token} RETURNING token`
          return rows.length > 0 ? until : null
        })
      )
      .pipe(
        Effect.flatMap((until) => (until === null ? lose : Effect.sync(() => void (expiresAt = until)))),
        Effect.catchTag("DATABASE_UNAVAILABLE", () =>
          Effect.logWarning("The trading lease could not be renewed; trying again")
        )
      )
    yield* Effect.forkScoped(
      Effect.repeat(renew, { schedule: renewal, until: () => isLost }).pipe(Effect.delay("3500 millis"))
    )

    const isOwner = Effect.map(Clock.currentTimeMillis, (now) => !isLost && now < expiresAt)
    const assertOwner = Effect.filterOrFail(isOwner, (owner) => owner, notOwner).pipe(Effect.asVoid)
    /** A lease that ran out while the store took no renewal is ours again at once, unless somebody has it. */
    const assertNotTaken = Effect.gen(function* () {
      if (!isLost && !(yield* isOwner) && (yield* database.problem) === null) yield* renew
      if (isLost || (yield* database.problem) === null) yield* assertOwner
    })
    return Ownership.of({
      isOwner,
      assertOwner,
      assertNotTaken,
      fencingToken: token,
      fence: Effect.map(
        Clock.currentTimeMillis,
        (now) =>
          sql`EXISTS (SELECT 1 FROM trading_lease WHERE id = 1 AND holder = ${holder} AND token = ${token} AND expires_at > ${now})`
      ),
      lost: Deferred.await(lost)
    })
  })

  const take = Effect.gen(function* () {
    const holder = randomBytes(8).toString("hex")
    const claimed = yield* Effect.acquireRelease(claim(holder), () => release(holder))
    return claimed._tag === "Theirs"
      ? claimed
      : { _tag: "Ours" as const, ownership: yield* keep(holder, claimed.token, claimed.expiresAt) }
  })

  const looksFree = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    return Option.match(yield* database.read(find()), { onNone: () => true, onSome: (row) => isFree(row, now) })
  })
  const free = looksFree.pipe(
    Effect.catchTag("DATABASE_UNAVAILABLE", () => Effect.succeed(false)),
    Effect.repeat({ schedule: standbyLook, until: (is) => is }),
    Effect.asVoid
  )

  const standby = Ownership.of({
    isOwner: Effect.succeed(false),
    assertOwner: Effect.suspend(notOwner),
    assertNotTaken: Effect.suspend(notOwner),
    fencingToken: 0,
    fence: Effect.succeed(sql`0`),
    lost: Effect.never
  })

  return InstanceLease.of({ take, standby, free })
})

const notOwner = () =>
  new NotOwner({
    message: "Another instance owns trading on this database; send the request there.",
    retryable: true,
    retryAfterSeconds: Math.ceil(leaseMs / 1000)
  })

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
