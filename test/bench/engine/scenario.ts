import { BigDecimal, Schema } from "effect"
import type * as Decimal from "../../../src/domain/Decimal.ts"
import { SymbolName } from "../../../src/domain/Market.ts"

/** The same numbers in every run. */
export const generator = (seed: number) => {
  let state = seed
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 4_294_967_296
}

/** Prices in thousandths: thresholds lie in this band, and each symbol's price walks it down and up again. */
export const band = { low: 95_000, high: 105_000 }
const width = band.high - band.low

/** While a price falls so many thresholds are crossed with each of its ticks; half of the time it rises. */
const crossingsWhileFalling = 0.3

export const decimalOf = (thousandths: number): Decimal.Decimal => BigDecimal.make(BigInt(thousandths), 3)

const decodeSymbol = Schema.decodeSync(SymbolName)
export const symbolsOf = (count: number) => Array.from({ length: count }, (_, i) => decodeSymbol(`COIN${i}USDT`))

export interface Threshold {
  readonly symbol: number
  readonly thousandths: number
}

/** Spread evenly over the symbols and at random over the band. */
export const thresholdsOf = (rules: number, symbols: number): ReadonlyArray<Threshold> => {
  const random = generator(rules)
  return Array.from({ length: rules }, (_, i) => ({
    symbol: i % symbols,
    thousandths: band.low + Math.floor(random() * width)
  }))
}

/** An endless market: one symbol at a time moves a step on its way through the band. All begin above it. */
export const makeMarket = (rules: number, symbols: number) => {
  const random = generator(rules + symbols)
  const step = Math.max(1, Math.round((crossingsWhileFalling * width * symbols) / rules))
  const prices = new Int32Array(symbols).fill(band.high)
  const directions = Array.from({ length: symbols }, () => -1)
  // Not all of them turn together.
  const first = Array.from({ length: symbols }, () => Math.floor((random() * width) / step))

  const next = (): Threshold => {
    const symbol = Math.floor(random() * symbols)
    const left = first[symbol] ?? 0
    const direction = left > 0 ? -1 : (directions[symbol] ?? 1)
    if (left > 0) first[symbol] = left - 1
    let price = (prices[symbol] ?? 0) + direction * step
    if (price <= band.low || price >= band.high) {
      price = Math.min(band.high, Math.max(band.low, price))
      directions[symbol] = price === band.low ? 1 : -1
      first[symbol] = 0
    }
    prices[symbol] = price
    return { symbol, thousandths: price }
  }

  /** Spreads the symbols over their ways, so that some fall and some rise. */
  const spreadOut = (): ReadonlyArray<Threshold> =>
    Array.from({ length: symbols }, (_, symbol) => {
      const steps = first[symbol] ?? 0
      first[symbol] = 0
      const price = Math.max(band.low, band.high - steps * step)
      prices[symbol] = price
      directions[symbol] = random() < 0.5 ? -1 : 1
      return { symbol, thousandths: price }
    })

  return { next, spreadOut }
}

export interface Spread {
  readonly p50: number
  readonly p99: number
}

export const percentiles = (values: Float64Array): Spread => {
  const sorted = values.sort()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99) }
}

/** A log of milliseconds that costs no garbage while it is written. */
export const makeLatencies = (room: number) => {
  const values = new Float64Array(room)
  let used = 0
  return {
    add: (ms: number) => {
      if (used < room) values[used++] = ms
    },
    take: () => {
      const taken = percentiles(values.slice(0, used))
      const count = used
      used = 0
      return { ...taken, count }
    }
  }
}

export interface OpenLoop extends Spread {
  readonly rate: number
  readonly decisions: number
  /** Offered ticks that were pushed within the time. */
  readonly pushed: number
}

/** What one process measured. */
export interface Measured {
  readonly heapPerRule: number
  readonly residentMb: number
  readonly startMs: number
  readonly ticksPerSecond: number
  /** Of the fast run. */
  readonly decisionsPerTick: number
  readonly open: ReadonlyArray<OpenLoop>
}

export interface Task {
  readonly rules: number
  readonly symbols: number
  /** Of the database with the rules; the plain loop has none. */
  readonly folder: string
  readonly fastMs: number
  readonly rates: ReadonlyArray<number>
  readonly openMs: number
  /** Only parks the rules and says what they hold. */
  readonly isWeighed: boolean
}

export const heapAfterCollection = (): number => {
  for (let i = 0; i < 3; i++) globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

export const residentNow = (): number => process.memoryUsage().rss / 1_048_576
