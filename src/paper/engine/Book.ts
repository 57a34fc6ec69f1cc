import * as Decimal from "../../domain/Decimal.ts"
import type { BookLevel, Side } from "../../domain/Market.ts"
import { priceOfTicks, ticksOf, type Ladder, type LadderLevel } from "./Ladder.ts"
import { remaining, type OrderEntry } from "./Ledger.ts"

/** Something a taker can trade against: a resting order, or a level of simulated liquidity. */
export interface Offer {
  readonly ticks: number
  readonly price: Decimal.Decimal
  readonly quantity: Decimal.Decimal
  readonly entry: OrderEntry | null
}

interface Resting {
  readonly ticks: number
  readonly entry: OrderEntry
}

interface BookSide {
  ladder: ReadonlyArray<LadderLevel>
  /** By price, then time. */
  readonly resting: Array<Resting>
  /** What subscribers were last told, by price. */
  readonly published: Map<number, Decimal.Decimal>
  /** Prices whose quantity may differ from what was published. */
  readonly touched: Set<number>
}

const emptySide = (): BookSide => ({ ladder: [], resting: [], published: new Map(), touched: new Set() })

/** One pair's book: the orders of accounts merged with the simulated ladder. Orders of accounts go first at a price. */
export class Book {
  readonly #precision: number
  readonly #sides = { buy: emptySide(), sell: emptySide() }

  constructor(quotePrecision: number) {
    this.#precision = quotePrecision
  }

  replaceLadder(ladder: Ladder): void {
    for (const [side, levels] of [
      [this.#sides.buy, ladder.bids],
      [this.#sides.sell, ladder.asks]
    ] as const) {
      for (const level of side.ladder) side.touched.add(level.ticks)
      for (const level of levels) side.touched.add(level.ticks)
      side.ladder = levels
    }
  }

  /** Brings the resting orders in line with an order that was accepted, filled or closed. */
  update(entry: OrderEntry): void {
    const side = this.#sides[entry.order.side]
    const ticks = ticksOf(entry.order.price, this.#precision)
    const at = side.resting.findIndex((resting) => resting.entry === entry)
    const rests = entry.order.status === "NEW" || entry.order.status === "PARTIALLY_FILLED"
    if (at === -1 && rests) insert(side.resting, { ticks, entry }, entry.order.side)
    if (at !== -1 && !rests) side.resting.splice(at, 1)
    if (at !== -1 || rests) side.touched.add(ticks)
  }

  /** Takes simulated liquidity away at a price. */
  consume(side: Side, ticks: number, quantity: Decimal.Decimal): void {
    const book = this.#sides[side]
    const level = book.ladder.find((each) => each.ticks === ticks)
    if (level === undefined) return
    level.quantity = Decimal.max(Decimal.zero, Decimal.subtract(level.quantity, quantity))
    book.touched.add(ticks)
  }

  /** Best price first; the book must not change while this is read. */
  *offers(side: Side): Generator<Offer> {
    const { ladder, resting } = this.#sides[side]
    let level = 0
    for (const { entry, ticks } of resting) {
      for (; level < ladder.length; level++) {
        const next = ladder[level]
        if (next === undefined || !isBetter(side, next.ticks, ticks)) break
        yield { ...next, entry: null }
      }
      yield { ticks, price: entry.order.price, quantity: remaining(entry.order), entry }
    }
    for (; level < ladder.length; level++) {
      const next = ladder[level]
      if (next !== undefined) yield { ...next, entry: null }
    }
  }

  resting(side: Side): ReadonlyArray<Resting> {
    return this.#sides[side].resting
  }

  ladder(side: Side): ReadonlyArray<LadderLevel> {
    return this.#sides[side].ladder
  }

  best(side: Side): BookLevel | null {
    for (const [price, quantity] of this.levels(side, 1)) return [price, quantity]
    return null
  }

  /** Aggregated by price, best first. */
  levels(side: Side, depth: number): ReadonlyArray<BookLevel> {
    const levels: Array<[Decimal.Decimal, Decimal.Decimal]> = []
    let ticks = Number.NaN
    for (const offer of this.offers(side)) {
      if (Decimal.isZero(offer.quantity)) continue
      const last = levels.at(-1)
      if (offer.ticks === ticks && last !== undefined) last[1] = Decimal.add(last[1], offer.quantity)
      else if (levels.length === depth) break
      else levels.push([offer.price, offer.quantity])
      ticks = offer.ticks
    }
    return levels
  }

  /** Has the best level told again although nothing changed. */
  restate(side: Side): void {
    const best = this.best(side)
    if (best === null) return
    const ticks = ticksOf(best[0], this.#precision)
    this.#sides[side].published.delete(ticks)
    this.#sides[side].touched.add(ticks)
  }

  /** The levels that changed since the last call, with absolute quantities; 0 means gone. */
  takeChanges(side: Side): ReadonlyArray<BookLevel> {
    const { ladder, published, resting, touched } = this.#sides[side]
    if (touched.size === 0) return []
    const totals = new Map<number, Decimal.Decimal>()
    for (const ticks of touched) totals.set(ticks, Decimal.zero)
    const count = (ticks: number, quantity: Decimal.Decimal) => {
      const total = totals.get(ticks)
      if (total !== undefined) totals.set(ticks, Decimal.add(total, quantity))
    }
    for (const level of ladder) count(level.ticks, level.quantity)
    for (const each of resting) count(each.ticks, remaining(each.entry.order))
    touched.clear()
    const changes: Array<BookLevel> = []
    for (const [ticks, quantity] of totals) {
      const before = published.get(ticks) ?? Decimal.zero
      if (Decimal.equals(before, quantity)) continue
      if (Decimal.isZero(quantity)) published.delete(ticks)
      else published.set(ticks, quantity)
      changes.push([priceOfTicks(ticks, this.#precision), quantity])
    }
    return changes
  }
}

/** Whether `ticks` trades before `than` on that side of the book. */
const isBetter = (side: Side, ticks: number, than: number): boolean => (side === "buy" ? ticks > than : ticks < than)

const insert = (list: Array<Resting>, resting: Resting, side: Side): void => {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    const other = list[middle]
    if (other === undefined) break
    const before =
      isBetter(side, other.ticks, resting.ticks) ||
      (other.ticks === resting.ticks && other.entry.sequence < resting.entry.sequence)
    if (before) low = middle + 1
    else high = middle
  }
  list.splice(low, 0, resting)
}
