import { Effect, Layer, Schedule } from "effect"
import { Exchange } from "../../Exchange.ts"
import { MarketSource } from "../../MarketSource.ts"

/** More often than interest in a pair runs out. */
const renewEvery = "20 seconds"

/** Has every pair with open orders followed, from the start on: they wait for its prices. */
export const layer = Layer.scopedDiscard(
  Effect.gen(function* () {
    const exchange = yield* Exchange
    const { upstream } = yield* MarketSource
    if (upstream === undefined) return
    const renew = Effect.gen(function* () {
      const accounts = yield* exchange.accounts
      const open = yield* Effect.forEach(accounts, ({ id }) => exchange.openOrders(id, null))
      const symbols = new Set(open.flat().map(({ symbol }) => symbol))
      yield* Effect.forEach(symbols, (symbol) => Effect.ignore(upstream.follow(symbol)), { concurrency: "unbounded" })
    })
    yield* Effect.forkScoped(Effect.repeat(Effect.interruptible(renew), Schedule.spaced(renewEvery)))
  })
)
