import { type Context, Effect } from "effect"
import type { Instant } from "../../domain/Time.ts"
import type { Channel } from "../../mexc/wire/Channels.ts"
import type { PushFrameInput } from "../../mexc/wire/Stream.ts"
import type { ExchangeEvent } from "../Events.ts"
import type { Exchange } from "../Exchange.ts"
import type { VenueRejection } from "../VenueRejection.ts"
import type { Connection } from "./Connection.ts"
import { candlesFrom, closeTimeOf, runningCandle } from "./Klines.ts"
import { miniTicker, miniTickerFrame, miniTickersFrame } from "./MiniTickers.ts"
import {
  bookTickerBatchFrame,
  bookTickerFrame,
  type BookTickerEvent,
  dealsFrame,
  depthFrame,
  type DepthEvent,
  increaseDepthFrame,
  klineFrame,
  limitDepthFrame,
  type TradeEvent
} from "./PublicFrames.ts"

export type PublicChannel = Exclude<Channel, { readonly kind: "privateOrders" | "privateDeals" | "privateAccount" }>
export type MarketEvent = Extract<ExchangeEvent, { readonly type: "trade" | "depth" | "bookTicker" }>

type Frames = Effect.Effect<ReadonlyArray<PushFrameInput>>

/** A public channel somebody is subscribed to, with what it has to tell since its last push. */
export interface Topic {
  readonly name: string
  /** null: it tells of all pairs. */
  readonly symbol: string | null
  /** Pushes are merged over this much wall time. */
  readonly periodMs: number
  /** True when the event gives it something to tell. */
  readonly take: (event: MarketEvent) => boolean
  /** The frames of all that was taken, none when there is nothing after all. */
  readonly drain: (now: Instant) => Frames
  /** What it tells once it was silent for `afterMs`; null where there is nothing to tell without an event. */
  readonly quiet: { readonly afterMs: number; readonly frames: (now: Instant) => Frames } | null
  /** Its quiet book is told again, so that it has deltas to tell. */
  readonly breathes: boolean
  readonly subscribers: Set<Connection>
}

const snapshotPeriodMs = 100
const batchPeriodMs = 5
const klinePeriodMs = 1_000
const miniPeriodMs = 3_000
const quietBookMs = 3_000
/** How many deltas one frame of the unmerged channel holds at most. */
const unmergedDeltas = 5
const speeds = { "100ms": 100, "10ms": 10 } as const

export const makeTopic = (
  name: string,
  channel: PublicChannel,
  exchange: Context.Tag.Service<typeof Exchange>
): Topic => {
  const base = { name, quiet: null, breathes: false, subscribers: new Set<Connection>() }
  if (channel.kind === "miniTickers") return { ...base, ...allPairs(name, channel.zone, exchange) }
  const { symbol } = channel
  const envelopeAt = (sendTime: Instant) => ({ channel: name, symbol, sendTime })
  const one = (frame: Effect.Effect<PushFrameInput, VenueRejection>): Frames =>
    frame.pipe(
      Effect.map((made) => [made]),
      Effect.orElseSucceed(none)
    )

  switch (channel.kind) {
    case "deals": {
      const trades = batch(isTrade)
      const drain = (now: Instant) => trades.drain((taken) => [dealsFrame(envelopeAt(now), taken)])
      return { ...base, symbol, periodMs: speeds[channel.speed], take: trades.take, drain }
    }
    case "depth": {
      const deltas = batch(isDepth)
      const drain = (now: Instant) => deltas.drain((taken) => [depthFrame(envelopeAt(now), taken)])
      return { ...base, symbol, periodMs: speeds[channel.speed], take: deltas.take, drain, breathes: true }
    }
    case "increaseDepth": {
      const deltas = batch(isDepth)
      const drain = (now: Instant) =>
        deltas.drain((taken) => chunks(taken, unmergedDeltas).map((some) => increaseDepthFrame(envelopeAt(now), some)))
      return { ...base, symbol, periodMs: batchPeriodMs, take: deltas.take, drain, breathes: true }
    }
    case "bookTicker":
    case "bookTickerBatch": {
      const frameOf = channel.kind === "bookTicker" ? bookTickerFrame : bookTickerBatchFrame
      const periodMs = channel.kind === "bookTicker" ? speeds[channel.speed] : batchPeriodMs
      const changes = batch(isBookTicker, 1)
      const drain = (now: Instant) => changes.drain((taken) => taken.map((best) => frameOf(envelopeAt(now), best)))
      const frames = (now: Instant) =>
        Effect.map(bestPrices(exchange, symbol), (taken) => taken.map((best) => frameOf(envelopeAt(now), best)))
      return { ...base, symbol, periodMs, take: changes.take, drain, quiet: { afterMs: quietBookMs, frames } }
    }
    case "limitDepth": {
      const drain = (now: Instant) =>
        one(Effect.map(exchange.book(symbol, channel.levels), (book) => limitDepthFrame(envelopeAt(now), book)))
      const quiet = { afterMs: quietBookMs, frames: drain }
      return { ...base, symbol, periodMs: snapshotPeriodMs, take: isDepth, drain, quiet }
    }
    case "kline":
      return { ...base, symbol, ...candles(envelopeAt, channel, exchange) }
    case "miniTicker": {
      const drain = (now: Instant) =>
        one(
          Effect.map(miniTicker(exchange, symbol, channel.zone, now), (ticker) =>
            miniTickerFrame(envelopeAt(now), ticker)
          )
        )
      const quiet = { afterMs: miniPeriodMs, frames: drain }
      return { ...base, symbol, periodMs: miniPeriodMs, take: isTrade, drain, quiet }
    }
  }
}

/** The running candle; one that closed between two pushes is told for the last time before its successor. */
const candles = (
  envelopeAt: (sendTime: Instant) => { channel: string; symbol: string; sendTime: Instant },
  { interval, symbol }: Extract<PublicChannel, { readonly kind: "kline" }>,
  exchange: Context.Tag.Service<typeof Exchange>
) => {
  let told: Instant | null = null
  const frame = (now: Instant, candle: Parameters<typeof klineFrame>[2]) => {
    told = Math.max(told ?? 0, candle.openTime)
    return klineFrame(envelopeAt(now), interval, candle, closeTimeOf(interval, candle.openTime))
  }
  const drain = (now: Instant): Frames =>
    Effect.suspend(() => candlesFrom(exchange, symbol, interval, told)).pipe(
      Effect.map((changed) => changed.map((candle) => frame(now, candle))),
      Effect.orElseSucceed(none)
    )
  const frames = (now: Instant): Frames =>
    runningCandle(exchange, symbol, interval, now).pipe(
      Effect.map((candle) => [frame(now, candle)]),
      Effect.orElseSucceed(none)
    )
  return { periodMs: klinePeriodMs, take: isTrade, drain, quiet: { afterMs: klinePeriodMs, frames } }
}

/** The pairs that moved since the last push; every pair when none did. */
const allPairs = (
  name: string,
  zone: Extract<PublicChannel, { readonly kind: "miniTickers" }>["zone"],
  exchange: Context.Tag.Service<typeof Exchange>
) => {
  const moved = new Set<string>()
  const take = (event: MarketEvent): boolean => {
    if (event.type === "trade") moved.add(event.symbol)
    return event.type === "trade"
  }
  const framesOf = (symbols: ReadonlyArray<string>, now: Instant): Frames =>
    Effect.forEach(symbols, (symbol) => Effect.option(miniTicker(exchange, symbol, zone, now))).pipe(
      Effect.map((found) => {
        const items = found.flatMap((item) => (item._tag === "Some" && item.value.price !== "0" ? [item.value] : []))
        return items.length === 0 ? [] : [miniTickersFrame({ channel: name, sendTime: now }, items)]
      })
    )
  const drain = (now: Instant): Frames =>
    Effect.suspend(() => {
      const symbols = [...moved]
      moved.clear()
      return framesOf(symbols, now)
    })
  const frames = (now: Instant) =>
    Effect.flatMap(exchange.pairs, (pairs) =>
      framesOf(
        pairs.flatMap(({ listed, listing }) => (listed ? [listing.symbol] : [])),
        now
      )
    )
  return { symbol: null, periodMs: miniPeriodMs, take, drain, quiet: { afterMs: miniPeriodMs, frames } }
}

/** As an event would tell them; none while nobody has offered anything. */
const bestPrices = (
  exchange: Context.Tag.Service<typeof Exchange>,
  symbol: string
): Effect.Effect<ReadonlyArray<BookTickerEvent>> =>
  exchange.book(symbol, 1).pipe(
    Effect.map(({ asks: [ask], at, bids: [bid], version }): ReadonlyArray<BookTickerEvent> => {
      if (bid === undefined && ask === undefined) return []
      return [{ type: "bookTicker", symbol, bid: bid ?? null, ask: ask ?? null, version, at }]
    }),
    Effect.orElseSucceed(() => [])
  )

const none = (): ReadonlyArray<PushFrameInput> => []

const isTrade = (event: MarketEvent): event is TradeEvent => event.type === "trade"
const isDepth = (event: MarketEvent): event is DepthEvent => event.type === "depth"
const isBookTicker = (event: MarketEvent): event is BookTickerEvent => event.type === "bookTicker"

const chunks = <A>(all: ReadonlyArray<A>, size: number): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))

/** Events waiting for the next push, the newest `kept` of them. */
const batch = <E extends MarketEvent>(wanted: (event: MarketEvent) => event is E, kept = Infinity) => {
  let waiting: Array<E> = []
  return {
    take: (event: MarketEvent): boolean => {
      if (!wanted(event)) return false
      if (waiting.length >= kept) waiting.shift()
      waiting.push(event)
      return true
    },
    drain: (frames: (taken: ReadonlyArray<E>) => ReadonlyArray<PushFrameInput>): Frames =>
      Effect.sync(() => {
        const taken = waiting
        waiting = []
        return taken.length === 0 ? [] : frames(taken)
      })
  }
}
