import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Context, Effect, Layer, Option, Schema } from "effect"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import { AddressRange } from "../domain/AddressRange.ts"
import { UserId } from "../domain/Ids.ts"
import { Scope } from "../domain/Principal.ts"
import type { Instant } from "../domain/Time.ts"
import { Database } from "../store/Database.ts"

const Scopes = Schema.compose(Schema.split(","), Schema.Array(Scope))

/** None is written as nothing, which split would read as one. */
const Addresses = Schema.transform(Schema.String, Schema.Array(AddressRange), {
  decode: (text) => (text === "" ? [] : text.split(",")),
  encode: (ranges) => ranges.join(",")
})

/** A key as it is stored: never the token, only its hash. */
export const ApiKeyRow = Schema.Struct({
  user_id: UserId,
  key_id: Schema.String,
  hash: Schema.String,
  name: Schema.String,
  scopes: Scopes,
  created_at: Schema.Number,
  expires_at: Schema.Number,
  last_used_at: Schema.NullOr(Schema.Number),
  revoked_at: Schema.NullOr(Schema.Number),
  /** The secret before the last rotation lets in until then. */
  previous_hash: Schema.NullOr(Schema.String),
  previous_until: Schema.NullOr(Schema.Number),
  rotated_at: Schema.NullOr(Schema.Number),
  addresses: Addresses
})
export type ApiKeyRow = typeof ApiKeyRow.Type

/** A key together with whether its user may come in at all. */
const Credential = Schema.Struct({ ...ApiKeyRow.fields, disabled_at: Schema.NullOr(Schema.Number) })
export type Credential = typeof Credential.Type

export class ApiKeysRepo extends Context.Tag("dipper/accounts/ApiKeysRepo")<
  ApiKeysRepo,
  {
    readonly insert: (row: ApiKeyRow) => Effect.Effect<void, DatabaseUnavailable>
    /** Newest first, revoked ones included. */
    readonly list: (userId: UserId) => Effect.Effect<ReadonlyArray<ApiKeyRow>, DatabaseUnavailable>
    readonly find: (userId: UserId, keyId: string) => Effect.Effect<Option.Option<ApiKeyRow>, DatabaseUnavailable>
    readonly countLive: (userId: UserId, now: Instant) => Effect.Effect<number, DatabaseUnavailable>
    /** Users with a key that lets in. */
    readonly owners: (now: Instant) => Effect.Effect<ReadonlyArray<UserId>, DatabaseUnavailable>
    /** Another secret for the same key; the one before counts until `previous_until`. */
    readonly rotate: (row: ApiKeyRow) => Effect.Effect<void, DatabaseUnavailable>
    /** Keeps the time of the first revocation. */
    readonly revoke: (userId: UserId, keyId: string, now: Instant) => Effect.Effect<void, DatabaseUnavailable>
    readonly revokeAll: (userId: UserId, now: Instant) => Effect.Effect<void, DatabaseUnavailable>
    /** For whoever does not know yet whose key it is: authentication, and the owner at the command line. */
    readonly findCredential: (keyId: string) => Effect.Effect<Option.Option<Credential>, DatabaseUnavailable>
    readonly markUsed: (uses: ReadonlyMap<string, Instant>) => Effect.Effect<void, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    ApiKeysRepo,
    Effect.suspend(() => make())
  )
}

const encodeRow = Schema.encodeSync(ApiKeyRow)

/** The key of nobody, in the order of the columns: no id is empty. */
const noCredential: typeof Credential.Encoded = {
  user_id: "local_nobody",
  key_id: "",
  hash: "0".repeat(64),
  name: "no key",
  scopes: "read,trade,manage",
  created_at: 1_800_000_000_000,
  expires_at: 1_800_000_000_000,
  last_used_at: null,
  revoked_at: null,
  previous_hash: null,
  previous_until: null,
  rotated_at: null,
  addresses: "",
  disabled_at: null
}
const nobodys = Object.values(noCredential)
  .map((value) => (typeof value === "string" ? `'${value}'` : String(value ?? "NULL")))
  .join(", ")

const make = Effect.fnUntraced(function* () {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database

  const columns = sql.literal(Object.keys(ApiKeyRow.fields).join(", "))
  const selectAll = SqlSchema.findAll({
    Request: UserId,
    Result: ApiKeyRow,
    execute: (userId) => sql`SELECT ${columns} FROM api_keys WHERE user_id = ${userId} ORDER BY created_at DESC, key_id`
  })
  const selectOne = SqlSchema.findOne({
    Request: Schema.Struct({ userId: UserId, keyId: Schema.String }),
    Result: ApiKeyRow,
    execute: ({ userId, keyId }) => sql`SELECT ${columns} FROM api_keys WHERE user_id = ${userId} AND key_id = ${keyId}`
  })
  const selectOwners = SqlSchema.findAll({
    Request: Schema.Number,
    Result: Schema.Struct({ user_id: UserId }),
    execute: (now) => sql`SELECT DISTINCT user_id FROM api_keys WHERE revoked_at IS NULL AND expires_at > ${now}`
  })
  /** A stranger must not hear from the time it takes whether there is a key of the id: one row is read in any case. */
  const selectCredential = SqlSchema.single({
    Request: Schema.String,
    Result: Credential,
    execute: (keyId) => sql`SELECT ${columns}, (SELECT disabled_at FROM users WHERE users.user_id = api_keys.user_id)
      AS disabled_at FROM api_keys WHERE key_id = ${keyId} UNION ALL SELECT ${sql.literal(nobodys)} LIMIT 1`
  })

  const findCredential = Effect.fn("ApiKeysRepo.findCredential")((keyId: string) =>
    database.read(selectCredential(keyId)).pipe(
      Effect.catchTag("NoSuchElementException", Effect.die),
      Effect.map((found) => Option.liftPredicate(found, ({ key_id: id }) => id === keyId))
    )
  )

  return ApiKeysRepo.of({
    insert: (row) => Effect.asVoid(database.write(sql`INSERT INTO api_keys ${sql.insert(encodeRow(row))}`)),
    list: (userId) => database.read(selectAll(userId)),
    find: (userId, keyId) => database.read(selectOne({ userId, keyId })),
    countLive: (userId, now) =>
      Effect.map(
        database.read(
          sql`SELECT 1 FROM api_keys WHERE user_id = ${userId} AND revoked_at IS NULL AND expires_at > ${now}`
        ),
        (rows) => rows.length
      ),
    owners: (now) => Effect.map(database.read(selectOwners(now)), (rows) => rows.map(({ user_id: id }) => id)),
    rotate: (row) =>
      Effect.asVoid(
        database.write(
          sql`UPDATE api_keys SET hash = ${row.hash}, previous_hash = ${row.previous_hash},
            previous_until = ${row.previous_until}, rotated_at = ${row.rotated_at}, expires_at = ${row.expires_at}
            WHERE user_id = ${row.user_id} AND key_id = ${row.key_id}`
        )
      ),
    revoke: (userId, keyId, now) =>
      Effect.asVoid(
        database.write(
          sql`UPDATE api_keys SET revoked_at = ${now} WHERE user_id = ${userId} AND key_id = ${keyId} AND revoked_at IS NULL`
        )
      ),
    revokeAll: (userId, now) =>
      Effect.asVoid(
        database.write(sql`UPDATE api_keys SET revoked_at = ${now} WHERE user_id = ${userId} AND revoked_at IS NULL`)
      ),
    findCredential,
    markUsed: (uses) =>
      database.write(
        Effect.forEach(uses, ([keyId, at]) => sql`UPDATE api_keys SET last_used_at = ${at} WHERE key_id = ${keyId}`, {
          discard: true
        })
      )
  })
})
