import { Duration } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { isTerminal, type Order } from "../../domain/order/Order.ts"
import { reason, type Reason } from "../../domain/Reason.ts"
import type { ExecutionStyle } from "../../domain/rule/RuleParts.ts"
import type { Instant } from "../../domain/Time.ts"
import { isDocumented } from "../../mexc/wire/Codes.ts"

/** A post-only order that the venue refused is tried again after so long, at the bid of then. */
const refusedPause = 1_000
/** Prices of then were refused so often in a row that it is not the market which moves. */
const refusalsInARow = 10

/** What to do about an entry whose order may stay at the venue. */
export type RestStep =
  | { readonly type: "wait"; readonly until: Instant | null }
  | { readonly type: "cancel" }
  | { readonly type: "again"; readonly as: "limit" | "market" }
  | { readonly type: "end"; readonly reason: Reason | null }

export interface Resting {
  /** The newest order of the execution. */
  readonly last: Order
  /** All of them, oldest first. */
  readonly made: ReadonlyArray<Order>
  readonly execution: ExecutionStyle
  /** The rule may buy. */
  readonly isActive: boolean
  readonly now: Instant
}

const wait = (until: Instant | null): RestStep => ({ type: "wait", until })
const end = (why: Reason | null): RestStep => ({ type: "end", reason: why })

/**
 * The venue documents no code for a post-only order that would have bought at once: a price outside its range may mean it,
 * and so may a code that nobody knows. A documented one says something else, and only the next slot may buy.
 */
const mayHaveCrossed = ({ code, params }: Reason): boolean => {
  if (code === "PRICE_OUT_OF_BAND") return true
  const venueCode = params["venueCode"]
  return code === "VENUE_REFUSED" && (venueCode === undefined || !isDocumented(Number(venueCode)))
}

const sentOrAsked = ({ requestedAt, sentAt }: Order): Instant => sentAt ?? requestedAt

/** Refused because it would have bought at once, or accepted and ended unfilled as soon as it was sent. */
const isPostOnlyRefusal = (order: Order, ttl: number): boolean => {
  const { executedQuantity, rejectReason, status, terminalAt, type } = order
  if (type !== "limitMaker") return false
  if (status === "rejected") return rejectReason !== null && mayHaveCrossed(rejectReason)
  return (
    Decimal.isZero(executedQuantity) &&
    terminalAt !== null &&
    terminalAt - sentOrAsked(order) < Math.min(ttl, refusedPause)
  )
}

const refusedInARow = (made: ReadonlyArray<Order>, ttl: number): number =>
  made.length - 1 - made.findLastIndex((order) => !isPostOnlyRefusal(order, ttl))

/** A person's word for the end of an order, with how it is known, holds only until the venue says otherwise. */
const isOwnersWord = ({ unfilledReason }: Order): boolean => unfilledReason?.params["note"] !== undefined

/**
 * From the orders alone, so that a restart goes on with the same step: an order that ended by its own time is followed
 * by what `onTimeout` says, one that somebody else cancelled is not.
 */
export const restStep = ({ execution, isActive, last, made, now }: Resting): RestStep => {
  const open = !isTerminal(last.status)
  // The reconciler finds out; nothing is sent before it has.
  if (last.status === "unknown" || last.status === "pending") return wait(null)
  if (last.status === "filled") return end(null)
  const ttl = execution.type === "limit" ? Duration.toMillis(execution.ttl) : 0
  const deadline = sentOrAsked(last) + ttl
  // The last attempt at the market ends by itself.
  const isLast = last.type !== "limit" && last.type !== "limitMaker"
  if (isLast) return open ? wait(null) : end(last.rejectReason ?? last.unfilledReason ?? reason("NO_FILL"))
  if (open) return isActive && now < deadline ? wait(deadline) : { type: "cancel" }
  if (!isActive) return end(reason("BY_USER"))
  const onTimeout = execution.type === "limit" ? execution.onTimeout : "cancel"
  if (isOwnersWord(last)) return end(last.unfilledReason)
  if (isPostOnlyRefusal(last, ttl)) {
    if (onTimeout === "cancel") return end(reason("POST_ONLY"))
    if (onTimeout === "market") return { type: "again", as: "market" }
    if (refusedInARow(made, ttl) >= refusalsInARow) return end(reason("POST_ONLY"))
    const after = (last.terminalAt ?? last.requestedAt) + Math.min(ttl, refusedPause)
    return now < after ? wait(after) : { type: "again", as: "limit" }
  }
  if (last.status === "rejected") return end(last.rejectReason ?? reason("VENUE_REFUSED"))
  if ((last.terminalAt ?? now) < deadline) return end(last.unfilledReason ?? reason("CANCELLED"))
  switch (onTimeout) {
    case "cancel":
      return end(reason("TIMED_OUT"))
    case "reprice":
      return { type: "again", as: "limit" }
    case "market":
      return { type: "again", as: "market" }
  }
}
