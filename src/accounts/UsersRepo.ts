import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Clock, Context, Effect, Either, Layer, Option, Schema } from "effect"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import { UserId } from "../domain/Ids.ts"
import type { Instant } from "../domain/Time.ts"
import { Database } from "../store/Database.ts"

/** `clerk`: banned or locked there, which ends when Clerk says so; `operator`: until the operator ends it. */
export const DisabledBy = Schema.Literal("operator", "clerk")
export type DisabledBy = typeof DisabledBy.Type

export interface User {
  readonly userId: UserId
  readonly createdAt: Instant
  readonly disabledAt: Instant | null
  readonly disabledBy: DisabledBy | null
  /** When the user's account on the paper exchange was opened. */
  readonly provisionedAt: Instant | null
  /** For good; such a user is disabled as well. */
  readonly deletedAt: Instant | null
  /** When what Clerk told last of the user happened. */
  readonly toldAt: Instant | null
}

export class UsersRepo extends Context.Tag("dipper/accounts/UsersRepo")<
  UsersRepo,
  {
    /** Creates the user unless it exists. */
    readonly ensure: (userId: UserId) => Effect.Effect<User, DatabaseUnavailable>
    readonly find: (userId: UserId) => Effect.Effect<Option.Option<User>, DatabaseUnavailable>
    readonly list: Effect.Effect<ReadonlyArray<User>, DatabaseUnavailable>
    /** Those who may not come in, the deleted among them. */
    readonly disabled: Effect.Effect<ReadonlyArray<User>, DatabaseUnavailable>
    /** False only on a fresh install. */
    readonly any: Effect.Effect<boolean, DatabaseUnavailable>
    /** Keeps the time of the first. What the operator did stays the operator's, also when Clerk does it too. */
    readonly disable: (userId: UserId, by: DisabledBy) => Effect.Effect<void, DatabaseUnavailable>
    /** Of one who was deleted nothing changes. */
    readonly enable: (userId: UserId) => Effect.Effect<void, DatabaseUnavailable>
    readonly markDeleted: (userId: UserId) => Effect.Effect<void, DatabaseUnavailable>
    readonly markTold: (userId: UserId, at: Instant) => Effect.Effect<void, DatabaseUnavailable>
    readonly markProvisioned: (userId: UserId) => Effect.Effect<void, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    UsersRepo,
    Effect.suspend(() => make())
  )
}

const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/

/** The user behind `--user NAME` in local mode. */
export const localUserId = (name: string): Either.Either<UserId, string> =>
  namePattern.test(name)
    ? Either.right(UserId.make(`local_${name}`))
    : Either.left(
        `expected a name of lower-case letters, digits, ".", "_" or "-" such as "ann", got "${name.slice(0, 64)}"`
      )

const UserRow = Schema.Struct({
  userId: Schema.propertySignature(UserId).pipe(Schema.fromKey("user_id")),
  createdAt: Schema.propertySignature(Schema.Number).pipe(Schema.fromKey("created_at")),
  disabledAt: Schema.propertySignature(Schema.NullOr(Schema.Number)).pipe(Schema.fromKey("disabled_at")),
  disabledBy: Schema.propertySignature(Schema.NullOr(DisabledBy)).pipe(Schema.fromKey("disabled_by")),
  provisionedAt: Schema.propertySignature(Schema.NullOr(Schema.Number)).pipe(Schema.fromKey("provisioned_at")),
  deletedAt: Schema.propertySignature(Schema.NullOr(Schema.Number)).pipe(Schema.fromKey("deleted_at")),
  toldAt: Schema.propertySignature(Schema.NullOr(Schema.Number)).pipe(Schema.fromKey("told_at"))
})

const make = Effect.fnUntraced(function* () {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database

  const columns = sql.literal("user_id, created_at, disabled_at, disabled_by, provisioned_at, deleted_at, told_at")
  const select = SqlSchema.findOne({
    Request: UserId,
    Result: UserRow,
    execute: (userId) => sql`SELECT ${columns} FROM users WHERE user_id = ${userId}`
  })
  const selectAll = SqlSchema.findAll({
    Request: Schema.Void,
    Result: UserRow,
    execute: () => sql`SELECT ${columns} FROM users ORDER BY created_at, user_id`
  })

  const selectDisabled = SqlSchema.findAll({
    Request: Schema.Void,
    Result: UserRow,
    execute: () => sql`SELECT ${columns} FROM users WHERE disabled_at IS NOT NULL ORDER BY user_id`
  })

  const ensure = Effect.fn("UsersRepo.ensure")((userId: UserId) =>
    database.write(
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        yield* sql`INSERT INTO users ${sql.insert({ user_id: userId, created_at: now })} ON CONFLICT DO NOTHING`
        return yield* Effect.flatMap(select(userId), Option.match({ onNone: () => gone, onSome: Effect.succeed }))
      })
    )
  )

  const find = Effect.fn("UsersRepo.find")((userId: UserId) => database.read(select(userId)))
  const list = database.read(selectAll())
  const any = Effect.map(database.read(sql`SELECT 1 FROM users LIMIT 1`), (rows) => rows.length > 0)

  const markProvisioned = Effect.fn("UsersRepo.markProvisioned")((userId: UserId) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      yield* database.write(
        sql`UPDATE users SET provisioned_at = ${now} WHERE user_id = ${userId} AND provisioned_at IS NULL`
      )
    })
  )

  const disable = Effect.fn("UsersRepo.disable")(function* (userId: UserId, by: DisabledBy) {
    const now = yield* Clock.currentTimeMillis
    yield* database.write(sql`UPDATE users SET disabled_at = coalesce(disabled_at, ${now}), disabled_by = ${by}
      WHERE user_id = ${userId} AND (disabled_at IS NULL OR ${by} = 'operator')`)
  })

  const enable = Effect.fn("UsersRepo.enable")((userId: UserId) =>
    Effect.asVoid(
      database.write(
        sql`UPDATE users SET disabled_at = NULL, disabled_by = NULL WHERE user_id = ${userId} AND deleted_at IS NULL`
      )
    )
  )

  const markDeleted = Effect.fn("UsersRepo.markDeleted")(function* (userId: UserId) {
    const now = yield* Clock.currentTimeMillis
    yield* database.write(sql`UPDATE users SET deleted_at = ${now}, disabled_at = coalesce(disabled_at, ${now})
      WHERE user_id = ${userId} AND deleted_at IS NULL`)
  })

  const markTold = Effect.fn("UsersRepo.markTold")((userId: UserId, at: Instant) =>
    Effect.asVoid(database.write(sql`UPDATE users SET told_at = ${at} WHERE user_id = ${userId}`))
  )

  return UsersRepo.of({
    ensure,
    find,
    list,
    disabled: database.read(selectDisabled()),
    any,
    disable,
    enable,
    markDeleted,
    markTold,
    markProvisioned
  })
})

const gone = Effect.dieMessage("a user row is missing right after its insert")
