import { Context, type Duration, type Effect, type Stream } from "effect"
import type { Decimal } from "../domain/Decimal.ts"
import type { BookLevel, Candle, Trade } from "../domain/Market.ts"
import type { Instant } from "../domain/Time.ts"
import type { CandleQuery, PaperTicker } from "./Requests.ts"
import type { VenueRejection } from "./VenueRejection.ts"

/** The venue's listing facts of one pair, as exchangeInfo tells them. */
export interface Listing {
  readonly symbol: string
  readonly baseAsset: string
  readonly quoteAsset: string
  readonly fullName: string
  /** Decimals of quantity and of price: step and tick are 10^-n. */
  readonly basePrecision: number
  readonly quotePrecision: number
  readonly minQuantity: Decimal
  readonly minNotional: Decimal
  readonly maxNotional: Decimal
  /** Limits of a MARKET order's value where they differ from the ones above. */
  readonly marketMinNotional?: Decimal
  readonly marketMaxNotional?: Decimal
  readonly makerFeeRate: Decimal
  readonly takerFeeRate: Decimal
  /** Distance a limit price may lie from the last price, as a fraction. */
  readonly priceBand: Decimal
}

/** Levels of a mirrored book that changed: absolute quantities, 0 removes the level. */
export interface BookChange {
  readonly bids: ReadonlyArray<BookLevel>
  readonly asks: ReadonlyArray<BookLevel>
}

/** One step of a market's path: a public trade at this price, from which the simulated book is built. */
export interface PriceStep {
  readonly symbol: string
  readonly at: Instant
  readonly price: Decimal
  readonly quantity: Decimal
  readonly takerSide: "buy" | "sell"
  /** Of a mirrored pair: no book is built, these levels change. */
  readonly book?: BookChange
  /** Of a mirrored trade; made here unless given. */
  readonly tradeId?: string
  /** What happened since the step before is not known: the pair's past is asked for again. */
  readonly afterGap?: boolean
}

/**
 * What a source has besides when a real venue is behind it: pairs come when somebody asks for them, and stand still
 * while the venue is away.
 */
export interface Upstream {
  /** How pairs stand on the venue where they are not simply open. */
  readonly restrictions: Readonly<Record<string, UpstreamRestriction>>
  /**
   * Somebody is interested in the pair. Answers when its book is shown; interest that is renewed within a minute keeps
   * it. 503 while the venue is away or too many pairs are followed.
   */
  readonly follow: (symbol: string) => Effect.Effect<void, VenueRejection>
  /** Its book is not the present one: nothing may trade. */
  readonly halted: (symbol: string) => boolean
  /** The last 24 hours of the pairs, followed or not. */
  readonly tickers: Effect.Effect<ReadonlyMap<string, PaperTicker>, VenueRejection>
  /** Trades from before a pair was followed, newest first. */
  readonly trades: (symbol: string) => Effect.Effect<ReadonlyArray<Trade>>
  /** An answer from the minutes that are known here, with older candles of the venue put before it where it needs them. */
  readonly withOlder: (
    query: CandleQuery,
    known: ReadonlyArray<Candle>
  ) => Effect.Effect<ReadonlyArray<Candle>, VenueRejection>
  /** Looks at the venue's pairs; nothing while it is away. */
  readonly listingChanges: Effect.Effect<ReadonlyArray<ListingChange>>
  /** Between two looks. */
  readonly listingPoll: Duration.DurationInput
  readonly describe: Effect.Effect<UpstreamReport>
}

/** What the venue has switched off of a pair. */
export interface UpstreamRestriction {
  readonly apiTrading?: boolean
  readonly status?: "1" | "2" | "3"
  readonly tradeSideType?: 1 | 2 | 3 | 4
  readonly marketOrders?: boolean
}

/** What the venue changed of a pair since it was looked at before. */
export interface ListingChange {
  readonly symbol: string
  /** Of a pair that was not there before. */
  readonly listing?: Listing
  readonly change: UpstreamRestriction &
    Partial<Omit<Listing, "symbol" | "baseAsset" | "quoteAsset" | "fullName">> & {
      readonly listed?: boolean
    }
}

/** What an operator may want to know of the connection to the venue; counters since the start. */
export interface UpstreamReport {
  readonly rest: string
  readonly stream: string
  readonly followed: ReadonlyArray<{ readonly symbol: string; readonly live: boolean }>
  readonly connections: number
  readonly reconnects: number
  /** Books that were loaded again because a delta was missing. */
  readonly gaps: number
  readonly snapshots: number
  readonly requests: number
  readonly failedRequests: number
}

/** Where a paper exchange's prices come from: synthetic, a replayed recording, or a mirrored venue. */
export class MarketSource extends Context.Tag("dipper/paper/MarketSource")<
  MarketSource,
  {
    readonly listings: ReadonlyArray<Listing>
    /** Market time at which the path starts; candles before it are history. */
    readonly startsAt: Instant
    /** None: the path has no end. Afterwards the last price is kept and the market halts. */
    readonly endsAt: Instant | null
    /** The price at `startsAt`, at once: the close of the last candle of `history`. null when it has none. */
    readonly priceAtStart: (symbol: string) => Effect.Effect<Decimal | null>
    /**
     * 1m candles up to `startsAt`, oldest first, at least 48 h for synthetic markets. The last is not closed when the
     * start lies within a minute; the steps after the start complete it. A mirror's go up to now, and stand for every
     * minute up to their last.
     */
    readonly history: (symbol: string) => Effect.Effect<ReadonlyArray<Candle>, VenueRejection>
    /** Every step after `from` in market time, in order, all symbols merged; pulled only as fast as market time passes. */
    readonly steps: (from: Instant) => Stream.Stream<PriceStep>
    /** Of a mirror only. */
    readonly upstream?: Upstream
  }
>() {}
