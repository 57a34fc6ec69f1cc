import * as Decimal from "../../domain/Decimal.ts"
import type { Source, SymbolName, Ticker, Trade } from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"
import type { MarketEvent } from "../../mexc/stream/Events.ts"

/** A symbol is stale when neither message nor reading confirmed it for this long, on the wall clock. */
export const freshForMs = 10_000

/** One step of a symbol's price. `at` is market time and never goes back, `receivedAt` is wall time. */
export interface Tick {
  readonly symbol: SymbolName
  /** The last trade's price. */
  readonly price: Decimal.Decimal
  /** Null where nobody offers. */
  readonly bid: Decimal.Decimal | null
  readonly ask: Decimal.Decimal | null
  readonly at: Instant
  readonly receivedAt: Instant
  /** `book`: only the best prices changed. `rest`: read, not pushed. */
  readonly cause: "trade" | "book" | "rest"
  /** The stream was not connected since the tick before: prices in between were missed. */
  readonly afterGap: boolean
}

/** A side without a price is one that is empty. */
interface Best {
  readonly bid: Decimal.Decimal | null
  readonly bidQuantity: Decimal.Decimal | null
  readonly ask: Decimal.Decimal | null
  readonly askQuantity: Decimal.Decimal | null
}

interface Day {
  readonly open: Decimal.Decimal
  readonly high: Decimal.Decimal
  readonly low: Decimal.Decimal
  readonly volume: Decimal.Decimal
  readonly quoteVolume: Decimal.Decimal | null
}

/** What is known of one symbol; null where nothing has been said yet. */
export interface Quote {
  readonly symbol: SymbolName
  readonly last: Decimal.Decimal | null
  readonly best: Best | null
  readonly day: Day | null
  /** Market time of the newest fact. */
  readonly at: Instant
  /** Wall time of the last proof that the venue still says this; −∞ before the first. */
  readonly confirmedAt: number
  readonly messageAt: number
  /** Wall times of the last message about each: one says nothing about the other. */
  readonly tradedAt: number
  readonly bestAt: number
  /** Market time of the best prices; −∞ before the first. */
  readonly bestSaidAt: Instant
  /** Market time of the trade behind `last`; −∞ where that was read. */
  readonly lastAt: Instant
  /** Wall time of the reading behind `day`. */
  readonly dayReadAt: number
  /** Market time of the last reading: one that has not moved on comes from a market that has halted. */
  readonly readingAsOf: Instant
  readonly source: Source
}

const never = Number.NEGATIVE_INFINITY

export const unknownQuote = (symbol: SymbolName): Quote => ({
  symbol,
  last: null,
  best: null,
  day: null,
  at: never,
  confirmedAt: never,
  messageAt: never,
  tradedAt: never,
  bestAt: never,
  bestSaidAt: never,
  lastAt: never,
  dayReadAt: never,
  readingAsOf: never,
  source: "ws"
})

/** A trade older than the last by more than this tells of a clock that was set, not of a message on a long way. */
const lateByAtMostMs = 300_000

/** The price has moved on since: two connections tell trades in different portions, and a venue can be late with one. */
const isLate = ({ lastAt }: Quote, { at }: Trade): boolean => at < lastAt && lastAt - at <= lateByAtMostMs

// Field by field, because a message comes thousands of times a second and copying by spread cost a sixth of its way.

export const afterTrade = (quote: Quote, trade: Trade, receivedAt: Instant): Quote => {
  const late = isLate(quote, trade)
  return {
    symbol: quote.symbol,
    last: late ? quote.last : trade.price,
    best: quote.best,
    day: quote.day === null ? null : dayAfter(quote.day, trade),
    at: Math.max(quote.at, trade.at),
    confirmedAt: Math.max(quote.confirmedAt, receivedAt),
    messageAt: receivedAt,
    tradedAt: receivedAt,
    bestAt: quote.bestAt,
    bestSaidAt: quote.bestSaidAt,
    lastAt: late ? quote.lastAt : trade.at,
    dayReadAt: quote.dayReadAt,
    readingAsOf: quote.readingAsOf,
    source: "ws"
  }
}

const dayAfter = (day: Day, trade: Trade): Day => ({
  open: day.open,
  high: Decimal.max(day.high, trade.price),
  low: Decimal.min(day.low, trade.price),
  volume: Decimal.add(day.volume, trade.quantity),
  quoteVolume: day.quoteVolume === null ? null : Decimal.add(day.quoteVolume, trade.quoteQuantity)
})

export const afterBest = (quote: Quote, best: Extract<MarketEvent, { type: "bookTicker" | "oneSided" }>): Quote => ({
  symbol: quote.symbol,
  last: quote.last,
  // Prices nobody offers any more must not pass for fresh ones.
  best:
    best.type === "oneSided"
      ? { bid: best.bid, bidQuantity: null, ask: best.ask, askQuantity: null }
      : { bid: best.bid, bidQuantity: best.bidQuantity, ask: best.ask, askQuantity: best.askQuantity },
  day: quote.day,
  at: Math.max(quote.at, best.at),
  confirmedAt: Math.max(quote.confirmedAt, best.receivedAt),
  messageAt: best.receivedAt,
  tradedAt: quote.tradedAt,
  bestAt: best.receivedAt,
  bestSaidAt: best.at,
  lastAt: quote.lastAt,
  dayReadAt: quote.dayReadAt,
  readingAsOf: quote.readingAsOf,
  source: "ws"
})

/** A reading that was asked for at `askedAt`: what the stream has said since is newer, the day's figures are not. */
export const afterReading = (quote: Quote, ticker: Ticker, askedAt: number, now: number): Quote => {
  const movedOn = ticker.asOf > quote.readingAsOf
  const overtaken = { last: quote.tradedAt >= askedAt, best: quote.bestAt >= askedAt }
  const last = (overtaken.last ? quote.last : null) ?? ticker.last
  return {
    ...quote,
    last,
    lastAt: overtaken.last ? quote.lastAt : never,
    best: overtaken.best
      ? quote.best
      : { bid: ticker.bid, bidQuantity: ticker.bidQuantity, ask: ticker.ask, askQuantity: ticker.askQuantity },
    bestSaidAt: overtaken.best ? quote.bestSaidAt : ticker.asOf,
    day: {
      open: ticker.open,
      high: Decimal.max(ticker.high, last),
      low: Decimal.min(ticker.low, last),
      volume: ticker.volume,
      quoteVolume: ticker.quoteVolume
    },
    at: Math.max(quote.at, ticker.asOf),
    confirmedAt: movedOn ? Math.max(quote.confirmedAt, now) : quote.confirmedAt,
    dayReadAt: now,
    readingAsOf: Math.max(quote.readingAsOf, ticker.asOf),
    source: overtaken.last ? quote.source : "rest"
  }
}

/** Null until the last price and what the book offers are known. A trade is one whatever the book has. */
export const tickOf = (quote: Quote, cause: Tick["cause"], receivedAt: Instant, afterGap: boolean): Tick | null =>
  quote.last === null || quote.best === null
    ? null
    : {
        symbol: quote.symbol,
        price: quote.last,
        bid: quote.best.bid,
        ask: quote.best.ask,
        at: quote.at,
        receivedAt,
        cause,
        afterGap
      }

/** Wall milliseconds since the symbol was last confirmed; infinite before the first time. */
export const ageOf = (quote: Quote, now: number): number => Math.max(0, now - quote.confirmedAt)

export const isFresh = (quote: Quote, now: number): boolean => ageOf(quote, now) <= freshForMs

/**
 * The last trade lies outside of the best prices, which are older by the venue's time: they have moved since. The venue tells
 * trades and best prices on channels of their own, each up to 100 ms late, so the order in which they come says nothing.
 */
export const isBookBehind = ({ best, bestSaidAt, last, lastAt }: Quote): boolean =>
  lastAt > bestSaidAt &&
  last !== null &&
  best !== null &&
  ((best.ask !== null && Decimal.greaterThan(last, best.ask)) ||
    (best.bid !== null && Decimal.lessThan(last, best.bid)))

const changePercent = (open: Decimal.Decimal, last: Decimal.Decimal): number =>
  Decimal.isPositive(open)
    ? Decimal.toNumber(Decimal.divide(Decimal.multiply(Decimal.subtract(last, open), Decimal.hundred), open, 4))
    : 0

/** Null until everything a ticker tells is known, and while a side of the book is empty. */
export const tickerOf = (quote: Quote, now: number): Ticker | null => {
  const { symbol, last, best, day } = quote
  if (last === null || best === null || day === null) return null
  const { ask, askQuantity, bid, bidQuantity } = best
  if (bid === null || ask === null) return null
  const stale = !isFresh(quote, now)
  return {
    symbol,
    last,
    bid,
    bidQuantity,
    ask,
    askQuantity,
    ...day,
    changePercent: changePercent(day.open, last),
    asOf: quote.at,
    source: stale ? "cache" : quote.source,
    stale
  }
}
