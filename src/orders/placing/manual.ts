import { Effect, Option, Schema } from "effect"
import { CredentialVault } from "../../accounts/CredentialVault.ts"
import { fingerprintOf } from "../../accounts/secrets/fingerprintOf.ts"
import { IdempotencyKeyReused, ValidationFailed } from "../../api/Errors.ts"
import * as Decimal from "../../domain/Decimal.ts"
import { makeOrderId, type UserId } from "../../domain/Ids.ts"
import type { Side, SymbolName } from "../../domain/Market.ts"
import { manualOrderId } from "../../domain/order/clientOrderId.ts"
import { Order, type BookName } from "../../domain/order/Order.ts"
import type { ApprovedOrder } from "../../domain/order/risk.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Database } from "../../store/Database.ts"
import { hashBody, Idempotency, type KeyScope } from "../../store/Idempotency.ts"
import { Meta } from "../../store/Meta.ts"
import { TradingLimits } from "../limits/TradingLimits.ts"
import { OrdersRepo } from "../OrdersRepo.ts"
import { Reconciled } from "../reconcile/Reconciled.ts"
import { intentRow } from "../record/intent.ts"
import { toOrder, type OrderRow } from "../record/OrderRow.ts"
import type { CloseOrder, ManualOrder, Placed, RequestKey } from "../record/OrderRequest.ts"
import { errorOf, mayRepeat } from "../record/Refusal.ts"
import { Submission } from "../Submission.ts"
import type { Steps } from "./Steps.ts"

const placeRoute = "POST /trading/orders"
const closeRoute = "POST /trading/positions/{symbol}/close"

const StoredOrder = Schema.parseJson(Order)
const encodeAnswer = Schema.encodeSync(StoredOrder)
const decodeAnswer = Schema.decodeUnknown(StoredOrder)

const hasProof = (row: OrderRow): boolean => row.status !== "unknown" && row.status !== "pending"

const onPaperOnly = () => {
  const message = "faults are for the paper exchange; this order would go to a real one"
  return new ValidationFailed({ message: `X-Paper-Fault: ${message}`, details: [{ path: "x-paper-fault", message }] })
}

const reused = ({ order_id: id }: OrderRow) =>
  new IdempotencyKeyReused({ message: `This Idempotency-Key made the order ${id} of another body; use a new key.` })

/** Whether an order can have come of this request; quantities are rounded down. */
const canBeOf = (row: OrderRow, { book = "manual", maxSlippageBps, ...body }: ManualOrder): boolean => {
  const { quantity, quoteAmount } = body
  return (
    row.symbol === body.symbol &&
    row.side === body.side &&
    row.book === book &&
    (row.type === body.type || maxSlippageBps !== undefined) &&
    (quantity === undefined || (row.quantity !== null && Decimal.lessOrEqual(row.quantity, quantity))) &&
    (row.quote_amount === null || (quoteAmount !== undefined && Decimal.equals(row.quote_amount, quoteAmount)))
  )
}

/** What a person wants; `approved` makes the order of it, and is not run for a repetition. */
interface Asked<E> {
  readonly symbol: SymbolName
  readonly side: Side
  readonly book: BookName
  readonly approved: Effect.Effect<ApprovedOrder, E>
  readonly canBe: (row: OrderRow) => boolean
  readonly waitMs: number
  readonly note?: string | undefined
  readonly keyId?: string
  readonly paperFault?: string
}

/** An order of a person: once per idempotency key. */
export const makeManual = Effect.fnUntraced(function* (steps: Steps) {
  const { admit, approve, approveAll, finish, tellingRefusal, waitFor } = steps
  const clock = yield* MarketClock
  const database = yield* Database
  const idempotency = yield* Idempotency
  const limits = yield* TradingLimits
  const meta = yield* Meta
  const reconciled = yield* Reconciled
  const repo = yield* OrdersRepo
  const submission = yield* Submission
  const vault = yield* CredentialVault

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
  const repeat = Effect.fnUntraced(function* (
    scope: KeyScope,
    bodyHash: string,
    made: OrderRow,
    { canBe }: Pick<Asked<never>, "canBe">
  ) {
    const begun = yield* database.write(
      Effect.tap(idempotency.begin({ ...scope, bodyHash, objectId: made.order_id }), ({ _tag }) =>
        // The key is older than its memory: only the order itself can tell another request.
        _tag === "New" && !canBe(made) ? reused(made) : Effect.void
      )
    )
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

  const once = Effect.fnUntraced(function* <E>(scope: KeyScope, bodyHash: string, body: Asked<E>) {
    const { book } = body
    const { userId } = scope
    const { clientOrderId, made } = yield* attemptFor(scope)
    if (made !== null) return yield* repeat(scope, bodyHash, made, body)

    yield* reconciled.assert(userId)
    const credentials = yield* vault.get(userId)
    const telling = tellingRefusal({ userId, symbol: body.symbol, side: body.side, rule: null })
    const order = yield* telling(body.approved)
    const reserve = yield* telling(limits.prepare({ userId, keyId: body.keyId ?? null, purpose: "manual", order }))
    const row = intentRow(order, {
      userId,
      orderId: yield* makeOrderId(),
      clientOrderId,
      venue: meta.venue,
      book,
      credential: fingerprintOf(credentials.accessKey),
      note: body.note ?? null,
      requestedAt: yield* clock.now,
      rule: null
    })
    const claim = { ...scope, bodyHash, objectId: row.order_id }
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
      yield* admit(intent, reserve, null)
      return { intent }
    })
    const work = Effect.gen(function* () {
      const committed = yield* telling(database.write(commitIntent))
      if ("made" in committed) return yield* repeat(scope, bodyHash, committed.made, body)
      const row = committed.intent
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

  const place = Effect.fn("Orders.place")(function* (userId: UserId, body: ManualOrder, key: RequestKey) {
    if (body.paperFault !== undefined && meta.venue !== "paper") return yield* onPaperOnly()
    const book: BookName = body.book ?? "manual"
    const approved = approve({ userId, symbol: body.symbol, side: body.side, book }, body)
    return yield* once({ userId, route: placeRoute, key: key.idempotencyKey }, key.bodyHash, {
      ...body,
      book,
      approved,
      canBe: (row) => canBeOf(row, body)
    })
  })

  const close = Effect.fn("Orders.close")((userId: UserId, body: CloseOrder, key: RequestKey) => {
    const { allowed, book, maxSlippageBps, symbol } = body
    const approved = Effect.zipRight(allowed, approveAll({ userId, symbol, book }, maxSlippageBps))
    const scope = { userId, route: closeRoute, key: key.idempotencyKey }
    // The symbol is part of the path, and the same key for another one is another request.
    const canBe = (row: OrderRow) => row.symbol === symbol && row.book === book
    return once(scope, hashBody({ symbol, body: key.bodyHash }), { ...body, side: "sell", approved, canBe })
  })

  return { place, close }
})
