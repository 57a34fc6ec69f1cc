import { type Context, Effect, FiberMap, Schedule, type Scope } from "effect"
import { Exchange } from "../Exchange.ts"
import { MarketSource } from "../MarketSource.ts"
import * as Refusals from "../Refusals.ts"

/** More often than a mirror loses interest in a pair. */
const renewEvery = "20 seconds"

/** Keeps pairs at hand while somebody is subscribed to them: only a mirror has to fetch them, and may have to wait. */
export interface Interest {
  readonly begin: (symbol: string) => void
  /** The exchange as pushes may ask it: a pair that is not at hand is refused at once, so that no push waits for it. */
  readonly exchange: Context.Tag.Service<typeof Exchange>
}

export const makeInterest = (
  subscribed: () => Iterable<string>
): Effect.Effect<Interest, never, Exchange | MarketSource | Scope.Scope> =>
  Effect.gen(function* () {
    const exchange = yield* Exchange
    const { upstream } = yield* MarketSource
    if (upstream === undefined) return { begin: () => undefined, exchange }

    const preparing = yield* FiberMap.make<string, void>()
    const run = yield* FiberMap.runtime(preparing)<never>()
    const begin = (symbol: string) => {
      run(symbol, Effect.ignore(exchange.prepare(symbol)), { onlyIfMissing: true })
    }
    const renew = Effect.sync(() => {
      for (const symbol of subscribed()) begin(symbol)
    })
    yield* Effect.forkScoped(Effect.repeat(renew, Schedule.spaced(renewEvery)))

    const atHand = <A, E, R>(symbol: string, answer: Effect.Effect<A, E, R>) =>
      Effect.if(exchange.isPrepared(symbol), { onTrue: () => answer, onFalse: Refusals.upstreamAway })
    return {
      begin,
      exchange: {
        ...exchange,
        book: (symbol, depth) => atHand(symbol, exchange.book(symbol, depth)),
        ticker: (symbol) => atHand(symbol, exchange.ticker(symbol)),
        candles: (query) => atHand(query.symbol, exchange.candles(query))
      }
    }
  })
