import { Chunk, Effect, Layer, Option, Stream } from "effect"
import type { Candle } from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"
import { MarketSource, type PriceStep } from "../MarketSource.ts"
import { candleSteps, minuteCandles, runningCandle } from "./CandlePath.ts"
import { listed } from "./Listed.ts"
import { readRecordings, type Recording, RecordingInvalid } from "./Recording.ts"
import { floorToMinute, minuteMs } from "./Units.ts"

export interface ReplayOptions {
  /** A recording, or a folder of recordings. */
  readonly path: string
  /** Rows before `from` are history. Without it the first row is, so that there is a price from the start. */
  readonly window?: { readonly from?: Instant; readonly to?: Instant }
}

/** Minutes older than this before the start are not served: a coarse recording of years would fill the memory. */
const historyMs = 31 * 1_440 * minuteMs

/** A market that moves as it was recorded, then halts at its last price. */
export const layer = (options: ReplayOptions) =>
  Layer.effect(
    MarketSource,
    Effect.flatMap(readRecordings(options.path), (recordings) => makeReplay(recordings, options))
  )

/** The market of recordings that are already read. */
export const makeReplay = (recordings: ReadonlyArray<Recording>, options: ReplayOptions) =>
  Effect.gen(function* () {
    const spans = recordings.map(spanOf)
    const startsAt = options.window?.from ?? Math.min(...spans.map((span) => span.firstClose))
    const endsAt = Math.min(options.window?.to ?? Infinity, Math.max(...spans.map((span) => span.end)))
    if (startsAt >= endsAt)
      return yield* new RecordingInvalid({ file: options.path, line: null, why: "has no candle in the chosen window" })

    const recordingOf = (symbol: string) => recordings.find((one) => one.symbol === symbol)
    const priceAtStart = (symbol: string) =>
      Effect.sync(() => {
        const recording = recordingOf(symbol)
        return recording === undefined ? null : (minutesBefore(recording, startsAt, 2).at(-1)?.close ?? null)
      })
    const history = Effect.fn("Replay.history")((symbol: string) =>
      Effect.sync(() => {
        const recording = recordingOf(symbol)
        return recording === undefined ? [] : minutesBefore(recording, startsAt)
      })
    )
    const steps = (from: Instant) =>
      Stream.suspend(() => {
        const readers = recordings.map(stepReader)
        return Stream.unfoldChunk(floorToMinute(Math.max(from, startsAt)), (minute) => {
          if (minute >= endsAt) return Option.none()
          const merged = readers.flatMap((read) => read(minute)).sort((a, b) => a.at - b.at)
          const due = merged.filter((step) => step.at > from && step.at <= endsAt)
          return Option.some([Chunk.unsafeFromArray(due), nextMinute(recordings, minute)])
        })
      })
    const listings = recordings.map((recording) => listed({ ...recording, fullName: recording.baseAsset }))
    return MarketSource.of({ listings, startsAt, endsAt, priceAtStart, history, steps })
  })

const spanOf = ({ candles, intervalMs }: Recording) => ({
  firstClose: (candles[0]?.openTime ?? 0) + intervalMs,
  end: (candles.at(-1)?.openTime ?? 0) + intervalMs
})

/** The first candle at or after an index that ends later than the instant; the number of candles when none does. */
const firstEndingAfter = ({ candles, intervalMs }: Recording, at: Instant): number => {
  let [low, high] = [0, candles.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((candles[middle]?.openTime ?? 0) + intervalMs <= at) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Up to the very start: of a candle that is running then, what was seen of it. Of the last few rows only, when asked
 * for a number of them.
 */
const minutesBefore = (recording: Recording, startsAt: Instant, rows = Infinity): ReadonlyArray<Candle> => {
  const { candles, intervalMs, scales } = recording
  const end = firstEndingAfter(recording, startsAt) + 1
  const minutes = candles
    .slice(Math.max(firstEndingAfter(recording, startsAt - historyMs), end - rows), end)
    .flatMap((candle) => minuteCandles(candle, intervalMs, scales))
    .filter((candle) => candle.openTime + minuteMs <= startsAt)
  const running = floorToMinute(startsAt)
  const seen = stepReader(recording)(running).filter((step) => step.at <= startsAt)
  return [...minutes, ...runningCandle(running, seen)]
}

/** Reads one recording forward, minute by minute; the path of a coarse candle is laid once. */
const stepReader = (recording: Recording) => {
  const { candles, intervalMs, scales, symbol } = recording
  let laid: Candle | null = null
  let path: ReadonlyArray<PriceStep> = []
  return (minute: Instant): ReadonlyArray<PriceStep> => {
    const index = firstEndingAfter(recording, minute)
    // Recordings need not start on the full minute: two candles may share one.
    return candles.slice(index, index + 2).flatMap((candle) => {
      if (candle.openTime >= minute + minuteMs) return []
      if (candle !== laid) path = candleSteps(symbol, candle, intervalMs, scales)
      laid = candle
      return path.filter((step) => step.at >= minute && step.at < minute + minuteMs)
    })
  }
}

/** Skips what no recording covers, so that a gap of months costs nothing. */
const nextMinute = (recordings: ReadonlyArray<Recording>, minute: Instant): Instant => {
  const after = minute + minuteMs
  const candidates = recordings.map((recording) => recording.candles[firstEndingAfter(recording, after)]?.openTime)
  return Math.max(after, floorToMinute(Math.min(...candidates.map((openTime) => openTime ?? Infinity))))
}
