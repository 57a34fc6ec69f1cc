import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Context, Effect, Layer, type Option, Schema } from "effect"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import { UserId } from "../domain/Ids.ts"
import type { Instant } from "../domain/Time.ts"
import type { Place } from "./secrets/SealedBox.ts"
import { Database } from "../store/Database.ts"

/** What the probes of a key found. */
export const Permissions = Schema.Struct({ read: Schema.Boolean, trade: Schema.Boolean, withdraw: Schema.Boolean })
export interface Permissions extends Schema.Schema.Type<typeof Permissions> {}

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
  tested_at: Schema.NullOr(Schema.Number)
})
export type CredentialRow = typeof CredentialRow.Type

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
      userId: UserId,
      recordId: string,
      permissions: Permissions,
      now: Instant
    ) => Effect.Effect<void, DatabaseUnavailable>
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
const encodePermissions = Schema.encodeSync(Schema.parseJson(Permissions))

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
    markTested: (userId, recordId, permissions, now) =>
      Effect.asVoid(
        database.write(
          sql`UPDATE exchange_credentials SET permissions = ${encodePermissions(permissions)}, tested_at = ${now}
            WHERE user_id = ${userId} AND record_id = ${recordId}`
        )
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
