import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Clock, Context, Effect, Layer, Schema } from "effect"
import { CredentialTooPowerful, type DatabaseUnavailable, TradingHalted } from "../api/Errors.ts"
import type { UserId } from "../domain/Ids.ts"
import { FreezeOrigin, type KeyFreeze } from "../domain/KeyFreeze.ts"
import type { Side } from "../domain/Market.ts"
import { reason } from "../domain/Reason.ts"
import { Database } from "../store/Database.ts"
import { Events } from "../store/Events.ts"

/** A key of a user; its freeze outlives its removal. */
export interface FrozenKey {
  readonly userId: UserId
  readonly fingerprint: string
}

/**
 * Keys under which no order is sent. What counts is the row: it is read in the transaction of the intent and again in the
 * one that commits `sentAt`, so from the commit of a freeze on nothing is sent, by no process. Cancels and questions go on.
 */
export class KeyFreezes extends Context.Tag("dipper/accounts/KeyFreezes")<
  KeyFreezes,
  {
    readonly state: (key: FrozenKey) => Effect.Effect<KeyFreeze | null, DatabaseUnavailable>
    /** Call it inside the transaction that commits an intent, and inside the one that commits its `sentAt`. */
    readonly assertAllowed: (
      key: FrozenKey,
      side: Side
    ) => Effect.Effect<void, TradingHalted | CredentialTooPowerful | DatabaseUnavailable>
    /** In force when it returns, and told to the owner. A freeze that is in force already keeps its time. */
    readonly freeze: (
      key: FrozenKey & { readonly keyPrefix: string },
      by: FreezeOrigin,
      reason: string | null
    ) => Effect.Effect<void, DatabaseUnavailable>
    readonly release: (key: FrozenKey, by: FreezeOrigin) => Effect.Effect<void, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    KeyFreezes,
    Effect.suspend(() => make)
  )
}

const FreezeRow = Schema.Struct({ origin: FreezeOrigin, reason: Schema.NullOr(Schema.String), since: Schema.Int })
type FreezeRow = typeof FreezeRow.Type

const Named = Schema.Struct({ userId: Schema.String, fingerprint: Schema.String })

/** What its owner cannot end comes before what they can, and what stops buys alone comes last. */
const rank = { operator: 0, user: 1, service: 2 } as const satisfies Record<FreezeOrigin, number>

const widest = (rows: ReadonlyArray<FreezeRow>): FreezeRow | undefined =>
  [...rows].sort((a, b) => rank[a.origin] - rank[b.origin])[0]

const stops = ({ origin }: FreezeRow, side: Side): boolean => side === "buy" || origin !== "service"

const whose = {
  operator: "by the operator",
  user: "by its owner",
  service: "because it may withdraw"
} as const satisfies Record<FreezeOrigin, string>

const sentence = ({ origin, reason: why }: FreezeRow): string => {
  const given = why === null || origin === "service" ? "" : ` (${why})`
  const frozen = `The exchange key is frozen ${whose[origin]}${given}`
  return origin === "service"
    ? `${frozen}: nothing is bought under it, sells and cancels go on. Take the permission away at the exchange, or set another key.`
    : `${frozen}: no order is sent under it until it is unfrozen; cancels go on.`
}

const refusal = (row: FreezeRow) => {
  const message = sentence(row)
  const why = reason("KEY_FROZEN", { by: row.origin }, message)
  return row.origin === "service"
    ? new CredentialTooPowerful({ message, reason: why })
    : new TradingHalted({ message, reason: why })
}

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database
  const events = yield* Events

  const inForce = SqlSchema.findAll({
    Request: Named,
    Result: FreezeRow,
    execute: ({ fingerprint, userId }) => sql`SELECT origin, reason, since FROM key_freezes
      WHERE user_id = ${userId} AND fingerprint = ${fingerprint}`
  })

  const state = Effect.fn("KeyFreezes.state")((key: FrozenKey) =>
    Effect.map(database.read(inForce(key)), (rows): KeyFreeze | null => {
      const row = widest(rows)
      return row === undefined ? null : { by: row.origin, reason: row.reason, since: row.since }
    })
  )

  const assertAllowed = Effect.fn("KeyFreezes.assertAllowed")(function* (key: FrozenKey, side: Side) {
    const stopping = (yield* database.read(inForce(key))).filter((row) => stops(row, side))
    const row = widest(stopping)
    if (row !== undefined) return yield* refusal(row)
  })

  /** A condition of its own for each who can end it. */
  const objectOf = ({ fingerprint }: FrozenKey, by: FreezeOrigin) => `${fingerprint} ${by}`

  const freeze = Effect.fn("KeyFreezes.freeze")(
    (key: FrozenKey & { readonly keyPrefix: string }, by: FreezeOrigin, why: string | null) =>
      database.write(
        Effect.gen(function* () {
          const { fingerprint, keyPrefix, userId } = key
          const since = yield* Clock.currentTimeMillis
          const row = { origin: by, reason: why, since }
          yield* sql`INSERT INTO key_freezes ${sql.insert({ user_id: userId, fingerprint, ...row })}
            ON CONFLICT (user_id, fingerprint, origin) DO UPDATE SET reason = coalesce(excluded.reason, reason)`
          const text = sentence(row)
          yield* events.appendOnce(userId, {
            type: "notice.keyFrozen",
            objectId: objectOf(key, by),
            data: { text, keyPrefix, freeze: { by, reason: why, since } }
          })
        })
      )
  )

  const release = Effect.fn("KeyFreezes.release")((key: FrozenKey, by: FreezeOrigin) =>
    database.write(
      Effect.gen(function* () {
        yield* sql`DELETE FROM key_freezes
          WHERE user_id = ${key.userId} AND fingerprint = ${key.fingerprint} AND origin = ${by}`
        yield* events.settle(key.userId, "notice.keyFrozen", objectOf(key, by))
      })
    )
  )

  return KeyFreezes.of({ state, assertAllowed, freeze, release })
})
