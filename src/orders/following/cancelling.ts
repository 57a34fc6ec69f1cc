import { Duration, Effect, Option, Schedule } from "effect"
import { CredentialVault } from "../../accounts/CredentialVault.ts"
import { Conflict, type DatabaseUnavailable, OrderRejected, ValidationFailed } from "../../api/Errors.ts"
import type { OrderId, UserId } from "../../domain/Ids.ts"
import type { SymbolName } from "../../domain/Market.ts"
import { isTerminal } from "../../domain/order/Order.ts"
import type { CancelledOrders } from "../../domain/order/CancelledOrders.ts"
import { failPoint } from "../../FailPoints.ts"
import { MexcClient } from "../../mexc/MexcClient.ts"
import type { VenueFailure } from "../../mexc/VenueFailure.ts"
import { venueError } from "../../portfolio/venueError.ts"
import { Ownership } from "../../store/Ownership.ts"
import { Inquiry } from "../Inquiry.ts"
import { OrdersRepo } from "../OrdersRepo.ts"
import { VenueAccounts } from "../reconcile/VenueAccounts.ts"
import { toOrder, type OrderRow } from "../record/OrderRow.ts"
import type { CancelQuery } from "../record/OrderRequest.ts"
import { isSettled, makeFollowing } from "./following.ts"
import { type CancelCause, makeTellingCancels } from "./tellingCancels.ts"

/** How long a cancel may wait for the venue to show the order as ended. */
const cancelWait = Duration.seconds(2)
/** An order whose bytes have just left cannot be taken back, but is soon known to the venue. */
const untilAnswered = Schedule.spaced("50 millis").pipe(Schedule.upTo("2 seconds"))
/** The venue takes twelve order operations a second of an account. */
const cancelsAtOnce = 4

/** Ends orders: those that were not sent here, the others at the venue; always by our client order id. */
export const makeCancelling = Effect.gen(function* () {
  const following = yield* makeFollowing
  const inquiry = yield* Inquiry
  const mexc = yield* MexcClient
  const ownership = yield* Ownership
  const repo = yield* OrdersRepo
  const telling = yield* makeTellingCancels
  const vault = yield* CredentialVault
  const venueAccounts = yield* VenueAccounts

  const askVenue = (row: OrderRow) =>
    Effect.gen(function* () {
      const credentials = yield* vault.get(row.user_id)
      if ((yield* venueAccounts.belonging(row, credentials)) === "other")
        return yield* new Conflict({
          message: "The order was sent with a key of another exchange account; cancel it there, then resolve it here."
        })
      yield* failPoint("cancel.asked")
      yield* Effect.mapError(mexc.cancelOrder(credentials, row.symbol, row.client_order_id), refusedCancel)
      yield* failPoint("cancel.answered")
      const told = yield* Effect.mapError(inquiry.ask(row, credentials), (failure) =>
        failure._tag === "DATABASE_UNAVAILABLE" ? failure : venueError(failure)
      )
      yield* failPoint("cancel.committed")
      return told
    })

  /** The order once it is no longer being sent: withdrawn if there was still time, else as the venue answered. */
  const sent = Effect.fnUntraced(function* (row: OrderRow, cause: CancelCause | null) {
    const withdraw = (also?: Effect.Effect<void, DatabaseUnavailable>) => repo.withdraw(row.user_id, row.order_id, also)
    yield* cause === null ? withdraw() : telling.within(row, cause, withdraw)
    return yield* Effect.repeat(following.load(row.user_id, row.order_id), {
      schedule: untilAnswered,
      until: ({ status }) => status !== "pending"
    }).pipe(Effect.zipRight(following.load(row.user_id, row.order_id)))
  })

  const finish = Effect.fnUntraced(function* (row: OrderRow) {
    if (isSettled(row)) return row
    if (row.status === "pending")
      return yield* new Conflict({ message: "The order is just being sent; try again in a moment.", retryable: true })
    const asked = yield* askVenue(row)
    return Option.isSome(asked)
      ? yield* following.waitFor(row.user_id, row.order_id, cancelWait)
      : yield* following.load(row.user_id, row.order_id)
  })

  /** `cause`: what the trail is told of it; null: nothing, or elsewhere. */
  const end = Effect.fnUntraced(function* (found: OrderRow, cause: CancelCause | null) {
    yield* ownership.assertNotTaken
    if (found.origin === "external")
      return yield* new Conflict({ message: "The order was not made here; cancel it where it was made." })
    if (found.status === "pending") return yield* finish(yield* sent(found, cause))
    return yield* cause === null || isTerminal(found.status)
      ? finish(found)
      : telling.beside([found], cause)(finish(found))
  })

  const endById = Effect.fnUntraced(function* (userId: UserId, id: OrderId, cause: CancelCause | null) {
    return toOrder(yield* end(yield* following.load(userId, id), cause))
  })

  const cancel = Effect.fn("Orders.cancel")((userId: UserId, id: OrderId) => endById(userId, id, "asked"))

  // A venue that will not cancel has its reasons in the order's state, which the answer shows.
  const asItIs = (userId: UserId, id: OrderId) =>
    Effect.map(Effect.catchTag(following.load(userId, id), "NOT_FOUND", Effect.die), toOrder)

  const cancelForRule = Effect.fn("Orders.cancelForRule")((userId: UserId, id: OrderId, cause: RuleCancelCause) =>
    Effect.catchTags(endById(userId, id, cause === "ruleStopped" ? cause : null), {
      NOT_FOUND: Effect.die,
      CONFLICT: () => asItIs(userId, id),
      ORDER_REJECTED: () => asItIs(userId, id)
    })
  )

  const cancelAll = Effect.fn("Orders.cancelAll")(function* (
    userId: UserId,
    query: CancelQuery,
    cause: Exclude<CancelCause, "ruleStopped"> = "asked"
  ) {
    yield* ownership.assertNotTaken
    const found = yield* repo.cancellable(userId, query)
    const rows = query.side === undefined ? found : found.filter(({ side }) => side === query.side)
    const failed: Array<CancelledOrders["failed"][number]> = []
    yield* Effect.forEach(
      rows,
      (row) =>
        Effect.catchAll(Effect.asVoid(end(row, null)), ({ _tag: code, message }) =>
          Effect.sync(() => void failed.push({ orderId: row.order_id, code, message }))
        ),
      { concurrency: cancelsAtOnce, discard: true }
    ).pipe(telling.beside(rows, cause))
    const items = yield* Effect.forEach(rows, ({ order_id: id }) => asItIs(userId, id))
    return { items, failed } satisfies CancelledOrders
  })

  const cancelOpen = Effect.fn("Orders.cancelOpen")(function* (userId: UserId, { all, symbol }: CancelOpen) {
    if (symbol === undefined && all === undefined) {
      const message = "say which orders to cancel: symbol=BTCUSDT, or all=true"
      return yield* new ValidationFailed({ message, details: [{ path: "symbol", message }] })
    }
    return yield* cancelAll(userId, symbol === undefined ? {} : { symbol })
  })

  return { cancel, cancelForRule, cancelAll, cancelOpen }
})

/** Only what somebody brought about is told of in the trail; the rest a rule does by itself, and its records tell. */
export type RuleCancelCause = "ruleStopped" | "ruleDecided"

/** All orders of a symbol, or all there are, only when that is said. */
interface CancelOpen {
  readonly symbol?: SymbolName
  readonly all?: "true"
}

const refusedCancel = (failure: VenueFailure) =>
  failure._tag === "VenueRefused" && failure.kind !== "auth" && failure.kind !== "permission"
    ? new OrderRejected({
        message: `The venue refused to cancel the order: ${failure.message}`,
        ...(failure.code === undefined ? {} : { venue: { code: failure.code, message: failure.message } })
      })
    : venueError(failure)
