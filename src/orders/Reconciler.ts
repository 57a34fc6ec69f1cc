import { Array, Context, Deferred, Duration, Effect, Layer, Schedule } from "effect"
import { CredentialVault } from "../accounts/CredentialVault.ts"
import { isTerminal } from "../domain/order/Order.ts"
import type { Credentials } from "../mexc/Credentials.ts"
import { Ownership } from "../store/Ownership.ts"
import { Inquiry } from "./Inquiry.ts"
import { makeUnknown } from "./reconcile/unknown.ts"
import { Reconciled } from "./reconcile/Reconciled.ts"
import { VenueAccounts } from "./reconcile/VenueAccounts.ts"
import type { OrderRow } from "./record/OrderRow.ts"
import { OrdersRepo } from "./OrdersRepo.ts"
import { Submission } from "./Submission.ts"

/** Unknown orders, missing fills, and everything of users whose start is not reconciled. */
const askingUnknown = Schedule.spaced("2 seconds")
/** No rule runs before the intents of an earlier run are judged, however long the database takes. */
const untilStored = Schedule.spaced("1 second")
/** Open orders, of which the private stream should have told already. */
const askingOpen = Schedule.spaced("10 seconds")

/** A user whose venue does not answer must not hold up the start of the others. */
const startPatience = Duration.seconds(10)
const usersAtOnce = 8

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
  const ownership = yield* Ownership
  const reconciled = yield* Reconciled
  const repo = yield* OrdersRepo
  const submission = yield* Submission
  const unknown = yield* makeUnknown
  const vault = yield* CredentialVault
  const venueAccounts = yield* VenueAccounts
  const ready = yield* Deferred.make<void>()
  yield* reconciled.begin

  const isAbandoned = (row: OrderRow) => row.status === "pending" && !submission.isHeld(row.order_id)

  /** A refusal concerns one order; any other failure would meet the next one too, and ends the round. */
  const askEach = (rows: ReadonlyArray<OrderRow>, credentials: Credentials) =>
    Effect.forEach(
      rows,
      (row) =>
        (row.status === "unknown"
          ? unknown.resolve(row, credentials)
          : Effect.asVoid(inquiry.ask(row, credentials))
        ).pipe(
          Effect.catchTag("VenueRefused", (refused) =>
            Effect.logWarning("The venue refused to tell about an order", {
              order: row.order_id,
              refused: refused.message
            })
          )
        ),
      { discard: true }
    )

  /** All open orders of a user share a question. */
  const askOpen = Effect.fnUntraced(function* (rows: OrdersOfOne, credentials: Credentials) {
    const isListed = yield* inquiry.sweep(credentials)
    yield* askEach(
      rows.filter((row) => !isListed(row)),
      credentials
    )
  })

  /** Orders that the key in use cannot tell of wait for their owner. */
  const askable = (rows: OrdersOfOne, credentials: Credentials) =>
    Effect.filter(rows, (row) =>
      Effect.map(venueAccounts.belonging(row, credentials), (belonging) => {
        if (belonging === "other") unknown.doubt(row, "otherAccount")
        return belonging !== "other"
      })
    )

  /** One user's trouble stays that user's: true when everything was asked. */
  const perUser = <E>(
    rows: ReadonlyArray<OrderRow>,
    ask: (own: OrdersOfOne, credentials: Credentials) => Effect.Effect<void, E>
  ) =>
    Effect.forEach(
      Object.values(Array.groupBy(rows, (row) => row.user_id)),
      (own) =>
        Effect.gen(function* () {
          const credentials = yield* vault.get(own[0].user_id)
          const asked = yield* askable(own, credentials)
          if (Array.isNonEmptyReadonlyArray(asked)) yield* ask(asked, credentials)
          return true
        }).pipe(
          Effect.timeoutTo({ duration: startPatience, onSuccess: (done) => done, onTimeout: () => false }),
          Effect.catchAllCause((cause) =>
            Effect.as(
              Effect.logWarning("Orders of a user could not be reconciled", { user: own[0].user_id }, cause),
              false
            )
          ),
          Effect.map((done) => ({ userId: own[0].user_id, done }))
        ),
      { concurrency: usersAtOnce }
    )

  const settleIntents = Effect.gen(function* () {
    const rows = yield* repo.unsettled
    yield* Effect.forEach(rows.filter(isAbandoned), (row) => repo.abandon(row.user_id, row.order_id), { discard: true })
    return yield* repo.unsettled
  })

  const isUrgent = (row: OrderRow) => row.status === "unknown" || (isTerminal(row.status) && !row.explained)
  const isOpen = (row: OrderRow) => row.status === "open" || row.status === "partiallyFilled"

  const askEverything = Effect.fnUntraced(function* (rows: ReadonlyArray<OrderRow>) {
    const outcomes = yield* perUser(
      rows.filter((row) => isUrgent(row) || isOpen(row)),
      (own, credentials) =>
        Effect.zipRight(
          askEach(own.filter(isUrgent), credentials),
          Effect.suspend(() => {
            const open = own.filter(isOpen)
            return Array.isNonEmptyReadonlyArray(open) ? askOpen(open, credentials) : Effect.void
          })
        )
    )
    for (const { done, userId } of outcomes) if (done) yield* reconciled.done(userId)
  })

  /** A user whose start is not reconciled may not trade; the rest of the users go on. */
  const reconcileUnknown = Effect.gen(function* () {
    const rows = yield* settleIntents
    const waiting = yield* reconciled.waiting
    yield* unknown.keepOnly(rows)
    yield* askEverything(rows.filter((row) => waiting.has(row.user_id)))
    yield* perUser(
      rows.filter((row) => !waiting.has(row.user_id) && isUrgent(row)),
      askEach
    )
    yield* unknown.tellOverdue(rows)
  })
  const reconcileOpen = Effect.flatMap(repo.unsettled, (rows) => perUser(rows.filter(isOpen), askOpen))

  const reconcile = Effect.zipRight(reconcileUnknown, reconcileOpen).pipe(
    Effect.catchAllCause((cause) => Effect.logError("Orders could not be reconciled", cause))
  )
  const repeating = <A, E>(effect: Effect.Effect<A, E>, schedule: Schedule.Schedule<unknown>) =>
    Effect.whenEffect(effect, ownership.isOwner).pipe(
      Effect.catchAllCause((cause) => Effect.logError("Orders could not be reconciled", cause)),
      Effect.schedule(schedule)
    )

  const firstPass = Effect.gen(function* () {
    const rows = yield* Effect.retry(settleIntents, untilStored)
    yield* reconciled.judged(rows.map((row) => row.user_id))
    yield* askEverything(rows).pipe(
      Effect.catchAllCause((cause) => Effect.logError("Orders could not be reconciled", cause))
    )
    yield* Deferred.succeed(ready, undefined)
  })
  const later = Effect.all([repeating(reconcileUnknown, askingUnknown), repeating(reconcileOpen, askingOpen)], {
    concurrency: "unbounded",
    discard: true
  })
  yield* Effect.forkScoped(Effect.zipRight(firstPass, later))

  return Reconciler.of({ ready: Deferred.await(ready), reconcile })
})
