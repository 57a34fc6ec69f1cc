import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Clock, Context, Effect, Layer, Schema } from "effect"
import { type DatabaseUnavailable, TradingHalted } from "../../api/Errors.ts"
import { Halt, HaltOrigin, HaltScope } from "../../domain/Halt.ts"
import { UserId } from "../../domain/Ids.ts"
import type { Side } from "../../domain/Market.ts"
import { reason } from "../../domain/Reason.ts"
import type { Instant } from "../../domain/Time.ts"
import { Database } from "../../store/Database.ts"
import { Events } from "../../store/Events.ts"

/** One user, or everybody by the operator. */
export type Halted = UserId | "everybody"

export interface HaltChange {
  readonly halted: boolean
  readonly scope: HaltScope
  /** Cancel the orders that wait to buy; under scope `all` every order of the service's own. */
  readonly cancelOpen: boolean
  readonly reason: string | null
}

/** A halt whose orders are not cancelled yet. */
export interface PendingCancel {
  readonly who: Halted
  readonly origin: HaltOrigin
  readonly scope: HaltScope
  readonly since: Instant | null
}

/**
 * The kill switch. What counts is the row: it is read in the transaction of the intent and again in the one that commits
 * `sentAt`, so from the commit of a halt on nothing is sent, by no process.
 */
export class Halts extends Context.Tag("dipper/orders/Halts")<
  Halts,
  {
    readonly state: (userId: UserId) => Effect.Effect<Halt, DatabaseUnavailable>
    /** Call it inside the transaction that commits an intent, and inside the one that commits its `sentAt`. */
    readonly assertAllowed: (order: {
      readonly userId: UserId
      readonly side: Side
    }) => Effect.Effect<void, TradingHalted | DatabaseUnavailable>
    /** In force when it returns. The operator's release of a user ends the user's own halt too. */
    readonly set: (who: Halted, origin: HaltOrigin, change: HaltChange) => Effect.Effect<void, DatabaseUnavailable>
    /** What the operator, or the service in the operator's place, set for this user alone. */
    readonly ofOperator: (userId: UserId) => Effect.Effect<Halt, DatabaseUnavailable>
    /** Ends such a halt of exactly this reason, and no other halt of the user. */
    readonly lift: (userId: UserId, reason: string) => Effect.Effect<void, DatabaseUnavailable>
    readonly pendingCancels: Effect.Effect<ReadonlyArray<PendingCancel>, DatabaseUnavailable>
    readonly cancelled: (pending: PendingCancel) => Effect.Effect<void, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    Halts,
    Effect.suspend(() => make)
  )
}

const everybody = "*"
const idOf = (who: Halted): string => (who === "everybody" ? everybody : who)

const HaltRow = Schema.Struct({
  user_id: Schema.Union(Schema.Literal(everybody), UserId),
  origin: HaltOrigin,
  scope: HaltScope,
  reason: Schema.NullOr(Schema.String),
  since: Schema.NullOr(Schema.Int)
})
type HaltRow = typeof HaltRow.Type

const UserRow = Schema.Struct({ user_id: UserId })

const released: Halt = { halted: false, scope: null, by: null, reason: null, since: null }

/** The widest halt; among equals the operator's, which the user cannot end. */
const widest = (rows: ReadonlyArray<HaltRow>): HaltRow | undefined =>
  [...rows].sort((a, b) => a.scope.localeCompare(b.scope) || a.origin.localeCompare(b.origin))[0]

const shown = (rows: ReadonlyArray<HaltRow>): Halt => {
  const row = widest(rows)
  return row === undefined
    ? released
    : { halted: true, scope: row.scope, by: row.origin, reason: row.reason, since: row.since }
}

const refusal = (halt: HaltRow) => {
  const by = halt.origin === "operator" ? "by the operator" : "by its owner"
  const why = halt.reason === null ? "" : ` (${halt.reason})`
  const what = halt.scope === "all" ? "No order is sent" : "Nothing is bought"
  const message = `Trading is halted ${by}${why}. ${what} until it is released.`
  return new TradingHalted({ message, reason: reason("HALTED", { scope: halt.scope, by: halt.origin }, message) })
}

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database
  const events = yield* Events

  const inForce = SqlSchema.findAll({
    Request: UserId,
    Result: HaltRow,
    execute: (userId) => sql`SELECT user_id, origin, scope, reason, since FROM halts
      WHERE halted = 1 AND user_id IN (${userId}, ${everybody})`
  })

  const state = Effect.fn("Halts.state")((userId: UserId) => Effect.map(database.read(inForce(userId)), shown))

  const assertAllowed = Effect.fn("Halts.assertAllowed")(function* ({
    side,
    userId
  }: {
    readonly userId: UserId
    readonly side: Side
  }) {
    const stopping = (yield* database.read(inForce(userId))).filter(({ scope }) => side === "buy" || scope === "all")
    const halt = widest(stopping)
    if (halt !== undefined) return yield* refusal(halt)
  })

  /** Another scope lets other orders through: what is known of their cancels is no longer true of it. */
  const store = (userId: string, origin: HaltOrigin, change: HaltChange, now: number) =>
    sql`INSERT INTO halts ${sql.insert({
      user_id: userId,
      origin,
      halted: change.halted ? 1 : 0,
      scope: change.scope,
      reason: change.reason,
      since: change.halted ? now : null,
      cancel_pending: change.halted && change.cancelOpen ? 1 : 0
    })} ON CONFLICT (user_id, origin) DO UPDATE SET halted = excluded.halted, scope = excluded.scope,
      reason = excluded.reason, cancel_pending = excluded.cancel_pending,
      since = CASE WHEN halts.halted = 1 AND excluded.halted = 1 AND halts.scope = excluded.scope
        THEN halts.since ELSE excluded.since END`

  const affected = (who: Halted) =>
    who === "everybody"
      ? SqlSchema.findAll({
          Request: Schema.Void,
          Result: UserRow,
          execute: () => sql`SELECT user_id FROM users ORDER BY user_id`
        })()
      : Effect.succeed([{ user_id: who }])

  const tell = Effect.fnUntraced(function* (userId: UserId) {
    const data = shown(yield* inForce(userId))
    yield* events.append(userId, { type: "halt.changed", objectId: userId, data })
  })

  const set = Effect.fn("Halts.set")((who: Halted, origin: HaltOrigin, change: HaltChange) =>
    database.write(
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        yield* store(idOf(who), origin, change, now)
        if (!change.halted && origin === "operator" && who !== "everybody") yield* store(who, "user", change, now)
        for (const { user_id: userId } of yield* affected(who)) yield* tell(userId)
      })
    )
  )

  const ofOperator = Effect.fn("Halts.ofOperator")((userId: UserId) =>
    Effect.map(database.read(inForce(userId)), (rows) =>
      shown(rows.filter(({ origin, user_id: id }) => origin === "operator" && id === userId))
    )
  )

  const lift = Effect.fn("Halts.lift")((userId: UserId, reason: string) =>
    database.write(
      Effect.gen(function* () {
        const ended = yield* sql`UPDATE halts SET halted = 0, reason = NULL, since = NULL, cancel_pending = 0
          WHERE user_id = ${userId} AND origin = 'operator' AND halted = 1 AND reason = ${reason} RETURNING user_id`
        if (ended.length > 0) yield* tell(userId)
      })
    )
  )

  const pendingCancels = Effect.map(
    database.read(
      SqlSchema.findAll({
        Request: Schema.Void,
        Result: HaltRow,
        execute: () => sql`SELECT user_id, origin, scope, reason, since FROM halts
          WHERE halted = 1 AND cancel_pending = 1`
      })()
    ),
    (rows) =>
      rows.map(({ origin, scope, since, user_id: id }): PendingCancel => ({
        who: id === everybody ? "everybody" : UserId.make(id),
        origin,
        scope,
        since
      }))
  )

  /** Only the halt that was worked on: a wider or a newer one that came meanwhile has more to cancel. */
  const cancelled = ({ origin, scope, since, who }: PendingCancel) =>
    Effect.asVoid(
      database.write(sql`UPDATE halts SET cancel_pending = 0
        WHERE user_id = ${idOf(who)} AND origin = ${origin} AND scope = ${scope} AND since IS ${since}`)
    )

  return Halts.of({ state, assertAllowed, set, ofOperator, lift, pendingCancels, cancelled })
})
