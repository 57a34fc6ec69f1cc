import type { ApiError } from "../../api/Errors.ts"
import * as Decimal from "../../domain/Decimal.ts"
import type { ExecutionOutcome } from "../../domain/order/Execution.ts"
import { isTerminal, type Order } from "../../domain/order/Order.ts"
import { reason, type Reason, type ReasonCode } from "../../domain/Reason.ts"
import type { ExecutionRow } from "./rows.ts"

const feesIn = (order: Order, asset: string | null): Decimal.Decimal =>
  Decimal.sum(order.fees.filter((fee) => fee.asset === asset).map((fee) => fee.amount))

const outcomeOf = (
  orders: ReadonlyArray<Order>,
  executed: boolean
): { outcome: ExecutionOutcome; reason: Reason | null } => {
  const why = orders.map((order) => order.rejectReason ?? order.unfilledReason).find((known) => known !== null) ?? null
  if (executed) return { outcome: "executed", reason: why }
  // Somebody kept the order from being sent: nothing failed.
  if (why?.code === "HALTED" || why?.code === "KEY_FROZEN") return { outcome: "skipped", reason: why }
  return { outcome: "failed", reason: why ?? reason("NO_FILL") }
}

/**
 * The execution as its orders add up now: a function of the orders alone, so that applying it again, late or after a
 * restart gives the same. An order without a proven end keeps the reservation.
 */
export const settled = (row: ExecutionRow, orders: ReadonlyArray<Order>): ExecutionRow => {
  if (orders.length === 0) {
    // Intent and reservation commit together, so a reservation without an order is one that never left.
    return row.attempted ? { ...row, state: "done", outcome: "failed", reason: reason("NOT_PLACED") } : row
  }
  // A sale takes no quote.
  const isBuy = row.kind !== "exit"
  const executedQuantity = Decimal.sum(orders.map((order) => order.executedQuantity))
  const executedQuote = Decimal.sum(orders.map((order) => order.executedQuote))
  const sums = {
    ...row,
    orders: orders.map((order) => order.id),
    executed_quantity: executedQuantity,
    executed_quote: executedQuote,
    spent_quote: isBuy
      ? Decimal.add(executedQuote, Decimal.sum(orders.map((order) => feesIn(order, row.quote_asset))))
      : Decimal.zero
  }
  if (orders.some((order) => order.status === "unknown"))
    return { ...sums, state: "running", outcome: "unknown", reason: reason("UNKNOWN_PENDING") }
  if (orders.some((order) => !isTerminal(order.status)))
    return { ...sums, state: "running", outcome: null, reason: null }
  // Who follows a resting execution decides whether another order comes.
  if (row.resting) return { ...sums, state: "running", outcome: null, reason: row.reason }
  const ended = outcomeOf(orders, Decimal.isPositive(executedQuantity))
  // Why it ended is known better by who ended it than by any one of its orders.
  const isSame = row.state === "done" && row.outcome === ended.outcome
  return { ...sums, state: "done", ...ended, reason: isSame ? row.reason : ended.reason }
}

const codes: Readonly<Partial<Record<ApiError["_tag"], readonly [ReasonCode, "skipped" | "failed"]>>> = {
  SYMBOL_NOT_TRADABLE: ["NOT_TRADABLE", "skipped"],
  BELOW_MINIMUM: ["BELOW_MIN_NOTIONAL", "skipped"],
  PRICE_OUT_OF_BAND: ["PRICE_OUT_OF_BAND", "skipped"],
  INSUFFICIENT_BALANCE: ["INSUFFICIENT_FUNDS", "skipped"],
  STALE_MARKET_DATA: ["GATE_STALE", "skipped"],
  ORDER_REJECTED: ["VENUE_REFUSED", "failed"],
  VALIDATION_FAILED: ["VENUE_REFUSED", "failed"],
  CREDENTIALS_MISSING: ["CREDENTIALS_REJECTED", "failed"],
  CREDENTIALS_REJECTED: ["CREDENTIALS_REJECTED", "failed"],
  CREDENTIAL_UNREADABLE: ["CREDENTIALS_REJECTED", "failed"],
  EXCHANGE_UNAVAILABLE: ["EXCHANGE_UNAVAILABLE", "failed"],
  EXCHANGE_RATE_LIMITED: ["EXCHANGE_UNAVAILABLE", "failed"],
  TRADING_HALTED: ["HALTED", "skipped"],
  CREDENTIAL_TOO_POWERFUL: ["KEY_FROZEN", "skipped"],
  BUDGET_EXCEEDED: ["CAP_TOTAL", "skipped"],
  NOT_READY: ["NOT_PLACED", "skipped"],
  CONFLICT: ["CANCELLED", "skipped"]
}

export interface Refused {
  readonly outcome: "skipped" | "failed"
  readonly reason: Reason
}

/** An order that never came to be: what the market or the balance forbids is a skip, what is broken is a failure. */
export const refusedBy = (error: Pick<ApiError, "_tag" | "message" | "reason">): Refused => {
  const [code, outcome] = codes[error._tag] ?? (["VENUE_REFUSED", "failed"] as const)
  return { outcome, reason: error.reason ?? reason(code, {}, error.message) }
}
