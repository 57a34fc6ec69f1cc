import { Array as Arrays, Clock, Effect } from "effect"
import type { Instant } from "../../domain/Time.ts"
import { deepestBelowHigh } from "../../paper/market/Crash.ts"
import { readRecordings, RecordingInvalid } from "../../paper/market/Recording.ts"
import type { MarketChoice, PaperExchangeOptions } from "../../paper/PaperExchange.ts"
import type { Pair } from "./BooksCheck.ts"

/** Which market the demo plays, and which part of it. */
export interface Scene {
  readonly title: string
  readonly pair: Pair
  readonly from: Instant
  readonly until: Instant
  readonly story: Pick<PaperExchangeOptions, "window" | "startsAt" | "synthetic">
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** From four hours before the moment deepest below its 24 h high to one hour after it; earlier rows are history. */
const recorded = Effect.fnUntraced(
  function* (path: string) {
    const recordings = yield* readRecordings(path)
    const recording = Arrays.head(recordings)
    const { candles, intervalMs, baseAsset, quoteAsset, symbol } = yield* recording
    const crash = deepestBelowHigh(candles)
    if (crash === null) return yield* new RecordingInvalid({ file: path, line: null, why: "holds no candle" })
    const window = { from: crash.at - 4 * hourMs, to: crash.at + intervalMs + hourMs }
    const scene: Scene = {
      title: `${symbol} as recorded in ${path}, ${crash.percent.toFixed(1)} % below its 24 h high at the deepest`,
      pair: { symbol, baseAsset, quoteAsset },
      from: window.from,
      until: window.to,
      story: { window }
    }
    return scene
  },
  Effect.catchTag("NoSuchElementException", Effect.die)
)

/** Synthetic prices with a crash four hours ahead. */
const synthetic = Effect.map(Clock.currentTimeMillis, (now): Scene => {
  const from = Math.floor(now / minuteMs) * minuteMs
  const percent = 11
  return {
    title: `synthetic BTCUSDT with a crash of ${percent} % planted`,
    pair: { symbol: "BTCUSDT", baseAsset: "BTC", quoteAsset: "USDT" },
    from,
    until: from + 5 * hourMs,
    story: {
      startsAt: from,
      synthetic: { symbols: ["BTCUSDT"], stepsPerMinute: 8, crash: { at: from + 4 * hourMs, percent } }
    }
  }
})

export const sceneOf = (market: MarketChoice) =>
  market.startsWith("replay:") ? recorded(market.slice("replay:".length)) : synthetic
