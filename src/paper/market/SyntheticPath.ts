import type { Candle, Side } from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"
import type { PriceStep } from "../MarketSource.ts"
import { blockLength, seedFor, uniform, walk } from "./Noise.ts"
import type { SyntheticPair } from "./SyntheticPairs.ts"
import { fromUnits, minuteMs } from "./Units.ts"

/** A dip put into the path on purpose: the fall takes ten minutes, half of it comes back within twenty more. */
export interface PlannedCrash {
  readonly at: Instant
  readonly percent: number
}

/** Positions of the walk in a minute; a path may visit every second, fourth … of them. */
export const finestSteps = 32
export const stepsPerMinuteChoices = [32, 16, 8, 4] as const

const fallMs = 10 * minuteMs
const reboundMs = 20 * minuteMs
const rebound = 0.5
const forgottenMs = 720 * minuteMs

/** Logarithm of the factor by which a crash lowers the price. */
const crashEffect = (crash: PlannedCrash, at: Instant): number => {
  const depth = Math.log(1 - crash.percent / 100)
  const since = at - crash.at
  if (since <= 0 || since >= forgottenMs) return 0
  if (since < fallMs) return (depth * since) / fallMs
  if (since < fallMs + reboundMs) return depth * (1 - (rebound * (since - fallMs)) / reboundMs)
  return (depth * (1 - rebound) * (forgottenMs - since)) / (forgottenMs - fallMs - reboundMs)
}

const perDay = Math.sqrt(1_440 * finestSteps)

/** The path of one synthetic pair: a pure function of seed and time, with the last block kept at hand. */
export class SyntheticPath {
  readonly #pair: SyntheticPair
  readonly #walks: ReadonlyArray<{ readonly seed: number; readonly weight: number }>
  readonly #sizes: number
  readonly #stride: number
  readonly #phase: number
  readonly #crash: PlannedCrash | null
  readonly #ticksPerUnit: number
  readonly #sizeFactor: number
  #block = -1
  #values: ReadonlyArray<Float64Array> = []

  constructor(
    pair: SyntheticPair,
    options: {
      readonly seed: number
      readonly stepsPerMinute: number
      readonly phase: number
      readonly crash: PlannedCrash | null
    }
  ) {
    this.#pair = pair
    this.#walks = Object.entries(pair.walks).map(([name, deviation]) => ({
      seed: seedFor(options.seed, name),
      weight: deviation / perDay
    }))
    this.#sizes = seedFor(options.seed, `sizes of ${pair.symbol}`)
    this.#stride = finestSteps / options.stepsPerMinute
    this.#phase = options.phase
    this.#crash = options.crash
    this.#ticksPerUnit = 10 ** pair.scales.price
    const turnoverPerStep = pair.turnover / options.stepsPerMinute
    this.#sizeFactor = turnoverPerStep * 10 ** (pair.scales.price + pair.scales.quantity)
  }

  /** Price in ticks at a position since 1970. */
  #ticks(position: number): number {
    const block = Math.floor(position / blockLength)
    if (block !== this.#block) {
      this.#values = this.#walks.map(({ seed }) => walk(seed, block))
      this.#block = block
    }
    // The hot loop of the history: a million positions at the start.
    let sum = 0
    const offset = position - block * blockLength
    for (let i = 0; i < this.#walks.length; i++) sum += (this.#walks[i]?.weight ?? 0) * (this.#values[i]?.[offset] ?? 0)
    if (this.#crash !== null)
      sum += this.#pair.crashShare * crashEffect(this.#crash, (position * minuteMs) / finestSteps)
    return Math.max(1, Math.round(this.#pair.base * Math.exp(sum) * this.#ticksPerUnit))
  }

  /** Quantity in steps: many small trades, few large ones, about the pair's turnover together. */
  #size(position: number, ticks: number): number {
    const drawn = uniform(this.#sizes, position)
    return Math.max(1, Math.round((this.#sizeFactor * (0.1 + 3.6 * drawn * drawn * drawn)) / ticks))
  }

  #side(position: number, ticks: number): Side {
    const before = this.#ticks(position - this.#stride)
    if (ticks !== before) return ticks > before ? "buy" : "sell"
    return uniform(this.#sizes, -position) < 0.5 ? "buy" : "sell"
  }

  /** The steps of one minute, in order; none lies on its very beginning. */
  steps(minute: Instant): ReadonlyArray<PriceStep> {
    const { scales, symbol } = this.#pair
    const first = (minute / minuteMs) * finestSteps
    const steps: Array<PriceStep> = []
    for (let i = 0; i < finestSteps; i += this.#stride) {
      const ticks = this.#ticks(first + i)
      steps.push({
        symbol,
        at: minute + this.#phase + Math.floor((i * minuteMs) / finestSteps),
        price: fromUnits(BigInt(ticks), scales.price),
        quantity: fromUnits(BigInt(this.#size(first + i, ticks)), scales.quantity),
        takerSide: this.#side(first + i, ticks)
      })
    }
    return steps
  }

  /** What the steps of one minute add up to. */
  candle(minute: Instant): Candle {
    const { price, quantity } = this.#pair.scales
    const first = (minute / minuteMs) * finestSteps
    const open = this.#ticks(first)
    // Whole numbers far below 2^53: a minute's turnover in ticks times steps has sixteen digits at most.
    let [high, low, close, volume, turnover] = [open, open, open, 0, 0]
    for (let i = 0; i < finestSteps; i += this.#stride) {
      close = this.#ticks(first + i)
      const size = this.#size(first + i, close)
      high = Math.max(high, close)
      low = Math.min(low, close)
      volume += size
      turnover += close * size
    }
    return {
      openTime: minute,
      open: fromUnits(BigInt(open), price),
      high: fromUnits(BigInt(high), price),
      low: fromUnits(BigInt(low), price),
      close: fromUnits(BigInt(close), price),
      volume: fromUnits(BigInt(volume), quantity),
      quoteVolume: fromUnits(BigInt(turnover), price + quantity),
      closed: true,
      synthetic: false
    }
  }
}
