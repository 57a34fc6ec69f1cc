import * as Decimal from "../../domain/Decimal.ts"
import type { Candle, Interval } from "../../domain/Market.ts"

const minute = 60_000
const day = 1_440 * minute
/** 69 days of minutes; older ones are forgotten. */
const keptCandles = 100_000
/** Forgetting in blocks keeps the cost of one trade constant. */
const forgottenAtOnce = 5_000

const fixed: Readonly<Record<Exclude<Interval, "1W" | "1M">, number>> = {
  "1m": minute,
  "5m": 5 * minute,
  "15m": 15 * minute,
  "30m": 30 * minute,
  "60m": 60 * minute,
  "4h": 240 * minute,
  "1d": day
}
/** 1970-01-05 was a Monday, on which the venue's weeks begin. */
const firstMonday = 4 * day

/** UTC open time of the interval that holds an instant. */
export const openTimeOf = (interval: Interval, at: number): number => {
  if (interval === "1W") return firstMonday + Math.floor((at - firstMonday) / (7 * day)) * 7 * day
  if (interval === "1M") {
    const date = new Date(at)
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
  }
  return Math.floor(at / fixed[interval]) * fixed[interval]
}

/** The instant at which the next interval opens. */
export const closeTimeOf = (interval: Interval, openTime: number): number => {
  if (interval === "1W") return openTime + 7 * day
  if (interval === "1M") {
    const date = new Date(openTime)
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
  }
  return openTime + fixed[interval]
}

type Bar = Omit<Candle, "closed" | "synthetic">

interface Hour {
  readonly bar: Bar
  /** Minutes with trades. */
  readonly count: number
}

/** Minute candles of one pair, oldest first; every other interval is folded from them when asked. */
export class CandleSeries {
  #minutes: Array<Bar> = []
  readonly #hours = new Map<number, Hour>()
  #hasPast = false
  #forgotten = 0

  /** The past is known, or lies before everything that is kept. */
  get hasPast(): boolean {
    return this.#hasPast
  }

  /** How often the past was forgotten. */
  get forgotten(): number {
    return this.#forgotten
  }

  /** Some minutes may be wrong: the past is to be loaded again. */
  forget(): void {
    this.#hasPast = false
    this.#forgotten += 1
  }

  /** Puts a history that stands for every minute up to its last in the place of those known here. */
  replace(history: ReadonlyArray<Candle>): void {
    const end = history.at(-1)?.openTime ?? Number.NEGATIVE_INFINITY
    this.#minutes = this.#minutes.filter((bar) => bar.openTime > end)
    this.load(history)
  }

  /** The past may come after the first trades; it is taken once. */
  load(history: ReadonlyArray<Candle>): void {
    if (this.#hasPast) return
    this.#hasPast = true
    const past = history.map(({ closed: _closed, synthetic: _synthetic, ...bar }): Bar => bar)
    const end = past.pop()
    if (end === undefined) return
    const next = this.#minutes.findIndex((bar) => bar.openTime > end.openTime)
    const later = next === -1 ? [] : this.#minutes.slice(next)
    const running = this.#minutes.slice(0, this.#minutes.length - later.length)
    this.#minutes = [...past, running.reduce((total, bar) => joined(total, bar), end), ...later]
    this.#hours.clear()
  }

  trade(at: number, price: Decimal.Decimal, quantity: Decimal.Decimal): void {
    const openTime = openTimeOf("1m", at)
    const last = this.#minutes.at(-1)
    const quoteVolume = Decimal.multiply(price, quantity)
    const bar = { openTime, open: price, high: price, low: price, close: price, volume: quantity, quoteVolume }
    // A trade that arrives late counts in the running minute, so that a closed candle never changes.
    if (last !== undefined && openTime <= last.openTime) {
      this.#minutes[this.#minutes.length - 1] = joined(last, bar)
      return
    }
    this.#minutes.push(bar)
    if (this.#minutes.length <= keptCandles + forgottenAtOnce) return
    this.#minutes.splice(0, forgottenAtOnce)
    this.#hasPast = true
  }

  /** Bars since an instant, folded into one; undefined when there were none. */
  since(from: number): Bar | undefined {
    let total: Bar | undefined
    const running = openTimeOf("60m", this.#minutes.at(-1)?.openTime ?? 0)
    for (let i = this.#firstFrom(from); i < this.#minutes.length;) {
      const bar = this.#minutes[i]
      if (bar === undefined) break
      const wholeHour = bar.openTime < running && bar.openTime === openTimeOf("60m", bar.openTime)
      const { bar: next, count } = wholeHour ? this.#hour(i) : { bar, count: 1 }
      total = total === undefined ? next : joined(total, next)
      i += count
    }
    for (const openTime of this.#hours.keys()) if (openTime < from) this.#hours.delete(openTime)
    return total
  }

  /** A closed hour never changes, so it is folded once. */
  #hour(first: number): Hour {
    const openTime = this.#minutes[first]?.openTime ?? 0
    const known = this.#hours.get(openTime)
    if (known !== undefined) return known
    const bars = this.#minutes.slice(first, this.#firstFrom(openTime + 60 * minute))
    const hour = { bar: bars.reduce((total, bar) => joined(total, bar)), count: bars.length }
    this.#hours.set(openTime, hour)
    return hour
  }

  /** Oldest first; the first `limit` from `from` on, or the last `limit` when there is no `from`. */
  query(query: { interval: Interval; from?: number; to?: number; limit: number }, now: number): ReadonlyArray<Candle> {
    const { from, interval, limit, to = Number.POSITIVE_INFINITY } = query
    const candles = from === undefined ? this.#newest(interval, to, limit) : this.#oldest(interval, from, to, limit)
    return candles.map((bar) => ({
      ...bar,
      closed: closeTimeOf(interval, bar.openTime) <= now,
      synthetic: false
    }))
  }

  #newest(interval: Interval, to: number, limit: number): ReadonlyArray<Bar> {
    const found: Array<Bar> = []
    for (let i = this.#minutes.length - 1; i >= 0; i--) {
      const bar = this.#minutes[i]
      if (bar === undefined) break
      const openTime = openTimeOf(interval, bar.openTime)
      if (openTime >= to) continue
      const newest = found.at(-1)
      if (newest !== undefined && newest.openTime === openTime) found[found.length - 1] = joined(bar, newest, openTime)
      else if (found.length === limit) break
      else found.push({ ...bar, openTime })
    }
    return found.reverse()
  }

  #oldest(interval: Interval, from: number, to: number, limit: number): ReadonlyArray<Bar> {
    const found: Array<Bar> = []
    for (let i = this.#firstFrom(from); i < this.#minutes.length; i++) {
      const bar = this.#minutes[i]
      if (bar === undefined) break
      const openTime = openTimeOf(interval, bar.openTime)
      if (openTime < from) continue
      if (openTime >= to) break
      const newest = found.at(-1)
      if (newest !== undefined && newest.openTime === openTime) found[found.length - 1] = joined(newest, bar, openTime)
      else if (found.length === limit) break
      else found.push({ ...bar, openTime })
    }
    return found
  }

  #firstFrom(from: number): number {
    let low = 0
    let high = this.#minutes.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#minutes[middle]?.openTime ?? from) < from) low = middle + 1
      else high = middle
    }
    return low
  }
}

const joined = (earlier: Bar, later: Bar, openTime = earlier.openTime): Bar => ({
  openTime,
  open: earlier.open,
  high: Decimal.max(earlier.high, later.high),
  low: Decimal.min(earlier.low, later.low),
  close: later.close,
  volume: Decimal.add(earlier.volume, later.volume),
  quoteVolume: Decimal.add(earlier.quoteVolume, later.quoteVolume)
})
