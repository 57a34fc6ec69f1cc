import { Clock, Context, Effect, Layer } from "effect"
import type { SymbolName, Ticker } from "../domain/Market.ts"
import { MexcClient } from "../mexc/MexcClient.ts"
import { Cache } from "../store/Cache.ts"
import { freshForMs } from "./feed/Quote.ts"
import { TickerHub } from "./TickerHub.ts"
import { type ExchangeError, exchangeError, type MarketError, symbolNotFound } from "./VenueErrors.ts"

/** All tickers cost 25 weight and 700 kB. */
const lifetime = "3 seconds"

interface Reading {
  readonly tickers: ReadonlyMap<SymbolName, Ticker>
  /** Wall time. */
  readonly readAt: number
}

/** The whole market at a glance: one reading of all tickers for everybody, and what the streams know better. */
export class Tickers extends Context.Tag("dipper/market/Tickers")<
  Tickers,
  {
    readonly all: Effect.Effect<ReadonlyArray<Ticker>, ExchangeError>
    readonly some: (symbols: ReadonlyArray<SymbolName>) => Effect.Effect<ReadonlyArray<Ticker>, MarketError>
    readonly of: (symbol: SymbolName) => Effect.Effect<Ticker, MarketError>
  }
>() {
  static readonly layer: Layer.Layer<Tickers, never, MexcClient | TickerHub | Cache> = Layer.effect(
    Tickers,
    Effect.gen(function* () {
      const mexc = yield* MexcClient
      const hub = yield* TickerHub
      let lastGood: Reading | null = null

      const load = Effect.gen(function* () {
        const tickers = yield* Effect.mapError(mexc.tickers, exchangeError)
        const readAt = yield* Clock.currentTimeMillis
        lastGood = { tickers: new Map(tickers.map((ticker) => [ticker.symbol, ticker])), readAt }
        return lastGood
      })

      const cache = yield* (yield* Cache).open({
        kind: "tickers",
        capacity: 1,
        lifetime,
        nameOf: () => "all",
        load: () => load
      })

      /** While the venue fails, what it said last, marked as the memory it is. */
      const reading = Effect.gen(function* () {
        const { value, cached } = yield* Effect.catchAll(cache.get(undefined), (failure) =>
          lastGood === null ? Effect.fail(failure) : Effect.succeed({ value: lastGood, cached: true })
        )
        const stale = (yield* Clock.currentTimeMillis) - value.readAt > freshForMs
        const told = (ticker: Ticker): Ticker => (cached ? { ...ticker, source: "cache", stale } : ticker)
        return { tickers: value.tickers, told }
      })

      const live = Effect.fnUntraced(function* (symbol: SymbolName) {
        const ticker = yield* hub.remembered(symbol)
        return ticker === null || ticker.stale ? null : ticker
      })

      const all = Effect.gen(function* () {
        const { tickers, told } = yield* reading
        const better = yield* Effect.forEach(yield* hub.watched, live)
        const bySymbol = new Map(
          better.flatMap((ticker) => (ticker === null ? [] : [[ticker.symbol, ticker] as const]))
        )
        return [...tickers.values()].map((ticker) => bySymbol.get(ticker.symbol) ?? told(ticker))
      }).pipe(Effect.withSpan("Tickers.all"))

      const of = Effect.fn("Tickers.of")(function* (symbol: SymbolName) {
        const fresh = yield* live(symbol)
        if (fresh !== null) return fresh
        const { tickers, told } = yield* reading
        const ticker = tickers.get(symbol)
        return ticker === undefined ? yield* symbolNotFound(symbol) : told(ticker)
      })

      return { all, of, some: (symbols) => Effect.forEach(symbols, of) }
    })
  )
}
