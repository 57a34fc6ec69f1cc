interface Asked {
  readonly at: number
  cost: number
}

/** What one caller asked for in a rolling window; a millisecond is one entry, which bounds it. */
export class RollingSum {
  readonly #windowMillis: number
  #asked: Array<Asked> = []
  #first = 0
  #sum = 0

  constructor(windowMillis: number) {
    this.#windowMillis = windowMillis
  }

  add(at: number, cost: number): number {
    this.#forget(at)
    const newest = this.#asked.at(-1)
    if (newest !== undefined && newest.at === at && this.#asked.length > this.#first) newest.cost += cost
    else this.#asked.push({ at, cost })
    this.#sum += cost
    return this.#sum
  }

  /** Milliseconds until a request of this cost fits, if nothing else is asked for meanwhile. */
  fitsIn(at: number, cost: number, limit: number): number {
    let sum = this.#sum
    for (let i = this.#first; i < this.#asked.length; i++) {
      const { at: asked, cost: gone } = this.#asked[i] ?? { at, cost: 0 }
      sum -= gone
      if (sum + cost <= limit) return Math.max(1, asked + this.#windowMillis - at)
    }
    return this.#windowMillis
  }

  isIdle(at: number): boolean {
    this.#forget(at)
    return this.#sum === 0
  }

  #forget(at: number): void {
    for (let oldest = this.#asked[this.#first]; oldest !== undefined; oldest = this.#asked[this.#first]) {
      if (oldest.at > at - this.#windowMillis) break
      this.#sum -= oldest.cost
      this.#first++
    }
    if (this.#first > 1_000) {
      this.#asked = this.#asked.slice(this.#first)
      this.#first = 0
    }
  }
}
