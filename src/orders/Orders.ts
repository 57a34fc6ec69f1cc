import { Context, Effect, Layer, type Duration, type Stream } from "effect"
import type { Conflict, DatabaseUnavailable, NotFound, NotOwner, ValidationFailed } from "../api/Errors.ts"
import type { ExecutionId, OrderId, RuleId, UserId } from "../domain/Ids.ts"
import type { SymbolName } from "../domain/Market.ts"
import type { CancelledOrders } from "../domain/order/CancelledOrders.ts"
import type { Fill, Order } from "../domain/order/Order.ts"
import type { OrderPreview, PlaceOrder } from "../domain/order/PlaceOrder.ts"
import type { ResolveOrder } from "../domain/order/ResolveOrder.ts"
import { Audit } from "../store/Audit.ts"
import { makeCancelling, type RuleCancelCause } from "./following/cancelling.ts"
import { makeFollowing } from "./following/following.ts"
import { OrderChanges } from "./OrderChanges.ts"
import type {
  CancelError,
  CloseError,
  KeyUnusable,
  NotNow,
  OrderError,
  PlaceError,
  PreviewError
} from "./OrderError.ts"
import { makeResolving } from "./following/resolving.ts"
import { OrdersRepo } from "./OrdersRepo.ts"
import { Reconciled } from "./reconcile/Reconciled.ts"
import { makePlacing } from "./placing/placing.ts"
import type {
  CancelQuery,
  CloseOrder,
  ManualOrder,
  OrderChange,
  OrderQuery,
  Page,
  Placed,
  RequestKey,
  RuleOrder
} from "./record/OrderRequest.ts"
import { toOrder } from "./record/OrderRow.ts"

export type { RuleCancelCause } from "./following/cancelling.ts"
export type {
  CancelQuery,
  ManualOrder,
  OrderChange,
  OrderQuery,
  Page,
  Placed,
  Purpose,
  RequestKey,
  RuleOrder
} from "./record/OrderRequest.ts"

/** Places, follows and cancels orders: the intent is committed before the one request, the outcome after it. */
export class Orders extends Context.Tag("dipper/orders/Orders")<
  Orders,
  {
    /** The order as it would be sent and all that speaks against it; nothing is stored. */
    readonly preview: (userId: UserId, order: PlaceOrder) => Effect.Effect<OrderPreview, PreviewError>
    /** Pending and unknown orders are answers too (202); every failure means that no order exists. */
    readonly place: (userId: UserId, order: ManualOrder, key: RequestKey) => Effect.Effect<Placed, PlaceError>
    /** The same for a protected sale of whatever is free of a book. */
    readonly close: (userId: UserId, order: CloseOrder, key: RequestKey) => Effect.Effect<Placed, CloseError>
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
    /** The same for an order of a rule, which says whether somebody stopped it: where it cannot be cancelled, the order as it is. It may go on filling. */
    readonly cancelForRule: (
      userId: UserId,
      id: OrderId,
      cause: RuleCancelCause
    ) => Effect.Effect<Order, KeyUnusable | NotNow>
    /** Every order that is not over, never one made elsewhere; one that fails does not keep the others. */
    readonly cancelAll: (
      userId: UserId,
      query: CancelQuery,
      cause?: "asked" | "halt"
    ) => Effect.Effect<CancelledOrders, NotOwner | DatabaseUnavailable>
    /** The same for a person, who says which symbol or that all are meant. */
    readonly cancelOpen: (
      userId: UserId,
      which: { readonly symbol?: SymbolName; readonly all?: "true" }
    ) => Effect.Effect<CancelledOrders, ValidationFailed | NotOwner | DatabaseUnavailable>
    /** Returns early when the order finishes, else the order as it is when `wait` has passed. */
    readonly awaitTerminal: (
      userId: UserId,
      id: OrderId,
      wait: Duration.Duration
    ) => Effect.Effect<Order, NotFound | DatabaseUnavailable>
    /** A rule's orders that are not finished, oldest first. */
    readonly openOfRule: (userId: UserId, ruleId: RuleId) => Effect.Effect<ReadonlyArray<Order>, DatabaseUnavailable>
    /** The orders of one execution, oldest first. One whose fills are not all known, and so its fees, is not finished. */
    readonly ofExecution: (
      userId: UserId,
      executionId: ExecutionId
    ) => Effect.Effect<ReadonlyArray<Order>, DatabaseUnavailable>
    /**
     * A person's word on an order that nobody could tell of for ten minutes, or that was sent to an account the key in
     * use cannot see. What the venue says later counts more.
     */
    readonly resolve: (
      userId: UserId,
      id: OrderId,
      word: ResolveOrder
    ) => Effect.Effect<Order, NotFound | Conflict | NotOwner | DatabaseUnavailable>
    /** Returns when the user's orders of the run before are reconciled; until then nothing of the user's is sent. */
    readonly whenReconciled: (userId: UserId) => Effect.Effect<void>
    /** For whom that would wait now, once the intents of the run before are judged. */
    readonly unreconciled: Effect.Effect<ReadonlySet<UserId>>
    /** The last state of every order that changed from now on: never lost, however slow the reader. */
    readonly changes: Stream.Stream<OrderChange>
  }
>() {
  static readonly layer = Layer.scoped(
    Orders,
    Effect.suspend(() => make)
  ).pipe(Layer.provide(Audit.layer))
}

const make = Effect.gen(function* () {
  const changes = yield* OrderChanges
  const repo = yield* OrdersRepo
  const following = yield* makeFollowing
  const { cancel, cancelAll, cancelForRule, cancelOpen } = yield* makeCancelling
  const reconciled = yield* Reconciled
  const resolve = yield* makeResolving
  const { close, place, placeForRule, preview } = yield* makePlacing

  return Orders.of({
    preview,
    place,
    close,
    placeForRule,
    get: Effect.fn("Orders.get")((userId, id) => Effect.map(following.load(userId, id), toOrder)),
    list: following.list,
    fills: following.fills,
    cancel,
    cancelForRule,
    cancelAll,
    cancelOpen,
    awaitTerminal: Effect.fn("Orders.awaitTerminal")((userId, id, wait) =>
      Effect.map(following.waitFor(userId, id, wait), toOrder)
    ),
    openOfRule: repo.openOfRule,
    ofExecution: repo.ofExecution,
    resolve,
    whenReconciled: reconciled.whenDone,
    unreconciled: reconciled.waiting,
    changes: changes.stream
  })
})
