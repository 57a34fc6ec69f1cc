import { Chunk, Effect, Layer, Option, Stream } from "effect"
import type { Instant } from "../../domain/Time.ts"
import { MarketSource } from "../MarketSource.ts"
import { runningCandle } from "./CandlePath.ts"
import { listed } from "./Listed.ts"
import { syntheticPairs } from "./SyntheticPairs.ts"
import { finestSteps, type PlannedCrash, SyntheticPath, type stepsPerMinuteChoices } from "./SyntheticPath.ts"
import { floorToMinute, minuteMs } from "./Units.ts"

export interface SyntheticOptions {
  readonly seed: number
  /** History ends here. The path itself depends on seed and time only: a later start goes on with the same prices. */
  readonly startsAt: Instant
  readonly crash?: PlannedCrash
  /** A step about every two seconds of market time unless fewer are asked for, as at high speed. */
  readonly stepsPerMinute?: (typeof stepsPerMinuteChoices)[number]
  /** Some of the pairs only. */
  readonly symbols?: ReadonlyArray<string>
}

const historyMinutes = 2_880

/** An invented market without end. */
export const layer = (options: SyntheticOptions) => Layer.sync(MarketSource, () => makeSynthetic(options))

export const makeSynthetic = (options: SyntheticOptions) => {
  const { startsAt } = options
  const pairs = syntheticPairs.filter(({ symbol }) => options.symbols?.includes(symbol) ?? true)
  const stepsPerMinute = options.stepsPerMinute ?? finestSteps
  const pathOf = (index: number) => {
    const pair = pairs[index]
    // Each pair moves at its own moment within a step, the first just after the minute begins.
    const phase = Math.floor(((index + 0.5) * minuteMs) / finestSteps / pairs.length)
    const { crash = null, seed } = options
    return pair === undefined ? null : new SyntheticPath(pair, { seed, stepsPerMinute, phase, crash })
  }

  const pathFor = (symbol: string) => pathOf(pairs.findIndex((pair) => pair.symbol === symbol))
  const running = floorToMinute(startsAt)
  const seenOf = (path: SyntheticPath) => path.steps(running).filter((step) => step.at <= startsAt)

  const priceAtStart = (symbol: string) =>
    Effect.sync(() => {
      const path = pathFor(symbol)
      if (path === null) return null
      return (seenOf(path).at(-1) ?? path.steps(running - minuteMs).at(-1))?.price ?? null
    })

  const history = Effect.fn("Synthetic.history")((symbol: string) =>
    Effect.sync(() => {
      const path = pathFor(symbol)
      if (path === null) return []
      const first = running - historyMinutes * minuteMs
      const minutes = Array.from({ length: historyMinutes }, (_, i) => path.candle(first + i * minuteMs))
      return [...minutes, ...runningCandle(running, seenOf(path))]
    })
  )

  const steps = (from: Instant) =>
    Stream.suspend(() => {
      const paths = pairs.flatMap((_, index) => pathOf(index) ?? [])
      return Stream.unfoldChunk(floorToMinute(from), (minute) => {
        const merged = paths.flatMap((path) => path.steps(minute)).sort((a, b) => a.at - b.at)
        return Option.some([Chunk.unsafeFromArray(merged.filter((step) => step.at > from)), minute + minuteMs])
      })
    })

  return MarketSource.of({
    listings: pairs.map(listed),
    startsAt,
    endsAt: null,
    priceAtStart,
    history,
    steps
  })
}
