import { randomBytes } from "node:crypto"
import { Clock, Context, Effect, Either, Layer, Option, Redacted, type Stream } from "effect"
import * as Decimal from "../domain/Decimal.ts"
import type { Candle, Trade } from "../domain/Market.ts"
import { MarketClock } from "../MarketClock.ts"
import { Engine, type EngineOptions } from "./engine/Engine.ts"
import { balanceOf, isOpen, type AccountState } from "./engine/Ledger.ts"
import type { Market } from "./engine/Market.ts"
import { ListenKeys } from "./engine/ListenKeys.ts"
import type { ExchangeEvent, PaperFill, PaperOrder } from "./Events.ts"
import { Commits } from "./journal/Commits.ts"
import { Journal } from "./journal/Journal.ts"
import { MarketSource, type Listing, type PriceStep } from "./MarketSource.ts"
import * as Refusals from "./Refusals.ts"
import type {
  AccountRequest,
  CandleQuery,
  OrderReference,
  PaperAccount,
  PaperBalance,
  PaperBook,
  PaperTicker,
  Permission,
  PlaceRequest,
  TimeWindow
} from "./Requests.ts"
import type { VenueRejection } from "./VenueRejection.ts"

/** A spot exchange in memory with a journal behind it. Commands answer when their facts are on disk. */
export class Exchange extends Context.Tag("dipper/paper/Exchange")<
  Exchange,
  {
    readonly listings: ReadonlyArray<Listing>

    /** Opening a known key again with the same secret changes nothing; with another secret it is refused. */
    readonly openAccount: (request: AccountRequest) => Effect.Effect<PaperAccount, VenueRejection>
    readonly accountByKey: (accessKey: string) => Effect.Effect<Option.Option<PaperAccount>>
    readonly accountById: (accountId: string) => Effect.Effect<Option.Option<PaperAccount>>
    readonly deposit: (accountId: string, asset: string, amount: Decimal.Decimal) => Effect.Effect<void>
    readonly withdraw: (
      accountId: string,
      asset: string,
      amount: Decimal.Decimal
    ) => Effect.Effect<void, VenueRejection>
    /** Assets with a balance only, as the venue lists them. */
    readonly balances: (accountId: string) => Effect.Effect<ReadonlyArray<PaperBalance>>

    readonly placeOrder: (accountId: string, request: PlaceRequest) => Effect.Effect<PaperOrder, VenueRejection>
    /** Every check of `placeOrder`, no order. */
    readonly testOrder: (accountId: string, request: PlaceRequest) => Effect.Effect<void, VenueRejection>
    readonly cancelOrder: (
      accountId: string,
      symbol: string,
      order: OrderReference
    ) => Effect.Effect<PaperOrder, VenueRejection>
    readonly cancelOpenOrders: (
      accountId: string,
      symbol: string
    ) => Effect.Effect<ReadonlyArray<PaperOrder>, VenueRejection>
    readonly order: (
      accountId: string,
      symbol: string,
      order: OrderReference
    ) => Effect.Effect<PaperOrder, VenueRejection>
    readonly openOrders: (accountId: string, symbol: string | null) => Effect.Effect<ReadonlyArray<PaperOrder>>
    /** Newest first, by time of creation. */
    readonly allOrders: (
      accountId: string,
      symbol: string,
      window: TimeWindow
    ) => Effect.Effect<ReadonlyArray<PaperOrder>>
    /** Newest first. */
    readonly fills: (
      accountId: string,
      symbol: string,
      orderId: string | null,
      window: TimeWindow
    ) => Effect.Effect<ReadonlyArray<PaperFill>>

    readonly book: (symbol: string, depth: number) => Effect.Effect<PaperBook, VenueRejection>
    readonly ticker: (symbol: string) => Effect.Effect<PaperTicker, VenueRejection>
    /** Newest first. */
    readonly trades: (symbol: string, limit: number) => Effect.Effect<ReadonlyArray<Trade>, VenueRejection>
    /** Oldest first. */
    readonly candles: (query: CandleQuery) => Effect.Effect<ReadonlyArray<Candle>, VenueRejection>
    /** Moves the simulated market, in order; resting orders that a step reaches are filled. */
    readonly applySteps: (steps: ReadonlyArray<PriceStep>) => Effect.Effect<void>

    /** Tells the books of these pairs again under their next versions, so that who waits for a message gets one. */
    readonly breathe: (symbols: ReadonlyArray<string>) => Effect.Effect<void>

    readonly createListenKey: (accountId: string) => Effect.Effect<string, VenueRejection>
    readonly listenKeys: (accountId: string) => Effect.Effect<ReadonlyArray<string>>
    /** Each call gives 60 minutes from now. */
    readonly extendListenKey: (accountId: string, listenKey: string) => Effect.Effect<void, VenueRejection>
    readonly removeListenKey: (accountId: string, listenKey: string) => Effect.Effect<void, VenueRejection>
    /** None when the key is unknown, removed or expired. */
    readonly accountOfListenKey: (listenKey: string) => Effect.Effect<Option.Option<string>>

    /**
     * Everything that happens from the moment the stream runs, in order. Lossless: a subscriber that does not read
     * holds the exchange back once the buffer is full, so it must hand events on without waiting for sockets.
     */
    readonly events: Stream.Stream<ExchangeEvent>
    /** Notes that market time up to an instant may have been shown, so that a restart begins no earlier. */
    readonly noteTime: (at: number) => Effect.Effect<void>
    /** The journal as JSON lines. */
    readonly journal: Effect.Effect<string>
  }
>() {
  static readonly layer = (options: EngineOptions) => Layer.effect(Exchange, make(options))
}

/** Enough to trade, and no more: an exchange key should not be able to withdraw. */
const defaultPermissions: ReadonlyArray<Permission> = ["SPOT_ACCOUNT_READ", "SPOT_DEAL_READ", "SPOT_DEAL_WRITE"]

const make = Effect.fnUntraced(function* (options: EngineOptions) {
  const source = yield* MarketSource
  const marketClock = yield* MarketClock
  const journal = yield* Journal
  const { commit, events } = yield* Commits
  const engine = new Engine(source.listings, options, journal.past)
  const { ledger } = engine
  const listenKeys = new ListenKeys()
  yield* openMarkets(engine, source, yield* marketClock.now, commit)

  /** A command of an account at the present market time. */
  const atMarketTime = <A>(command: (at: number) => Either.Either<A, VenueRejection>) =>
    Effect.flatMap(marketClock.now, (at) => Effect.flatten(commit(() => engine.run(() => command(at)))))
  const read = <A>(query: () => A) => commit(() => engine.run(query))
  const ofMarket = <A>(symbol: string, query: (market: Market, now: number) => A) =>
    Effect.flatMap(marketClock.now, (now) =>
      Effect.flatten(read(() => Either.map(engine.market(symbol), (market) => query(market, now))))
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
  const atWallTime = <A>(command: (now: number) => A) => Effect.map(Clock.currentTimeMillis, command)

  const openAccount = Effect.fn("Exchange.openAccount")(function* (request: AccountRequest) {
    return yield* atMarketTime((at) => openOrFind(engine, request, at))
  })
  const placeOrder = Effect.fn("Exchange.placeOrder")(function* (accountId: string, request: PlaceRequest) {
    return yield* atMarketTime((at) => engine.place(accountId, request, at))
  })
  const cancelOrder = Effect.fn("Exchange.cancelOrder")(function* (
    accountId: string,
    symbol: string,
    order: OrderReference
  ) {
    return yield* atMarketTime((at) => engine.cancel(accountId, symbol, order, at))
  })
  const withdraw = Effect.fn("Exchange.withdraw")(function* (
    accountId: string,
    asset: string,
    amount: Decimal.Decimal
  ) {
    return yield* atMarketTime((at) => {
      const { free } = balanceOf(ledger.account(accountId), asset)
      if (Decimal.lessThan(free, amount)) return Either.left(Refusals.insufficientBalance())
      return Either.right(engine.record({ _tag: "withdrawn", at, accountId, asset, amount }))
    })
  })

  return {
    listings: source.listings,
    openAccount,
    accountByKey: (accessKey) =>
      Effect.sync(() => Option.fromNullable(ledger.byAccessKey.get(accessKey)).pipe(Option.map(publicView))),
    accountById: (accountId) =>
      Effect.sync(() => Option.fromNullable(ledger.accounts.get(accountId)).pipe(Option.map(publicView))),
    deposit: (accountId, asset, amount) =>
      Effect.orDie(
        atMarketTime((at) => Either.right(engine.record({ _tag: "deposited", at, accountId, asset, amount })))
      ),
    withdraw,
    balances: (accountId) => read(() => balancesOf(ledger.account(accountId))),
    placeOrder,
    testOrder: (accountId, request) => Effect.suspend(() => Effect.asVoid(engine.plan(accountId, request))),
    cancelOrder,
    cancelOpenOrders: (accountId, symbol) => atMarketTime((at) => engine.cancelAll(accountId, symbol, at)),
    order: (accountId, symbol, order) =>
      Effect.flatten(
        read(() => Either.fromNullable(engine.find(accountId, symbol, order)?.order, Refusals.unknownOrderOnQuery))
      ),
    openOrders: (accountId, symbol) =>
      read(() =>
        [...ledger.account(accountId).open.values()]
          .map((entry) => entry.order)
          .filter((order) => isOpen(order) && (symbol === null || order.symbol === symbol))
      ),
    allOrders: (accountId, symbol, window) =>
      read(() =>
        newest(
          ledger.account(accountId).orders.map((entry) => entry.order),
          window,
          (order) => order.createdAt,
          (order) => order.symbol === symbol
        )
      ),
    fills: (accountId, symbol, orderId, window) =>
      read(() =>
        newest(
          ledger.account(accountId).fills,
          window,
          (fill) => fill.at,
          (fill) => fill.symbol === symbol && (orderId === null || fill.orderId === orderId)
        )
      ),
    book: (symbol, depth) => ofMarket(symbol, (market) => market.snapshot(depth)),
    ticker: (symbol) =>
      withPast(
        symbol,
        ofMarket(symbol, (market, now) => market.ticker(now))
      ),
    trades: (symbol, limit) => ofMarket(symbol, (market) => market.trades(limit)),
    candles: (query) =>
      withPast(
        query.symbol,
        ofMarket(query.symbol, (market, now) => market.candles.query(query, now))
      ),
    applySteps: (steps) => commit(() => engine.run(() => steps.forEach((step) => engine.step(step)))),
    breathe: (symbols) =>
      Effect.flatMap(marketClock.now, (at) =>
        commit(() => engine.run(() => symbols.forEach((symbol) => engine.breathe(symbol, at))))
      ),
    createListenKey: (accountId) =>
      Effect.flatten(atWallTime((now) => listenKeys.create(accountId, randomBytes(32).toString("hex"), now))),
    listenKeys: (accountId) => atWallTime((now) => listenKeys.of(accountId, now)),
    extendListenKey: (accountId, key) => Effect.flatten(atWallTime((now) => listenKeys.extend(accountId, key, now))),
    removeListenKey: (accountId, key) => Effect.suspend(() => listenKeys.remove(accountId, key)),
    accountOfListenKey: (key) => atWallTime((now) => Option.fromNullable(listenKeys.accountOf(key, now))),
    events,
    noteTime: (at) => commit(() => engine.run(() => engine.record({ _tag: "ticked", at }))),
    journal: journal.text
  } satisfies Context.Tag.Service<Exchange>
})

/** Puts every market at its price, a remembered one first; orders that rested over a restart meet it at once. */
const openMarkets = Effect.fnUntraced(function* (
  engine: Engine,
  source: Context.Tag.Service<typeof MarketSource>,
  at: number,
  commit: Context.Tag.Service<typeof Commits>["commit"]
) {
  const quiet: Array<PriceStep> = []
  for (const market of engine.markets.values()) {
    const { symbol } = market.listing
    const price = market.last ?? (yield* source.priceAtStart(symbol))
    if (price !== null) quiet.push({ symbol, at, price, quantity: Decimal.zero, takerSide: "buy" })
  }
  yield* commit(() => engine.run(() => quiet.forEach((step) => engine.step(step))))
})

const openOrFind = (
  engine: Engine,
  request: AccountRequest,
  at: number
): Either.Either<PaperAccount, VenueRejection> => {
  const { ledger } = engine
  const { accessKey, balances, permissions = defaultPermissions, secretKey } = request
  const known = ledger.byAccessKey.get(accessKey)
  if (known !== undefined) {
    const same = Redacted.value(known.secretKey) === Redacted.value(secretKey)
    return same ? Either.right(publicView(known)) : Either.left(Refusals.keyInUse())
  }
  const accountId = String(10_000_001 + ledger.accounts.size)
  engine.record({ _tag: "accountOpened", at, accountId, accessKey, secretKey, permissions })
  for (const [asset, amount] of Object.entries(balances)) {
    if (Decimal.isPositive(amount)) engine.record({ _tag: "deposited", at, accountId, asset, amount })
  }
  return Either.right(publicView(ledger.account(accountId)))
}

const publicView = ({ accessKey, id, permissions, secretKey }: AccountState): PaperAccount => ({
  id,
  accessKey,
  secretKey,
  permissions
})

const balancesOf = (account: AccountState): ReadonlyArray<PaperBalance> =>
  [...account.balances]
    .map(([asset, { free, locked }]) => ({ asset, free, locked }))
    .filter(({ free, locked }) => !Decimal.isZero(free) || !Decimal.isZero(locked))

/** The newest records of a window, from a list in order of time. */
const newest = <A>(
  records: ReadonlyArray<A>,
  window: TimeWindow,
  atOf: (record: A) => number,
  wanted: (record: A) => boolean
): ReadonlyArray<A> => {
  const found: Array<A> = []
  for (let i = records.length - 1; i >= 0 && found.length < window.limit; i--) {
    const record = records[i]
    if (record === undefined || atOf(record) < window.from) break
    if (atOf(record) <= window.to && wanted(record)) found.push(record)
  }
  return found
}
