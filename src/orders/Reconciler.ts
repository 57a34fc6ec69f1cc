import {
  Array,
  type Cause,
  Context,
  Deferred,
  Duration,
  Effect,
  Either,
  Fiber,
  FiberMap,
  Layer,
  Option,
  Schedule
} from "effect"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import { CredentialVault } from "../accounts/CredentialVault.ts"
import type { OrderId, UserId } from "../domain/Ids.ts"
import type { Credentials } from "../mexc/Credentials.ts"
import { type VenueFailure, VenueUnavailable } from "../mexc/VenueFailure.ts"
import { Ownership } from "../store/Ownership.ts"
import { Inquiry } from "./Inquiry.ts"
import { byPair, lacksFills, makeLacking } from "./reconcile/lacking.ts"
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
/** How long a question may take: the next round asks again. */
const questionPatience = Duration.seconds(10)
/** So many failures one after the other are no trouble of single orders. */
const silentAfter = 2

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
type Every = Schedule.Schedule<unknown>
type Note = (row: OrderRow) => void
const noNote: Note = () => undefined

interface Question {
  readonly about: OrderId
  readonly work: Effect.Effect<void, VenueFailure | DatabaseUnavailable>
}

interface Round {
  readonly userId: UserId
  readonly work: Effect.Effect<void>
}

const make = Effect.gen(function* () {
  const inquiry = yield* Inquiry
  const ownership = yield* Ownership
  const reconciled = yield* Reconciled
  const repo = yield* OrdersRepo
  const submission = yield* Submission
  const unknown = yield* makeUnknown
  const lacking = makeLacking()
  const vault = yield* CredentialVault
  const venueAccounts = yield* VenueAccounts
  const ready = yield* Deferred.make<void>()
  /** Of users who may not trade yet. */
  const asked = new Set<OrderId>()
  yield* reconciled.begin

  const isAbandoned = (row: OrderRow) => row.status === "pending" && !submission.isHeld(row.order_id)

  const patiently = <A, E>(question: Effect.Effect<A, E>) =>
    Effect.timeoutFail(question, {
      duration: questionPatience,
      onTimeout: () => new VenueUnavailable({ message: "The venue did not answer a question about an order." })
    })

  /**
   * A question that fails concerns its orders as long as others are answered: what is answered in a way nobody can read
   * must not keep the rest from being known. A venue that is silent ends the user's round.
   */
  const inTurn = Effect.fnUntraced(function* (questions: ReadonlyArray<Question>) {
    let failed = 0
    let inARow = 0
    for (const { about, work } of questions) {
      const outcome = yield* patiently(work).pipe(
        Effect.catchTag("VenueRefused", (refused) =>
          Effect.logWarning("The venue refused to tell about an order", { order: about, refused: refused.message })
        ),
        Effect.either
      )
      if (Either.isRight(outcome)) {
        inARow = 0
        continue
      }
      failed += 1
      inARow += 1
      if (inARow === silentAfter || failed === questions.length) return yield* Effect.fail(outcome.left)
      yield* Effect.logWarning("A question about an order was not answered", { order: about }, outcome.left)
    }
  })

  /** First what became of each, then the fills of those that came to an end, of a pair's orders together. */
  const askEach = Effect.fnUntraced(function* (
    rows: ReadonlyArray<OrderRow>,
    credentials: Credentials,
    note: Note = noNote
  ) {
    const lack: Array<OrderRow> = []
    const askOne = Effect.fnUntraced(function* (row: OrderRow) {
      if (lacksFills(row) && !(yield* lacking.isDue(row))) return note(row)
      const found = row.status === "unknown" ? unknown.resolve(row, credentials) : inquiry.look(row, credentials)
      const known = Option.getOrElse(yield* found, () => row)
      if (known.explained) note(row)
      else lack.push(known)
    })
    yield* inTurn(rows.map((row) => ({ about: row.order_id, work: askOne(row) })))
    const explain = (own: OrdersOfOne) => Effect.map(inquiry.explain(own, credentials), () => own.forEach(note))
    yield* inTurn(byPair(lack).map((own) => ({ about: own[0].order_id, work: explain(own) })))
    rows.forEach(note)
  })

  /** All open orders of a user share a question. */
  const askOpen = Effect.fnUntraced(function* (
    rows: ReadonlyArray<OrderRow>,
    credentials: Credentials,
    note: Note = noNote
  ) {
    if (rows.length === 0) return
    const isListed = yield* patiently(inquiry.sweep(credentials))
    rows.filter(isListed).forEach(note)
    const gone = rows.filter((row) => !isListed(row))
    yield* askEach(gone, credentials, note)
  })

  /** Orders that the key in use cannot tell of wait for their owner. */
  const askable = (rows: OrdersOfOne, credentials: Credentials) =>
    Effect.filter(rows, (row) =>
      Effect.map(venueAccounts.belonging(row, credentials), (belonging) => {
        if (belonging === "other") unknown.doubt(row, "otherAccount")
        return belonging !== "other"
      })
    )

  /** A round of each user for itself: one user's trouble stays that user's. */
  const perUser = <E>(
    rows: ReadonlyArray<OrderRow>,
    ask: (own: ReadonlyArray<OrderRow>, credentials: Credentials) => Effect.Effect<void, E>
  ): ReadonlyArray<Round> =>
    Object.values(Array.groupBy(rows, (row) => row.user_id)).map((own) => {
      const [{ user_id: userId }] = own
      return {
        userId,
        work: vault.get(userId).pipe(
          Effect.flatMap((credentials) => Effect.flatMap(askable(own, credentials), (mine) => ask(mine, credentials))),
          Effect.catchAllCause((cause) => Effect.logWarning("Orders of a user could not be reconciled", cause)),
          Effect.zipRight(unknown.tellOverdue(own)),
          Effect.catchAllCause((cause) => Effect.logWarning("A user could not be told of unknown orders", cause)),
          Effect.annotateLogs({ user: userId })
        )
      }
    })

  const settleIntents = Effect.gen(function* () {
    const rows = yield* repo.unsettled
    yield* Effect.forEach(rows.filter(isAbandoned), (row) => repo.abandon(row.user_id, row.order_id), { discard: true })
    return yield* repo.unsettled
  })

  const isUrgent = (row: OrderRow) => row.status === "unknown" || lacksFills(row)
  const isOpen = (row: OrderRow) => row.status === "open" || row.status === "partiallyFilled"

  /** A user may trade when each order was asked about once, in however many rounds. */
  const askEverything = Effect.fnUntraced(function* (own: ReadonlyArray<OrderRow>, credentials: Credentials) {
    const left = own.filter(({ order_id: id }) => !asked.has(id))
    const note = ({ order_id: id }: OrderRow) => void asked.add(id)
    yield* askEach(left.filter(isUrgent), credentials, note)
    yield* askOpen(left.filter(isOpen), credentials, note)
    for (const { order_id: id } of own) asked.delete(id)
    yield* reconciled.done(credentials.userId)
  })

  /** A user whose start is not reconciled may not trade; the rest of the users go on. */
  const roundsOver = Effect.fnUntraced(function* (rows: ReadonlyArray<OrderRow>) {
    const waiting = yield* reconciled.waiting
    const due = rows.filter((row) => isUrgent(row) || isOpen(row))
    // Orders that came to an end meanwhile need no question.
    for (const userId of waiting) if (!due.some((row) => row.user_id === userId)) yield* reconciled.done(userId)
    const first = due.filter((row) => waiting.has(row.user_id))
    const later = due.filter((row) => !waiting.has(row.user_id) && isUrgent(row))
    return [...perUser(first, askEverything), ...perUser(later, askEach)]
  })
  const roundsOfUnknown = Effect.gen(function* () {
    const rows = yield* settleIntents
    yield* unknown.keepOnly(rows)
    lacking.keepOnly(rows)
    return yield* roundsOver(rows)
  })
  const roundsOfOpen = Effect.map(repo.unsettled, (rows) => perUser(rows.filter(isOpen), askOpen))

  const logged = <E>(cause: Cause.Cause<E>) => Effect.logError("Orders could not be reconciled", cause)
  const workOf = (rounds: ReadonlyArray<Round>) =>
    Effect.forEach(rounds, ({ work }) => work, { concurrency: "unbounded", discard: true })
  const reconcile = Effect.catchAllCause(
    Effect.zipRight(Effect.flatMap(roundsOfUnknown, workOf), Effect.flatMap(roundsOfOpen, workOf)),
    logged
  )

  /** A user whose last round still runs goes on with it, and nobody waits for that. */
  const lanes = yield* FiberMap.make<string>()
  const start = (lane: string, rounds: ReadonlyArray<Round>) =>
    Effect.forEach(rounds, ({ userId, work }) =>
      FiberMap.run(lanes, `${lane} ${userId}`, work, { onlyIfMissing: true })
    )
  const repeating = <E>(lane: string, rounds: Effect.Effect<ReadonlyArray<Round>, E>, schedule: Every) =>
    Effect.whenEffect(
      Effect.flatMap(rounds, (found) => start(lane, found)),
      ownership.isOwner
    ).pipe(Effect.catchAllCause(logged), Effect.schedule(schedule))

  const firstPass = Effect.gen(function* () {
    const rows = yield* Effect.retry(settleIntents, untilStored)
    yield* reconciled.judged(rows.map((row) => row.user_id))
    yield* Effect.flatMap(roundsOver(rows), (rounds) => start("unknown", rounds)).pipe(
      Effect.flatMap(Fiber.awaitAll),
      Effect.timeoutOption(startPatience),
      Effect.catchAllCause(logged)
    )
    yield* Deferred.succeed(ready, undefined)
  })
  const later = Effect.all(
    [repeating("unknown", roundsOfUnknown, askingUnknown), repeating("open", roundsOfOpen, askingOpen)],
    { concurrency: "unbounded", discard: true }
  )
  yield* Effect.forkScoped(Effect.zipRight(firstPass, later))

  return Reconciler.of({ ready: Deferred.await(ready), reconcile })
})
