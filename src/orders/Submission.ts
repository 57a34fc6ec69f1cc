import { Cause, Context, Effect, Exit, Layer, Metric, Option, Schedule } from "effect"
import { KeyFreezes } from "../accounts/KeyFreezes.ts"
import { fingerprintOf } from "../accounts/secrets/fingerprintOf.ts"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import type { OrderId } from "../domain/Ids.ts"
import type { ApprovedOrder } from "../domain/order/risk.ts"
import { failPoint } from "../FailPoints.ts"
import { Symbols } from "../market/Symbols.ts"
import type { Credentials } from "../mexc/Credentials.ts"
import { MexcClient } from "../mexc/MexcClient.ts"
import type { OrderAck, OrderRequest } from "../mexc/OrderRequest.ts"
import type { OutcomeUnknown, VenueFailure } from "../mexc/VenueFailure.ts"
import { Database } from "../store/Database.ts"
import { Halts } from "./limits/Halts.ts"
import type { OrderRow } from "./record/OrderRow.ts"
import { OrdersRepo } from "./OrdersRepo.ts"
import { notOurs, notPlaced, refusalOf, stoppedBy } from "./record/Refusal.ts"

/** An outcome is written again while the database is away; what stays unwritten the reconciler asks the venue for. */
const recording = Schedule.exponential("50 millis").pipe(
  Schedule.union(Schedule.spaced("1 second")),
  Schedule.upTo("10 seconds")
)

const ordersTotal = Metric.counter("dipper_orders_total", {
  description: "Orders by what sending them told: accepted, refused (no order exists), unknown.",
  incremental: true
})
const counted = (outcome: Outcome["type"], times = 1) =>
  Metric.incrementBy(Metric.tagged(ordersTotal, "outcome", outcome), times)

/** The venue's "repeated request": it may have the order from the first time, so only asking can tell. */
const repeatedRequest = 603

/** Sends an approved order once and records which of the three outcomes it had. */
export class Submission extends Context.Tag("dipper/orders/Submission")<
  Submission,
  {
    /**
     * Never fails and never sends twice. Interrupted, it leaves `rejected` when nothing left, and else waits for the
     * answer, ten seconds at most.
     */
    readonly send: (
      row: OrderRow,
      order: ApprovedOrder,
      credentials: Credentials,
      paperFault?: string
    ) => Effect.Effect<void>
    /** Holds an order as being worked on, from before its intent commits until its outcome is recorded. */
    readonly holding: <A, E>(id: OrderId, effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
    /** The reconciler leaves alone what is being worked on. */
    readonly isHeld: (id: OrderId) => boolean
  }
>() {
  static readonly layer = Layer.effect(
    Submission,
    Effect.gen(function* () {
      const database = yield* Database
      const freezes = yield* KeyFreezes
      const halts = yield* Halts
      const mexc = yield* MexcClient
      const repo = yield* OrdersRepo
      const symbols = yield* Symbols
      const held = new Set<OrderId>()
      for (const outcome of ["accepted", "refused", "unknown"] as const) yield* counted(outcome, 0)

      const record = (row: OrderRow, outcome: Outcome) => {
        switch (outcome.type) {
          case "accepted":
            return repo.accept(row.user_id, row.order_id, outcome.exchangeOrderId, outcome.at)
          case "refused":
            return repo.reject(row.user_id, row.order_id, { refusal: outcome.refusal })
          case "unknown":
            return repo.markUnknown(row.user_id, row.order_id)
        }
      }

      /** A halt or a freeze counts from its commit on, also for an order that has waited for the request budget since. */
      const mayBeSent = (row: OrderRow, again: boolean, { accessKey }: Credentials) =>
        Effect.zipRight(
          halts.assertAllowed({ userId: row.user_id, side: row.side }),
          Effect.zipRight(
            freezes.assertAllowed({ userId: row.user_id, fingerprint: fingerprintOf(accessKey) }, row.side),
            repo.markSent(row.user_id, row.order_id, again)
          )
        )

      const send = Effect.fn("Submission.send")(function* (
        row: OrderRow,
        order: ApprovedOrder,
        credentials: Credentials,
        paperFault?: string
      ) {
        yield* failPoint("submit.intentCommitted")
        let sent = false
        let stopped: Outcome = neverLeft
        // Dying keeps the bytes from leaving; `stopped` says why.
        const beforeSend = Effect.suspend(() => {
          // Asked again, the first request was refused for its time: nothing of it is at the venue.
          const again = sent
          sent = false
          return database.write(mayBeSent(row, again, credentials))
        }).pipe(
          Effect.catchTags({
            TRADING_HALTED: (error) => {
              stopped = { type: "refused", refusal: stoppedBy(error) }
              return Effect.die("Trading was halted while the order waited.")
            },
            CREDENTIAL_TOO_POWERFUL: (error) => {
              stopped = { type: "refused", refusal: stoppedBy(error) }
              return Effect.die("The exchange key was frozen while the order waited.")
            }
          }),
          Effect.orDie,
          Effect.flatMap((marked) => {
            sent = marked
            if (marked) return failPoint("submit.sentAtCommitted")
            // An order that was withdrawn has its refusal already; anything else that is still pending lost its owner.
            stopped = { type: "refused", refusal: notOurs }
            return Effect.die("The order may not be sent any more.")
          })
        )
        const request = requestOf(row, order)
        const asked = paperFault === undefined ? request : { ...request, paperFault }
        // Interrupted, it stops waiting for the budget, but not for the answer of what it has sent.
        return yield* Effect.uninterruptible(
          mexc.placeOrder(credentials, asked, beforeSend).pipe(
            Effect.exit,
            Effect.zipLeft(failPoint("submit.answered")),
            Effect.map((exit) => outcomeOf(exit, sent, stopped)),
            Effect.tap((outcome) => Effect.logDebug("Order submitted", { order: row.order_id, outcome: outcome.type })),
            Effect.tap((outcome) => counted(outcome.type)),
            // Only marks the pairs as changed; they are read by those who watch them.
            Effect.tap((outcome) => Effect.when(symbols.recheck, () => isUntradable(outcome))),
            Effect.flatMap((outcome) => Effect.retry(record(row, outcome), recording)),
            Effect.zipLeft(failPoint("submit.outcomeCommitted")),
            Effect.catchAll((error: DatabaseUnavailable) =>
              Effect.logError("The outcome of an order could not be stored", {
                order: row.order_id,
                error: error.message
              })
            ),
            Effect.asVoid
          )
        )
      })

      const holding = <A, E>(id: OrderId, effect: Effect.Effect<A, E>) =>
        Effect.acquireUseRelease(
          Effect.sync(() => held.add(id)),
          () => effect,
          () => Effect.sync(() => held.delete(id))
        )

      return Submission.of({ send, holding, isHeld: (id) => held.has(id) })
    })
  )
}

type Outcome =
  | { readonly type: "accepted"; readonly exchangeOrderId: string; readonly at: number }
  | { readonly type: "refused"; readonly refusal: ReturnType<typeof refusalOf> }
  | { readonly type: "unknown" }

const isUntradable = (outcome: Outcome): boolean =>
  outcome.type === "refused" && outcome.refusal.code === "SYMBOL_NOT_TRADABLE"

const requestOf = (row: OrderRow, { draft, side, symbol }: ApprovedOrder): OrderRequest => ({
  symbol: symbol.symbol,
  side,
  type: draft.type,
  clientOrderId: row.client_order_id,
  ...(draft.quantity === null ? {} : { quantity: draft.quantity }),
  ...(draft.quoteAmount === null ? {} : { quoteOrderQty: draft.quoteAmount }),
  ...(draft.price === null ? {} : { price: draft.price })
})

const neverLeft: Outcome = {
  type: "refused",
  refusal: notPlaced("EXCHANGE_UNAVAILABLE", "The order was stopped before it was sent; no order exists.", 1_000)
}

/** Only listed answers prove that no order exists; everything else after the bytes may have left is unknown. */
const outcomeOf = (
  exit: Exit.Exit<OrderAck, VenueFailure | OutcomeUnknown>,
  sent: boolean,
  stopped: Outcome
): Outcome => {
  if (Exit.isSuccess(exit))
    return { type: "accepted", exchangeOrderId: exit.value.exchangeOrderId, at: exit.value.transactTime }
  const failure = Option.getOrNull(Cause.failureOption(exit.cause))
  if (failure === null) return sent ? { type: "unknown" } : stopped
  switch (failure._tag) {
    case "OutcomeUnknown":
      return { type: "unknown" }
    case "VenueRefused":
      return failure.code === repeatedRequest ? { type: "unknown" } : { type: "refused", refusal: refusalOf(failure) }
    // The client's word for "no byte has left"; whatever could have arrived is OutcomeUnknown.
    case "VenueUnavailable":
    case "VenueRateLimited":
    case "BudgetUnavailable":
      return { type: "refused", refusal: refusalOf(failure) }
  }
}
