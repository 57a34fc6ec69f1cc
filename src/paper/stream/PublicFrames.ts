import { format } from "../../domain/Decimal.ts"
import type { BookLevel, Candle, Side } from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"
import { eventType, type KlineInterval, klineIntervals } from "../../mexc/wire/Channels.ts"
import type { PushFrameInput } from "../../mexc/wire/Stream.ts"
import type { ExchangeEvent } from "../Events.ts"
import type { PaperBook } from "../Requests.ts"

export type TradeEvent = Extract<ExchangeEvent, { readonly type: "trade" }>
export type BookTickerEvent = Extract<ExchangeEvent, { readonly type: "bookTicker" }>
export type DepthEvent = Extract<ExchangeEvent, { readonly type: "depth" }>

/** What every public push of one pair carries. */
export interface Envelope {
  readonly channel: string
  readonly symbol: string
  readonly sendTime: Instant
}

export const sideNumber = (side: Side): number => (side === "buy" ? 1 : 2)

const levels = (side: ReadonlyArray<BookLevel>) =>
  side.map(([price, quantity]) => ({ price: format(price), quantity: format(quantity) }))

export const dealsFrame = (envelope: Envelope, trades: ReadonlyArray<TradeEvent>): PushFrameInput => ({
  ...envelope,
  publicAggreDeals: {
    deals: trades.map((trade) => ({
      price: format(trade.price),
      quantity: format(trade.quantity),
      tradeType: sideNumber(trade.takerSide),
      time: trade.at,
      tradeId: trade.tradeId
    })),
    eventType: eventType(envelope.channel)
  }
})

/** An empty side has no texts, which proto3 leaves out. */
const bestTexts = ({ ask, bid }: BookTickerEvent) => ({
  bidPrice: bid === null ? "" : format(bid[0]),
  bidQuantity: bid === null ? "" : format(bid[1]),
  askPrice: ask === null ? "" : format(ask[0]),
  askQuantity: ask === null ? "" : format(ask[1])
})

export const bookTickerFrame = (envelope: Envelope, best: BookTickerEvent): PushFrameInput => ({
  ...envelope,
  publicAggreBookTicker: {
    ...bestTexts(best),
    version: best.version.toString(),
    lastOrderCreateTime: best.at
  }
})

export const bookTickerBatchFrame = (envelope: Envelope, best: BookTickerEvent): PushFrameInput => ({
  ...envelope,
  publicBookTickerBatch: {
    items: [bestTexts(best)],
    version: best.version.toString(),
    lastOrderCreateTime: best.at
  }
})

/** Every delta by itself, under its own version. */
export const increaseDepthFrame = (envelope: Envelope, deltas: ReadonlyArray<DepthEvent>): PushFrameInput => ({
  ...envelope,
  publicIncreaseDepthsBatch: {
    items: deltas.map((delta) => ({
      asks: levels(delta.asks),
      bids: levels(delta.bids),
      version: delta.toVersion.toString()
    })),
    eventType: eventType(envelope.channel)
  }
})

/** The deltas of one interval as one: of a price that changed twice the later quantity holds. */
export const depthFrame = (envelope: Envelope, deltas: ReadonlyArray<DepthEvent>): PushFrameInput => {
  const [first, last] = [deltas[0], deltas.at(-1)]
  return {
    ...envelope,
    publicAggreDepths: {
      asks: levels(latest(deltas.flatMap((delta) => delta.asks))),
      bids: levels(latest(deltas.flatMap((delta) => delta.bids))),
      eventType: eventType(envelope.channel),
      fromVersion: first?.fromVersion.toString() ?? "",
      toVersion: last?.toVersion.toString() ?? "",
      lastOrderCreateTime: last?.at ?? 0
    }
  }
}

const latest = (changes: ReadonlyArray<BookLevel>): ReadonlyArray<BookLevel> =>
  changes.length < 2 ? changes : [...new Map(changes.map((level) => [format(level[0]), level])).values()]

export const limitDepthFrame = (envelope: Envelope, book: PaperBook): PushFrameInput => ({
  ...envelope,
  publicLimitDepths: {
    asks: levels(book.asks),
    bids: levels(book.bids),
    eventType: eventType(envelope.channel).replace(/@[^@]*$/, ""),
    version: book.version.toString(),
    lastOrderCreateTime: book.at
  }
})

/** `closeTime` is where the next candle opens; the window is in seconds. */
export const klineFrame = (
  envelope: Envelope,
  interval: KlineInterval,
  candle: Candle,
  closeTime: Instant
): PushFrameInput => ({
  channel: envelope.channel,
  symbol: envelope.symbol,
  createTime: envelope.sendTime,
  sendTime: envelope.sendTime,
  publicSpotKline: {
    interval: klineIntervals[interval],
    windowStart: Math.floor(candle.openTime / 1_000),
    openingPrice: format(candle.open),
    closingPrice: format(candle.close),
    highestPrice: format(candle.high),
    lowestPrice: format(candle.low),
    volume: format(candle.volume),
    amount: format(candle.quoteVolume),
    windowEnd: Math.floor(closeTime / 1_000)
  }
})
