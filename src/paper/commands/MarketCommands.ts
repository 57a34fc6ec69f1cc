import { type Context, Effect, Either } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { Market } from "../engine/Market.ts"
import type { PairChange } from "../engine/Pair.ts"
import { breathe, changePair, step } from "../engine/Stepping.ts"
import type { MarketSource, PriceStep } from "../MarketSource.ts"
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
  /**
   * A pair's past is made when somebody first asks for it: at the start it would be most of the work and memory, for
   * pairs nobody may ever look at.
   */
  const withPast = <A>(symbol: string, answer: Effect.Effect<A, VenueRejection>) =>
    Effect.suspend(() => {
      const candles = engine.markets.get(symbol)?.candles
      if (candles === undefined || candles.hasPast) return answer
      return Effect.zipRight(
        Effect.map(source.history(symbol), (history) => candles.load(history)),
        answer
      )
    })
  return {
    listings: source.listings,
    pairs: Effect.sync(() => [...engine.markets.values()].map((market) => market.pair)),
    changePair: (symbol: string, change: PairChange) => attempt((at) => changePair(engine, symbol, change, at)),
    book: (symbol: string, depth: number) => ofMarket(symbol, (market) => market.snapshot(depth)),
    ticker: (symbol: string) =>
      withPast(
        symbol,
        ofMarket(symbol, (market, at) => market.ticker(at))
      ),
    trades: (symbol: string, limit: number) => ofMarket(symbol, (market) => market.trades(limit)),
    candles: (query: CandleQuery) =>
      withPast(
        query.symbol,
        ofMarket(query.symbol, (market, at) => market.candles.query(query, at))
      ),
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
