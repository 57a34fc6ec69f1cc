import type { Rank } from "./traffic.ts"

/** Those who are computed one after the other, in this order, and how many of each may wait: a list takes two milliseconds. */
const places = { edits: 50, reads: 50, lists: 20 } as const
type Waiting = keyof typeof places

const waits = (rank: Rank | null): rank is Waiting => rank !== null && rank in places

/**
 * One request in each turn of the event loop. Most are computed from memory and file without a pause: all that came in at
 * once would make one long turn, in which no order is read, and after which Node lets in a single new connection (libuv since
 * 1.45 accepts one a turn). Orders, what stops something, and what answers in microseconds pass the line.
 */
export class Line {
  readonly #afterTurn: (run: () => void) => void
  readonly #waiting: Readonly<Record<Waiting, Array<() => void>>> = { edits: [], reads: [], lists: [] }
  #isBusy = false

  constructor(afterTurn: (run: () => void) => void) {
    this.#afterTurn = afterTurn
  }

  isFull(rank: Rank): boolean {
    return waits(rank) && this.#waiting[rank].length >= places[rank]
  }

  /** Serves at once when nobody waits, and else when it is its turn. */
  enter(rank: Rank | null, serve: () => void): void {
    if (!waits(rank)) return serve()
    if (this.#isBusy) return void this.#waiting[rank].push(serve)
    this.#begin(serve)
  }

  #begin(serve: () => void): void {
    this.#isBusy = true
    this.#afterTurn(() => {
      const next = this.#waiting.edits.shift() ?? this.#waiting.reads.shift() ?? this.#waiting.lists.shift()
      if (next === undefined) this.#isBusy = false
      else this.#begin(next)
    })
    serve()
  }
}
