import { Context, Effect, Layer } from "effect"
import type { Candle, Interval, Source } from "../domain/Market.ts"
import type { Instant } from "../domain/Time.ts"
import { MarketClock } from "../MarketClock.ts"
import type { CandleRange } from "../mexc/calls/TradeCalls.ts"
import { MexcClient } from "../mexc/MexcClient.ts"
import { Cache } from "../store/Cache.ts"
import { fillGaps } from "./candles/fillGaps.ts"
import { longestMs } from "./candles/intervals.ts"
import { type MarketError, marketError } from "./VenueErrors.ts"

/** The venue gives at most 500 candles at a time, for one weight: they are fetched and kept in such chunks. */
const chunkLength = 500

/** Closed candles do not change; the cache need not ask again for a long while. */
const closedLifetime = "1 hour"

/** The running candle changes with each trade. */
const runningLifetime = "1 second"

/** 48 chunks are about 20 MB. */
const chunksKept = 48

/** The venue may still correct a candle in the first moments after its close. */
const settledAfterMs = 5_000

export interface CandleQuery extends CandleRange {
  /** Read what may still change anew, whatever the cache holds. */
  readonly fresh?: boolean
}

export interface CandleSpan {
  readonly interval: Interval
  readonly candles: ReadonlyArray<Candle>
  readonly asOf: Instant
  readonly source: Source
}

interface Chunk {
  readonly symbol: CandleRange["symbol"]
  readonly interval: Interval
  readonly from: Instant
}

interface LoadedChunk {
  readonly rows: ReadonlyArray<Candle>
  readonly asOf: Instant
  readonly settled: boolean
}

/** Candles of any range, without gaps from the first trade on, closed or not by market time. */
export class Candles extends Context.Tag("dipper/market/Candles")<
  Candles,
  {
    /** Oldest first. Ends with the running candle where the range reaches it. */
    readonly range: (query: CandleQuery) => Effect.Effect<CandleSpan, MarketError>
  }
>() {
  static readonly layer: Layer.Layer<Candles, never, MexcClient | MarketClock | Cache> = Layer.effect(
    Candles,
    Effect.gen(function* () {
      const mexc = yield* MexcClient
      const market = yield* MarketClock

      const load = Effect.fnUntraced(
        function* ({ symbol, interval, from }: Chunk) {
          const asOf = yield* market.now
          const end = from + chunkLength * longestMs[interval]
          const to = Math.min(end, asOf + longestMs[interval])
          const rows = from > asOf ? [] : yield* mexc.candles({ symbol, interval, from, to })
          return { rows, asOf, settled: end + settledAfterMs <= asOf }
        },
        (loading, { symbol }) => Effect.mapError(loading, marketError(symbol))
      )

      const cache = yield* (yield* Cache).open({
        kind: "candles",
        capacity: chunksKept,
        lifetime: ({ settled }: LoadedChunk) => (settled ? closedLifetime : runningLifetime),
        nameOf: ({ symbol, interval, from }: Chunk) => `${symbol} ${interval} ${from}`,
        load
      })

      const chunkOf = ({ symbol, interval }: CandleQuery, at: Instant): Chunk => {
        const length = chunkLength * longestMs[interval]
        return { symbol, interval, from: Math.floor(at / length) * length }
      }

      const read = Effect.fnUntraced(function* (chunk: Chunk, fresh: boolean) {
        const known = yield* cache.get(chunk)
        return fresh && known.cached && !known.value.settled ? { value: yield* load(chunk), cached: false } : known
      })

      const range = Effect.fn("Candles.range")(function* (query: CandleQuery) {
        const { interval, fresh = false } = query
        const from = Math.max(0, query.from)
        const now = yield* market.now
        const to = Math.min(query.to, now + 1)
        const length = chunkLength * longestMs[interval]
        const first = chunkOf(query, from)
        const chunks: Array<Chunk> = []
        for (let at = first.from; at < to; at += length) chunks.push({ ...first, from: at })
        const loaded = yield* Effect.forEach(chunks, (chunk) => read(chunk, fresh), { concurrency: 4 })
        const rows = loaded.flatMap(({ value }) => value.rows)
        // What opens later than the range begins needs the close before it.
        const hasStart = (rows[0]?.openTime ?? Number.POSITIVE_INFINITY) <= from
        const before =
          hasStart || chunks.length === 0 ? [] : (yield* read(chunkOf(query, first.from - 1), false)).value.rows
        return {
          interval,
          candles: fillGaps([...before, ...rows], interval, { from, to, now }),
          asOf: Math.min(now, ...loaded.map(({ value }) => value.asOf)),
          source: loaded.length > 0 && loaded.every(({ cached }) => cached) ? ("cache" as const) : ("rest" as const)
        }
      })

      return { range }
    })
  )
}
