import { Effect, Either } from "effect"
import { ValidationFailed } from "../../api/Errors.ts"
import * as Decimal from "../../domain/Decimal.ts"
import type { UserId } from "../../domain/Ids.ts"
import type { BookName } from "../../domain/order/Order.ts"
import type { OrderPreview, PlaceOrder } from "../../domain/order/PlaceOrder.ts"
import { ApprovedOrder, assess, type OrderAsk, type RiskContext } from "../../domain/order/risk.ts"
import { riskError } from "../record/Refusal.ts"
import { RiskInputs, type RiskQuestion } from "../RiskInputs.ts"

/** What is checked before an intent exists, and its rehearsal. */
export const makeApproving = Effect.gen(function* () {
  const inputs = yield* RiskInputs

  const gather = (question: RiskQuestion) =>
    Effect.catchTag(inputs.gather(question), "SYMBOL_NOT_FOUND", ({ message }) =>
      Effect.fail(new ValidationFailed({ message, details: [{ path: "symbol", message }] }))
    )

  const approve = Effect.fnUntraced(function* (question: RiskQuestion, ask: OrderAsk) {
    const context = yield* gather(question)
    return yield* Either.mapLeft(ApprovedOrder.check(ask, context), riskError)
  })

  /** A sell of what a rule holds: fees taken in the asset and sells under way leave less than was bought. */
  const approveWhatIsHeld = Effect.fnUntraced(function* (question: RiskQuestion, ask: OrderAsk) {
    const context = yield* gather(question)
    return yield* Either.mapLeft(ApprovedOrder.check(atMostHeld(ask, context), context), riskError)
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

  return { approve, approveWhatIsHeld, preview }
})

/** An empty book, or one of which nothing is free now, is left to the check that says so. */
const atMostHeld = (ask: OrderAsk, { availableBase, bookQuantity, symbol }: RiskContext): OrderAsk => {
  if (ask.quantity === undefined || availableBase === null || bookQuantity === null) return ask
  const held = Decimal.quantise(Decimal.min(availableBase, bookQuantity), symbol.quantityStep, "floor")
  return Decimal.isPositive(held) ? { ...ask, quantity: Decimal.min(ask.quantity, held) } : ask
}
