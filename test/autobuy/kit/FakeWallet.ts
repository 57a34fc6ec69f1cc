import { Context, Effect, Layer, Option } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { Books } from "../../../src/portfolio/Books.ts"
import { Wallets } from "../../../src/portfolio/Wallets.ts"
import { d } from "../../domain/rule/fixtures.ts"
import { settleDown } from "./time.ts"

/** The user's free balance; without a word from the test it stands still. */
export class FakeWallet extends Context.Tag("test/FakeWallet")<
  FakeWallet,
  {
    /** What is free from now on, as the venue tells it. */
    readonly setFree: (amount: string) => Effect.Effect<void>
    /** What every rule's own book holds, and the price of its last buy. */
    readonly setHeld: (held: {
      readonly quantity: string
      readonly cost: string
      readonly lastBuy: string | null
    }) => Effect.Effect<void>
    /** How often the venue was asked for it. */
    readonly asked: Effect.Effect<number>
  }
>() {}

export const portfolio = Layer.scopedContext(
  Effect.gen(function* () {
    const handlers = new Set<() => void>()
    let free: string | null = null
    let asked = 0
    let held = { quantity: Decimal.zero, totalCost: Decimal.zero, lastBuy: Option.none<Decimal.Decimal>() }
    const fake = FakeWallet.of({
      setHeld: ({ cost, lastBuy, quantity }) =>
        Effect.sync(() => {
          held = { quantity: d(quantity), totalCost: d(cost), lastBuy: Option.map(Option.fromNullable(lastBuy), d) }
        }),
      asked: Effect.sync(() => asked),
      setFree: (amount) =>
        Effect.suspend(() => {
          free = amount
          for (const handler of handlers) handler()
          return settleDown
        })
    })
    const real = Layer.mock(Wallets, {
      freeOf: () => Effect.sync(() => (asked++, d(free ?? "10000"))),
      // Another rule's intent takes a hundred between the decision and ours.
      keptFreeOf: () => Effect.sync(() => d(free ?? "9900")),
      onChange: (_, handler) =>
        Effect.acquireRelease(
          Effect.sync(() => void handlers.add(handler)),
          () => Effect.sync(() => handlers.delete(handler))
        )
    })
    const books = Layer.mock(Books, {
      lastBuy: () => Effect.sync(() => Option.getOrNull(held.lastBuy)),
      averageCost: () => Effect.succeed(null),
      lots: () =>
        Effect.sync(() => ({
          quantity: held.quantity,
          totalCost: held.totalCost,
          realisedPnl: Decimal.zero,
          fees: Decimal.zero,
          incomplete: false,
          lastBuy: null
        }))
    })
    return Context.make(FakeWallet, fake).pipe(Context.merge(yield* Layer.build(Layer.merge(real, books))))
  })
)
