import { Duration } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { isTerminal, type Order } from "../../domain/order/Order.ts"
import { reason, type Reason } from "../../domain/Reason.ts"
import type { ExecutionStyle } from "../../domain/rule/RuleParts.ts"
import type { Instant } from "../../domain/Time.ts"

/** A post-only order that the venue refused is tried again after so long, at the bid of then. */
const refusedPause = 1_000

/** What to do about an entry whose order may stay at the venue. */
export type RestStep =
  | { readonly type: "wait"; readonly until: Instant | null }
  | { readonly type: "cancel" }
  | { readonly type: "again"; readonly as: "limit" | "market" }
  | { readonly type: "end"; readonly reason: Reason | null }

export interface Resting {
  /** The newest order of the execution. */
  readonly last: Order
  readonly execution: ExecutionStyle
  /** The rule may buy. */
  readonly isActive: boolean
  readonly now: Instant
}

const wait = (until: Instant | null): RestStep => ({ type: "wait", until })
const end = (why: Reason | null): RestStep => ({ type: "end", reason: why })

/** Refused because it would have bought at once: nothing of it filled, and it ended as soon as it was sent. */
const isPostOnlyRefusal = ({ executedQuantity, requestedAt, terminalAt, type }: Order, ttl: number): boolean =>
  type === "limitMaker" &&
  Decimal.isZero(executedQuantity) &&
  terminalAt !== null &&
  terminalAt - requestedAt < Math.min(ttl, refusedPause)

/**
 * From the orders alone, so that a restart goes on with the same step: an order that ended by its own time is followed
 * by what `onTimeout` says, one that somebody else cancelled is not.
 */
export const restStep = ({ execution, isActive, last, now }: Resting): RestStep => {
  const open = !isTerminal(last.status)
  // The reconciler finds out; nothing is sent before it has.
  if (last.status === "unknown" || last.status === "pending") return wait(null)
  if (last.status === "filled") return end(null)
  const ttl = execution.type === "limit" ? Duration.toMillis(execution.ttl) : 0
  const deadline = (last.sentAt ?? last.requestedAt) + ttl
  // The last attempt at the market ends by itself.
  const isLast = last.type !== "limit" && last.type !== "limitMaker"
  if (isLast) return open ? wait(null) : end(last.rejectReason ?? last.unfilledReason ?? reason("NO_FILL"))
  if (open) return isActive && now < deadline ? wait(deadline) : { type: "cancel" }
  if (!isActive) return end(reason("BY_USER"))
  const onTimeout = execution.type === "limit" ? execution.onTimeout : "cancel"
  if (
    isPostOnlyRefusal(last, ttl) ||
    (last.type === "limitMaker" && last.status === "rejected" && last.sentAt !== null)
  ) {
    if (onTimeout === "cancel") return end(reason("POST_ONLY"))
    if (onTimeout === "market") return { type: "again", as: "market" }
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
