import { Context, Effect, Layer } from "effect"
import { InsufficientBalance, type DatabaseUnavailable, type SymbolNotFound } from "../api/Errors.ts"
import * as Decimal from "../domain/Decimal.ts"
import type { UserId } from "../domain/Ids.ts"
import type { Side, SymbolName } from "../domain/Market.ts"
import type { BookName } from "../domain/order/Order.ts"
import type { RiskContext } from "../domain/order/risk.ts"
import { reason } from "../domain/Reason.ts"
import type { Instant } from "../domain/Time.ts"
import { Symbols } from "../market/Symbols.ts"
import { TickerHub } from "../market/TickerHub.ts"
import { MarketClock } from "../MarketClock.ts"
import { Books } from "../portfolio/Books.ts"
import { Wallets, type WalletError } from "../portfolio/Wallets.ts"
import { OrdersRepo } from "./OrdersRepo.ts"
import type { OrderRow } from "./record/OrderRow.ts"

export interface RiskQuestion {
  readonly userId: UserId
  readonly symbol: SymbolName
  readonly side: Side
  readonly book: BookName
}

type BookQuestion = Omit<RiskQuestion, "side">

/** What an order is checked against, with the age of its price. */
export interface RiskInput extends RiskContext {
  readonly asOf: Instant
}

/** Gathers the venue's rules, the best prices, the free balances and the book an order is checked against. */
export class RiskInputs extends Context.Tag("dipper/orders/RiskInputs")<
  RiskInputs,
  {
    readonly gather: (question: RiskQuestion) => Effect.Effect<RiskInput, SymbolNotFound | WalletError>
    /** Inside the intent's transaction, which sees what other intents have taken since: funds and book still cover it. */
    readonly assertHeld: (intent: OrderRow) => Effect.Effect<void, InsufficientBalance | DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    RiskInputs,
    Effect.gen(function* () {
      const books = yield* Books
      const clock = yield* MarketClock
      const hub = yield* TickerHub
      const symbols = yield* Symbols
      const wallets = yield* Wallets

      const repo = yield* OrdersRepo

      /** Sells under way take from their book before they fill. */
      const unsold = Effect.fnUntraced(function* (question: BookQuestion, quantity: Decimal.Decimal) {
        const selling = yield* repo.selling(question.userId, question.symbol, question.book)
        return Decimal.max(Decimal.zero, Decimal.subtract(quantity, selling))
      })

      /** Whatever no rule holds is the manual book's: deposits and opening balances have no fills. */
      const bookQuantity = Effect.fnUntraced(function* (
        question: BookQuestion,
        baseAsset: string,
        total: Decimal.Decimal
      ) {
        if (question.book !== "manual")
          return yield* unsold(question, (yield* books.lots(question.userId, question.symbol, question.book)).quantity)
        const held = yield* books.heldByRules(question.userId, baseAsset)
        return yield* unsold(question, Decimal.subtract(total, held))
      })

      const gather = Effect.fn("RiskInputs.gather")(function* (question: RiskQuestion) {
        const { side, symbol, userId } = question
        const info = yield* symbols.get(symbol)
        // A rule's buy has waited for it already, and what a rule sells waits for nothing.
        if (question.book === "manual") yield* hub.caughtUp(symbol)
        // A limit order needs no price; an order that does is refused for the want of it.
        const ticker = yield* Effect.orElseSucceed(hub.latest(symbol), () => null)
        const asset = side === "buy" ? info.quoteAsset : info.baseAsset
        const holding = yield* wallets.holding(userId, asset)
        const input: RiskInput = {
          symbol: info,
          quote: ticker === null ? null : { bid: ticker.bid, ask: ticker.ask, last: ticker.last, stale: ticker.stale },
          availableQuote: side === "buy" ? holding.available : null,
          availableBase: side === "sell" ? holding.available : null,
          bookQuantity:
            side === "sell"
              ? yield* bookQuantity(question, info.baseAsset, Decimal.add(holding.free, holding.locked))
              : null,
          asOf: ticker?.asOf ?? (yield* clock.now)
        }
        return input
      })

      const assertHeld = Effect.fn("RiskInputs.assertHeld")(function* (intent: OrderRow) {
        const needed = intent.reserve_amount
        const asset = intent.reserve_asset
        const { available, free, locked } = yield* wallets.keptHolding(intent.user_id, asset)
        if (Decimal.lessThan(available, needed)) return yield* short(needed, available, asset, "the free balance")
        if (intent.side === "buy") return
        const question = { userId: intent.user_id, symbol: intent.symbol, book: intent.book }
        const book = yield* bookQuantity(question, intent.base_asset, Decimal.add(free, locked))
        if (Decimal.lessThan(book, needed)) return yield* short(needed, book, asset, "the book")
      })

      return RiskInputs.of({ gather, assertHeld })
    })
  )
}

const short = (needed: Decimal.Decimal, held: Decimal.Decimal, asset: string, where: string) => {
  const text = Decimal.format
  const message = `The order needs ${text(needed)} ${asset}; ${where} has ${text(held)} now.`
  return new InsufficientBalance({
    message,
    reason: reason("INSUFFICIENT_FUNDS", { asset, needed: text(needed), available: text(held) })
  })
}
