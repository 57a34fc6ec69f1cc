import type { Duration, Effect } from "effect"
import type { Conflict, DatabaseUnavailable } from "../../api/Errors.ts"
import type { Decimal } from "../../domain/Decimal.ts"
import type { CycleId, ExecutionId, RuleId, UserId } from "../../domain/Ids.ts"
import type { OrderType, Side, SymbolName } from "../../domain/Market.ts"
import type { Decision } from "../../domain/order/Execution.ts"
import type { ClosePosition } from "../../domain/order/ClosePosition.ts"
import type { Order, OrderOrigin, OrderStatus } from "../../domain/order/Order.ts"
import type { PlaceOrder } from "../../domain/order/PlaceOrder.ts"
import type { Instant } from "../../domain/Time.ts"

/** What makes a repeated request the same one. */
export interface RequestKey {
  readonly idempotencyKey: string
  readonly bodyHash: string
}

/** An order of a person; `paperFault` is what the paper exchange shall do to this one. */
export interface ManualOrder extends PlaceOrder {
  /** The API key that asks, whose own limits count too. */
  readonly keyId?: string
  readonly paperFault?: string
}

/** A sale of all that is free of a book; `allowed` is asked before a new one is made, and not for a repetition. */
export interface CloseOrder extends ClosePosition {
  readonly symbol: SymbolName
  readonly allowed: Effect.Effect<void, Conflict | DatabaseUnavailable>
  readonly keyId?: string
}

/** `replayed`: the key was seen before and this is the order it made then, as it stands now. */
export interface Placed {
  readonly order: Order
  readonly replayed: boolean
}

/**
 * An order a rule has decided. `(ruleId, slot, attempt, kind, level)` names it for ever: asking again returns the order
 * that was made, and never sends another. `withIntent` is the rule's own record, written in the intent's transaction.
 */
export interface RuleOrder<E> {
  readonly userId: UserId
  readonly ruleId: RuleId
  readonly ruleVersion: number
  readonly executionId: ExecutionId
  readonly cycleId: CycleId
  readonly slot: string
  /** A repriced or escalated order of the same execution is the next attempt; 0 when left out. */
  readonly attempt?: number
  /** Entries and levels buy. An exit sells what the rule's own book holds, at most what is free of it. */
  readonly kind: "entry" | "level" | "exit"
  readonly level: number
  readonly symbol: SymbolName
  readonly type: OrderType
  readonly quantity?: Decimal
  readonly quoteAmount?: Decimal
  readonly price?: Decimal
  /** Makes a market order a protected limit. */
  readonly maxSlippageBps?: number
  /** No order price may exceed it. */
  readonly maxPrice?: Decimal
  /** How long to wait for the order to finish. */
  readonly wait: Duration.Duration
  readonly withIntent: Effect.Effect<void, E>
  /** Why it is to be made. */
  readonly decision: Decision
}

/** The name of a rule's order beside its kind and level: the execution's slot, and `<slot>~<attempt>` for later ones. */
export const orderSlot = ({ attempt = 0, slot }: { readonly slot: string; readonly attempt?: number }): string =>
  attempt === 0 ? slot : `${slot}~${attempt}`

/** Why an order exists: `rule` for entries and ladder levels. Orders made elsewhere are never among those cancelled. */
export type Purpose = Exclude<OrderOrigin["type"], "external">

/** Which open orders to cancel; all of the user when nothing is named. */
export interface CancelQuery {
  readonly symbol?: SymbolName
  readonly ruleId?: RuleId
  readonly purposes?: ReadonlyArray<Purpose>
  readonly side?: Side
}

export interface OrderQuery {
  readonly symbol?: SymbolName
  readonly status?: OrderStatus
  /** By `requestedAt`. */
  readonly from?: Instant
  readonly to?: Instant
  readonly limit: number
  readonly cursor?: string
}

export interface Page<A> {
  readonly items: ReadonlyArray<A>
  readonly nextCursor: string | null
}

/** An order as it stands after a change of it was committed. */
export interface OrderChange {
  readonly userId: UserId
  readonly order: Order
}
