import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Effect, Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { UserId } from "../../domain/Ids.ts"
import type { Instant } from "../../domain/Time.ts"
import { Database } from "../../store/Database.ts"
import type { Windows } from "./windows.ts"

const isNever = Schema.transform(Schema.Int, Schema.Boolean, {
  strict: true,
  decode: (value) => value === 1,
  encode: (value) => (value ? 1 : 0)
})

const reserved = {
  order_id: Schema.String,
  key_id: Schema.NullOr(Schema.String),
  quote_asset: Schema.String,
  rate: Schema.NullOr(Decimal.Decimal)
}

const HeldRow = Schema.Struct({
  ...reserved,
  base_asset: Schema.String,
  worst_quote: Decimal.Decimal,
  /** Proven absent from the venue, yet a late fill would open it again. */
  never_placed: isNever,
  terminal_at: Schema.NullOr(Schema.Int)
})

const FillRow = Schema.Struct({
  ...reserved,
  quote_quantity: Decimal.Decimal,
  fee_asset: Schema.String,
  fee_amount: Decimal.Decimal,
  at: Schema.Int
})

/** Bought at `at`, in `limitAsset`. */
export interface Spent {
  readonly keyId: string | null
  readonly amount: Decimal.Decimal
  readonly at: Instant
}

/** What an order under way may still cost, in `limitAsset`; one never placed counts only in the windows it ended in. */
export interface Held {
  readonly keyId: string | null
  readonly baseAsset: string
  readonly amount: Decimal.Decimal
  readonly endedAt: Instant | null
}

export interface Spending {
  readonly spent: ReadonlyArray<Spent>
  readonly held: ReadonlyArray<Held>
  /** Quote assets of which nobody knows the price, then or now: what they bought is missing in the amounts. */
  readonly unpriced: ReadonlySet<string>
}

/** What one of an asset is worth in `limitAsset`; null when nobody can say. */
export type Rates = ReadonlyMap<string, Decimal.Decimal | null>

const costOf = (fill: typeof FillRow.Type): Decimal.Decimal =>
  fill.fee_asset === fill.quote_asset ? Decimal.add(fill.quote_quantity, fill.fee_amount) : fill.quote_quantity

/** Reads what a user's buys have cost since a time and what those under way may still cost. */
export const makeSpending = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database

  const underWay = sql`(o.status IN ('pending', 'unknown', 'open', 'partiallyFilled') OR o.explained = 0)`
  const neverPlaced = sql`(o.status = 'rejected' AND o.sent_at IS NOT NULL AND o.refusal IS NULL)`

  const heldSince = (userId: UserId, since: Instant) =>
    SqlSchema.findAll({
      Request: Schema.Void,
      Result: HeldRow,
      execute: () => sql`SELECT r.order_id, r.key_id, r.quote_asset, r.rate, r.base_asset, r.worst_quote,
          ${neverPlaced} AS never_placed, o.terminal_at
        FROM orders o JOIN reservations r ON r.user_id = o.user_id AND r.order_id = o.order_id
        WHERE o.user_id = ${userId} AND ${underWay}
        UNION ALL
        SELECT r.order_id, r.key_id, r.quote_asset, r.rate, r.base_asset, r.worst_quote, 1, o.terminal_at
        FROM orders o JOIN reservations r ON r.user_id = o.user_id AND r.order_id = o.order_id
        WHERE o.user_id = ${userId} AND ${neverPlaced} AND o.explained = 1 AND o.terminal_at >= ${since}`
    })()

  /** Of those under way every fill, else of the windows only. */
  const fillsSince = (userId: UserId, since: Instant) =>
    SqlSchema.findAll({
      Request: Schema.Void,
      Result: FillRow,
      execute: () => sql`SELECT r.order_id, r.key_id, r.quote_asset, r.rate, f.quote_quantity, f.fee_asset,
          f.fee_amount, f.at
        FROM fills f JOIN reservations r ON r.user_id = f.user_id AND r.order_id = f.order_id
        WHERE f.user_id = ${userId} AND f.at >= ${since}
        UNION ALL
        SELECT r.order_id, r.key_id, r.quote_asset, r.rate, f.quote_quantity, f.fee_asset, f.fee_amount, f.at
        FROM orders o
          JOIN reservations r ON r.user_id = o.user_id AND r.order_id = o.order_id
          JOIN fills f ON f.user_id = o.user_id AND f.order_id = o.order_id
        WHERE o.user_id = ${userId} AND ${underWay} AND f.at < ${since}`
    })()

  /** Quote assets of which nobody knew the price when they were spent, so that the present one has to do. */
  const unpriced = (userId: UserId) =>
    Effect.map(
      database.read(
        SqlSchema.findAll({
          Request: Schema.Void,
          Result: Schema.Struct({ asset: Schema.String }),
          execute: () => sql`SELECT DISTINCT quote_asset AS asset FROM reservations
            WHERE user_id = ${userId} AND rate IS NULL`
        })()
      ),
      (rows) => rows.map(({ asset }) => asset)
    )

  const since = (userId: UserId, since: Instant, rates: Rates) =>
    database.read(
      Effect.gen(function* () {
        const unpriced = new Set<string>()
        const valued = (amount: Decimal.Decimal, row: Pick<typeof HeldRow.Type, "quote_asset" | "rate">) => {
          const rate = row.rate ?? rates.get(row.quote_asset) ?? null
          if (rate !== null) return Decimal.round(Decimal.multiply(amount, rate), Decimal.keptScale, "ceil")
          if (Decimal.isPositive(amount)) unpriced.add(row.quote_asset)
          return Decimal.zero
        }
        const fills = yield* fillsSince(userId, since)
        const filled = new Map<string, Decimal.Decimal>()
        for (const fill of fills)
          filled.set(fill.order_id, Decimal.add(filled.get(fill.order_id) ?? Decimal.zero, costOf(fill)))
        const held = (yield* heldSince(userId, since)).map((row): Held => {
          const left = Decimal.subtract(row.worst_quote, filled.get(row.order_id) ?? Decimal.zero)
          return {
            keyId: row.key_id,
            baseAsset: row.base_asset,
            amount: valued(Decimal.max(Decimal.zero, left), row),
            endedAt: row.never_placed ? row.terminal_at : null
          }
        })
        const spent = fills.map((fill): Spent => ({
          keyId: fill.key_id,
          amount: valued(costOf(fill), fill),
          at: fill.at
        }))
        return { held, spent, unpriced } satisfies Spending
      })
    )

  return { since, unpriced }
})

/** Of all keys, or of one. */
export const takenSince = ({ held, spent }: Spending, since: Instant, keyId: string | null): Decimal.Decimal => {
  const counts = (item: { readonly keyId: string | null }) => keyId === null || item.keyId === keyId
  return Decimal.add(
    Decimal.sum(spent.filter((one) => counts(one) && one.at >= since).map(({ amount }) => amount)),
    Decimal.sum(
      held.filter((one) => counts(one) && (one.endedAt === null || one.endedAt >= since)).map(({ amount }) => amount)
    )
  )
}

/** Where the earliest of the windows begins: a week may have begun before the month. */
export const earliest = ({ month, week }: Windows): Instant => Math.min(month, week)
