import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import type { Fragment } from "@effect/sql/Statement"
import { Effect, Option, Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { OrderId, UserId } from "../../domain/Ids.ts"
import type { Pair } from "../../domain/order/lots.ts"
import type { VenueFill, VenueOrder } from "../../domain/order/Order.ts"
import { FillRow, OrderRow } from "../record/OrderRow.ts"

const encodeOrder = Schema.encodeSync(OrderRow)
const encodeFill = Schema.encodeSync(FillRow)

/** The statements on `orders` and `fills`; whoever uses them opens the transaction. */
export const makeStatements = Effect.map(SqlClient.SqlClient, (sql) => {
  const ordersWhere = (where: Fragment) =>
    SqlSchema.findAll({
      Request: Schema.Void,
      Result: OrderRow,
      execute: () => sql`SELECT * FROM orders WHERE ${where}`
    })()
  const orderWhere = (where: Fragment) => Effect.map(ordersWhere(where), (rows) => Option.fromNullable(rows[0]))
  const fillsWhere = (where: Fragment) =>
    SqlSchema.findAll({
      Request: Schema.Void,
      Result: FillRow,
      execute: () => sql`SELECT * FROM fills WHERE ${where}`
    })()

  return {
    ordersWhere,
    orderWhere,
    fillsWhere,

    /** A condition on no row in particular. */
    holds: (condition: Fragment) => Effect.map(sql`SELECT 1 WHERE ${condition}`, (rows) => rows.length > 0),

    notOver: sql`status IN ('pending', 'unknown', 'open', 'partiallyFilled')`,

    ofOrder: (row: OrderRow) => sql`user_id = ${row.user_id} AND order_id = ${row.order_id}`,

    byId: (userId: UserId, id: OrderId) => sql`user_id = ${userId} AND order_id = ${id}`,

    /** The order a message is about; one of ours before one that was taken for somebody else's. */
    toldBy: (userId: UserId, told: Pick<VenueOrder, "clientOrderId" | "exchangeOrderId" | "symbol">) =>
      told.clientOrderId === null
        ? sql`user_id = ${userId} AND symbol = ${told.symbol} AND exchange_order_id = ${told.exchangeOrderId}`
        : sql`user_id = ${userId} AND symbol = ${told.symbol}
          AND (client_order_id = ${told.clientOrderId} OR exchange_order_id = ${told.exchangeOrderId})
          ORDER BY origin = 'external'`,

    insertOrder: (row: OrderRow) => sql`INSERT INTO orders ${sql.insert(encodeOrder(row))}`,

    updateOrder: (row: OrderRow) => {
      const { order_id, user_id, ...columns } = encodeOrder(row)
      return sql`UPDATE orders SET ${sql.update(columns)} WHERE user_id = ${user_id} AND order_id = ${order_id}`
    },

    insertFill: (fill: VenueFill, owner: OrderRow | null, userId: UserId, pair: Pair) =>
      sql`INSERT INTO fills ${sql.insert(
        encodeFill({
          user_id: userId,
          symbol: fill.symbol,
          trade_id: fill.tradeId,
          order_id: owner?.order_id ?? null,
          exchange_order_id: fill.exchangeOrderId,
          book: owner?.book ?? "manual",
          base_asset: pair.baseAsset,
          quote_asset: pair.quoteAsset,
          side: fill.side,
          price: fill.price,
          quantity: fill.quantity,
          quote_quantity: Decimal.round(fill.quoteQuantity, Decimal.keptScale, "half-even"),
          fee_asset: fill.fee.asset,
          // Fees of nineteen decimals were recorded; eighteen are kept.
          fee_amount: Decimal.round(fill.fee.amount, Decimal.keptScale, "half-even"),
          maker: fill.maker,
          at: fill.at
        })
      )} ON CONFLICT DO NOTHING`,

    /** A fill can be heard before the answer that tells whose order it belongs to. */
    claimFills: (row: OrderRow, exchangeOrderId: string) =>
      sql`UPDATE fills SET order_id = ${row.order_id}, book = ${row.book}
        WHERE user_id = ${row.user_id} AND exchange_order_id = ${exchangeOrderId} AND symbol = ${row.symbol}
          AND (order_id IS NULL OR order_id IN (SELECT order_id FROM orders WHERE user_id = ${row.user_id}
            AND symbol = ${row.symbol} AND exchange_order_id = ${exchangeOrderId} AND origin = 'external'))`,

    /** What was taken for somebody else's order turned out to be one of ours. */
    dropExternal: (row: OrderRow, exchangeOrderId: string) =>
      sql`DELETE FROM orders WHERE user_id = ${row.user_id} AND symbol = ${row.symbol}
        AND exchange_order_id = ${exchangeOrderId} AND origin = 'external' AND order_id <> ${row.order_id}`
  }
})

export type Statements = Effect.Effect.Success<typeof makeStatements>

export const assetsOf = (row: OrderRow): Pair => ({ baseAsset: row.base_asset, quoteAsset: row.quote_asset })
