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

/**
 * How long the event loop may have been busy with what came in at once, ms, before a rank is refused: whoever is read last in
 * a turn of the loop has waited for all who were read before, though none of them is under way any more.
 */
const longestTurnMs: Readonly<Record<Rank, number>> = {
  lists: 50,
  reads: 100,
  edits: 200,
  orders: Number.POSITIVE_INFINITY,
  stops: Number.POSITIVE_INFINITY
}

/** What the service has to do just now, and whom it can still serve. */
export class Load {
  readonly #places: number
  readonly #afterTurn: (run: () => void) => void
  #lateMs = 0
  #lateBeforeMs = 0
  /** When the first request of this turn of the event loop was read. */
  #turnBeganAt: number | null = null
  readonly refused = new Map<Rank, number>(ranks.map((rank) => [rank, 0]))

  constructor(places: number, afterTurn: (run: () => void) => void) {
    this.#places = places
    this.#afterTurn = afterTurn
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

  #turnMs(now: number): number {
    if (this.#turnBeganAt !== null) return now - this.#turnBeganAt
    this.#turnBeganAt = now
    this.#afterTurn(() => (this.#turnBeganAt = null))
    return 0
  }

  /**
   * Whether one of `underWay` requests, itself among them and read at `now`, is too many for its rank. `isLineFull`: too
   * many wait for their turn already.
   */
  refuses(rank: Rank, underWay: number, now: number, isLineFull = false): boolean {
    // Whoever comes alone is served, however few places there are.
    const isFull = underWay > Math.max(1, Math.floor(this.#places * shares[rank]))
    const refuses = this.#turnMs(now) > longestTurnMs[rank] || isFull || isLineFull || this.lateMs > latestMs[rank]
    if (refuses) this.refused.set(rank, (this.refused.get(rank) ?? 0) + 1)
    return refuses
  }
}
