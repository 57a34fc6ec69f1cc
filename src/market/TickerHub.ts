import { Clock, Context, Effect, Layer, Queue, RcMap, type Scope, Stream } from "effect"
import { ExchangeUnavailable } from "../api/Errors.ts"
import type { SymbolName, Ticker } from "../domain/Market.ts"
import type { Instant } from "../domain/Time.ts"
import { MexcStream } from "../mexc/MexcStream.ts"
import { ageOf, freshForMs, isBookBehind, isFresh, type Quote, type Tick, tickOf, tickerOf } from "./feed/Quote.ts"
import { makeSymbolFeed, type SymbolFeed, type TickHandler, type TickListener } from "./feed/SymbolFeed.ts"
import { TickerReader } from "./feed/TickerReader.ts"
import { type MarketError, marketError } from "./VenueErrors.ts"

/** A symbol nobody watches any more keeps its subscription this long: the next reader is often the same. */
const idleFor = "60 seconds"

/** `fresh` is no watcher: this often it asks for `latest` instead, which is one. */
const keptAliveEveryMs = 20_000

/** A symbol whose stream is silent is read by REST this often: in time for nobody to find it stale. */
const silentForMs = freshForMs - 2_000

/** One reading serves every symbol: those that will be silent soon are read along with one that is. */
const silentSoonMs = 4_000

/** All tickers cost as much as one: readings of many are at least so far apart, however many connections come back. */
const manyEveryMs = 2_000

/** 24 h figures cost 25 weight: read again no more often than this, and only for those who ask for them. */
const dayFiguresForMs = 60_000

/** How often silent streams are looked for. */
const lookEvery = "1 second"

/** Best prices follow a trade within a tenth of a second; those that have not after this will not. */
const bookPatience = "500 millis"

/** After a reading failed, the next one waits this long. */
const retryAfterMs = 2_000

/** The stream has said so since the reading was asked for. */
const oneSided = (symbol: SymbolName) =>
  new ExchangeUnavailable({ message: `The book of ${symbol} has one side only; try again later.`, retryable: true })

export interface HubHealth {
  readonly watched: number
  readonly stale: number
  readonly lastMessageAt: Instant | null
  /**
   * Wall milliseconds since message or reading confirmed a watched symbol: the one confirmed last, and the one whose turn
   * was longest ago, infinite where nothing has. Null when nothing is watched.
   */
  readonly age: { readonly least: number; readonly most: number } | null
}

/** A look into memory. */
export type TickerPeek = (symbol: SymbolName, now: Instant) => Ticker | null

/** Live prices: one upstream subscription per symbol, whoever and however many watch it. */
export class TickerHub extends Context.Tag("dipper/market/TickerHub")<
  TickerHub,
  {
    /** Keeps the symbol's subscription alive with the scope; does not wait for its first price. */
    readonly watch: (symbol: SymbolName) => Effect.Effect<void, never, Scope.Scope>
    /** From the stream where it is fresh, else read. When reading fails too, what is remembered, `stale`. */
    readonly latest: (symbol: SymbolName) => Effect.Effect<Ticker, MarketError>
    /** The last tick as it was, without asking anybody; null for a symbol without one. */
    readonly current: (symbol: SymbolName) => Effect.Effect<Tick | null>
    /** The ticker as known, without asking anybody; null for a symbol nobody watches. Asking keeps its day's figures fresh. */
    readonly remembered: (symbol: SymbolName) => Effect.Effect<Ticker | null>
    /**
     * Tells, without a fiber and at wall time `now`, the ticker while its stream is fresh, the same object until something
     * changes; null where `latest` has to be asked, and now and then, because only that keeps the subscription.
     */
    readonly fresh: Effect.Effect<TickerPeek>
    /** For displays: a subscriber that is more than a few hundred ticks behind loses the oldest. */
    readonly ticks: (symbol: SymbolName) => Stream.Stream<Tick>
    /** For rules: every tick, in order, while the scope lives. The feed waits for the handler. */
    readonly onTick: (symbol: SymbolName, handler: TickHandler) => Effect.Effect<void, never, Scope.Scope>
    /** The same for those that need no effect, of which a price may have many: told first, and at once. */
    readonly listen: (symbol: SymbolName, listener: TickListener) => Effect.Effect<void, never, Scope.Scope>
    /**
     * Waits for best prices that are not behind the last trade, so that nobody judges a price that has leapt by the book from
     * before; half a second at most, then they stand as they are.
     */
    readonly caughtUp: (symbol: SymbolName) => Effect.Effect<void>
    /** Wall milliseconds since message or reading confirmed the symbol; infinite where nothing has. */
    readonly dataAge: (symbol: SymbolName) => Effect.Effect<number>
    /** Reads the symbol once by REST, as a tick to all who watch it. */
    readonly refresh: (symbol: SymbolName) => Effect.Effect<Ticker, MarketError>
    readonly watched: Effect.Effect<ReadonlyArray<SymbolName>>
    readonly health: Effect.Effect<HubHealth>
  }
>() {
  static readonly layer: Layer.Layer<TickerHub, never, MexcStream | TickerReader> = Layer.scoped(
    TickerHub,
    Effect.gen(function* () {
      const stream = yield* MexcStream
      const reader = yield* TickerReader
      const live = new Map<SymbolName, SymbolFeed>()
      const askedForDay = new Map<SymbolName, number>()
      const shown = new WeakMap<Quote, Ticker>()
      const due = yield* Queue.sliding<void>(1)

      const feeds = yield* RcMap.make({
        idleTimeToLive: idleFor,
        lookup: (symbol: SymbolName) =>
          makeSymbolFeed(symbol, {
            follow: (handle) => stream.followMarket(symbol, handle),
            reader,
            onDue: Queue.offer(due, undefined)
          }).pipe(
            Effect.tap((feed) => Effect.sync(() => live.set(symbol, feed))),
            Effect.tap(() =>
              Effect.addFinalizer(() => Effect.sync(() => (live.delete(symbol), askedForDay.delete(symbol))))
            )
          )
      })

      const isDue = (feed: SymbolFeed, now: number): boolean => {
        if (now - feed.triedAt() < retryAfterMs) return false
        if (now >= feed.readDueAt()) return true
        const quote = feed.quote()
        // A halted market confirms nothing however often it is read.
        if (ageOf(quote, now) > silentForMs && now - feed.triedAt() >= silentForMs) return true
        return (askedForDay.get(feed.symbol) ?? 0) > quote.dayReadAt && now - quote.dayReadAt > dayFiguresForMs
      }

      const isDueSoon = (feed: SymbolFeed, now: number): boolean =>
        ageOf(feed.quote(), now) > silentSoonMs && now - feed.triedAt() >= silentSoonMs

      let manyReadAt = Number.NEGATIVE_INFINITY
      const readDue = Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const feeds = [...live.values()].filter((feed) => !feed.isReading())
        if (now - manyReadAt < manyEveryMs || !feeds.some((feed) => isDue(feed, now))) return
        const silent = feeds.filter((feed) => isDue(feed, now) || isDueSoon(feed, now))
        if (silent.length > 1) manyReadAt = now
        yield* Effect.forEach(
          silent,
          (feed) =>
            Effect.catchAll(feed.read, (failure) =>
              Effect.logWarning("a silent symbol could not be read", { symbol: feed.symbol, failure: failure._tag })
            ),
          { concurrency: "unbounded", discard: true }
        )
      })

      yield* readDue.pipe(
        // A reading that takes long must not keep the next look waiting.
        Effect.forkScoped,
        Effect.zipRight(Effect.raceFirst(Queue.take(due), Effect.sleep(lookEvery))),
        Effect.forever,
        Effect.forkScoped
      )

      const watch = (symbol: SymbolName) => Effect.asVoid(RcMap.get(feeds, symbol))

      const read = (feed: SymbolFeed) =>
        feed.read.pipe(
          Effect.mapError(marketError(feed.symbol)),
          Effect.zipRight(Clock.currentTimeMillis),
          Effect.map((now) => tickerOf(feed.quote(), now)),
          Effect.flatMap((ticker) => (ticker === null ? oneSided(feed.symbol) : Effect.succeed(ticker)))
        )

      const latest = Effect.fn("TickerHub.latest")(function* (symbol: SymbolName) {
        const feed = yield* RcMap.get(feeds, symbol)
        const now = yield* Clock.currentTimeMillis
        askedForDay.set(symbol, now)
        feed.keptAliveAt = now
        const known = tickerOf(feed.quote(), now)
        if (known !== null && !known.stale) return known
        return yield* known === null
          ? read(feed)
          : Effect.catchTags(read(feed), {
              EXCHANGE_UNAVAILABLE: () => Effect.succeed(known),
              EXCHANGE_RATE_LIMITED: () => Effect.succeed(known)
            })
      }, Effect.scoped)

      const refresh = Effect.fn("TickerHub.refresh")(function* (symbol: SymbolName) {
        return yield* read(yield* RcMap.get(feeds, symbol))
      }, Effect.scoped)

      const onTick = Effect.fn("TickerHub.onTick")(function* (symbol: SymbolName, handler: TickHandler) {
        const { handlers } = yield* RcMap.get(feeds, symbol)
        // A handler of its own for each registration: the same function may be registered twice.
        const ours: TickHandler = (tick) => handler(tick)
        yield* Effect.acquireRelease(
          Effect.sync(() => handlers.add(ours)),
          () => Effect.sync(() => handlers.delete(ours))
        )
      })

      const listen = Effect.fn("TickerHub.listen")(function* (symbol: SymbolName, listener: TickListener) {
        const { listeners } = yield* RcMap.get(feeds, symbol)
        const ours: TickListener = (tick) => listener(tick)
        yield* Effect.acquireRelease(
          Effect.sync(() => listeners.add(ours)),
          () => Effect.sync(() => listeners.delete(ours))
        )
      })

      const ticks = (symbol: SymbolName) =>
        Stream.unwrapScoped(
          RcMap.get(feeds, symbol).pipe(
            Effect.flatMap((feed) => feed.ticks),
            Effect.map((shown) => Stream.fromPubSub(shown))
          )
        )

      const caughtUp = (symbol: SymbolName) =>
        Effect.suspend(() => {
          const feed = live.get(symbol)
          if (feed === undefined || !isBookBehind(feed.quote())) return Effect.void
          return Effect.async<void>((resume) => {
            const stop = () => feed.listeners.delete(look)
            const look = (): void => {
              if (isBookBehind(feed.quote())) return
              stop()
              resume(Effect.void)
            }
            feed.listeners.add(look)
            // It may have come before anybody listened.
            look()
            return Effect.sync(stop)
          }).pipe(Effect.timeoutOption(bookPatience), Effect.asVoid)
        })

      const current = (symbol: SymbolName) =>
        Effect.sync(() => {
          const quote = live.get(symbol)?.quote()
          return quote === undefined ? null : tickOf(quote, "rest", quote.confirmedAt, false)
        })

      const remembered = (symbol: SymbolName) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const feed = live.get(symbol)
          if (feed === undefined) return null
          askedForDay.set(symbol, now)
          return tickerOf(feed.quote(), now)
        })

      const fresh: TickerPeek = (symbol, now) => {
        const feed = live.get(symbol)
        if (feed === undefined || now - feed.keptAliveAt > keptAliveEveryMs) return null
        const quote = feed.quote()
        if (!isFresh(quote, now)) return null
        askedForDay.set(symbol, now)
        const known = shown.get(quote)
        if (known !== undefined) return known
        const ticker = tickerOf(quote, now)
        if (ticker !== null) shown.set(quote, ticker)
        return ticker
      }

      const dataAge = (symbol: SymbolName) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const feed = live.get(symbol)
          return feed === undefined ? Number.POSITIVE_INFINITY : ageOf(feed.quote(), now)
        })

      const health = Effect.map(Clock.currentTimeMillis, (now): HubHealth => {
        const quotes = [...live.values()].map((feed) => feed.quote())
        const lastMessageAt = quotes.reduce(
          (last, { messageAt }) => Math.max(last, messageAt),
          Number.NEGATIVE_INFINITY
        )
        const ages = quotes.map((quote) => ageOf(quote, now))
        return {
          age: ages.length === 0 ? null : { least: Math.min(...ages), most: Math.max(...ages) },
          watched: quotes.length,
          stale: quotes.filter((quote) => !isFresh(quote, now)).length,
          lastMessageAt: Number.isFinite(lastMessageAt) ? lastMessageAt : null
        }
      })

      return {
        watch,
        latest,
        refresh,
        onTick,
        listen,
        ticks,
        caughtUp,
        current,
        remembered,
        fresh: Effect.succeed(fresh),
        dataAge,
        health,
        watched: Effect.sync(() => [...live.keys()])
      }
    })
  )
}
