import * as Decimal from "../../domain/Decimal.ts"
import type { BookLevel, Side } from "../../domain/Market.ts"
import { priceOfTicks, ticksOf, type Ladder } from "./Ladder.ts"
import { isOpen, remaining, type OrderEntry } from "./ledger/Account.ts"

/** Something a taker can trade against: a resting order, or a level of simulated liquidity. */
export interface Offer {
  readonly ticks: number
  readonly price: Decimal.Decimal
  readonly quantity: Decimal.Decimal
  readonly entry: OrderEntry | null
}

/** Everything at one price. Orders of accounts trade before the simulated liquidity. */
interface Level {
  readonly ticks: number
  readonly price: Decimal.Decimal
  simulated: Decimal.Decimal
  /** In time priority, each with what is left of it. */
  readonly queue: Map<OrderEntry, Decimal.Decimal>
  /** Sum of the queue. */
  queued: Decimal.Decimal
}

class BookSide {
  readonly side: Side
  /** Best first. */
  readonly levels: Array<Level> = []
  readonly byTicks = new Map<number, Level>()
  /** Prices that have simulated liquidity. */
  simulated: ReadonlyArray<number> = []
  /** What subscribers were last told, by price. */
  readonly published = new Map<number, Decimal.Decimal>()
  readonly resting = new Set<OrderEntry>()
  /** Prices whose quantity may differ from what was published. */
  readonly touched = new Set<number>()

  constructor(side: Side) {
    this.side = side
  }

  at(ticks: number, price: Decimal.Decimal): Level {
    const known = this.byTicks.get(ticks)
    if (known !== undefined) return known
    const level: Level = { ticks, price, simulated: Decimal.zero, queue: new Map(), queued: Decimal.zero }
    this.byTicks.set(ticks, level)
    this.levels.splice(this.#placeOf(ticks), 0, level)
    return level
  }

  /** A price with nothing at it is not a level. */
  tidy(level: Level): void {
    this.touched.add(level.ticks)
    if (level.queue.size > 0 || !Decimal.isZero(level.simulated)) return
    this.byTicks.delete(level.ticks)
    this.levels.splice(this.#placeOf(level.ticks), 1)
  }

  #placeOf(ticks: number): number {
    let low = 0
    let high = this.levels.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.levels[middle]?.ticks ?? ticks
      if (this.side === "buy" ? other > ticks : other < ticks) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** One pair's book: the orders of accounts merged with the simulated ladder. Orders of accounts go first at a price. */
export class Book {
  readonly precision: number
  readonly #sides = { buy: new BookSide("buy"), sell: new BookSide("sell") }

  /** `precision` is the decimals of its ticks, at least those of every price in it. */
  constructor(precision: number) {
    this.precision = precision
  }

  replaceLadder(ladder: Ladder): void {
    for (const [side, wanted] of [
      [this.#sides.buy, ladder.bids],
      [this.#sides.sell, ladder.asks]
    ] as const) {
      const before = side.simulated
      side.simulated = wanted.map((level) => ticksOf(level.price, this.precision))
      const kept = new Set(side.simulated)
      for (const ticks of before) {
        const level = side.byTicks.get(ticks)
        if (level === undefined || kept.has(ticks)) continue
        level.simulated = Decimal.zero
        side.tidy(level)
      }
      for (const [i, { price, quantity }] of wanted.entries()) {
        const level = side.at(side.simulated[i] ?? 0, price)
        level.simulated = quantity
        side.tidy(level)
      }
    }
  }

  /** Mirrored levels that changed: absolute quantities, 0 removes. What was taken here comes back only so. */
  changeLadder(side: Side, changes: ReadonlyArray<BookLevel>): void {
    const changed = this.#sides[side]
    for (const [price, quantity] of changes) {
      const level = changed.at(ticksOf(price, this.precision), price)
      level.simulated = quantity
      changed.tidy(level)
    }
  }

  /** Brings the resting orders in line with an order that was accepted, filled or closed. */
  update(entry: OrderEntry): void {
    const side = this.#sides[entry.order.side]
    const ticks = ticksOf(entry.order.price, this.precision)
    const rests = isOpen(entry.order)
    if (!rests && side.byTicks.get(ticks)?.queue.has(entry) !== true) return
    const level = side.at(ticks, entry.order.price)
    const before = level.queue.get(entry) ?? Decimal.zero
    const left = rests ? remaining(entry.order) : Decimal.zero
    level.queued = Decimal.add(level.queued, Decimal.subtract(left, before))
    if (rests) level.queue.set(entry, left)
    else level.queue.delete(entry)
    if (rests) side.resting.add(entry)
    else side.resting.delete(entry)
    side.tidy(level)
  }

  /** Takes simulated liquidity away at a price. */
  consume(side: Side, ticks: number, quantity: Decimal.Decimal): void {
    const level = this.#sides[side].byTicks.get(ticks)
    if (level === undefined) return
    level.simulated = Decimal.max(Decimal.zero, Decimal.subtract(level.simulated, quantity))
    this.#sides[side].tidy(level)
  }

  /** Best price first; the book must not change while this is read. */
  *offers(side: Side): Generator<Offer> {
    for (const { price, queue, simulated, ticks } of this.#sides[side].levels) {
      for (const [entry, quantity] of queue) yield { ticks, price, quantity, entry }
      if (!Decimal.isZero(simulated)) yield { ticks, price, quantity: simulated, entry: null }
    }
  }

  hasResting(side: Side): boolean {
    return this.#sides[side].resting.size > 0
  }

  /** Orders of accounts, in the order in which they trade. */
  *resting(side: Side): Generator<{ readonly ticks: number; readonly entry: OrderEntry }> {
    for (const { queue, ticks } of this.#sides[side].levels) {
      for (const entry of queue.keys()) yield { ticks, entry }
    }
  }

  /** The simulated liquidity that is left, best first. */
  simulated(side: Side): ReadonlyArray<{ readonly ticks: number; readonly quantity: Decimal.Decimal }> {
    return this.#sides[side].levels
      .filter((level) => !Decimal.isZero(level.simulated))
      .map(({ simulated, ticks }) => ({ ticks, quantity: simulated }))
  }

  best(side: Side): BookLevel | null {
    const level = this.#sides[side].levels[0]
    return level === undefined ? null : [level.price, totalOf(level)]
  }

  /** Aggregated by price, best first. */
  levels(side: Side, depth: number): ReadonlyArray<BookLevel> {
    return this.#sides[side].levels.slice(0, depth).map((level): BookLevel => [level.price, totalOf(level)])
  }

  /** Has the best level told again although nothing changed. */
  restate(side: Side): void {
    const { levels, published, touched } = this.#sides[side]
    const [best] = levels
    if (best === undefined) return
    published.delete(best.ticks)
    touched.add(best.ticks)
  }

  /** The levels that changed since the last call, with absolute quantities; 0 means gone. */
  takeChanges(side: Side): ReadonlyArray<BookLevel> {
    const { byTicks, published, touched } = this.#sides[side]
    const changes: Array<BookLevel> = []
    for (const ticks of touched) {
      const level = byTicks.get(ticks)
      const quantity = level === undefined ? Decimal.zero : totalOf(level)
      if (Decimal.equals(published.get(ticks) ?? Decimal.zero, quantity)) continue
      if (level === undefined) published.delete(ticks)
      else published.set(ticks, quantity)
      changes.push([level?.price ?? priceOfTicks(ticks, this.precision), quantity])
    }
    touched.clear()
    return changes
  }

  /** The same book with finer ticks. */
  refined(precision: number): Book {
    const finer = new Book(precision)
    const factor = 10 ** (precision - this.precision)
    for (const side of ["buy", "sell"] as const) {
      const from = this.#sides[side]
      const to = finer.#sides[side]
      to.simulated = from.simulated.map((ticks) => ticks * factor)
      for (const [ticks, quantity] of from.published) to.published.set(ticks * factor, quantity)
      for (const ticks of from.touched) to.touched.add(ticks * factor)
      for (const entry of from.resting) to.resting.add(entry)
      for (const { price, queue, queued, simulated, ticks } of from.levels) {
        const level = to.at(ticks * factor, price)
        level.simulated = simulated
        level.queued = queued
        for (const [entry, left] of queue) level.queue.set(entry, left)
      }
    }
    return finer
  }
}

const totalOf = (level: Level): Decimal.Decimal => Decimal.add(level.queued, level.simulated)
