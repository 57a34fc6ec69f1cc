import { type Context, Effect, Either } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { Market } from "../engine/Market.ts"
import type { PairChange } from "../engine/Pair.ts"
import { breathe, changePair, relist, step } from "../engine/Stepping.ts"
import type { ListingChange, MarketSource, PriceStep } from "../MarketSource.ts"
import type { CandleQuery } from "../Requests.ts"
import type { VenueRejection } from "../VenueRejection.ts"
import type { Commanding } from "./Commanding.ts"

/** Pairs, prices and everything public. */
export const marketCommands = (
  { attempt, command, engine, now, read }: Commanding,
  source: Context.Tag.Service<typeof MarketSource>
) => {
  const ofMarket = <A>(symbol: string, query: (market: Market, now: number) => A) =>
    Effect.flatMap(now, (at) =>
      Effect.flatten(read(() => Either.map(engine.market(symbol), (market) => query(market, at))))
    )
  const { upstream } = source
  const followed = <A>(symbol: string, answer: Effect.Effect<A, VenueRejection>) =>
    upstream === undefined ? answer : Effect.zipRight(upstream.follow(symbol), answer)
  /**
   * A pair's past is made when somebody first asks for it: at the start it would be most of the work and memory, for
   * pairs nobody may ever look at.
   */
  const withPast = <A>(symbol: string, answer: Effect.Effect<A, VenueRejection>) =>
    Effect.suspend(() => {
      const candles = engine.markets.get(symbol)?.candles
      if (candles === undefined || candles.hasPast) return answer
      const { forgotten } = candles
      return Effect.zipRight(
        Effect.map(source.history(symbol), (history) => {
          // Asked for before trades were missed, it may lack them too.
          if (forgotten !== candles.forgotten) return
          if (upstream === undefined) candles.load(history)
          else candles.replace(history)
        }),
        answer
      )
    })
  const ticker = (symbol: string) =>
    followed(
      symbol,
      withPast(
        symbol,
        ofMarket(symbol, (market, at) => market.ticker(at))
      )
    )
  const symbols = () =>
    [...engine.markets.values()].flatMap(({ listing, pair }) => (pair.listed ? [listing.symbol] : []))
  return {
    pairs: Effect.sync(() => [...engine.markets.values()].map((market) => market.pair)),
    changePair: (symbol: string, change: PairChange) => attempt((at) => changePair(engine, symbol, change, at)),
    relist: (changes: ReadonlyArray<ListingChange>) =>
      command((at) => changes.forEach((each) => relist(engine, each, at))),
    book: (symbol: string, depth: number) =>
      followed(
        symbol,
        ofMarket(symbol, (market) => market.snapshot(depth))
      ),
    ticker,
    tickers: Effect.suspend(() =>
      upstream === undefined
        ? Effect.forEach(symbols(), ticker)
        : Effect.map(upstream.tickers, (all) =>
            symbols().flatMap((symbol) => {
              const told = all.get(symbol)
              if (told === undefined) return []
              const market = upstream.halted(symbol) ? undefined : engine.markets.get(symbol)
              return market === undefined ? [told] : [{ ...told, ...market.prices() }]
            })
          )
    ),
    trades: (symbol: string, limit: number) => {
      const local = ofMarket(symbol, (market) => market.trades(limit))
      if (upstream === undefined) return local
      const past = followed(symbol, upstream.trades(symbol))
      return Effect.zipWith(past, local, (older, newer) => [...newer, ...older].slice(0, limit))
    },
    candles: (query: CandleQuery) => {
      const local = withPast(
        query.symbol,
        ofMarket(query.symbol, (market, at) => market.candles.query(query, at))
      )
      if (upstream === undefined) return local
      return Effect.flatMap(followed(query.symbol, local), (known) => upstream.withOlder(query, known))
    },
    prepare: (symbol: string) =>
      upstream === undefined ? Effect.void : followed(symbol, withPast(symbol, Effect.void)),
    isPrepared: (symbol: string) =>
      Effect.sync(
        () =>
          upstream === undefined || (!upstream.halted(symbol) && engine.markets.get(symbol)?.candles.hasPast === true)
      ),
    upstream: upstream === undefined ? Effect.succeedNone : Effect.asSome(upstream.describe),
    breathe: (symbols: ReadonlyArray<string>) =>
      command((at) => symbols.forEach((symbol) => breathe(engine, symbol, at))),
    applySteps: (steps: ReadonlyArray<PriceStep>) => command(() => steps.forEach((each) => step(engine, each)))
  }
}

/** Puts every market at its price, a remembered one first; orders that rested over a restart meet it at once. */
export const openMarkets = Effect.fnUntraced(function* (
  { command, engine, now }: Commanding,
  source: Context.Tag.Service<typeof MarketSource>
) {
  const at = yield* now
  const quiet: Array<PriceStep> = []
  for (const market of engine.markets.values()) {
    const { symbol } = market.listing
    const price = market.last ?? (yield* source.priceAtStart(symbol))
    if (price !== null) quiet.push({ symbol, at, price, quantity: Decimal.zero, takerSide: "buy" })
  }
  yield* command(() => quiet.forEach((each) => step(engine, each)))
})
