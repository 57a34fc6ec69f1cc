import { Context, type Effect, type Option, type Redacted, type Stream } from "effect"
import type { Decimal } from "../domain/Decimal.ts"
import type { BookLevel, Candle, Interval, OrderType, Side, Trade } from "../domain/Market.ts"
import type { Instant } from "../domain/Time.ts"
import type { ExchangeEvent, PaperFill, PaperOrder } from "./Events.ts"
import type { Listing, PriceStep } from "./MarketSource.ts"
import type { VenueRejection } from "./VenueRejection.ts"

export type Permission = "SPOT_ACCOUNT_READ" | "SPOT_DEAL_READ" | "SPOT_DEAL_WRITE" | "SPOT_WITHDRAW_WRITE"

export interface PaperAccount {
  readonly id: string
  readonly accessKey: string
  readonly secretKey: Redacted.Redacted
  readonly permissions: ReadonlySet<Permission>
}

export interface AccountRequest {
  readonly accessKey: string
  readonly secretKey: Redacted.Redacted
  /** Booked as deposits when the account is new; an existing account keeps its balances. */
  readonly balances: Readonly<Record<string, Decimal>>
  readonly permissions?: ReadonlyArray<Permission>
}

export interface PlaceRequest {
  readonly symbol: string
  readonly side: Side
  readonly type: OrderType
  readonly quantity: Decimal | null
  readonly quoteOrderQty: Decimal | null
  readonly price: Decimal | null
  readonly clientOrderId: string | null
}

/** An order is named by the exchange's id or by the client's. */
export type OrderReference = { readonly orderId: string } | { readonly clientOrderId: string }

export interface PaperBalance {
  readonly asset: string
  readonly free: Decimal
  readonly locked: Decimal
}

export interface PaperBook {
  readonly symbol: string
  /** Best first. */
  readonly bids: ReadonlyArray<BookLevel>
  readonly asks: ReadonlyArray<BookLevel>
  readonly version: bigint
  readonly at: Instant
}

/** The last 24 hours of one pair; best prices are null while that side of the book is empty. */
export interface PaperTicker {
  readonly symbol: string
  readonly last: Decimal
  readonly bestBid: BookLevel | null
  readonly bestAsk: BookLevel | null
  readonly open: Decimal
  readonly high: Decimal
  readonly low: Decimal
  readonly volume: Decimal
  readonly quoteVolume: Decimal
  readonly at: Instant
}

export interface CandleQuery {
  readonly symbol: string
  readonly interval: Interval
  /** Inclusive. */
  readonly from?: Instant
  /** Exclusive. */
  readonly to?: Instant
  readonly limit: number
}

export interface TimeWindow {
  readonly from: Instant
  readonly to: Instant
  readonly limit: number
}

/** A spot exchange in memory with a journal behind it. Commands answer when their facts are on disk. */
export class Exchange extends Context.Tag("dipper/paper/Exchange")<
  Exchange,
  {
    readonly listings: ReadonlyArray<Listing>

    /** Opening a known key again with the same secret changes nothing; with another secret it is refused. */
    readonly openAccount: (request: AccountRequest) => Effect.Effect<PaperAccount, VenueRejection>
    readonly accountByKey: (accessKey: string) => Effect.Effect<Option.Option<PaperAccount>>
    readonly deposit: (accountId: string, asset: string, amount: Decimal) => Effect.Effect<void>
    readonly withdraw: (accountId: string, asset: string, amount: Decimal) => Effect.Effect<void, VenueRejection>
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
    /** The journal as JSON lines. */
    readonly journal: Effect.Effect<string>
  }
>() {}
