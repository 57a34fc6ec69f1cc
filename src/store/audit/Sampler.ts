/** Keys that are remembered; beyond it the oldest are forgotten, and what was left out of them is counted together. */
const mostKeys = 10_000

interface Window {
  readonly begun: number
  written: number
  leftOut: number
}

/** Of what one key does often, only so much per window is written; the rest is counted and told with the next that is. */
export class Sampler {
  readonly #most: number
  readonly #windowMs: number
  readonly #windows = new Map<string, Window>()
  #leftOut = 0

  constructor({ most, windowMs }: { readonly most: number; readonly windowMs: number }) {
    this.#most = most
    this.#windowMs = windowMs
  }

  /** How many of the key's were left out before this one, which is to be written; null: leave it out. */
  take(key: string, now: number): number | null {
    const window = this.#windows.get(key)
    if (window !== undefined && now - window.begun < this.#windowMs) {
      if (window.written >= this.#most) {
        window.leftOut += 1
        return null
      }
      window.written += 1
      return 0
    }
    this.#windows.delete(key)
    if (this.#windows.size >= mostKeys) this.#forget(now)
    this.#windows.set(key, { begun: now, written: 1, leftOut: 0 })
    return window?.leftOut ?? 0
  }

  /** What was taken could not be written: the next one of the key is to be. */
  giveBack(key: string): void {
    const window = this.#windows.get(key)
    if (window !== undefined && window.written > 0) window.written -= 1
  }

  /** What was left out and will not be told with a later one, because its window is over; counted once. */
  leftOut(now: number): number {
    for (const [key, window] of this.#windows) if (now - window.begun >= this.#windowMs) this.#drop(key, window)
    const count = this.#leftOut
    this.#leftOut = 0
    return count
  }

  #forget(now: number): void {
    for (const [key, window] of this.#windows) if (now - window.begun >= this.#windowMs) this.#drop(key, window)
    for (const [key, window] of this.#windows) {
      if (this.#windows.size < mostKeys) return
      this.#drop(key, window)
    }
  }

  #drop(key: string, { leftOut }: Window): void {
    this.#windows.delete(key)
    this.#leftOut += leftOut
  }
}
