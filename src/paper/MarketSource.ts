import { Context, type Effect, type Stream } from "effect"
import type { Decimal } from "../domain/Decimal.ts"
import type { Candle } from "../domain/Market.ts"
import type { Instant } from "../domain/Time.ts"

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
  readonly makerFeeRate: Decimal
  readonly takerFeeRate: Decimal
  /** Distance a limit price may lie from the last price, as a fraction. */
  readonly priceBand: Decimal
}

/** One step of a market's path: a public trade at this price, from which the simulated book is built. */
export interface PriceStep {
  readonly symbol: string
  readonly at: Instant
  readonly price: Decimal
  readonly quantity: Decimal
  readonly takerSide: "buy" | "sell"
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
     * start lies within a minute; the steps after the start complete it.
     */
    readonly history: (symbol: string) => Effect.Effect<ReadonlyArray<Candle>>
    /** Every step after `from` in market time, in order, all symbols merged; pulled only as fast as market time passes. */
    readonly steps: (from: Instant) => Stream.Stream<PriceStep>
  }
>() {}
