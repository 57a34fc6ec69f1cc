import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import type { Fragment } from "@effect/sql/Statement"
import { Clock, Context, Effect, Layer, Option, Schema } from "effect"
import { NotOwner, type DatabaseUnavailable } from "../api/Errors.ts"
import * as Decimal from "../domain/Decimal.ts"
import type { ClientOrderId, ExecutionId, OrderId, RuleId, UserId } from "../domain/Ids.ts"
import type { Pair } from "../domain/order/lots.ts"
import type { SymbolName } from "../domain/Market.ts"
import {
  isTerminal,
  type BookName,
  type Fill,
  type Order,
  type VenueFill,
  type VenueOrder
} from "../domain/order/Order.ts"
import { ackFacts, orderFacts, type OrderFacts } from "../domain/order/OrderState.ts"
import { failPoint } from "../FailPoints.ts"
import { MarketClock } from "../MarketClock.ts"
import { Database } from "../store/Database.ts"
import { Ownership } from "../store/Ownership.ts"
import { abandoned, advance, rejected, unknown, withdrawn, type Rejection } from "./record/advance.ts"
import { OrderChanges } from "./OrderChanges.ts"
import { FillRow, OrderRow, toFill, toOrder } from "./record/OrderRow.ts"
import type { CancelQuery, OrderQuery } from "./record/OrderRequest.ts"

type Stored<A, E = never> = Effect.Effect<A, E | DatabaseUnavailable>

/** Orders and fills in the database: intents first, then the join of what the venue says of them. */
export class OrdersRepo extends Context.Tag("dipper/orders/OrdersRepo")<
  OrdersRepo,
  {
    /** The intent, only while this process owns trading; call it inside `Database.write`. */
    readonly insert: (row: OrderRow) => Stored<void, NotOwner>
    /** Tells others of an intent once its transaction has committed. */
    readonly announce: (row: OrderRow) => Effect.Effect<void>
    /**
     * Notes that the bytes are about to leave; false when they must not: the intent was withdrawn, or trading belongs to
     * another process by now.
     */
    readonly markSent: (userId: UserId, id: OrderId) => Stored<boolean>
    /** Ends an intent that was not sent yet, for good; changes nothing when it was. */
    readonly withdraw: (userId: UserId, id: OrderId) => Stored<Option.Option<OrderRow>>
    readonly markUnknown: (userId: UserId, id: OrderId) => Stored<Option.Option<OrderRow>>
    /** The intent ended without an order. Changes nothing once the venue is known to have it. */
    readonly reject: (userId: UserId, id: OrderId, why: Rejection) => Stored<Option.Option<OrderRow>>
    /** A pending intent nobody works on: rejected when it was never sent, else unknown. */
    readonly abandon: (userId: UserId, id: OrderId) => Stored<Option.Option<OrderRow>>
    readonly accept: (userId: UserId, id: OrderId, exchangeOrderId: string) => Stored<Option.Option<OrderRow>>
    /** Joins the venue's word on an order of ours; none when the order is somebody else's. */
    readonly tell: (userId: UserId, told: VenueOrder) => Stored<Option.Option<OrderRow>>
    /** Joins fills by trade id; a fill of no order of ours enters the manual book, if the assets of its pair are known. */
    readonly recordFills: (userId: UserId, fills: ReadonlyArray<VenueFill>, pair: Pair | null) => Stored<void>
    readonly find: (userId: UserId, id: OrderId) => Stored<Option.Option<OrderRow>>
    readonly findByClientId: (userId: UserId, id: ClientOrderId) => Stored<Option.Option<OrderRow>>
    readonly findBySlot: (userId: UserId, slot: SlotName) => Stored<Option.Option<OrderRow>>
    readonly list: (
      userId: UserId,
      query: Omit<OrderQuery, "cursor">,
      before: OrderId | null
    ) => Stored<ReadonlyArray<Order>>
    readonly fillsOf: (userId: UserId, id: OrderId) => Stored<ReadonlyArray<Fill>>
    /** What orders that are not over may still sell out of a book. */
    readonly selling: (userId: UserId, symbol: SymbolName, book: BookName) => Stored<Decimal.Decimal>
    /** Orders that are not over and are not somebody else's, oldest first. */
    readonly cancellable: (userId: UserId, query: CancelQuery) => Stored<ReadonlyArray<OrderRow>>
    readonly openOfRule: (userId: UserId, ruleId: RuleId) => Stored<ReadonlyArray<Order>>
    readonly ofExecution: (userId: UserId, executionId: ExecutionId) => Stored<ReadonlyArray<Order>>
    /** Of every user: orders without a proven end, and ended ones whose fills are not all known. */
    readonly unsettled: Stored<ReadonlyArray<OrderRow>>
    /** Symbols the user has fills in, with the time of the latest. */
    readonly lastFills: (userId: UserId) => Stored<ReadonlyArray<typeof LastFill.Type>>
  }
>() {
  static readonly layer = Layer.effect(
    OrdersRepo,
    Effect.suspend(() => make)
  )
}

export interface SlotName {
  readonly ruleId: RuleId
  readonly slot: string
  readonly kind: string
  readonly level: number
}

const LastFill = Schema.Struct({ symbol: FillRow.fields.symbol, at: Schema.Int })

const assetsOf = (row: OrderRow): Pair => ({ baseAsset: row.base_asset, quoteAsset: row.quote_asset })

const encodeOrder = Schema.encodeSync(OrderRow)
const encodeFill = Schema.encodeSync(FillRow)

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database
  const ownership = yield* Ownership
  const clock = yield* MarketClock
  const changes = yield* OrderChanges

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

  const notOver = sql`status IN ('pending', 'unknown', 'open', 'partiallyFilled')`

  const byId = (userId: UserId, id: OrderId) => sql`user_id = ${userId} AND order_id = ${id}`

  const save = (row: OrderRow) => {
    const { order_id, user_id, ...columns } = encodeOrder(row)
    return sql`UPDATE orders SET ${sql.update(columns)} WHERE user_id = ${user_id} AND order_id = ${order_id}`
  }

  const announce = (row: OrderRow) => changes.publish({ userId: row.user_id, order: toOrder(row) }, row.explained)

  /** One read-join-write as a transaction; others hear of it only after the commit. */
  const amend = Effect.fnUntraced(function* <E, E2 = never>(
    where: Fragment,
    change: (row: OrderRow, now: number) => Effect.Effect<OrderRow | null, E>,
    otherwise: Effect.Effect<unknown, E2> = Effect.void
  ) {
    const now = yield* clock.now
    const outcome = yield* database.write(
      Effect.gen(function* () {
        const found = yield* orderWhere(where)
        if (Option.isNone(found)) return yield* Effect.as(otherwise, null)
        const next = yield* change(found.value, now)
        if (next !== null) yield* save(next)
        return { row: next ?? found.value, changed: next !== null }
      })
    )
    if (outcome === null) return Option.none<OrderRow>()
    if (outcome.changed) yield* announce(outcome.row)
    return Option.some(outcome.row)
  })

  const joinFacts = (row: OrderRow, facts: OrderFacts, now: number) =>
    Effect.gen(function* () {
      const exchangeOrderId = row.exchange_order_id ?? facts.exchangeOrderId
      if (row.exchange_order_id === null && exchangeOrderId !== null)
        // A fill can be heard before the answer that tells whose order it belongs to.
        yield* sql`UPDATE fills SET order_id = ${row.order_id}, book = ${row.book}
          WHERE user_id = ${row.user_id} AND exchange_order_id = ${exchangeOrderId}
            AND symbol = ${row.symbol} AND order_id IS NULL`
      const fills = yield* fillsWhere(sql`user_id = ${row.user_id} AND order_id = ${row.order_id}`)
      return advance(row, fills, facts, now)
    })

  const insertFill = (fill: VenueFill, owner: OrderRow | null, userId: UserId, pair: Pair) =>
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
    )} ON CONFLICT DO NOTHING`

  const toldBy = (userId: UserId, told: Pick<VenueOrder, "clientOrderId" | "exchangeOrderId" | "symbol">) =>
    told.clientOrderId === null
      ? sql`user_id = ${userId} AND symbol = ${told.symbol} AND exchange_order_id = ${told.exchangeOrderId}`
      : sql`user_id = ${userId} AND symbol = ${told.symbol}
          AND (client_order_id = ${told.clientOrderId} OR exchange_order_id = ${told.exchangeOrderId})`

  const recordFill = Effect.fnUntraced(function* (userId: UserId, fill: VenueFill, pair: Pair | null) {
    yield* failPoint("fill.heard")
    yield* amend(
      toldBy(userId, fill),
      (row, now) =>
        insertFill(fill, row, userId, assetsOf(row)).pipe(
          Effect.zipRight(joinFacts(row, ackFacts(fill.exchangeOrderId), now)),
          Effect.zipLeft(failPoint("fill.stored"))
        ),
      // In the same transaction: an answer that told whose fill it is, written in between, would never look for it.
      Effect.asVoid(pair === null ? Effect.void : insertFill(fill, null, userId, pair))
    )
    yield* failPoint("fill.committed")
  })

  return OrdersRepo.of({
    insert: Effect.fn("OrdersRepo.insert")(function* (row) {
      const owned = yield* database.read(Effect.flatMap(ownership.fence, (fence) => sql`SELECT 1 WHERE ${fence}`))
      if (owned.length === 0)
        return yield* new NotOwner({ message: "Another instance owns trading on this database.", retryable: true })
      yield* database.write(sql`INSERT INTO orders ${sql.insert(encodeOrder(row))}`)
    }),
    announce,
    markSent: Effect.fn("OrdersRepo.markSent")(function* (userId, id) {
      const now = yield* clock.now
      const marked = yield* database.write(
        Effect.flatMap(
          ownership.fence,
          (fence) => sql`UPDATE orders SET sent_at = ${now}, updated_at = ${now}, version = version + 1
            WHERE ${byId(userId, id)} AND status = 'pending' AND sent_at IS NULL AND ${fence} RETURNING order_id`
        )
      )
      return marked.length > 0
    }),
    withdraw: Effect.fn("OrdersRepo.withdraw")(function* (userId, id) {
      return yield* amend(byId(userId, id), (row, now) => Effect.succeed(withdrawn(row, now)))
    }),
    markUnknown: Effect.fn("OrdersRepo.markUnknown")(function* (userId, id) {
      const wall = yield* Clock.currentTimeMillis
      return yield* amend(byId(userId, id), (row, now) => Effect.succeed(unknown(row, now, wall)))
    }),
    reject: Effect.fn("OrdersRepo.reject")(function* (userId, id, why) {
      return yield* amend(byId(userId, id), (row, now) => Effect.succeed(rejected(row, why, now)))
    }),
    abandon: Effect.fn("OrdersRepo.abandon")(function* (userId, id) {
      const wall = yield* Clock.currentTimeMillis
      return yield* amend(byId(userId, id), (row, now) => Effect.succeed(abandoned(row, now, wall)))
    }),
    accept: Effect.fn("OrdersRepo.accept")(function* (userId, id, exchangeOrderId) {
      return yield* amend(byId(userId, id), (row, now) => joinFacts(row, ackFacts(exchangeOrderId), now))
    }),
    tell: Effect.fn("OrdersRepo.tell")(function* (userId, told) {
      return yield* amend(toldBy(userId, told), (row, now) => joinFacts(row, orderFacts(told), now))
    }),
    recordFills: Effect.fn("OrdersRepo.recordFills")(function* (userId, fills, pair) {
      yield* Effect.forEach(fills, (fill) => recordFill(userId, fill, pair), { discard: true })
    }),
    find: (userId, id) => database.read(orderWhere(byId(userId, id))),
    findByClientId: (userId, id) => database.read(orderWhere(sql`user_id = ${userId} AND client_order_id = ${id}`)),
    findBySlot: (userId, { kind, level, ruleId, slot }) =>
      database.read(
        orderWhere(sql`user_id = ${userId} AND rule_id = ${ruleId} AND slot = ${slot}
          AND kind = ${kind} AND level = ${level}`)
      ),
    list: Effect.fn("OrdersRepo.list")(function* (userId, query, before) {
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
    fillsOf: Effect.fn("OrdersRepo.fillsOf")(function* (userId, id) {
      const rows = yield* database.read(
        fillsWhere(sql`user_id = ${userId} AND order_id = ${id} ORDER BY at DESC, trade_id DESC`)
      )
      return rows.map((row) => toFill(row, id))
    }),
    selling: Effect.fn("OrdersRepo.selling")(function* (userId, symbol, book) {
      const rows = yield* database.read(
        ordersWhere(sql`user_id = ${userId} AND symbol = ${symbol} AND book = ${book} AND side = 'sell' AND ${notOver}`)
      )
      return Decimal.sum(
        rows.map((row) => Decimal.subtract(row.quantity ?? row.executed_quantity, row.executed_quantity))
      )
    }),
    cancellable: Effect.fn("OrdersRepo.cancellable")((userId, { purposes, ruleId, symbol }) =>
      database.read(
        ordersWhere(
          sql`${sql.and([
            sql`user_id = ${userId}`,
            notOver,
            sql.in("origin", purposes ?? ["manual", "rule", "exit"]),
            ...(symbol === undefined ? [] : [sql`symbol = ${symbol}`]),
            ...(ruleId === undefined ? [] : [sql`rule_id = ${ruleId}`])
          ])} ORDER BY order_id`
        )
      )
    ),
    openOfRule: (userId, ruleId) =>
      Effect.map(
        database.read(ordersWhere(sql`user_id = ${userId} AND rule_id = ${ruleId} AND ${notOver} ORDER BY order_id`)),
        (rows) => rows.map(toOrder)
      ),
    ofExecution: (userId, executionId) =>
      Effect.map(
        database.read(ordersWhere(sql`user_id = ${userId} AND execution_id = ${executionId} ORDER BY order_id`)),
        (rows) =>
          rows.map((row) =>
            toOrder(isTerminal(row.status) && !row.explained ? { ...row, status: "partiallyFilled" } : row)
          )
      ),
    unsettled: database.read(ordersWhere(sql`${notOver} OR explained = 0 ORDER BY user_id, order_id`)),
    lastFills: (userId) =>
      database.read(
        SqlSchema.findAll({
          Request: Schema.Void,
          Result: LastFill,
          execute: () => sql`SELECT symbol, max(at) AS at FROM fills WHERE user_id = ${userId} GROUP BY symbol`
        })()
      )
  })
})
