import { Effect } from "effect"
import type { Instant } from "../../domain/Time.ts"
import type { Channel } from "../../mexc/wire/Channels.ts"
import type { PushFrameInput } from "../../mexc/wire/Stream.ts"
import { closeTimeOf } from "../engine/CandleSeries.ts"
import type { ExchangeEvent } from "../Events.ts"
import type { Exchange } from "../Exchange.ts"
import type { Connection } from "./Connection.ts"
import {
  bookTickerFrame,
  type BookTickerEvent,
  dealsFrame,
  depthFrame,
  type DepthEvent,
  klineFrame,
  limitDepthFrame,
  type TradeEvent
} from "./PublicFrames.ts"

export type PublicChannel = Extract<Channel, { readonly symbol: string }>

/** A public channel somebody is subscribed to, with what it has to tell since its last push. */
export interface Topic {
  readonly name: string
  readonly symbol: string
  /** Pushes are merged over this much wall time. */
  readonly periodMs: number
  readonly subscribers: Set<Connection>
  /** True when the event gives it something to tell. */
  readonly take: (event: ExchangeEvent) => boolean
  /** The frame of all that was taken; null when there is nothing after all. */
  readonly drain: (now: Instant) => Effect.Effect<PushFrameInput | null>
}

const snapshotPeriodMs = 100
const klinePeriodMs = 1_000
const speeds = { "100ms": 100, "10ms": 10 } as const

export const makeTopic = (name: string, channel: PublicChannel, exchange: typeof Exchange.Service): Topic => {
  const { symbol } = channel
  const topic = (periodMs: number, take: Topic["take"], drain: Topic["drain"]): Topic => ({
    name,
    symbol,
    periodMs,
    subscribers: new Set(),
    take,
    drain
  })
  const envelopeAt = (sendTime: Instant) => ({ channel: name, symbol, sendTime })

  switch (channel.kind) {
    case "deals": {
      const trades = batch<TradeEvent>()
      return topic(speeds[channel.speed], trades.takeIf(isTrade), (now) =>
        Effect.sync(() => trades.drain((taken) => dealsFrame(envelopeAt(now), taken)))
      )
    }
    case "depth": {
      const deltas = batch<DepthEvent>()
      return topic(speeds[channel.speed], deltas.takeIf(isDepth), (now) =>
        Effect.sync(() => deltas.drain((taken) => depthFrame(envelopeAt(now), taken)))
      )
    }
    case "bookTicker": {
      const changes = batch<BookTickerEvent>(1)
      return topic(speeds[channel.speed], changes.takeIf(isBookTicker), (now) =>
        Effect.sync(() =>
          changes.drain(([best]) => (best === undefined ? null : bookTickerFrame(envelopeAt(now), best)))
        )
      )
    }
    case "limitDepth":
      return topic(snapshotPeriodMs, isDepth, (now) =>
        exchange.book(symbol, channel.levels).pipe(
          Effect.map((book) => limitDepthFrame(envelopeAt(now), book)),
          Effect.orElseSucceed(() => null)
        )
      )
    case "kline":
      return topic(klinePeriodMs, isTrade, (now) =>
        exchange.candles({ symbol, interval: channel.interval, limit: 1 }).pipe(
          Effect.map(([candle]) =>
            candle === undefined
              ? null
              : klineFrame(envelopeAt(now), channel.interval, candle, closeTimeOf(channel.interval, candle.openTime))
          ),
          Effect.orElseSucceed(() => null)
        )
      )
  }
}

const isTrade = (event: ExchangeEvent): event is TradeEvent => event.type === "trade"
const isDepth = (event: ExchangeEvent): event is DepthEvent => event.type === "depth"
const isBookTicker = (event: ExchangeEvent): event is BookTickerEvent => event.type === "bookTicker"

/** Events waiting for the next push, the newest `kept` of them. */
const batch = <E extends ExchangeEvent>(kept = Infinity) => {
  let waiting: Array<E> = []
  return {
    takeIf:
      (wanted: (event: ExchangeEvent) => event is E) =>
      (event: ExchangeEvent): boolean => {
        if (!wanted(event)) return false
        if (waiting.length >= kept) waiting.shift()
        waiting.push(event)
        return true
      },
    drain: (frame: (taken: ReadonlyArray<E>) => PushFrameInput | null): PushFrameInput | null => {
      const taken = waiting
      waiting = []
      return taken.length === 0 ? null : frame(taken)
    }
  }
}
