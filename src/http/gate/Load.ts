import { type Rank, ranks } from "./traffic.ts"

/**
 * Up to which share of all places a rank is served: a busy service gives up its lists first, so that there is always
 * room to sell, to cancel and to halt.
 */
const shares: Readonly<Record<Rank, number>> = { lists: 0.5, reads: 0.7, edits: 0.85, orders: 0.95, stops: 1 }

/**
 * How late the process may be in doing what is due, on average over a second, before a rank is refused. It is that
 * late when it has more to compute than it can; then also few requests under way are too many. Orders and stops are never refused for
 * it: they are what the time that is won is for.
 */
const latestMs: Readonly<Record<Rank, number>> = {
  lists: 500,
  reads: 1_000,
  edits: 2_000,
  orders: Number.POSITIVE_INFINITY,
  stops: Number.POSITIVE_INFINITY
}

/** What the service has to do just now, and whom it can still serve. */
export class Load {
  readonly #places: number
  #lateMs = 0
  #lateBeforeMs = 0
  readonly refused = new Map<Rank, number>(ranks.map((rank) => [rank, 0]))

  constructor(places: number) {
    this.#places = places
  }

  /** The mean delay of the event loop in the last second. */
  observe(delayMs: number): void {
    this.#lateBeforeMs = this.#lateMs
    this.#lateMs = delayMs
  }

  /** Late for two seconds in a row: a single pause, as of a garbage collection, is over when it is seen. */
  get lateMs(): number {
    return Math.min(this.#lateMs, this.#lateBeforeMs)
  }

  /** Whether one of `underWay` requests, itself among them, is too many for its rank. */
  refuses(rank: Rank, underWay: number): boolean {
    // Whoever comes alone is served, however few places there are.
    const full = underWay > Math.max(1, Math.floor(this.#places * shares[rank]))
    const refuses = full || this.lateMs > latestMs[rank]
    if (refuses) this.refused.set(rank, (this.refused.get(rank) ?? 0) + 1)
    return refuses
  }
}
