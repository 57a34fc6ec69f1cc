import { Context, Effect, Layer, Option, Schema } from "effect"
import { Conflict } from "../api/Errors.ts"
import { Cycles } from "../autobuy/cycle/Cycles.ts"
import { RuleId, type UserId } from "../domain/Ids.ts"
import type { SymbolName } from "../domain/Market.ts"
import type { ClosePosition } from "../domain/order/ClosePosition.ts"
import type { BookName } from "../domain/order/Order.ts"
import type { CloseError } from "../orders/OrderError.ts"
import { Orders, type Placed, type RequestKey } from "../orders/Orders.ts"

/** Sells what is in a book, unless a cycle of the book's rule looks after it. */
export class Closing extends Context.Tag("dipper/service/Closing")<
  Closing,
  {
    readonly close: (
      userId: UserId,
      symbol: SymbolName,
      asked: ClosePosition & { readonly keyId?: string },
      key: RequestKey
    ) => Effect.Effect<Placed, CloseError>
  }
>() {
  static readonly layer = Layer.effect(
    Closing,
    Effect.suspend(() => make)
  )
}

const isRuleId = Schema.is(RuleId)
const ruleOf = (book: BookName): string => book.slice("rule:".length)

const make = Effect.gen(function* () {
  const cycles = yield* Cycles
  const orders = yield* Orders

  const assertNoCycle = Effect.fnUntraced(function* (userId: UserId, book: BookName) {
    const ruleId = ruleOf(book)
    if (book === "manual" || !isRuleId(ruleId)) return
    if (Option.isNone(yield* cycles.openOf(userId, ruleId))) return
    return yield* new Conflict({
      message: `A cycle of the rule is open and sells these lots itself; \`DELETE /trading/rules/${ruleId}?lots=close\` ends it and sells all of them.`
    })
  })

  return Closing.of({
    close: Effect.fn("Closing.close")((userId, symbol, asked, key) =>
      orders.close(userId, { ...asked, symbol, allowed: assertNoCycle(userId, asked.book) }, key)
    )
  })
})
