/** What was spent of the venue's patience in the last seconds, and whether it asked for a pause. */
export class WeightWindow {
  readonly #limit: number
  readonly #windowMs: number
  /** Oldest first. */
  #spent: Array<{ readonly at: number; readonly weight: number }> = []
  #pausedUntil = 0

  constructor(limit: number, windowMs: number) {
    this.#limit = limit
    this.#windowMs = windowMs
  }

  /** Spends the weight and answers 0, or answers after how many milliseconds to ask again. */
  spend(weight: number, now: number): number {
    if (now < this.#pausedUntil) return this.#pausedUntil - now
    this.#spent = this.#spent.filter(({ at }) => at > now - this.#windowMs)
    let used = this.#spent.reduce((sum, each) => sum + each.weight, 0)
    for (const { at, weight: freed } of this.#spent) {
      if (used + weight <= this.#limit) break
      used -= freed
      if (used + weight <= this.#limit) return at + this.#windowMs - now
    }
    this.#spent.push({ at: now, weight })
    return 0
  }

  pauseUntil(at: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, at)
  }
}
