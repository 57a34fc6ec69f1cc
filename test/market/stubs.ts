import { Cause, Clock, Effect, Layer, Mailbox, Ref, Stream } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { type Candle, SymbolName, type Ticker, type Trade } from "../../src/domain/Market.ts"
import type { Instant } from "../../src/domain/Time.ts"
import type { CandleRange } from "../../src/mexc/calls/TradeCalls.ts"
import { MexcClient } from "../../src/mexc/MexcClient.ts"
import { MexcStream } from "../../src/mexc/MexcStream.ts"
import type { DepthEvent, MarketEvent } from "../../src/mexc/stream/Events.ts"
import { type VenueFailure, VenueUnavailable } from "../../src/mexc/VenueFailure.ts"

export const dec = Decimal.unsafe
export const btc = SymbolName.make("BTCUSDT")
export const eth = SymbolName.make("ETHUSDT")
export const sol = SymbolName.make("SOLUSDT")

export const venueDown = new VenueUnavailable({ message: "connection refused" })

export const tickerAt = (symbol: SymbolName, last: string, asOf: Instant, more: Partial<Ticker> = {}): Ticker => ({
  symbol,
  last: dec(last),
  bid: dec(last),
  bidQuantity: dec("1"),
  ask: Decimal.add(dec(last), dec("0.1")),
  askQuantity: dec("2"),
  open: dec("80000"),
  high: dec("100000"),
  low: dec("70000"),
  volume: dec("10"),
  quoteVolume: dec("900000"),
  changePercent: 0,
  asOf,
  source: "rest",
  stale: false,
  ...more
})

export const tradeAt = (at: Instant, price: string, quantity = "1"): Trade => ({
  price: dec(price),
  quantity: dec(quantity),
  quoteQuantity: Decimal.multiply(dec(price), dec(quantity)),
  side: "buy",
  at
})

export const flatCandle = (openTime: Instant, price: string, more: Partial<Candle> = {}): Candle => ({
  openTime,
  open: dec(price),
  high: dec(price),
  low: dec(price),
  close: dec(price),
  volume: dec("1"),
  quoteVolume: dec(price),
  closed: true,
  synthetic: false,
  ...more
})

/** The venue's stream: what is pushed reaches whoever runs it; counts how often each symbol was subscribed. */
export const makeStream = Effect.gen(function* () {
  const subscriptions = yield* Ref.make<ReadonlyArray<string>>([])
  const open = new Map<SymbolName, Mailbox.Mailbox<MarketEvent>>()
  const depths = new Map<SymbolName, Mailbox.Mailbox<DepthEvent>>()

  const depth = (symbol: SymbolName) =>
    Stream.unwrapScoped(
      Effect.gen(function* () {
        const mailbox = yield* Mailbox.make<DepthEvent>()
        yield* Effect.acquireRelease(
          Effect.sync(() => depths.set(symbol, mailbox)),
          () => Effect.sync(() => depths.delete(symbol))
        )
        return Mailbox.toStream(mailbox)
      })
    )

  const market = (symbol: SymbolName) =>
    Stream.unwrapScoped(
      Effect.gen(function* () {
        const mailbox = yield* Mailbox.make<MarketEvent>()
        yield* Ref.update(subscriptions, (all) => [...all, symbol])
        yield* Effect.acquireRelease(
          Effect.sync(() => open.set(symbol, mailbox)),
          () => Effect.sync(() => open.delete(symbol))
        )
        return Mailbox.toStream(mailbox)
      })
    )

  const push = (event: MarketEvent) =>
    Effect.suspend(
      () => open.get(event.symbol)?.offer(event) ?? Effect.dieMessage(`nobody subscribed ${event.symbol}`)
    ).pipe(Effect.zipRight(settle))

  return {
    subscriptions,
    isOpen: (symbol: SymbolName) => Effect.sync(() => open.has(symbol)),
    push,
    /** The stream dies, as only a bug can make it. */
    breakOff: (symbol: SymbolName) =>
      Effect.zipRight(
        Effect.suspend(() => open.get(symbol)?.failCause(Cause.die("a bug")) ?? Effect.void),
        settle
      ),
    trade: (symbol: SymbolName, price: string, quantity?: string) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        push({ type: "trades", symbol, trades: [tradeAt(now, price, quantity)], receivedAt: now })
      ),
    best: (symbol: SymbolName, bid: string, ask: string) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        push({
          type: "bookTicker",
          symbol,
          bid: dec(bid),
          bidQuantity: dec("1"),
          ask: dec(ask),
          askQuantity: dec("1"),
          at: now,
          receivedAt: now
        })
      ),
    signal: (type: "subscribed" | "interrupted", symbol: SymbolName) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => push({ type, symbol, receivedAt: now })),
    hasDepth: (symbol: SymbolName) => Effect.sync(() => depths.has(symbol)),
    pushDepth: (symbol: SymbolName, event: DepthEvent) =>
      Effect.suspend(
        () => depths.get(symbol)?.offer(event) ?? Effect.dieMessage(`nobody follows the book of ${symbol}`)
      ).pipe(Effect.zipRight(settle)),
    layer: Layer.mock(MexcStream, {
      market,
      followMarket: (symbol, handle) => Stream.runForEach(market(symbol), handle),
      depth,
      user: () => Stream.never,
      health: Effect.succeed({ publicConnections: 1, subscriptions: 1, privateConnections: 0 })
    })
  }
})

/** Lets every fiber that can run do so; the virtual clock stands still. */
export const settle = Effect.repeatN(Effect.yieldNow(), 20)

type Client = typeof MexcClient.Service

/** The venue's REST side: answers as told, and keeps a list of what was asked. */
export const makeVenue = Effect.fnUntraced(function* (answers: Partial<Client>) {
  const asked = yield* Ref.make<ReadonlyArray<string>>([])
  const note = (what: string) => Ref.update(asked, (all) => [...all, what])
  const failure: Effect.Effect<never, VenueFailure> = Effect.fail(venueDown)
  const layer = Layer.mock(MexcClient, {
    symbols: Effect.zipRight(note("symbols"), answers.symbols ?? failure),
    // The names are looked at every two seconds: noting that would bury the rest.
    listedSymbols: answers.listedSymbols ?? failure,
    tickers: Effect.zipRight(note("tickers"), answers.tickers ?? failure),
    ticker: (symbol) => Effect.zipRight(note(`ticker ${symbol}`), answers.ticker?.(symbol) ?? failure),
    orderBook: (symbol, depth) =>
      Effect.zipRight(note(`book ${symbol} ${depth}`), answers.orderBook?.(symbol, depth) ?? failure),
    trades: (symbol, limit) =>
      Effect.zipRight(note(`trades ${symbol} ${limit}`), answers.trades?.(symbol, limit) ?? failure),
    candles: (range: CandleRange) =>
      Effect.zipRight(note(`candles ${range.symbol} ${range.interval}`), answers.candles?.(range) ?? failure)
  })
  return { asked, layer, take: Ref.getAndSet(asked, []) }
})
