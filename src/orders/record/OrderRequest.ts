import type { Duration, Effect } from "effect"
import type { Decimal } from "../../domain/Decimal.ts"
import type { CycleId, ExecutionId, RuleId, UserId } from "../../domain/Ids.ts"
import type { SymbolName } from "../../domain/Market.ts"
import type { Order, OrderStatus } from "../../domain/order/Order.ts"
import type { PlaceableType, PlaceOrder } from "../../domain/order/PlaceOrder.ts"
import type { Instant } from "../../domain/Time.ts"

/** What makes a repeated request the same one. */
export interface RequestKey {
  readonly idempotencyKey: string
  readonly bodyHash: string
}

/** An order of a person; `paperFault` is what the paper exchange shall do to this one. */
export interface ManualOrder extends PlaceOrder {
  readonly paperFault?: string
}

/** `replayed`: the key was seen before and this is the order it made then, as it stands now. */
export interface Placed {
  readonly order: Order
  readonly replayed: boolean
}

/**
 * A buy a rule has decided. `(ruleId, slot, kind, level)` names it for ever: asking again returns the order that was
 * made, and never sends another. `withIntent` is the rule's own record, written in the intent's transaction.
 */
export interface RuleOrder<E> {
  readonly userId: UserId
  readonly ruleId: RuleId
  readonly ruleVersion: number
  readonly executionId: ExecutionId
  readonly cycleId: CycleId
  readonly slot: string
  readonly kind: "entry" | "level"
  readonly level: number
  readonly symbol: SymbolName
  readonly type: PlaceableType
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
