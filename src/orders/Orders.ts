import { Context, type Duration, type Effect, type Stream } from "effect"
import type { DatabaseUnavailable, NotFound, ValidationFailed } from "../api/Errors.ts"
import type { Decimal } from "../domain/Decimal.ts"
import type { CycleId, ExecutionId, OrderId, RuleId, UserId } from "../domain/Ids.ts"
import type { SymbolName } from "../domain/Market.ts"
import type { Fill, Order, OrderStatus } from "../domain/Order.ts"
import type { OrderPreview, PlaceableType, PlaceOrder } from "../domain/PlaceOrder.ts"
import type { CancelError, OrderError, PlaceError } from "./OrderError.ts"

/** What makes a repeated request the same one. */
export interface RequestKey {
  readonly idempotencyKey: string
  readonly bodyHash: string
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

/** Places, follows and cancels orders: the intent is committed before the one request, the outcome after it. */
export class Orders extends Context.Tag("dipper/orders/Orders")<
  Orders,
  {
    /** The order as it would be sent and all that speaks against it; nothing is stored. */
    readonly preview: (userId: UserId, order: PlaceOrder) => Effect.Effect<OrderPreview, OrderError>
    /** Pending and unknown orders are answers too (202); every failure means that no order exists. */
    readonly place: (userId: UserId, order: PlaceOrder, key: RequestKey) => Effect.Effect<Placed, PlaceError>
    /** Fails before the intent; afterwards a refusal is the returned order's `rejectReason`. */
    readonly placeForRule: <E>(order: RuleOrder<E>) => Effect.Effect<Order, E | OrderError>
    readonly get: (userId: UserId, id: OrderId) => Effect.Effect<Order, NotFound | DatabaseUnavailable>
    /** Newest first. */
    readonly list: (
      userId: UserId,
      query: OrderQuery
    ) => Effect.Effect<Page<Order>, ValidationFailed | DatabaseUnavailable>
    /** Newest first. */
    readonly fills: (userId: UserId, id: OrderId) => Effect.Effect<ReadonlyArray<Fill>, NotFound | DatabaseUnavailable>
    /** The order after the venue was asked for its state; cancelling a finished order changes nothing. */
    readonly cancel: (userId: UserId, id: OrderId) => Effect.Effect<Order, CancelError>
    /** Returns early when the order finishes, else the order as it is when `wait` has passed. */
    readonly awaitTerminal: (
      userId: UserId,
      id: OrderId,
      wait: Duration.Duration
    ) => Effect.Effect<Order, NotFound | DatabaseUnavailable>
    /** A rule's orders that are not finished, oldest first. */
    readonly openOfRule: (userId: UserId, ruleId: RuleId) => Effect.Effect<ReadonlyArray<Order>, DatabaseUnavailable>
    /** The orders of one execution, oldest first. */
    readonly ofExecution: (
      userId: UserId,
      executionId: ExecutionId
    ) => Effect.Effect<ReadonlyArray<Order>, DatabaseUnavailable>
    /** Every change from now on; a slow reader loses the oldest, so re-read after a gap. */
    readonly changes: Stream.Stream<OrderChange>
  }
>() {}
