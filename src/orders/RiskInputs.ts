import { Context, Effect, Layer } from "effect"
import type { SymbolNotFound } from "../api/Errors.ts"
import * as Decimal from "../domain/Decimal.ts"
import type { UserId } from "../domain/Ids.ts"
import type { Side, SymbolInfo, SymbolName } from "../domain/Market.ts"
import type { BookName } from "../domain/order/Order.ts"
import type { RiskContext } from "../domain/order/risk.ts"
import type { Instant } from "../domain/Time.ts"
import { Symbols } from "../market/Symbols.ts"
import { TickerHub } from "../market/TickerHub.ts"
import { MarketClock } from "../MarketClock.ts"
import { Books } from "../portfolio/Books.ts"
import { Wallets, type Holding, type WalletError } from "../portfolio/Wallets.ts"

export interface RiskQuestion {
  readonly userId: UserId
  readonly symbol: SymbolName
  readonly side: Side
  readonly book: BookName
}

/** What an order is checked against, with the age of its price. */
export interface RiskInput extends RiskContext {
  readonly asOf: Instant
}

/** Gathers the venue's rules, the best prices, the free balances and the book an order is checked against. */
export class RiskInputs extends Context.Tag("dipper/orders/RiskInputs")<
  RiskInputs,
  { readonly gather: (question: RiskQuestion) => Effect.Effect<RiskInput, SymbolNotFound | WalletError> }
>() {
  static readonly layer = Layer.effect(
    RiskInputs,
    Effect.gen(function* () {
      const books = yield* Books
      const clock = yield* MarketClock
      const hub = yield* TickerHub
      const symbols = yield* Symbols
      const wallets = yield* Wallets

      /** Whatever no rule holds is the manual book's: deposits and opening balances have no fills. */
      const bookQuantity = Effect.fnUntraced(function* (question: RiskQuestion, info: SymbolInfo, base: Holding) {
        if (question.book !== "manual")
          return (yield* books.lots(question.userId, question.symbol, question.book)).quantity
        const held = yield* books.heldByRules(question.userId, info.baseAsset)
        return Decimal.max(Decimal.zero, Decimal.subtract(Decimal.add(base.free, base.locked), held))
      })

      const gather = Effect.fn("RiskInputs.gather")(function* (question: RiskQuestion) {
        const { side, symbol, userId } = question
        const info = yield* symbols.get(symbol)
        // A limit order needs no price; an order that does is refused for the want of it.
        const ticker = yield* Effect.orElseSucceed(hub.latest(symbol), () => null)
        const asset = side === "buy" ? info.quoteAsset : info.baseAsset
        const holding = yield* wallets.holding(userId, asset)
        const input: RiskInput = {
          symbol: info,
          quote: ticker === null ? null : { bid: ticker.bid, ask: ticker.ask, stale: ticker.stale },
          availableQuote: side === "buy" ? holding.available : null,
          availableBase: side === "sell" ? holding.available : null,
          bookQuantity: side === "sell" ? yield* bookQuantity(question, info, holding) : null,
          asOf: ticker?.asOf ?? (yield* clock.now)
        }
        return input
      })

      return RiskInputs.of({ gather })
    })
  )
}
