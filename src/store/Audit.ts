import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Clock, Context, Effect, Layer, Schema } from "effect"
import { type DatabaseUnavailable, ValidationFailed } from "../api/Errors.ts"
import { type AuditAction, AuditEntry, type AuditRecord } from "../domain/audit/AuditEntry.ts"
import { beginning, genesis, type Head, linked } from "../domain/audit/chain.ts"
import { UserId } from "../domain/Ids.ts"
import type { Instant } from "../domain/Time.ts"
import { type Acting, whoActs } from "./audit/acting.ts"
import { Database } from "./Database.ts"

/** What happened; who, when and by which request is added. */
export interface Audited {
  readonly action: AuditAction
  /** Whom it is about; null: the installation. */
  readonly user: UserId | null
  readonly objectId: string | null
  readonly result?: AuditEntry["result"]
  readonly before?: string | null
  readonly after?: string | null
  readonly detail?: Readonly<Record<string, string>>
  /** In place of whoever acts in this fiber. */
  readonly acting?: Acting
}

export interface AuditQuery {
  readonly action?: AuditAction
  readonly from?: Instant
  readonly to?: Instant
  readonly limit: number
  /** Where the page before ended: `nextCursor`. */
  readonly cursor?: string
}

export interface AuditPage {
  readonly items: ReadonlyArray<AuditRecord>
  readonly nextCursor: string | null
}

/** A row of `audit`. */
export const AuditRow = Schema.Struct({
  seq: Schema.Int,
  hash: Schema.String,
  user: Schema.NullOr(Schema.String),
  userSeq: Schema.NullOr(Schema.Int),
  userHash: Schema.NullOr(Schema.String),
  at: Schema.Int,
  action: Schema.String,
  objectId: Schema.NullOr(Schema.String),
  entry: Schema.String
})
export interface AuditRow extends Schema.Schema.Type<typeof AuditRow> {}

/** Who did what and when: a chain over everything and one for each user, in which no entry can be changed unseen. */
export class Audit extends Context.Tag("dipper/store/Audit")<
  Audit,
  {
    /** Call it inside the `Database.write` of the change it tells of: both commit or neither. */
    readonly append: (audited: Audited) => Effect.Effect<void, DatabaseUnavailable>
    /** Of one user, newest first. */
    readonly list: (
      userId: UserId,
      query: AuditQuery
    ) => Effect.Effect<AuditPage, ValidationFailed | DatabaseUnavailable>
    /** Of one user: whether there is an entry of an action, which is not of orders, about an object. */
    readonly has: (
      userId: UserId,
      action: Exclude<AuditAction, "orderDecided">,
      objectId: string
    ) => Effect.Effect<boolean, DatabaseUnavailable>
    /** Of everything, or of one user. */
    readonly head: (user: UserId | null) => Effect.Effect<Head, DatabaseUnavailable>
    /** What comes after a place in the chain of everything, oldest first. */
    readonly after: (seq: number, limit: number) => Effect.Effect<ReadonlyArray<AuditRow>, DatabaseUnavailable>
    /** The same for the chain of one user. */
    readonly ofUserAfter: (
      userId: UserId,
      userSeq: number,
      limit: number
    ) => Effect.Effect<ReadonlyArray<AuditRow>, DatabaseUnavailable>
    /** Entries of an action that are about nobody in particular, newest first. */
    readonly ofInstallation: (
      action: AuditAction,
      limit: number
    ) => Effect.Effect<ReadonlyArray<AuditEntry>, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    Audit,
    Effect.suspend(() => make)
  )
}

const Heads = Schema.Struct({
  seq: Schema.NullOr(Schema.Int),
  hash: Schema.NullOr(Schema.String),
  userSeq: Schema.NullOr(Schema.Int),
  userHash: Schema.NullOr(Schema.String)
})

const isCursor = (cursor: string) => /^\d{1,15}$/.test(cursor)
const noCursor = new ValidationFailed({
  message: "The cursor is not one of ours.",
  details: [{ path: "cursor", message: "expected the nextCursor of an earlier page" }]
})

const encodeEntry = Schema.encodeSync(Schema.parseJson(AuditEntry))
const StoredEntry = Schema.Struct({ entry: Schema.parseJson(AuditEntry) })
const OfUser = Schema.Struct({ seq: Schema.Int, hash: Schema.String, entry: Schema.parseJson(AuditEntry) })

const headOf = (seq: number | null, hash: string | null): Head => ({ seq: seq ?? 0, hash: hash ?? genesis })

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database

  const columns = sql.literal(
    "seq, hash, user_id AS user, user_seq AS userSeq, user_hash AS userHash, at, action, object_id AS objectId, entry"
  )

  const findHeads = SqlSchema.findAll({
    Request: Schema.NullOr(UserId),
    Result: Heads,
    execute: (user) => sql`SELECT a.seq, a.hash, u.user_seq AS userSeq, u.user_hash AS userHash FROM (SELECT 1)
      LEFT JOIN (SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1) a ON true
      LEFT JOIN (SELECT user_seq, user_hash FROM audit WHERE user_id = ${user} ORDER BY user_seq DESC LIMIT 1) u ON true`
  })

  /** Both heads are read in the transaction that appends: other processes append as well. */
  const heads = (user: UserId | null) =>
    Effect.map(findHeads(user), ([found]) => ({
      all: found === undefined ? beginning : headOf(found.seq, found.hash),
      user: found === undefined ? beginning : headOf(found.userSeq, found.userHash)
    }))

  const append = Effect.fn("Audit.append")(function* (audited: Audited) {
    const { action, after = null, before = null, detail = {}, objectId, result = "done", user } = audited
    const { address, by, requestId } = audited.acting ?? (yield* whoActs)
    const at = yield* Clock.currentTimeMillis
    const entry = encodeEntry({ at, user, by, action, objectId, requestId, address, result, before, after, detail })
    yield* database.join(
      Effect.gen(function* () {
        const last = yield* heads(user)
        const next = linked(last.all, user === null ? null : last.user, entry)
        yield* sql`INSERT INTO audit (seq, user_id, user_seq, at, action, object_id, entry, user_hash, hash)
          VALUES (${next.seq}, ${user}, ${next.userSeq}, ${at}, ${action}, ${objectId}, ${entry}, ${next.userHash}, ${next.hash})`
      })
    )
  })

  /** The index of actions leaves out orders, of which most entries are: its condition has to be said. */
  const ofAction = (action: AuditAction) =>
    action === "orderDecided" ? sql`action = ${action}` : sql`action = ${action} AND action <> 'orderDecided'`

  const list = Effect.fn("Audit.list")(function* (userId: UserId, query: AuditQuery) {
    const { action, cursor, from, limit, to } = query
    if (cursor !== undefined && !isCursor(cursor)) return yield* noCursor
    const rows = yield* database.read(
      SqlSchema.findAll({
        Request: Schema.Void,
        Result: OfUser,
        execute: () =>
          sql`SELECT user_seq AS seq, user_hash AS hash, entry FROM audit WHERE ${sql.and([
            sql`user_id = ${userId}`,
            ...(action === undefined ? [] : [ofAction(action)]),
            ...(from === undefined ? [] : [sql`at >= ${from}`]),
            ...(to === undefined ? [] : [sql`at < ${to}`]),
            ...(cursor === undefined ? [] : [sql`user_seq < ${Number(cursor)}`])
          ])} ORDER BY user_seq DESC LIMIT ${limit + 1}`
      })()
    )
    const items = rows.slice(0, limit).map(({ entry, hash, seq }) => ({ seq, ...entry, hash }))
    return { items, nextCursor: rows.length > items.length ? String(items.at(-1)?.seq) : null }
  })

  const has = Effect.fn("Audit.has")((userId: UserId, action: AuditAction, objectId: string) =>
    Effect.map(
      database.read(
        sql`SELECT 1 FROM audit WHERE user_id = ${userId} AND ${ofAction(action)} AND object_id = ${objectId} LIMIT 1`
      ),
      (found) => found.length > 0
    )
  )

  const head = Effect.fn("Audit.head")((user: UserId | null) =>
    Effect.map(database.read(heads(user)), (found) => (user === null ? found.all : found.user))
  )

  const rows = (where: Parameters<typeof sql.and>[0][number]) =>
    database.read(
      SqlSchema.findAll({
        Request: Schema.Void,
        Result: AuditRow,
        execute: () => sql`SELECT ${columns} FROM audit WHERE ${where}`
      })()
    )

  const ofInstallation = Effect.fn("Audit.ofInstallation")((action: AuditAction, limit: number) =>
    Effect.map(
      database.read(
        SqlSchema.findAll({
          Request: Schema.Void,
          Result: StoredEntry,
          execute: () => sql`SELECT entry FROM audit WHERE user_id IS NULL AND ${ofAction(action)}
            ORDER BY seq DESC LIMIT ${limit}`
        })()
      ),
      (found) => found.map(({ entry }) => entry)
    )
  )

  return Audit.of({
    append,
    list,
    has,
    head,
    after: (seq, limit) => rows(sql`seq > ${seq} ORDER BY seq LIMIT ${limit}`),
    ofUserAfter: (userId, userSeq, limit) =>
      rows(sql`user_id = ${userId} AND user_seq > ${userSeq} ORDER BY user_seq LIMIT ${limit}`),
    ofInstallation
  })
})
