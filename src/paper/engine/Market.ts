import * as Decimal from "../../domain/Decimal.ts"
import type { Side, Trade } from "../../domain/Market.ts"
import type { ExchangeEvent } from "../Events.ts"
import type { PaperBook, PaperTicker } from "../Requests.ts"
import { Book } from "./Book.ts"
import { CandleSeries } from "./CandleSeries.ts"
import type { Pair, PairListing } from "./Pair.ts"

/** The venue answers at most this many public trades. */
const keptTrades = 1_000
const dayInMillis = 86_400_000

/** One pair as everybody sees it: book, last price, trades, candles and the version shared by REST and streams. */
export class Market {
  #pair: Pair
  #book: Book
  readonly candles = new CandleSeries()
  /** null until the first price is known: nothing can be traded before. */
  last: Decimal.Decimal | null = null
  version: bigint
  #at = 0
  /** Oldest first. */
  readonly #trades: Array<Trade> = []

  constructor(pair: Pair, version: bigint) {
    this.#pair = pair
    this.version = version
    this.#book = new Book(pair.listing.quotePrecision)
  }

  get pair(): Pair {
    return this.#pair
  }

  get listing(): PairListing {
    return this.#pair.listing
  }

  get book(): Book {
    return this.#book
  }

  /** Resting orders keep their prices, so the book's ticks only ever become finer. */
  change(pair: Pair): void {
    this.#pair = pair
    const { quotePrecision } = pair.listing
    if (quotePrecision > this.#book.precision) this.#book = this.#book.refined(quotePrecision)
  }

  toTick(price: Decimal.Decimal): Decimal.Decimal {
    return Decimal.round(price, this.listing.quotePrecision, "half-even")
  }

  trade(trade: Omit<Trade, "quoteQuantity">, tradeId: string): ExchangeEvent {
    const { at, price, quantity, side } = trade
    this.last = price
    this.#at = Math.max(this.#at, at)
    this.candles.trade(at, price, quantity)
    this.#trades.push({ ...trade, quoteQuantity: Decimal.multiply(price, quantity) })
    if (this.#trades.length > 2 * keptTrades) this.#trades.splice(0, keptTrades)
    return { type: "trade", symbol: this.listing.symbol, price, quantity, takerSide: side, tradeId, at }
  }

  /** Trades were missed: who asks for the past from now on has to fetch it. */
  forgetPast(): void {
    this.candles.forget()
    this.#trades.length = 0
  }

  /** Newest first. */
  trades(limit: number): ReadonlyArray<Trade> {
    return this.#trades.slice(-Math.min(limit, keptTrades)).reverse()
  }

  /** What changed in the book since the last call, under the next version. */
  takeBookEvents(at: number): ReadonlyArray<ExchangeEvent> {
    const bids = this.book.takeChanges("buy")
    const asks = this.book.takeChanges("sell")
    if (bids.length === 0 && asks.length === 0) return []
    this.#at = Math.max(this.#at, at)
    this.version += 1n
    const { symbol } = this.listing
    const version = this.version
    const depth: ExchangeEvent = { type: "depth", symbol, bids, asks, fromVersion: version, toVersion: version, at }
    const best = { bid: this.book.best("buy"), ask: this.book.best("sell") }
    return [depth, { type: "bookTicker", symbol, ...best, version, at }]
  }

  /**
   * The best level again, unchanged, under the next version, as when an order comes and goes: some clients show a book
   * only after they have heard of it often.
   */
  restate(at: number): ReadonlyArray<ExchangeEvent> {
    this.book.restate("buy")
    this.book.restate("sell")
    return this.takeBookEvents(at)
  }

  snapshot(depth: number): PaperBook {
    return {
      symbol: this.listing.symbol,
      bids: this.book.levels("buy", depth),
      asks: this.book.levels("sell", depth),
      version: this.version,
      at: this.#at
    }
  }

  /** What stands now, without the day behind it. */
  prices(): Pick<PaperTicker, "last" | "bestBid" | "bestAsk" | "at"> {
    const last = this.last ?? Decimal.zero
    return { last, bestBid: this.book.best("buy"), bestAsk: this.book.best("sell"), at: this.#at }
  }

  ticker(now: number): PaperTicker {
    const last = this.last ?? Decimal.zero
    const day = this.candles.since(now - dayInMillis)
    return {
      symbol: this.listing.symbol,
      ...this.prices(),
      open: day?.open ?? last,
      high: day?.high ?? last,
      low: day?.low ?? last,
      volume: day?.volume ?? Decimal.zero,
      quoteVolume: day?.quoteVolume ?? Decimal.zero
    }
  }
}

export const opposite = (side: Side): Side => (side === "buy" ? "sell" : "buy")
