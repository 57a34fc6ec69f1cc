import { Duration, Effect } from "effect"
import { Conflict } from "../../api/Errors.ts"
import * as Decimal from "../../domain/Decimal.ts"
import { isTerminal } from "../../domain/order/Order.ts"
import type { ResolveOrder } from "../../domain/order/ResolveOrder.ts"
import { reason } from "../../domain/Reason.ts"
import type { Instant } from "../../domain/Time.ts"
import type { OrderRow } from "./OrderRow.ts"

/** Absent from every list for this long on the wall clock, an order counts as never placed; then people may judge too. */
export const absentFor = Duration.minutes(10)

/** Nobody could tell for long enough. */
export const isOverdue = (row: OrderRow, wall: number): boolean =>
  row.status === "unknown" && wall - (row.unknown_since_wall ?? wall) >= Duration.toMillis(absentFor)

/**
 * What a person says of an order counts only while the venue cannot be asked, and until it says otherwise. `unseen`: the
 * key in use belongs to another account than the one the order was sent to.
 */
export const resolved = (
  row: OrderRow,
  { note, outcome }: ResolveOrder,
  unseen: boolean,
  now: Instant,
  wall: number
): Effect.Effect<OrderRow, Conflict> => {
  if (row.status !== "unknown" && (isTerminal(row.status) || !unseen))
    return new Conflict({ message: `The order is ${row.status}: its state is known, there is nothing to resolve.` })
  if (row.status === "unknown" && !unseen && !isOverdue(row, wall))
    return new Conflict({
      message: "The exchange is still being asked about the order; it can be resolved by hand after ten minutes.",
      retryable: true,
      retryAfterSeconds: 60
    })
  const wasPlaced = row.exchange_order_id !== null
  if (outcome === "notPlaced" && wasPlaced)
    return new Conflict({ message: "The exchange has had this order; resolve it as cancelled." })
  const touched = Decimal.isPositive(row.executed_quantity)
  const params = { executedQuantity: Decimal.format(row.executed_quantity), note }
  return Effect.succeed({
    ...row,
    status: outcome === "notPlaced" ? "rejected" : touched ? "partiallyCancelled" : "cancelled",
    reject_reason:
      outcome === "notPlaced"
        ? reason("NOT_PLACED", { note }, "Its owner found that the order was never placed.")
        : null,
    unfilled_reason: outcome === "notPlaced" ? null : reason("CANCELLED", params),
    unknown_since: null,
    unknown_since_wall: null,
    terminal_at: now,
    resolution: { outcome, note, at: now },
    version: row.version + 1,
    updated_at: now
  })
}
