import { Clock, Context, Effect, Layer } from "effect"
import type { Candles as CandlesAnswer, Trades } from "../api/Market.ts"
import { StaleMarketData, type ValidationFailed } from "../api/Errors.ts"
import * as Decimal from "../domain/Decimal.ts"
import type { OrderBook, SymbolInfo, SymbolName, Ticker } from "../domain/Market.ts"
import type { Instant } from "../domain/Time.ts"
import { MarketClock } from "../MarketClock.ts"
import { MexcClient } from "../mexc/MexcClient.ts"
import { Cache } from "../store/Cache.ts"
import { type CandlePage, candlePage } from "./candles/candlePage.ts"
import { Candles } from "./Candles.ts"
import { OrderBooks } from "./OrderBooks.ts"
import { Symbols } from "./Symbols.ts"
import { TickerHub, type TickerPeek } from "./TickerHub.ts"
import { Tickers } from "./Tickers.ts"
import { type ExchangeError, type MarketError, marketError } from "./VenueErrors.ts"

/** A book is read again for whoever asks this long after it was read. */
const bookLifetime = "1 second"
const tradesLifetime = "1 second"
const booksKept = 200

const defaultDepth = 20

/** Readers of 5 and of 20 levels share a book; the venue asks the same weight for any depth. */
const depths = [20, 100, 1_000]
const tradeCounts = [100, 500]

/** Reading one ticker opens its stream; beyond this many streams it is looked up among all tickers instead. */
const streamsOnDemand = 100

/** `now` is wall time. */
export interface LiveMarket {
  readonly ticker: TickerPeek
  readonly orderBook: (symbol: SymbolName, now: Instant, depth?: number) => OrderBook | null
}

/** What the venue's market looks like, each value with its `asOf`, `source` and `stale`. */
export class Market extends Context.Tag("dipper/market/Market")<
  Market,
  {
    readonly symbols: Effect.Effect<ReadonlyArray<SymbolInfo>, ExchangeError>
    readonly symbol: (symbol: SymbolName) => Effect.Effect<SymbolInfo, MarketError>
    /** All, or those named; a name the venue does not list fails. */
    readonly tickers: (symbols?: ReadonlyArray<SymbolName>) => Effect.Effect<ReadonlyArray<Ticker>, MarketError>
    readonly ticker: (symbol: SymbolName) => Effect.Effect<Ticker, MarketError>
    /** What streams keep in memory, without a fiber; null where `ticker` or `orderBook` has to be asked. */
    readonly live: Effect.Effect<LiveMarket>
    readonly orderBook: (symbol: SymbolName, depth?: number) => Effect.Effect<OrderBook, MarketError | StaleMarketData>
    /** Newest first. */
    readonly trades: (symbol: SymbolName, limit?: number) => Effect.Effect<Trades, MarketError>
    /** Oldest first: from `from` on, or the latest ones before `to`. */
    readonly candles: (page: CandlePage) => Effect.Effect<CandlesAnswer, MarketError | ValidationFailed>
  }
>() {
  static readonly layer: Layer.Layer<
    Market,
    never,
    Symbols | Tickers | TickerHub | Candles | OrderBooks | MexcClient | MarketClock | Cache
  > = Layer.effect(
    Market,
    Effect.gen(function* () {
      const symbols = yield* Symbols
      const tickers = yield* Tickers
      const isListed = yield* symbols.isListed
      const hub = yield* TickerHub
      const fresh = yield* hub.fresh
      const candles = yield* Candles
      const followed = yield* OrderBooks
      const keptBook = yield* followed.kept
      const mexc = yield* MexcClient
      const market = yield* MarketClock
      const cache = yield* Cache

      const books = yield* cache.open({
        kind: "order books",
        capacity: booksKept,
        lifetime: bookLifetime,
        nameOf: ({ symbol, depth }: { readonly symbol: SymbolName; readonly depth: number }) => `${symbol} ${depth}`,
        load: ({ symbol, depth }) => Effect.mapError(mexc.orderBook(symbol, depth), marketError(symbol))
      })
      const recent = yield* cache.open({
        kind: "trades",
        capacity: booksKept,
        lifetime: tradesLifetime,
        nameOf: ({ symbol, count }: { readonly symbol: SymbolName; readonly count: number }) => `${symbol} ${count}`,
        load: ({ symbol, count }) =>
          Effect.all({ items: Effect.mapError(mexc.trades(symbol, count), marketError(symbol)), asOf: market.now })
      })

      const askedTicker = Effect.fn("Market.ticker")(function* (symbol: SymbolName) {
        yield* symbols.get(symbol)
        const watched = yield* hub.watched
        if (watched.length < streamsOnDemand || watched.includes(symbol)) return yield* hub.latest(symbol)
        return yield* tickers.of(symbol)
      })

      const live: LiveMarket = {
        ticker: (symbol, now) => (isListed(symbol) ? fresh(symbol, now) : null),
        orderBook: (symbol, now, depth = defaultDepth) => {
          const book = isListed(symbol) ? keptBook(symbol, depth, now) : null
          return book === null || isCrossed(book) ? null : book
        }
      }

      // What is asked most costs a few steps while it is live; a span costs more than they do.
      const ticker = (symbol: SymbolName) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          const known = live.ticker(symbol, now)
          return known === null ? askedTicker(symbol) : Effect.succeed(known)
        })

      const someTickers = Effect.fn("Market.tickers")(function* (names?: ReadonlyArray<SymbolName>) {
        if (names === undefined) return yield* tickers.all
        yield* Effect.forEach(names, symbols.get, { discard: true })
        return yield* tickers.some(names)
      })

      const readBook = Effect.fn("Market.orderBook")(function* (symbol: SymbolName, depth: number) {
        const { value: book, cached } = yield* books.get({ symbol, depth: atLeast(depths, depth) })
        if (isCrossed(book)) return yield* crossed(symbol)
        return {
          ...book,
          bids: book.bids.slice(0, depth),
          asks: book.asks.slice(0, depth),
          source: cached ? ("cache" as const) : book.source
        }
      })

      const followedBook = (symbol: SymbolName, depth: number) =>
        Effect.flatMap(followed.read(symbol, depth), (book) =>
          book === null || isCrossed(book) ? readBook(symbol, depth) : Effect.succeed(book)
        )

      const orderBook = (symbol: SymbolName, depth = defaultDepth) =>
        Effect.suspend(() => {
          const book = followedBook(symbol, depth)
          return isListed(symbol) ? book : Effect.zipRight(symbols.get(symbol), book)
        })

      const trades = Effect.fn("Market.trades")(function* (symbol: SymbolName, limit: number = 50) {
        yield* symbols.get(symbol)
        const { value, cached } = yield* recent.get({ symbol, count: atLeast(tradeCounts, limit) })
        const source = cached ? ("cache" as const) : ("rest" as const)
        return { symbol, items: value.items.slice(0, limit), nextCursor: null, asOf: value.asOf, source, stale: false }
      })

      const candlesOf = Effect.fn("Market.candles")(function* (asked: CandlePage) {
        const { symbol, interval } = asked
        yield* symbols.get(symbol)
        const page = yield* candlePage(asked, yield* market.now)
        const { candles: all, asOf, source } = yield* candles.range({ symbol, interval, ...page.range })
        return { symbol, interval, ...page.cut(all), asOf, source, stale: false }
      })

      return {
        symbols: symbols.all,
        symbol: symbols.get,
        tickers: someTickers,
        ticker,
        live: Effect.succeed(live),
        orderBook,
        trades,
        candles: candlesOf
      }
    })
  )
}

const atLeast = (sizes: ReadonlyArray<number>, wanted: number): number => sizes.find((size) => size >= wanted) ?? wanted

const isCrossed = ({ bids, asks }: OrderBook): boolean => {
  const bid = bids[0]
  const ask = asks[0]
  return bid !== undefined && ask !== undefined && Decimal.greaterOrEqual(bid[0], ask[0])
}

const crossed = (symbol: SymbolName) =>
  new StaleMarketData({ message: `The venue's order book of ${symbol} is crossed; try again.`, retryable: true })
