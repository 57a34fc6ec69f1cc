import { lessThan, max, min, multiply, sum } from "../../domain/Decimal.ts"
import type { Candle } from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"
import type { PriceStep } from "../MarketSource.ts"
import { between, fromUnits, minuteMs, partOf, toUnits } from "./Units.ts"

/** The finest decimals of a recording: its tick and its quantity step. */
export interface Scales {
  readonly price: number
  readonly quantity: number
}

/** A replayed candle moves in at most this many steps; the last is its close. */
const stepsPerCandle = 15
/** The steps at which the path turns; both ends and the middle third of the candle get their share of time. */
const cornerSteps = [0, 5, 9, stepsPerCandle - 1] as const
/** The same corners in thirtieths of the candle, open and close at its very ends: what its minutes are cut from. */
const cornerThirtieths = [0, 11, 19, 30] as const

interface Knot {
  readonly at: number
  readonly price: bigint
}

/** A rising candle visits its low first, a falling one its high. */
const knotsOf = (candle: Candle, scale: number, positions: readonly [number, number, number, number], unit = 1) => {
  const rising = !lessThan(candle.close, candle.open)
  const turns = rising ? [candle.low, candle.high] : [candle.high, candle.low]
  return [candle.open, ...turns, candle.close].map((price, i): Knot => ({
    at: (positions[i] ?? 0) * unit,
    price: toUnits(price, scale)
  }))
}

/** The price at a position of the path; between two corners it never turns. */
const priceAt = (knots: ReadonlyArray<Knot>, position: number): bigint => {
  let from = knots[0]
  for (const to of knots) {
    if (from !== undefined && to.at > from.at && position <= to.at)
      return between(from.price, to.price, position - from.at, to.at - from.at)
    from = to
  }
  return from?.price ?? 0n
}

/** A small volume goes to the corners first, which make the candle's shape; without any, a flat candle is one quiet step. */
const visitedSteps = (volume: bigint, knots: ReadonlyArray<Knot>): ReadonlyArray<number> => {
  if (volume >= BigInt(stepsPerCandle)) return Array.from({ length: stepsPerCandle }, (_, i) => i)
  const turning = knots.filter((knot, i) => i === 0 || knot.price !== knots[i - 1]?.price)
  return turning.map((knot) => knot.at)
}

/**
 * The steps of one recorded candle, all strictly inside it, so that a clock that moves by whole candles plays whole
 * candles. Put together again they give its open, high, low, close and volume exactly. A step without quantity moves
 * the book but is no trade: only candles with less volume than corners have one.
 */
export const candleSteps = (
  symbol: string,
  candle: Candle,
  intervalMs: number,
  scales: Scales
): ReadonlyArray<PriceStep> => {
  const knots = knotsOf(candle, scales.price, cornerSteps)
  const volume = toUnits(candle.volume, scales.quantity)
  const visited = visitedSteps(volume, knots)
  const prices = visited.map((position) => priceAt(knots, position))
  return visited.map((position, i) => {
    const price = prices[i] ?? 0n
    return {
      symbol,
      at: candle.openTime + Math.floor(((position + 0.5) * intervalMs) / stepsPerCandle),
      price: fromUnits(price, scales.price),
      quantity: fromUnits(partOf(volume, i, visited.length), scales.quantity),
      takerSide: price < (prices[i - 1] ?? price) ? "sell" : "buy"
    }
  })
}

/** The candle that a market which starts within a minute has behind it: of the minute's steps up to the start. */
export const runningCandle = (openTime: Instant, steps: ReadonlyArray<PriceStep>): ReadonlyArray<Candle> => {
  const prices = steps.map((step) => step.price)
  const [open, close] = [prices[0], prices.at(-1)]
  if (open === undefined || close === undefined) return []
  return [
    {
      openTime,
      open,
      high: prices.reduce(max),
      low: prices.reduce(min),
      close,
      volume: sum(steps.map((step) => step.quantity)),
      quoteVolume: sum(steps.map((step) => multiply(step.price, step.quantity))),
      closed: false,
      synthetic: false
    }
  ]
}

/** The one-minute candles of a coarser one: cut from its path, they add up to the recorded row. */
export const minuteCandles = (candle: Candle, intervalMs: number, scales: Scales): ReadonlyArray<Candle> => {
  const minutes = intervalMs / minuteMs
  if (minutes <= 1) return [candle]
  const knots = knotsOf(candle, scales.price, cornerThirtieths, minutes)
  const volume = toUnits(candle.volume, scales.quantity)
  const quoteScale = Math.max(0, candle.quoteVolume.scale)
  const quoteVolume = toUnits(candle.quoteVolume, quoteScale)
  return Array.from({ length: minutes }, (_, minute) => {
    const [from, to] = [minute * 30, (minute + 1) * 30]
    const inside = knots.filter((knot) => knot.at >= from && knot.at <= to).map((knot) => knot.price)
    const ends = [priceAt(knots, from), priceAt(knots, to)]
    const [open, close] = ends.map((units) => fromUnits(units, scales.price))
    const visited = [...ends, ...inside].map((units) => fromUnits(units, scales.price))
    return {
      openTime: candle.openTime + minute * minuteMs,
      open: open ?? candle.open,
      high: visited.reduce(max),
      low: visited.reduce(min),
      close: close ?? candle.close,
      volume: fromUnits(partOf(volume, minute, minutes), scales.quantity),
      quoteVolume: fromUnits(partOf(quoteVolume, minute, minutes), quoteScale),
      closed: true,
      synthetic: false
    }
  })
}
