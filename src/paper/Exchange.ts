import { Context, Effect, type Either, Layer, type Option, type Stream } from "effect"
import type * as Decimal from "../domain/Decimal.ts"
import type { Candle, Trade } from "../domain/Market.ts"
import { MarketClock } from "../MarketClock.ts"
import { accountCommands } from "./commands/AccountCommands.ts"
import { makeCommanding } from "./commands/Commanding.ts"
import { marketCommands, openMarkets } from "./commands/MarketCommands.ts"
import { orderCommands } from "./commands/OrderCommands.ts"
import { walletCommands } from "./commands/WalletCommands.ts"
import { Engine, type EngineOptions } from "./engine/Engine.ts"
import type { Pair, PairChange } from "./engine/Pair.ts"
import type { ExchangeEvent, PaperFill, PaperOrder } from "./Events.ts"
import { Commits } from "./journal/Commits.ts"
import { Journal } from "./journal/Journal.ts"
import { type ListingChange, MarketSource, type PriceStep, type UpstreamReport } from "./MarketSource.ts"
import type {
  AccountRequest,
  CandleQuery,
  DepositRequest,
  FeeRates,
  KeyRequest,
  OrderReference,
  PaperAccount,
  PaperBalance,
  PaperBook,
  PaperDeposit,
  PaperTicker,
  PaperTransfer,
  PaperWithdrawal,
  PlaceRequest,
  TimeWindow,
  TransferRequest,
  WithdrawRequest
} from "./Requests.ts"
import type { VenueRejection } from "./VenueRejection.ts"

/** A spot exchange in memory with a journal behind it. Commands answer when their facts are on disk. */
export class Exchange extends Context.Tag("dipper/paper/Exchange")<
  Exchange,
  {
    /** In the source's order, unlisted ones too: those are in no answer to anybody. */
    readonly pairs: Effect.Effect<ReadonlyArray<Pair>>
    /** Halts, limits and fees at run time; open orders of a pair that goes offline or unlisted are cancelled. */
    readonly changePair: (symbol: string, change: PairChange) => Effect.Effect<Pair, VenueRejection>
    /** Of a mirror: its venue's changes, new pairs too. */
    readonly relist: (changes: ReadonlyArray<ListingChange>) => Effect.Effect<void>

    /** Opening a known key again with the same secret changes nothing; with another secret it is refused. */
    readonly openAccount: (request: AccountRequest) => Effect.Effect<PaperAccount, VenueRejection>
    /** Makes another key for an account, or changes one: what it may do, from where, and whether it is there at all. */
    readonly changeKey: (request: KeyRequest) => Effect.Effect<PaperAccount, VenueRejection>
    /** In the order in which they were opened. */
    readonly accounts: Effect.Effect<ReadonlyArray<PaperAccount>>
    readonly accountByKey: (accessKey: string) => Effect.Effect<Option.Option<PaperAccount>>
    readonly accountById: (accountId: string) => Effect.Effect<Option.Option<PaperAccount>>
    readonly feeRates: (accountId: string, symbol: string) => Effect.Effect<FeeRates, VenueRejection>
    /** Whether fees are paid in MX, at a discount, while there is enough of it. */
    readonly mxDeduct: (accountId: string) => Effect.Effect<boolean>
    readonly setMxDeduct: (accountId: string, on: boolean) => Effect.Effect<void>

    readonly deposit: (accountId: string, request: DepositRequest) => Effect.Effect<PaperDeposit>
    readonly withdraw: (accountId: string, request: WithdrawRequest) => Effect.Effect<PaperWithdrawal, VenueRejection>
    /** Between the spot wallet and the futures wallet, which only keeps what is sent there. */
    readonly transfer: (accountId: string, request: TransferRequest) => Effect.Effect<PaperTransfer, VenueRejection>
    /** A balance changed from outside, up or down. */
    readonly adjust: (accountId: string, asset: string, amount: Decimal.Decimal) => Effect.Effect<void, VenueRejection>
    /** Newest first, as are withdrawals and transfers. */
    readonly deposits: (accountId: string) => Effect.Effect<ReadonlyArray<PaperDeposit>>
    readonly withdrawals: (accountId: string) => Effect.Effect<ReadonlyArray<PaperWithdrawal>>
    readonly transfers: (accountId: string) => Effect.Effect<ReadonlyArray<PaperTransfer>>
    /** Assets with a balance only, as the venue lists them. */
    readonly balances: (accountId: string) => Effect.Effect<ReadonlyArray<PaperBalance>>

    readonly placeOrder: (accountId: string, request: PlaceRequest) => Effect.Effect<PaperOrder, VenueRejection>
    /** One after the other: an order that is refused does not stop the next. */
    readonly placeBatch: (
      accountId: string,
      requests: ReadonlyArray<PlaceRequest>
    ) => Effect.Effect<ReadonlyArray<Either.Either<PaperOrder, VenueRejection>>>
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
    /** Of every pair. */
    readonly cancelAllOrders: (accountId: string) => Effect.Effect<ReadonlyArray<PaperOrder>>
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
    /** Of every listed pair; a mirror has those of its venue. */
    readonly tickers: Effect.Effect<ReadonlyArray<PaperTicker>, VenueRejection>
    /** Newest first. */
    readonly trades: (symbol: string, limit: number) => Effect.Effect<ReadonlyArray<Trade>, VenueRejection>
    /** Oldest first. */
    readonly candles: (query: CandleQuery) => Effect.Effect<ReadonlyArray<Candle>, VenueRejection>
    /** Moves the simulated market, in order; resting orders that a step reaches are filled. */
    readonly applySteps: (steps: ReadonlyArray<PriceStep>) => Effect.Effect<void>

    /** Tells the books of these pairs again under their next versions, so that who waits for a message gets one. */
    readonly breathe: (symbols: ReadonlyArray<string>) => Effect.Effect<void>

    /** Says that a pair is of interest, and answers when its book, ticker and candles are at hand: at once but in a mirror. */
    readonly prepare: (symbol: string) => Effect.Effect<void, VenueRejection>
    readonly isPrepared: (symbol: string) => Effect.Effect<boolean>
    /** How a mirror stands with its venue. */
    readonly upstream: Effect.Effect<Option.Option<UpstreamReport>>

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

const make = Effect.fnUntraced(function* (options: EngineOptions) {
  const source = yield* MarketSource
  const journal = yield* Journal
  const commits = yield* Commits
  const { upstream } = source
  const mirrored = upstream === undefined ? {} : { halted: upstream.halted }
  const restrictions = { ...upstream?.restrictions, ...options.restrictions }
  const engine = new Engine(source.listings, { ...options, ...mirrored, restrictions }, journal.past)
  const commanding = makeCommanding(engine, yield* MarketClock, commits)
  yield* openMarkets(commanding, source)
  return {
    ...accountCommands(commanding),
    ...walletCommands(commanding),
    ...orderCommands(commanding, upstream),
    ...marketCommands(commanding, source),
    events: commits.events,
    noteTime: (at) => commanding.command(() => commanding.engine.record({ _tag: "ticked", at })),
    journal: journal.text
  } satisfies Context.Tag.Service<Exchange>
})
