import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Context, Effect, Layer, Option, Schema } from "effect"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import { Decimal, format, keptScale, round } from "../domain/Decimal.ts"
import type { UserId } from "../domain/Ids.ts"
import type { VenueBalance } from "../domain/order/Order.ts"
import type { Instant } from "../domain/Time.ts"
import { Database } from "../store/Database.ts"

const BalanceRow = Schema.Struct({ asset: Schema.String, free: Decimal, locked: Decimal, at: Schema.Int })
const ReservedRow = Schema.Struct({ reserve_asset: Schema.String, reserve_amount: Decimal })
const ReadRow = Schema.Struct({ at: Schema.Int })

/** What is kept of a user's balances, and what our own orders hold of them that the venue does not lock yet. */
export interface KeptBalances {
  readonly balances: ReadonlyArray<typeof BalanceRow.Type>
  readonly reserved: ReadonlyArray<typeof ReservedRow.Type>
  /** What the venue has taken for orders since, without having told the balance after it. */
  readonly unseen: ReadonlyArray<typeof ReservedRow.Type>
  /** When all of them were last read together; none before the first time. */
  readonly readAt: Option.Option<Instant>
}

/** Balances in the database, joined by time: an older one than the kept changes nothing. */
export class BalancesRepo extends Context.Tag("dipper/portfolio/BalancesRepo")<
  BalancesRepo,
  {
    readonly kept: (userId: UserId) => Effect.Effect<KeptBalances, DatabaseUnavailable>
    readonly record: (userId: UserId, balance: VenueBalance, at: Instant) => Effect.Effect<void, DatabaseUnavailable>
    /** A complete reading: what it does not name is zero. */
    readonly replace: (
      userId: UserId,
      balances: ReadonlyArray<VenueBalance>,
      at: Instant
    ) => Effect.Effect<void, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    BalancesRepo,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const database = yield* Database

      const find = <A, I>(row: Schema.Schema<A, I>, statement: Effect.Effect<ReadonlyArray<unknown>, SqlError>) =>
        SqlSchema.findAll({ Request: Schema.Void, Result: row, execute: () => statement })()

      const upsert = (userId: UserId, { asset, free, locked }: VenueBalance, at: Instant) =>
        sql`INSERT INTO balances ${sql.insert({
          user_id: userId,
          asset,
          // The venue writes more decimals than are kept: what cannot be kept cannot be spent either.
          free: format(round(free, keptScale, "floor")),
          locked: format(round(locked, keptScale, "floor")),
          at
        })} ON CONFLICT (user_id, asset) DO UPDATE SET free = excluded.free, locked = excluded.locked, at = excluded.at
          WHERE excluded.at >= balances.at`

      return BalancesRepo.of({
        kept: Effect.fn("BalancesRepo.kept")(function* (userId) {
          return yield* database.read(
            Effect.gen(function* () {
              const balances = yield* find(
                BalanceRow,
                sql`SELECT asset, free, locked, at FROM balances WHERE user_id = ${userId} ORDER BY asset`
              )
              const reserved = yield* find(
                ReservedRow,
                sql`SELECT reserve_asset, reserve_amount FROM orders
                  WHERE user_id = ${userId} AND status IN ('pending', 'unknown')`
              )
              const [reading] = yield* find(ReadRow, sql`SELECT at FROM balance_reads WHERE user_id = ${userId}`)
              const readAt = reading?.at ?? 0
              // Between the venue's acknowledgement and its push of the balance, the kept one still has it all.
              const unseen = yield* find(
                ReservedRow,
                sql`SELECT o.reserve_asset, o.reserve_amount FROM orders o
                  LEFT JOIN balances b ON b.user_id = o.user_id AND b.asset = o.reserve_asset
                  WHERE o.user_id = ${userId} AND o.held_at > ${readAt} AND o.held_at > coalesce(b.at, 0)
                    AND o.status NOT IN ('pending', 'unknown', 'rejected')`
              )
              return { balances, reserved, unseen, readAt: Option.map(Option.fromNullable(reading), ({ at }) => at) }
            })
          )
        }),
        record: Effect.fn("BalancesRepo.record")((userId, balance, at) =>
          Effect.asVoid(database.write(upsert(userId, balance, at)))
        ),
        replace: Effect.fn("BalancesRepo.replace")((userId, balances, at) =>
          database.write(
            Effect.gen(function* () {
              yield* Effect.forEach(balances, (balance) => upsert(userId, balance, at), { discard: true })
              const named = balances.map(({ asset }) => asset)
              yield* sql`UPDATE balances SET free = '0', locked = '0', at = ${at} WHERE user_id = ${userId} AND at <= ${at}
                ${named.length === 0 ? sql`` : sql`AND asset NOT IN ${sql.in(named)}`}`
              yield* sql`INSERT INTO balance_reads ${sql.insert({ user_id: userId, at })}
                ON CONFLICT (user_id) DO UPDATE SET at = max(balance_reads.at, excluded.at)`
            })
          )
        )
      })
    })
  )
}
