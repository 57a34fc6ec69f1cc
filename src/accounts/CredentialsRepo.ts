import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Context, Effect, Layer, Option, Schema } from "effect"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import { UserId } from "../domain/Ids.ts"
import type { Instant } from "../domain/Time.ts"
import type { Place } from "./secrets/SealedBox.ts"
import { Database } from "../store/Database.ts"

/** What the probes of a key found. */
export const Permissions = Schema.Struct({ read: Schema.Boolean, trade: Schema.Boolean, withdraw: Schema.Boolean })
export interface Permissions extends Schema.Schema.Type<typeof Permissions> {}

/** Why the venue did not tell what a key may do: it refused the key as such. */
export const KeyProblem = Schema.Struct({ code: Schema.NullOr(Schema.Int), message: Schema.String })
export interface KeyProblem extends Schema.Schema.Type<typeof KeyProblem> {}

/** A sealed exchange key; only its first characters and its fingerprint are readable. */
export const CredentialRow = Schema.Struct({
  user_id: UserId,
  record_id: Schema.String,
  /** `paper`: made by this service for the paper exchange. `user`: somebody entered it. */
  origin: Schema.Literal("paper", "user"),
  access_prefix: Schema.String,
  fingerprint: Schema.String,
  key_ring_id: Schema.String,
  sealed_access_key: Schema.String,
  sealed_secret_key: Schema.String,
  created_at: Schema.Number,
  last_used_at: Schema.NullOr(Schema.Number),
  permissions: Schema.NullOr(Schema.parseJson(Permissions)),
  /** When the venue was asked last and answered. */
  tested_at: Schema.NullOr(Schema.Number),
  problem: Schema.NullOr(Schema.parseJson(KeyProblem)),
  /** Wall time of the next question; null: as soon as there is room. */
  check_at: Schema.NullOr(Schema.Number),
  /** 1: its owner says that it is bound to an address. */
  address_bound: Schema.NullOr(Schema.Number)
})
export type CredentialRow = typeof CredentialRow.Type

/** What may be known of a key by whoever watches all of them. */
const KeyOverview = CredentialRow.pick(
  "user_id",
  "record_id",
  "origin",
  "access_prefix",
  "fingerprint",
  "created_at",
  "permissions",
  "tested_at",
  "problem",
  "address_bound"
)
export interface KeyOverview extends Schema.Schema.Type<typeof KeyOverview> {}

const overviewColumns = Object.keys(KeyOverview.fields).join(", ")

/** A stored key, not the one that is put in its place meanwhile. */
type Stored = Pick<CredentialRow, "user_id" | "record_id">

/** Where a sealed text of the row belongs. */
export const placeOf = (
  { record_id: recordId, user_id: userId }: Pick<CredentialRow, "user_id" | "record_id">,
  field: "accessKey" | "secretKey"
): Place => ({ userId, recordId, field })

export class CredentialsRepo extends Context.Tag("dipper/accounts/CredentialsRepo")<
  CredentialsRepo,
  {
    /** Replaces what the user had. */
    readonly put: (row: CredentialRow) => Effect.Effect<void, DatabaseUnavailable>
    readonly find: (userId: UserId) => Effect.Effect<Option.Option<CredentialRow>, DatabaseUnavailable>
    readonly remove: (userId: UserId) => Effect.Effect<boolean, DatabaseUnavailable>
    readonly markTested: (
      row: Stored & Pick<CredentialRow, "permissions" | "problem" | "tested_at" | "check_at">
    ) => Effect.Effect<void, DatabaseUnavailable>
    readonly askAgainAt: (row: Stored, at: Instant) => Effect.Effect<void, DatabaseUnavailable>
    /** The owner's word that the key is bound to an address, or is not. False when none is stored. */
    readonly markBound: (userId: UserId, bound: boolean) => Effect.Effect<boolean, DatabaseUnavailable>
    /** Who waits longest for a look at a key that somebody entered; disabled users wait for none. */
    readonly nextDue: (now: Instant) => Effect.Effect<Option.Option<UserId>, DatabaseUnavailable>
    /** Keys that somebody entered, of users that are not disabled. */
    readonly overview: Effect.Effect<ReadonlyArray<KeyOverview>, DatabaseUnavailable>
    /** The venue's account of a key, where it was learned. */
    readonly accountOf: (fingerprint: string) => Effect.Effect<Option.Option<string>, DatabaseUnavailable>
    readonly markUsed: (uses: ReadonlyMap<UserId, Instant>) => Effect.Effect<void, DatabaseUnavailable>
    /** Sealed under another master key than the given one, a hundred at a time. */
    readonly sealedOtherwise: (keyRingId: string) => Effect.Effect<ReadonlyArray<CredentialRow>, DatabaseUnavailable>
    readonly countSealed: Effect.Effect<ReadonlyArray<SealedCount>, DatabaseUnavailable>
    /** The same secrets under another master key. False when the row has changed meanwhile. */
    readonly rewrap: (before: CredentialRow, after: CredentialRow) => Effect.Effect<boolean, DatabaseUnavailable>
    /** Users that are not disabled, and whose account on the paper exchange, if theirs is one of ours, is open. */
    readonly owners: Effect.Effect<ReadonlyArray<UserId>, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    CredentialsRepo,
    Effect.suspend(() => make())
  )
}

const SealedCount = Schema.Struct({ key_ring_id: Schema.String, sealed: Schema.Int })
export interface SealedCount extends Schema.Schema.Type<typeof SealedCount> {}

const rewrappedAtOnce = 100

const encodeRow = Schema.encodeSync(CredentialRow)
const Tested = CredentialRow.pick("permissions", "problem", "tested_at", "check_at")
const encodeTested = Schema.encodeSync(Tested)

const make = Effect.fnUntraced(function* () {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database

  const select = SqlSchema.findOne({
    Request: UserId,
    Result: CredentialRow,
    execute: (userId) => sql`SELECT * FROM exchange_credentials WHERE user_id = ${userId}`
  })
  const selectOwners = SqlSchema.findAll({
    Request: Schema.Void,
    Result: Schema.Struct({ user_id: UserId }),
    execute: () => sql`SELECT user_id FROM exchange_credentials JOIN users USING (user_id)
      WHERE disabled_at IS NULL AND (origin = 'user' OR provisioned_at IS NOT NULL) ORDER BY user_id`
  })
  const selectDue = SqlSchema.findOne({
    Request: Schema.Number,
    Result: Schema.Struct({ user_id: UserId }),
    execute: (now) => sql`SELECT user_id FROM exchange_credentials JOIN users USING (user_id)
      WHERE disabled_at IS NULL AND origin = 'user' AND (check_at IS NULL OR check_at <= ${now})
      ORDER BY check_at LIMIT 1`
  })
  const selectOverview = SqlSchema.findAll({
    Request: Schema.Void,
    Result: KeyOverview,
    execute: () => sql`SELECT ${sql.literal(overviewColumns)} FROM exchange_credentials
      WHERE origin = 'user' AND user_id IN (SELECT user_id FROM users WHERE disabled_at IS NULL) ORDER BY user_id`
  })
  const selectAccount = SqlSchema.findOne({
    Request: Schema.String,
    Result: Schema.Struct({ account: Schema.String }),
    execute: (fingerprint) => sql`SELECT account FROM exchange_accounts WHERE fingerprint = ${fingerprint}`
  })

  return CredentialsRepo.of({
    put: (row) =>
      database.write(
        Effect.gen(function* () {
          yield* sql`DELETE FROM exchange_credentials WHERE user_id = ${row.user_id}`
          yield* sql`INSERT INTO exchange_credentials ${sql.insert(encodeRow(row))}`
        })
      ),
    find: (userId) => database.read(select(userId)),
    remove: (userId) =>
      Effect.map(
        database.write(sql`DELETE FROM exchange_credentials WHERE user_id = ${userId} RETURNING user_id`),
        (rows) => rows.length > 0
      ),
    markTested: ({ record_id: recordId, user_id: userId, ...found }) =>
      Effect.asVoid(
        database.write(
          sql`UPDATE exchange_credentials SET ${sql.update(encodeTested(found))}
            WHERE user_id = ${userId} AND record_id = ${recordId}`
        )
      ),
    askAgainAt: ({ record_id: recordId, user_id: userId }, at) =>
      Effect.asVoid(
        database.write(sql`UPDATE exchange_credentials SET check_at = ${at}
          WHERE user_id = ${userId} AND record_id = ${recordId}`)
      ),
    markBound: (userId, bound) =>
      Effect.map(
        database.write(sql`UPDATE exchange_credentials SET address_bound = ${bound ? 1 : 0}
          WHERE user_id = ${userId} RETURNING user_id`),
        (rows) => rows.length > 0
      ),
    nextDue: (now) =>
      Effect.map(
        database.read(selectDue(now)),
        Option.map(({ user_id: userId }) => userId)
      ),
    overview: database.read(selectOverview()),
    accountOf: (fingerprint) =>
      Effect.map(
        database.read(selectAccount(fingerprint)),
        Option.map(({ account }) => account)
      ),
    markUsed: (uses) =>
      database.write(
        Effect.forEach(
          uses,
          ([userId, at]) => sql`UPDATE exchange_credentials SET last_used_at = ${at} WHERE user_id = ${userId}`,
          { discard: true }
        )
      ),
    sealedOtherwise: (keyRingId) =>
      database.read(
        SqlSchema.findAll({
          Request: Schema.Void,
          Result: CredentialRow,
          execute: () => sql`SELECT * FROM exchange_credentials WHERE key_ring_id <> ${keyRingId}
            ORDER BY user_id LIMIT ${rewrappedAtOnce}`
        })()
      ),
    countSealed: database.read(
      SqlSchema.findAll({
        Request: Schema.Void,
        Result: SealedCount,
        execute: () => sql`SELECT key_ring_id, count(*) AS sealed FROM exchange_credentials GROUP BY key_ring_id`
      })()
    ),
    rewrap: (before, after) =>
      Effect.map(
        database.write(
          sql`UPDATE exchange_credentials SET key_ring_id = ${after.key_ring_id},
            sealed_access_key = ${after.sealed_access_key}, sealed_secret_key = ${after.sealed_secret_key}
            WHERE record_id = ${before.record_id} AND key_ring_id = ${before.key_ring_id} RETURNING user_id`
        ),
        (rows) => rows.length > 0
      ),
    owners: Effect.map(database.read(selectOwners()), (rows) => rows.map((row) => row.user_id))
  })
})
