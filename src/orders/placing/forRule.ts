import { Effect, Option } from "effect"
import { CredentialVault } from "../../accounts/CredentialVault.ts"
import { fingerprintOf } from "../../accounts/secrets/fingerprintOf.ts"
import { makeOrderId } from "../../domain/Ids.ts"
import { ruleOrderId } from "../../domain/order/clientOrderId.ts"
import type { BookName } from "../../domain/order/Order.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Database } from "../../store/Database.ts"
import { Meta } from "../../store/Meta.ts"
import { TradingLimits } from "../limits/TradingLimits.ts"
import { OrdersRepo } from "../OrdersRepo.ts"
import { Reconciled } from "../reconcile/Reconciled.ts"
import { intentRow } from "../record/intent.ts"
import { orderSlot, type RuleOrder } from "../record/OrderRequest.ts"
import { toOrder } from "../record/OrderRow.ts"
import { Submission } from "../Submission.ts"
import type { Steps } from "./Steps.ts"

/** An order a rule has decided: once per slot, attempt, kind and level. */
export const makeForRule = Effect.fnUntraced(function* (steps: Steps) {
  const { admit, approve, approveWhatIsHeld, finish, tellingRefusal, waitFor } = steps
  const clock = yield* MarketClock
  const database = yield* Database
  const limits = yield* TradingLimits
  const meta = yield* Meta
  const reconciled = yield* Reconciled
  const repo = yield* OrdersRepo
  const submission = yield* Submission
  const vault = yield* CredentialVault

  const placeForRule = Effect.fn("Orders.placeForRule")(function* <E>(ask: RuleOrder<E>) {
    const { userId } = ask
    const name = { ...ask, slot: orderSlot(ask) }
    const before = yield* repo.findBySlot(userId, name)
    if (Option.isSome(before)) return toOrder(yield* waitFor(userId, before.value.order_id, ask.wait))

    const book: BookName = `rule:${ask.ruleId}`
    const side = ask.kind === "exit" ? "sell" : "buy"
    yield* reconciled.assert(userId)
    const credentials = yield* vault.get(userId)
    const question = { userId, symbol: ask.symbol, side, book } as const
    const telling = tellingRefusal({ userId, symbol: ask.symbol, side, rule: name })
    const approved =
      side === "sell" ? approveWhatIsHeld(question, { ...ask, side }) : approve(question, { ...ask, side })
    const order = yield* telling(approved)
    const purpose = side === "sell" ? "exit" : "entry"
    const reserve = yield* telling(limits.prepare({ userId, keyId: null, purpose, order }))
    const row = intentRow(order, {
      userId,
      orderId: yield* makeOrderId(),
      clientOrderId: ruleOrderId(meta, name),
      venue: meta.venue,
      book,
      credential: fingerprintOf(credentials.accessKey),
      note: null,
      requestedAt: yield* clock.now,
      rule: name
    })
    const commitIntent = Effect.gen(function* () {
      const other = yield* repo.findBySlot(userId, name)
      if (Option.isSome(other)) return other.value.order_id
      yield* ask.withIntent
      yield* admit(row, reserve, ask.decision)
      return row.order_id
    })
    const work = Effect.gen(function* () {
      const orderId = yield* telling(database.write(commitIntent))
      if (orderId !== row.order_id) return orderId
      yield* submission.send(row, order, credentials)
      return orderId
    })
    const orderId = yield* finish(submission.holding(row.order_id, work))
    return toOrder(yield* waitFor(userId, orderId, ask.wait))
  })

  return placeForRule
})
