import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { bookOf } from "../../src/autobuy/record/bookOf.ts"
import * as Decimal from "../../src/domain/Decimal.ts"
import { RuleId, UserId } from "../../src/domain/Ids.ts"
import { Symbols } from "../../src/market/Symbols.ts"
import { TickerHub } from "../../src/market/TickerHub.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { OrdersRepo } from "../../src/orders/OrdersRepo.ts"
import { RiskInputs } from "../../src/orders/RiskInputs.ts"
import { Books } from "../../src/portfolio/Books.ts"
import { Wallets } from "../../src/portfolio/Wallets.ts"
import { symbolInfo } from "../domain/rule/fixtures.ts"
import { tickerAt } from "../market/stubs.ts"

const { symbol } = symbolInfo

it.effect.each([
  { whose: "a person's order is checked by a book that has caught up with the price", book: "manual", last: "49990" },
  {
    whose: "an order of a rule waits for no book",
    book: bookOf(RuleId.make("rule_01hzy3v7k2m4n6p8q0r2s4t6v8")),
    last: "60000"
  }
] as const)("$whose", ({ book, last }) => {
  let price = "60000"
  const hub = Layer.mock(TickerHub, {
    caughtUp: () => Effect.sync(() => void (price = "49990")),
    latest: () => Effect.sync(() => tickerAt(symbol, price, 0))
  })
  const holding = { available: Decimal.one, free: Decimal.one, locked: Decimal.zero, reserved: Decimal.zero }
  const others = Layer.mergeAll(
    hub,
    Layer.mock(Symbols, { get: () => Effect.succeed(symbolInfo) }),
    Layer.mock(Wallets, { holding: () => Effect.succeed(holding) }),
    Layer.mock(Books, {}),
    Layer.mock(OrdersRepo, {}),
    MarketClock.layer
  )
  return Effect.gen(function* () {
    const { quote } = yield* (yield* RiskInputs).gather({
      userId: UserId.make("local_ann"),
      symbol,
      side: "buy",
      book
    })
    assert.strictEqual(quote?.last && Decimal.format(quote.last), last)
  }).pipe(Effect.provide(Layer.provide(RiskInputs.layer, others)))
})
