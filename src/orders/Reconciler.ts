import { Array, Clock, Context, Deferred, Duration, Effect, Layer, Option, Schedule } from "effect"
import { CredentialVault } from "../accounts/CredentialVault.ts"
import { isTerminal } from "../domain/order/Order.ts"
import { reason } from "../domain/Reason.ts"
import type { Credentials } from "../mexc/Credentials.ts"
import { Inquiry } from "./Inquiry.ts"
import type { OrderRow } from "./record/OrderRow.ts"
import { isOverdue } from "./record/resolve.ts"
import { OrdersRepo } from "./OrdersRepo.ts"
import { Submission } from "./Submission.ts"

/** Unknown orders and missing fills. */
const askingUnknown = Schedule.spaced("2 seconds")
/** No rule runs before the intents of an earlier run are judged, however long the database takes. */
const untilStored = Schedule.spaced("1 second")
/** Open orders, of which the private stream should have told already. */
const askingOpen = Schedule.spaced("10 seconds")

/** A user whose venue does not answer must not hold up the start of the others. */
const startPatience = Duration.seconds(10)
const usersAtOnce = 8

/** The lists cost ten times a single question, so they are read only on every n-th. */
const searchEvery = 5

/** Brings every order without a proven end to one by asking the venue; it never sends an order. */
export class Reconciler extends Context.Tag("dipper/orders/Reconciler")<
  Reconciler,
  {
    /** Every intent of an earlier run has been asked about once, or its user's venue did not answer in time. */
    readonly ready: Effect.Effect<void>
    /** Asks about everything that has no proven end now. */
    readonly reconcile: Effect.Effect<void>
  }
>() {
  static readonly layer = Layer.scoped(
    Reconciler,
    Effect.suspend(() => make)
  )

  /** Of an instance that does not own trading: the orders are another's to judge. */
  static readonly layerIdle = Layer.succeed(Reconciler, Reconciler.of({ ready: Effect.never, reconcile: Effect.void }))
}

type OrdersOfOne = Array.NonEmptyReadonlyArray<OrderRow>

const make = Effect.gen(function* () {
  const inquiry = yield* Inquiry
  const repo = yield* OrdersRepo
  const submission = yield* Submission
  const vault = yield* CredentialVault
  const ready = yield* Deferred.make<void>()
  const asked = new Map<string, number>()

  const isAbandoned = (row: OrderRow) => row.status === "pending" && !submission.isHeld(row.order_id)

  const resolve = Effect.fnUntraced(function* (row: OrderRow, credentials: Credentials) {
    const known = yield* inquiry.ask(row, credentials)
    if (Option.isSome(known)) return void asked.delete(row.order_id)
    const times = asked.get(row.order_id) ?? 0
    asked.set(row.order_id, times + 1)
    const overdue = isOverdue(row, yield* Clock.currentTimeMillis)
    if (!overdue && times % searchEvery !== 0) return
    const found = yield* inquiry.search(row, credentials)
    if (found !== "absent" || !overdue) return
    asked.delete(row.order_id)
    yield* Effect.logWarning("An order was absent from the venue for ten minutes: never placed", {
      order: row.order_id
    })
    yield* repo.reject(row.user_id, row.order_id, { reason: reason("NOT_PLACED") })
  })

  /** A refusal concerns one order; any other failure would meet the next one too, and ends the round. */
  const askEach = (rows: ReadonlyArray<OrderRow>, credentials: Credentials) =>
    Effect.forEach(
      rows,
      (row) =>
        (row.status === "unknown" ? resolve(row, credentials) : Effect.asVoid(inquiry.ask(row, credentials))).pipe(
          Effect.catchTag("VenueRefused", (refused) =>
            Effect.logWarning("The venue refused to tell about an order", {
              order: row.order_id,
              refused: refused.message
            })
          )
        ),
      { discard: true }
    )

  /** Several open orders of one symbol share a question. */
  const askOpen = Effect.fnUntraced(function* (rows: OrdersOfOne, credentials: Credentials) {
    for (const group of Object.values(Array.groupBy(rows, (row) => row.symbol))) {
      const rest = group.length > 1 ? yield* inquiry.sweep(group, credentials) : group
      yield* askEach(rest, credentials)
    }
  })

  /** One user's trouble stays that user's. */
  const perUser = <E>(
    rows: ReadonlyArray<OrderRow>,
    ask: (own: OrdersOfOne, credentials: Credentials) => Effect.Effect<void, E>
  ) =>
    Effect.forEach(
      Object.values(Array.groupBy(rows, (row) => row.user_id)),
      (own) =>
        Effect.flatMap(vault.get(own[0].user_id), (credentials) => ask(own, credentials)).pipe(
          Effect.timeoutOption(startPatience),
          Effect.catchAllCause((cause) =>
            Effect.logWarning("Orders of a user could not be reconciled", { user: own[0].user_id }, cause)
          )
        ),
      { concurrency: usersAtOnce, discard: true }
    )

  const settleIntents = Effect.gen(function* () {
    const rows = yield* repo.unsettled
    yield* Effect.forEach(rows.filter(isAbandoned), (row) => repo.abandon(row.user_id, row.order_id), { discard: true })
    return yield* repo.unsettled
  })

  const isUrgent = (row: OrderRow) => row.status === "unknown" || (isTerminal(row.status) && !row.explained)
  const isOpen = (row: OrderRow) => row.status === "open" || row.status === "partiallyFilled"

  const forgetResolved = (rows: ReadonlyArray<OrderRow>) =>
    Effect.sync(() => {
      const unknown = new Set<string>(rows.filter((row) => row.status === "unknown").map((row) => row.order_id))
      for (const id of asked.keys()) if (!unknown.has(id)) asked.delete(id)
    })

  const reconcileUnknown = settleIntents.pipe(
    Effect.tap(forgetResolved),
    Effect.flatMap((rows) => perUser(rows.filter(isUrgent), askEach))
  )
  const reconcileOpen = Effect.flatMap(repo.unsettled, (rows) => perUser(rows.filter(isOpen), askOpen))
  const reconcile = Effect.zipRight(reconcileUnknown, reconcileOpen).pipe(
    Effect.catchAllCause((cause) => Effect.logError("Orders could not be reconciled", cause))
  )
  const repeating = <A, E>(effect: Effect.Effect<A, E>, schedule: Schedule.Schedule<unknown>) =>
    effect.pipe(
      Effect.catchAllCause((cause) => Effect.logError("Orders could not be reconciled", cause)),
      Effect.schedule(schedule)
    )

  const firstPass = Effect.retry(settleIntents, untilStored).pipe(
    Effect.zipRight(reconcile),
    Effect.zipRight(Deferred.succeed(ready, undefined))
  )
  const later = Effect.all([repeating(reconcileUnknown, askingUnknown), repeating(reconcileOpen, askingOpen)], {
    concurrency: "unbounded",
    discard: true
  })
  yield* Effect.forkScoped(Effect.zipRight(firstPass, later))

  return Reconciler.of({ ready: Deferred.await(ready), reconcile })
})
