import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Effect, Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { ClientOrderId, ExecutionId, OrderId, RuleId, UserId } from "../../domain/Ids.ts"
import type { SymbolName } from "../../domain/Market.ts"
import { isTerminal, type BookName } from "../../domain/order/Order.ts"
import { Database } from "../../store/Database.ts"
import type { CancelQuery, OrderQuery } from "../record/OrderRequest.ts"
import { FillRow, toFill, toOrder } from "../record/OrderRow.ts"
import type { Statements } from "./statements.ts"

/** A rule's order by name; `slot` already tells the attempt. */
export interface SlotName {
  readonly ruleId: RuleId
  readonly slot: string
  readonly kind: string
  readonly level: number
}

export const LastFill = Schema.Struct({ symbol: FillRow.fields.symbol, at: Schema.Int })
export const Orphan = Schema.Struct({
  symbol: FillRow.fields.symbol,
  exchangeOrderId: FillRow.fields.exchange_order_id
})

/** Questions about orders and fills; inside a transaction they see what it wrote. */
export const makeQueries = Effect.fnUntraced(function* (statements: Statements) {
  const { byId, fillsWhere, notOver, orderWhere, ordersWhere } = statements
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database

  const countUnknown = SqlSchema.findAll({
    Request: Schema.Void,
    Result: Schema.Struct({ orders: Schema.Int }),
    // The condition of the partial index, so that ended orders are not read.
    execute: () => sql`SELECT count(*) AS orders FROM orders
      WHERE (status IN ('pending', 'unknown', 'open', 'partiallyFilled') OR explained = 0) AND status = 'unknown'`
  })

  return {
    unknownCount: database.read(Effect.map(countUnknown(), ([row]) => row?.orders ?? 0)),

    find: (userId: UserId, id: OrderId) => database.read(orderWhere(byId(userId, id))),

    findByClientId: (userId: UserId, id: ClientOrderId) =>
      database.read(orderWhere(sql`user_id = ${userId} AND client_order_id = ${id}`)),

    findBySlot: (userId: UserId, { kind, level, ruleId, slot }: SlotName) =>
      database.read(
        orderWhere(sql`user_id = ${userId} AND rule_id = ${ruleId} AND slot = ${slot}
          AND kind = ${kind} AND level = ${level}`)
      ),

    list: Effect.fn("OrdersRepo.list")(function* (
      userId: UserId,
      query: Omit<OrderQuery, "cursor">,
      before: OrderId | null
    ) {
      const rows = yield* database.read(
        ordersWhere(
          sql`${sql.and([
            sql`user_id = ${userId}`,
            ...(query.symbol === undefined ? [] : [sql`symbol = ${query.symbol}`]),
            ...(query.status === undefined ? [] : [sql`status = ${query.status}`]),
            ...(query.from === undefined ? [] : [sql`requested_at >= ${query.from}`]),
            ...(query.to === undefined ? [] : [sql`requested_at < ${query.to}`]),
            ...(before === null ? [] : [sql`order_id < ${before}`])
          ])} ORDER BY order_id DESC LIMIT ${query.limit}`
        )
      )
      return rows.map(toOrder)
    }),

    fillsOf: Effect.fn("OrdersRepo.fillsOf")(function* (userId: UserId, id: OrderId) {
      const rows = yield* database.read(
        fillsWhere(sql`user_id = ${userId} AND order_id = ${id} ORDER BY at DESC, trade_id DESC`)
      )
      return rows.map((row) => toFill(row, id))
    }),

    selling: Effect.fn("OrdersRepo.selling")(function* (userId: UserId, symbol: SymbolName, book: BookName) {
      const rows = yield* database.read(
        ordersWhere(sql`user_id = ${userId} AND symbol = ${symbol} AND book = ${book} AND side = 'sell' AND ${notOver}`)
      )
      return Decimal.sum(
        rows.map((row) => Decimal.subtract(row.quantity ?? row.executed_quantity, row.executed_quantity))
      )
    }),

    cancellable: Effect.fn("OrdersRepo.cancellable")(
      (userId: UserId, { purposes, ruleId, side, symbol }: CancelQuery) =>
        database.read(
          ordersWhere(
            sql`${sql.and([
              sql`user_id = ${userId}`,
              notOver,
              sql.in("origin", purposes ?? ["manual", "rule", "exit"]),
              ...(symbol === undefined ? [] : [sql`symbol = ${symbol}`]),
              ...(ruleId === undefined ? [] : [sql`rule_id = ${ruleId}`]),
              ...(side === undefined ? [] : [sql`side = ${side}`])
            ])} ORDER BY order_id`
          )
        )
    ),

    openOfRule: (userId: UserId, ruleId: RuleId) =>
      Effect.map(
        database.read(ordersWhere(sql`user_id = ${userId} AND rule_id = ${ruleId} AND ${notOver} ORDER BY order_id`)),
        (rows) => rows.map(toOrder)
      ),

    ofExecution: (userId: UserId, executionId: ExecutionId) =>
      Effect.map(
        database.read(ordersWhere(sql`user_id = ${userId} AND execution_id = ${executionId} ORDER BY order_id`)),
        (rows) =>
          rows.map((row) =>
            toOrder(isTerminal(row.status) && !row.explained ? { ...row, status: "partiallyFilled" } : row)
          )
      ),

    unsettled: database.read(ordersWhere(sql`${notOver} OR explained = 0 ORDER BY user_id, order_id`)),

    /** Orders that may be the venue's nameless one: sent, of its pair and side, and without an id of the venue. */
    nameless: Effect.fn("OrdersRepo.nameless")(
      (userId: UserId, { side, symbol }: { readonly side: string; readonly symbol: SymbolName }, since: number) =>
        database.read(
          ordersWhere(sql`user_id = ${userId} AND symbol = ${symbol} AND side = ${side} AND exchange_order_id IS NULL
            AND sent_at IS NOT NULL AND (${notOver} OR (status = 'rejected' AND refusal IS NULL
              AND requested_at >= ${since})) ORDER BY order_id`)
        )
    ),

    unowned: Effect.fn("OrdersRepo.unowned")(function* (
      userId: UserId,
      symbol: SymbolName,
      exchangeOrderIds: ReadonlyArray<string>
    ) {
      if (exchangeOrderIds.length === 0) return []
      const rows = yield* database.read(
        ordersWhere(
          sql`user_id = ${userId} AND symbol = ${symbol} AND ${sql.in("exchange_order_id", exchangeOrderIds)}`
        )
      )
      const owned = new Set(rows.map((row) => row.exchange_order_id))
      return exchangeOrderIds.filter((id) => !owned.has(id))
    }),

    lastFills: (userId: UserId) =>
      database.read(
        SqlSchema.findAll({
          Request: Schema.Void,
          Result: LastFill,
          execute: () => sql`SELECT symbol, max(at) AS at FROM fills WHERE user_id = ${userId} GROUP BY symbol`
        })()
      ),

    orphans: (userId: UserId, limit: number) =>
      database.read(
        SqlSchema.findAll({
          Request: Schema.Void,
          Result: Orphan,
          execute: () => sql`SELECT symbol, exchange_order_id AS exchangeOrderId FROM fills
            WHERE user_id = ${userId} AND order_id IS NULL
            GROUP BY symbol, exchange_order_id ORDER BY max(at) DESC LIMIT ${limit}`
        })()
      )
  }
})
