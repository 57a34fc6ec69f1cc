import { Duration, Effect, Either, Fiber, FiberSet, Option, Schema, Scope } from "effect"
import { ValidationFailed } from "../api/Errors.ts"
import { CredentialVault } from "../accounts/CredentialVault.ts"
import { manualOrderId, ruleOrderId } from "../domain/order/clientOrderId.ts"
import { makeOrderId, type UserId } from "../domain/Ids.ts"
import { Order, type BookName } from "../domain/order/Order.ts"
import type { OrderPreview, PlaceOrder } from "../domain/order/PlaceOrder.ts"
import { ApprovedOrder, assess, type OrderAsk } from "../domain/order/risk.ts"
import { MarketClock } from "../MarketClock.ts"
import { Database } from "../store/Database.ts"
import { Idempotency, type KeyScope } from "../store/Idempotency.ts"
import { Meta } from "../store/Meta.ts"
import { makeFollowing } from "./following.ts"
import { intentRow } from "./record/intent.ts"
import { toOrder, type OrderRow } from "./record/OrderRow.ts"
import type { ManualOrder, Placed, RequestKey, RuleOrder } from "./record/OrderRequest.ts"
import { OrdersRepo } from "./OrdersRepo.ts"
import { errorOf, mayRepeat, riskError } from "./record/Refusal.ts"
import { RiskInputs, type RiskQuestion } from "./RiskInputs.ts"
import { Submission } from "./Submission.ts"

const route = "POST /trading/orders"

const StoredOrder = Schema.parseJson(Order)
const encodeAnswer = Schema.encodeSync(StoredOrder)
const decodeAnswer = Schema.decodeUnknown(StoredOrder)

const hasProof = (row: OrderRow): boolean => row.status !== "unknown" && row.status !== "pending"

/** How long a stop waits for orders whose bytes have left; the next start asks the venue about the rest. */
const stopPatience = Duration.seconds(2)

const makeWorking = Effect.gen(function* () {
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer((exit) =>
    Effect.flatMap(Effect.forkDaemon(Scope.close(scope, exit)), (closing) =>
      Effect.interruptible(Effect.timeoutOption(Fiber.await(closing), stopPatience))
    )
  )
  return yield* Scope.extend(FiberSet.make(), scope)
})

const onPaperOnly = () => {
  const message = "faults are for the paper exchange; this order would go to a real one"
  return new ValidationFailed({ message: `X-Paper-Fault: ${message}`, details: [{ path: "x-paper-fault", message }] })
}

/** The two ways an order comes about, and its rehearsal. */
export const makePlacing = Effect.gen(function* () {
  const database = yield* Database
  const idempotency = yield* Idempotency
  const meta = yield* Meta
  const clock = yield* MarketClock
  const vault = yield* CredentialVault
  const inputs = yield* RiskInputs
  const repo = yield* OrdersRepo
  const submission = yield* Submission
  const following = yield* makeFollowing
  // What has to be finished once begun belongs to the service: a client that hangs up stops nothing.
  const working = yield* makeWorking
  const finish = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.flatMap(FiberSet.run(working, Effect.interruptible(effect)), Fiber.join)

  // Intents are never deleted, so an order that was just committed is there.
  const waitFor = (...order: Parameters<typeof following.waitFor>) =>
    Effect.catchTag(following.waitFor(...order), "NOT_FOUND", Effect.die)

  const gather = (question: RiskQuestion) =>
    Effect.catchTag(inputs.gather(question), "SYMBOL_NOT_FOUND", ({ message }) =>
      Effect.fail(new ValidationFailed({ message, details: [{ path: "symbol", message }] }))
    )

  const approve = Effect.fnUntraced(function* (question: RiskQuestion, ask: OrderAsk) {
    const context = yield* gather(question)
    return yield* Either.mapLeft(ApprovedOrder.check(ask, context), riskError)
  })

  const preview = Effect.fn("Orders.preview")(function* (userId: UserId, body: PlaceOrder) {
    const book: BookName = body.book ?? "manual"
    const context = yield* gather({ userId, symbol: body.symbol, side: body.side, book })
    const { draft, problems } = assess(body, context)
    const answer: OrderPreview = {
      symbol: body.symbol,
      side: body.side,
      book,
      ...draft,
      problems: problems.map(({ code, message, path }) => ({ code, message, path })),
      asOf: context.asOf,
      stale: context.quote?.stale ?? true
    }
    return answer
  })

  /** The first attempt under this key that was made, or the id for the next; attempts that never left do not count. */
  const attemptFor = Effect.fnUntraced(function* (scope: KeyScope) {
    for (let attempt = 0; ; attempt++) {
      const clientOrderId = manualOrderId(meta, { ...scope, attempt })
      const found = yield* repo.findByClientId(scope.userId, clientOrderId)
      if (Option.isNone(found)) return { clientOrderId, made: null }
      const { refusal } = found.value
      if (refusal === null || !mayRepeat(refusal)) return { clientOrderId, made: found.value }
    }
  })

  /** The same request again: the stored answer, or the order as it is when the first answer was never stored. */
  const repeat = Effect.fnUntraced(function* (scope: KeyScope, bodyHash: string, made: OrderRow) {
    const begun = yield* database.write(idempotency.begin({ ...scope, bodyHash, objectId: made.order_id }))
    if (made.refusal !== null) {
      yield* idempotency.complete(scope, { status: 422, body: "null" })
      return yield* errorOf(made.refusal)
    }
    if (begun._tag === "Replay" && begun.status === 201)
      return { order: yield* Effect.orDie(decodeAnswer(begun.body)), replayed: true }
    yield* answer(scope, made)
    return { order: toOrder(made), replayed: true }
  })

  /** An answer that cannot be stored is rendered from the order when it is asked for again. */
  const answer = (scope: KeyScope, row: OrderRow) =>
    idempotency
      .complete(scope, { status: hasProof(row) ? 201 : 202, body: encodeAnswer(toOrder(row)), objectId: row.order_id })
      .pipe(Effect.catchTag("DATABASE_UNAVAILABLE", ({ message }) => Effect.logWarning(message)))

  const place = Effect.fn("Orders.place")(function* (userId: UserId, body: ManualOrder, key: RequestKey) {
    if (body.paperFault !== undefined && meta.venue !== "paper") return yield* onPaperOnly()
    const scope = { userId, route, key: key.idempotencyKey }
    const { clientOrderId, made } = yield* attemptFor(scope)
    if (made !== null) return yield* repeat(scope, key.bodyHash, made)

    const book: BookName = body.book ?? "manual"
    const credentials = yield* vault.get(userId)
    const order = yield* approve({ userId, symbol: body.symbol, side: body.side, book }, body)
    const row = intentRow(order, {
      userId,
      orderId: yield* makeOrderId(),
      clientOrderId,
      venue: meta.venue,
      book,
      note: body.note ?? null,
      requestedAt: yield* clock.now,
      rule: null
    })
    const claim = { ...scope, bodyHash: key.bodyHash, objectId: row.order_id }
    /** The intent, or the order that another request with this key has made meanwhile. */
    const commitIntent = Effect.gen(function* () {
      const begun = yield* idempotency.begin(claim)
      const now = yield* attemptFor(scope)
      if (now.made !== null) return { made: now.made }
      if (begun._tag !== "New") {
        // Left by an attempt that never reached the venue.
        yield* idempotency.forget(scope)
        yield* idempotency.begin(claim)
      }
      const intent = { ...row, client_order_id: now.clientOrderId }
      yield* repo.insert(intent)
      return { intent }
    })
    const work = Effect.gen(function* () {
      const committed = yield* database.write(commitIntent)
      if ("made" in committed) return yield* repeat(scope, key.bodyHash, committed.made)
      const row = committed.intent
      yield* repo.announce(row)
      yield* submission.send(row, order, credentials, body.paperFault)
      const outcome = yield* waitFor(userId, row.order_id, body.waitMs)
      if (outcome.refusal === null) {
        yield* answer(scope, outcome)
        return { order: toOrder(outcome), replayed: false } satisfies Placed
      }
      yield* mayRepeat(outcome.refusal)
        ? idempotency.forget(scope)
        : idempotency.complete(scope, { status: 422, body: "null" })
      return yield* errorOf(outcome.refusal)
    })
    return yield* finish(submission.holding(row.order_id, work))
  })

  const placeForRule = Effect.fn("Orders.placeForRule")(function* <E>(ask: RuleOrder<E>) {
    const { userId } = ask
    const before = yield* repo.findBySlot(userId, ask)
    if (Option.isSome(before)) return toOrder(yield* waitFor(userId, before.value.order_id, ask.wait))

    const book: BookName = `rule:${ask.ruleId}`
    const credentials = yield* vault.get(userId)
    const order = yield* approve({ userId, symbol: ask.symbol, side: "buy", book }, { ...ask, side: "buy" })
    const row = intentRow(order, {
      userId,
      orderId: yield* makeOrderId(),
      clientOrderId: ruleOrderId(meta, ask),
      venue: meta.venue,
      book,
      note: null,
      requestedAt: yield* clock.now,
      rule: ask
    })
    const commitIntent = Effect.gen(function* () {
      const other = yield* repo.findBySlot(userId, ask)
      if (Option.isSome(other)) return other.value.order_id
      yield* ask.withIntent
      yield* repo.insert(row)
      return row.order_id
    })
    const work = Effect.gen(function* () {
      const orderId = yield* database.write(commitIntent)
      if (orderId !== row.order_id) return orderId
      yield* repo.announce(row)
      yield* submission.send(row, order, credentials)
      return orderId
    })
    const orderId = yield* finish(submission.holding(row.order_id, work))
    return toOrder(yield* waitFor(userId, orderId, ask.wait))
  })

  return { preview, place, placeForRule }
})
