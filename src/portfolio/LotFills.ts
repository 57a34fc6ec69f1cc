import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import type { Fragment } from "@effect/sql/Statement"
import { Context, Effect, Layer, Schema } from "effect"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import { Decimal } from "../domain/Decimal.ts"
import type { UserId } from "../domain/Ids.ts"
import { Side, SymbolName } from "../domain/Market.ts"
import { BookName } from "../domain/order/Order.ts"
import { Database } from "../store/Database.ts"

const Row = Schema.Struct({
  symbol: SymbolName,
  book: BookName,
  base_asset: Schema.String,
  quote_asset: Schema.String,
  side: Side,
  price: Decimal,
  quantity: Decimal,
  quote_quantity: Decimal,
  fee_asset: Schema.String,
  fee_amount: Decimal,
  at: Schema.Int
})

/** A fill as the books see it. */
export type LotRow = typeof Row.Type

const Version = Schema.Struct({
  symbol: SymbolName,
  base_asset: Schema.String,
  fills: Schema.Int,
  owned: Schema.Int
})

/** Which fills of a symbol exist; two equal ones mean the same fills in the same books. */
export type LotVersion = typeof Version.Type

/** Reads fills for the books. Fills are only ever added, and only ever move from no order to theirs. */
export class LotFills extends Context.Tag("dipper/portfolio/LotFills")<
  LotFills,
  {
    /** One per symbol the user has fills in. */
    readonly versions: (userId: UserId) => Effect.Effect<ReadonlyArray<LotVersion>, DatabaseUnavailable>
    readonly version: (
      userId: UserId,
      symbol: SymbolName
    ) => Effect.Effect<ReadonlyArray<LotVersion>, DatabaseUnavailable>
    /** In the order of the fold: time, then trade id, then arrival. */
    readonly of: (userId: UserId, symbol: SymbolName) => Effect.Effect<ReadonlyArray<LotRow>, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    LotFills,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const database = yield* Database

      const versionsWhere = (where: Fragment) =>
        database.read(
          SqlSchema.findAll({
            Request: Schema.Void,
            Result: Version,
            execute: () => sql`SELECT symbol, min(base_asset) AS base_asset, count(*) AS fills, count(order_id) AS owned
              FROM fills WHERE ${where} GROUP BY symbol ORDER BY symbol`
          })()
        )

      return LotFills.of({
        versions: (userId) => versionsWhere(sql`user_id = ${userId}`),
        version: (userId, symbol) => versionsWhere(sql`user_id = ${userId} AND symbol = ${symbol}`),
        of: (userId, symbol) =>
          database.read(
            SqlSchema.findAll({
              Request: Schema.Void,
              Result: Row,
              execute: () => sql`SELECT * FROM fills WHERE user_id = ${userId} AND symbol = ${symbol}
                ORDER BY at, length(trade_id), trade_id, rowid`
            })()
          )
      })
    })
  )
}
