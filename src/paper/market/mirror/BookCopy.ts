import * as Decimal from "../../../domain/Decimal.ts"
import type { BookLevel } from "../../../domain/Market.ts"
import type { BookChange } from "../../MarketSource.ts"

/** Book changes of the versions `from` to `to`, merged. */
export interface BookDelta extends BookChange {
  readonly from: bigint
  readonly to: bigint
}

export interface BookSnapshot extends BookChange {
  readonly version: bigint
}

/** A snapshot that takes longer than this many deltas will be too old for the first of them anyway. */
const maxWaiting = 1_000

type Side = Map<string, BookLevel>

/**
 * The venue's book of one pair: deltas wait for a snapshot that fits, then follow each other without a gap. What it
 * hands out are differences to what it handed out before, so that a book loaded again tells only what is new in it.
 */
export class BookCopy {
  #version: bigint | null = null
  /** The first delta after a snapshot may reach back before it, the others may not. */
  #follows = false
  #waiting: Array<BookDelta> = []
  readonly #bids: Side = new Map()
  readonly #asks: Side = new Map()

  get isKnown(): boolean {
    return this.#version !== null
  }

  /** From now on deltas wait for a snapshot; the levels stay as they were told. */
  forget(): void {
    this.#version = null
    this.#waiting = []
  }

  take(delta: BookDelta): BookChange | "waiting" | "gap" {
    if (this.#version === null) {
      if (this.#waiting.length >= maxWaiting) this.#waiting.shift()
      this.#waiting.push(delta)
      return "waiting"
    }
    if (delta.to <= this.#version) return noChange
    if (!this.#continues(delta, this.#version)) {
      this.forget()
      this.#waiting.push(delta)
      return "gap"
    }
    this.#version = delta.to
    this.#follows = true
    return { bids: changed(this.#bids, delta.bids), asks: changed(this.#asks, delta.asks) }
  }

  /** Null when the snapshot is older than the deltas that wait: another has to be asked for. */
  load(snapshot: BookSnapshot): BookChange | null {
    const first = this.#waiting[0]
    if (first !== undefined && snapshot.version < first.from) return null
    const bids = sideOf(snapshot.bids)
    const asks = sideOf(snapshot.asks)
    let version = snapshot.version
    let follows = false
    for (const delta of this.#waiting) {
      if (delta.to <= version) continue
      if (follows ? delta.from !== version + 1n : delta.from > version + 1n) {
        this.#waiting = this.#waiting.slice(this.#waiting.indexOf(delta))
        return null
      }
      changed(bids, delta.bids)
      changed(asks, delta.asks)
      version = delta.to
      follows = true
    }
    this.#version = version
    this.#follows = follows
    this.#waiting = []
    return { bids: becomes(this.#bids, bids), asks: becomes(this.#asks, asks) }
  }

  /** The highest bid, else the lowest ask. */
  get anyPrice(): Decimal.Decimal | null {
    const [bid, ask] = [[...this.#bids.values()], [...this.#asks.values()]]
    const prices = (levels: ReadonlyArray<BookLevel>) => levels.map(([price]) => price)
    if (bid.length > 0) return prices(bid).reduce(Decimal.max)
    return ask.length > 0 ? prices(ask).reduce(Decimal.min) : null
  }

  #continues(delta: BookDelta, version: bigint): boolean {
    return this.#follows ? delta.from === version + 1n : delta.from <= version + 1n
  }
}

const noChange: BookChange = { bids: [], asks: [] }

const sideOf = (levels: ReadonlyArray<BookLevel>): Side =>
  new Map(
    levels.filter(([, quantity]) => Decimal.isPositive(quantity)).map((level) => [Decimal.format(level[0]), level])
  )

/** Applies absolute quantities; of these, what was different before. */
const changed = (side: Side, levels: ReadonlyArray<BookLevel>): ReadonlyArray<BookLevel> =>
  levels.filter((level) => {
    const key = Decimal.format(level[0])
    const before = side.get(key)?.[1] ?? Decimal.zero
    if (Decimal.equals(before, level[1])) return false
    if (Decimal.isZero(level[1])) side.delete(key)
    else side.set(key, level)
    return true
  })

/** Makes one side the same as another; what changed by it. */
const becomes = (side: Side, next: Side): ReadonlyArray<BookLevel> => {
  const gone = [...side].flatMap(([key, [price]]): ReadonlyArray<BookLevel> =>
    next.has(key) ? [] : [[price, Decimal.zero]]
  )
  return changed(side, [...gone, ...next.values()])
}
