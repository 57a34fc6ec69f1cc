import { Array, Clock, Effect } from "effect"
import type { OrderId } from "../../domain/Ids.ts"
import { isTerminal } from "../../domain/order/Order.ts"
import type { OrderRow } from "../record/OrderRow.ts"

/** The venue shows fills within moments; what it lacks after that is asked for less and less often. */
const firstWaitMs = 2_000
const longestWaitMs = 30_000

/** At its end, while not all of its fills are known. */
export const lacksFills = (row: OrderRow): boolean => isTerminal(row.status) && !row.explained

/** Orders of one pair, whose fills are read in one question. */
export const byPair = (rows: ReadonlyArray<OrderRow>): ReadonlyArray<Array.NonEmptyReadonlyArray<OrderRow>> =>
  Object.values(Array.groupBy(rows, (row) => row.symbol))

/** When orders that lack fills are asked about again. */
export const makeLacking = () => {
  const asked = new Map<OrderId, { readonly at: number; readonly wait: number }>()
  return {
    isDue: (row: OrderRow) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const last = asked.get(row.order_id)
        if (last !== undefined && now - last.at < last.wait) return false
        const wait = last === undefined ? firstWaitMs : Math.min(longestWaitMs, last.wait * 2)
        asked.set(row.order_id, { at: now, wait })
        return true
      }),
    keepOnly: (rows: ReadonlyArray<OrderRow>) => {
      const ids = new Set(rows.map((row) => row.order_id))
      for (const id of asked.keys()) if (!ids.has(id)) asked.delete(id)
    }
  }
}
