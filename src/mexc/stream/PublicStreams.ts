import { type Effect, Option, type Stream } from "effect"
import type { Candle, SymbolName } from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"
import {
  toBestPrices,
  toDepthDelta,
  toLimitBook,
  toMiniTicker,
  toPublicTrade,
  toStreamCandle,
  versionOf
} from "../map/StreamMapping.ts"
import {
  bookTickerChannel,
  dealsChannel,
  depthChannel,
  klineChannel,
  type KlineInterval,
  limitDepthChannel,
  miniTickersChannel,
  type Zone
} from "../wire/Channels.ts"
import type { AggreDeal, PushFrame } from "../wire/Stream.ts"
import type { CandleEvent, DepthEvent, LimitDepthEvent, Mark, MarketEvent, MiniTickersEvent } from "./Events.ts"
import { makeNewest, makeOnce, type Origin } from "./Once.ts"
import type { Pool } from "./Pool.ts"
import type { Odd } from "./Session.ts"
import { follow, subscription, type SubscriptionOptions } from "./Subscription.ts"

/** Trades and changes of a book: none may be lost in silence. */
const losslessBacklog = 2_048
/** Where only the latest counts there is one, and what the connection says of itself. */
const latestBacklog = 64

const nameOfDeal = ({ price, quantity, time, tradeId, tradeType }: typeof AggreDeal.Type): string =>
  tradeId === "" ? `${time} ${price} ${quantity} ${tradeType}` : tradeId

const stampOf = (frame: PushFrame): bigint | null => {
  const time = frame.createTime ?? frame.sendTime
  return time === undefined ? null : BigInt(time)
}

const versionOrNull = (text: string) => Option.getOrNull(versionOf(text))

const isMark = (event: { readonly type: string }): boolean =>
  event.type === "subscribed" || event.type === "interrupted"

const mark = (type: Mark["type"], receivedAt: Instant): Mark => ({ type, receivedAt })

/** A list of the one event, or that there is none to be made of it. */
const oneOr = <E>(event: Option.Option<E>): ReadonlyArray<E> | "unusable" =>
  Option.match(event, { onNone: () => "unusable", onSome: (made) => [made] })

/** The public channels of a pool of connections. */
export const makePublicStreams = (pool: Pool, odd: Odd) => {
  const unusable = (what: string) => odd(`values of ${what}`)

  const marketOf = (symbol: SymbolName): SubscriptionOptions<MarketEvent> => {
    const once = makeOnce(nameOfDeal)
    const newest = makeNewest()

    const events = (frame: PushFrame, receivedAt: Instant, origin: Origin): ReadonlyArray<MarketEvent> | "unusable" => {
      const { publicAggreBookTicker: best, publicAggreDeals } = frame
      if (publicAggreDeals !== undefined) {
        const deals = once(publicAggreDeals.deals, origin)
        const trades = deals.flatMap((deal) => Option.toArray(toPublicTrade(deal)))
        if (trades.length === 0) return deals.length === 0 ? [] : "unusable"
        return [{ type: "trades", symbol, trades, receivedAt }]
      }
      if (best === undefined) return "unusable"
      if (!newest(() => versionOrNull(best.version) ?? stampOf(frame), origin)) return []
      const at = frame.sendTime ?? receivedAt
      return oneOr(
        Option.map(toBestPrices(best), ({ ask, askQuantity, bid, bidQuantity }): MarketEvent =>
          bid === null || ask === null
            ? { type: "oneSided", symbol, bid, ask, at, receivedAt }
            : { type: "bookTicker", symbol, bid, bidQuantity, ask, askQuantity, at, receivedAt }
        )
      )
    }

    return {
      name: symbol,
      channels: [dealsChannel(symbol), bookTickerChannel(symbol)],
      backlog: losslessBacklog,
      mark: (type, receivedAt) => ({ type, symbol, receivedAt }),
      events,
      latest: { isOne: ({ type }) => type === "bookTicker" || type === "oneSided", merge: (_, event) => event },
      unusable
    }
  }

  const market = (symbol: SymbolName): Stream.Stream<MarketEvent> => subscription(pool, marketOf(symbol))

  const followMarket = (symbol: SymbolName, handle: (event: MarketEvent) => Effect.Effect<void>): Effect.Effect<void> =>
    follow(pool, marketOf(symbol), handle)

  const klines = (symbol: SymbolName, interval: KlineInterval): Stream.Stream<CandleEvent> => {
    const newest = makeNewest()
    let running: Candle | null = null

    const events = (frame: PushFrame, receivedAt: Instant, origin: Origin): ReadonlyArray<CandleEvent> | "unusable" => {
      if (frame.publicSpotKline === undefined) return "unusable"
      const candle = Option.getOrNull(toStreamCandle(frame.publicSpotKline))
      if (candle === null) return "unusable"
      if (!newest(() => stampOf(frame), origin)) return []
      // A late word about a window that has been closed.
      if (running !== null && candle.openTime < running.openTime) return []
      const before = running !== null && running.openTime < candle.openTime ? [{ ...running, closed: true }] : []
      running = candle
      return [...before, candle].map((one) => ({ type: "candle", symbol, interval, candle: one, receivedAt }))
    }

    return subscription<CandleEvent>(pool, {
      name: `${symbol} ${interval}`,
      channels: [klineChannel(symbol, interval)],
      backlog: losslessBacklog,
      mark: (type, receivedAt) => {
        // Its last changes may have been missed: REST has to say how it closed.
        if (type === "interrupted") running = null
        return mark(type, receivedAt)
      },
      events,
      unusable
    })
  }

  const depth = (symbol: SymbolName): Stream.Stream<DepthEvent> =>
    subscription<DepthEvent>(pool, {
      name: `${symbol} depth`,
      channels: [depthChannel(symbol)],
      backlog: losslessBacklog,
      mark,
      // Repetitions show in the versions.
      events: (frame, receivedAt) =>
        oneOr(
          Option.map(
            Option.flatMap(Option.fromNullable(frame.publicAggreDepths), (pushed) =>
              toDepthDelta(pushed, frame.sendTime ?? receivedAt)
            ),
            (delta): DepthEvent => ({ type: "depth", delta, receivedAt })
          )
        ),
      unusable
    })

  const limitDepth = (symbol: SymbolName, levels: 5 | 10 | 20): Stream.Stream<LimitDepthEvent> => {
    const newest = makeNewest()
    return subscription<LimitDepthEvent>(pool, {
      name: `${symbol} best ${levels}`,
      channels: [limitDepthChannel(symbol, levels)],
      backlog: latestBacklog,
      mark,
      events: (frame, receivedAt, origin) => {
        const pushed = frame.publicLimitDepths
        if (pushed === undefined) return "unusable"
        if (!newest(() => versionOrNull(pushed.version), origin)) return []
        const book = toLimitBook(symbol, pushed, frame.sendTime ?? receivedAt)
        return oneOr(Option.map(book, (best): LimitDepthEvent => ({ type: "book", book: best, receivedAt })))
      },
      latest: { isOne: (event) => !isMark(event), merge: (_, event) => event },
      unusable
    })
  }

  const miniTickers = (zone: Zone): Stream.Stream<MiniTickersEvent> =>
    subscription<MiniTickersEvent>(pool, {
      name: "all tickers",
      channels: [miniTickersChannel(zone)],
      backlog: latestBacklog,
      mark,
      events: (frame, receivedAt) => {
        if (frame.publicMiniTickers === undefined) return "unusable"
        const { items } = frame.publicMiniTickers
        const tickers = new Map(
          items.flatMap((item) =>
            Option.match(toMiniTicker(item), { onNone: () => [], onSome: (made) => [[made.symbol, made] as const] })
          )
        )
        if (tickers.size === 0) return items.length === 0 ? [] : "unusable"
        return [{ type: "miniTickers", tickers, at: frame.sendTime ?? receivedAt, receivedAt }]
      },
      // Each message tells only of the pairs that moved.
      latest: {
        isOne: (event) => !isMark(event),
        merge: (waiting, event) =>
          waiting.type === "miniTickers" && event.type === "miniTickers"
            ? { ...event, tickers: new Map([...waiting.tickers, ...event.tickers]) }
            : event
      },
      unusable
    })

  return { market, followMarket, klines, depth, limitDepth, miniTickers }
}
