import type { Fragment } from "@effect/sql/Statement"
import { Effect, Option } from "effect"
import type { Pair } from "../../domain/order/lots.ts"
import type { UserId } from "../../domain/Ids.ts"
import type { VenueFill } from "../../domain/order/Order.ts"
import { ackFacts, type OrderFacts } from "../../domain/order/OrderState.ts"
import { failPoint } from "../../FailPoints.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Ledger } from "../../portfolio/Ledger.ts"
import { Database } from "../../store/Database.ts"
import { Events } from "../../store/Events.ts"
import { OrderChanges } from "../OrderChanges.ts"
import { advance } from "../record/advance.ts"
import { toOrder, type OrderRow } from "../record/OrderRow.ts"
import { assetsOf, type Statements } from "./statements.ts"

/** Every way an order changes: read, change, store and tell its owner in one transaction; this process hears after it. */
export const makeChanging = Effect.fnUntraced(function* (statements: Statements) {
  const { claimFills, dropExternal, fillsWhere, insertFill, orderWhere, toldBy, updateOrder } = statements
  const changes = yield* OrderChanges
  const clock = yield* MarketClock
  const database = yield* Database
  const events = yield* Events
  const ledger = yield* Ledger

  /** Call it in the transaction that stored the row. */
  const tell = Effect.fnUntraced(function* (row: OrderRow) {
    const order = toOrder(row)
    yield* events.append(row.user_id, { type: "order.changed", objectId: row.order_id, data: order })
    if (row.status !== "unknown") yield* events.settle(row.user_id, "notice.orderUnknown", row.order_id)
    yield* database.afterCommit(() => changes.publish({ userId: row.user_id, order }, row.explained))
  })

  /** One read-join-write as a transaction. */
  const amend = Effect.fnUntraced(function* <E, E2 = never>(
    where: Fragment,
    change: (row: OrderRow, now: number) => Effect.Effect<OrderRow | null, E>,
    otherwise: Effect.Effect<unknown, E2> = Effect.void
  ) {
    const now = yield* clock.now
    return yield* database.write(
      Effect.gen(function* () {
        const found = yield* orderWhere(where)
        if (Option.isNone(found)) return yield* Effect.as(otherwise, Option.none<OrderRow>())
        const next = yield* change(found.value, now)
        if (next === null) return found
        yield* updateOrder(next)
        yield* tell(next)
        return Option.some(next)
      })
    )
  })

  const joinFacts = (row: OrderRow, facts: OrderFacts, now: number) =>
    Effect.gen(function* () {
      const { exchangeOrderId } = facts
      if (row.exchange_order_id === null && exchangeOrderId !== null) {
        yield* claimFills(row, exchangeOrderId)
        yield* dropExternal(row, exchangeOrderId)
        yield* ledger.postFills(row.user_id, row.symbol)
      }
      const fills = yield* fillsWhere(statements.ofOrder(row))
      return advance(row, fills, facts, now)
    })

  const recordFill = Effect.fnUntraced(function* (userId: UserId, fill: VenueFill, pair: Pair | null) {
    yield* failPoint("fill.heard")
    yield* amend(
      toldBy(userId, fill),
      (row, now) =>
        insertFill(fill, row, userId, assetsOf(row)).pipe(
          Effect.zipRight(ledger.postFills(userId, fill.symbol)),
          Effect.zipRight(joinFacts(row, ackFacts(fill.exchangeOrderId, fill.at), now)),
          Effect.zipLeft(failPoint("fill.stored"))
        ),
      // In the same transaction: an answer that told whose fill it is, written in between, would never look for it.
      pair === null
        ? Effect.void
        : Effect.zipRight(insertFill(fill, null, userId, pair), ledger.postFills(userId, fill.symbol))
    )
    yield* failPoint("fill.committed")
  })

  return { tell, amend, joinFacts, recordFill }
})
