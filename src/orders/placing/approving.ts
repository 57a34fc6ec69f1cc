import { Effect, Either } from "effect"
import { BelowMinimum, InsufficientBalance, ValidationFailed } from "../../api/Errors.ts"
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

  /** Of a book all that is free, as a protected sale. */
  const approveAll = Effect.fnUntraced(function* (question: Omit<RiskQuestion, "side">, maxSlippageBps: number) {
    const context = yield* inputs.gather({ ...question, side: "sell" })
    const { availableBase, bookQuantity, symbol } = context
    const held = Decimal.min(availableBase ?? Decimal.zero, bookQuantity ?? Decimal.zero)
    if (!Decimal.isPositive(held)) return yield* nothingToSell(question, bookQuantity ?? Decimal.zero)
    const quantity = Decimal.quantise(held, symbol.quantityStep, "floor")
    if (!Decimal.isPositive(quantity)) return yield* dust(question, held, symbol.quantityStep)
    const ask: OrderAsk = { side: "sell", type: "market", quantity, maxSlippageBps }
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

  return { approve, approveAll, approveWhatIsHeld, preview }
})

type BookAsked = Pick<RiskQuestion, "symbol" | "book">

const nothingToSell = ({ book, symbol }: BookAsked, held: Decimal.Decimal) =>
  new InsufficientBalance({
    message: Decimal.isPositive(held)
      ? `Nothing of the ${Decimal.format(held)} that the book "${book}" of ${symbol} still has is free; orders hold it.`
      : `The book "${book}" of ${symbol} has nothing to sell, or orders under way sell all of it.`,
    details: [{ path: "book", message: "has nothing free to sell" }]
  })

const dust = ({ book, symbol }: BookAsked, held: Decimal.Decimal, step: Decimal.Decimal) =>
  new BelowMinimum({
    message: `The book "${book}" of ${symbol} has ${Decimal.format(held)}, less than one step of ${Decimal.format(step)}.`,
    details: [{ path: "book", message: "has less than one step" }]
  })

/** An empty book, or one of which nothing is free now, is left to the check that says so. */
const atMostHeld = (ask: OrderAsk, { availableBase, bookQuantity, symbol }: RiskContext): OrderAsk => {
  if (ask.quantity === undefined || availableBase === null || bookQuantity === null) return ask
  const held = Decimal.quantise(Decimal.min(availableBase, bookQuantity), symbol.quantityStep, "floor")
  return Decimal.isPositive(held) ? { ...ask, quantity: Decimal.min(ask.quantity, held) } : ask
}
