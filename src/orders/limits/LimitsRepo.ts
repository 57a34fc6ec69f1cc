import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Clock, Context, Effect, Layer, Option, Schema } from "effect"
import type { DatabaseUnavailable } from "../../api/Errors.ts"
import { sha256 } from "../../domain/audit/chain.ts"
import { unsafe } from "../../domain/Decimal.ts"
import { UserId } from "../../domain/Ids.ts"
import { Limits, unlimited } from "../../domain/Limits.ts"
import { Audit } from "../../store/Audit.ts"
import { Database } from "../../store/Database.ts"
import { Events } from "../../store/Events.ts"
import { Meta } from "../../store/Meta.ts"

/** Real money starts with little, until its owner says otherwise. */
const firstLive: Limits = { ...unlimited, user: { ...unlimited.user, perDay: unsafe("100") } }

/** The limits of each user. */
export class LimitsRepo extends Context.Tag("dipper/orders/LimitsRepo")<
  LimitsRepo,
  {
    /** Inside a transaction it is what that transaction sees. */
    readonly of: (userId: UserId) => Effect.Effect<Limits, DatabaseUnavailable>
    /**
     * Replaces the whole of them by what is made of those in force, which nobody else changes meanwhile: `decide` must have
     * no effect of its own. Orders under way stay, but count.
     */
    readonly change: <E>(
      userId: UserId,
      decide: (before: Limits) => Effect.Effect<Limits, E>
    ) => Effect.Effect<Limits, E | DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    LimitsRepo,
    Effect.suspend(() => make)
  ).pipe(Layer.provide(Audit.layer))
}

const Row = Schema.Struct({ document: Schema.parseJson(Limits) })
const textOf = Schema.encodeSync(Schema.parseJson(Limits))

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const audit = yield* Audit
  const database = yield* Database
  const events = yield* Events
  const { venue } = yield* Meta
  const initial = venue === "paper" ? unlimited : firstLive

  const find = SqlSchema.findOne({
    Request: UserId,
    Result: Row,
    execute: (userId) => sql`SELECT document FROM trading_limits WHERE user_id = ${userId}`
  })

  return LimitsRepo.of({
    of: Effect.fn("LimitsRepo.of")((userId) =>
      Effect.map(
        database.read(find(userId)),
        Option.match({ onNone: () => initial, onSome: ({ document }) => document })
      )
    ),
    change: Effect.fn("LimitsRepo.change")((userId, decide) =>
      database.write(
        Effect.gen(function* () {
          const before = Option.getOrNull(yield* find(userId))
          const limits = yield* decide(before?.document ?? initial)
          const document = textOf(limits)
          const row = { user_id: userId, document, updated_at: yield* Clock.currentTimeMillis }
          yield* sql`INSERT INTO trading_limits ${sql.insert(row)} ON CONFLICT (user_id) DO UPDATE
            SET document = excluded.document, updated_at = excluded.updated_at`
          yield* audit.append({
            action: "limitsChanged",
            user: userId,
            objectId: userId,
            before: before === null ? null : sha256(textOf(before.document)),
            after: sha256(document),
            detail: { limits: document }
          })
          yield* events.append(userId, { type: "limits.changed", objectId: userId, data: limits })
          return limits
        })
      )
    )
  })
})
