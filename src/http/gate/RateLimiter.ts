export interface Taken {
  readonly allowed: boolean
  readonly remaining: number
  /** Seconds until the quota is whole again; when refused, until the next request is allowed. */
  readonly resetSeconds: number
}

/** Keys kept; a full table first drops those whose quota is whole again. */
const maxKeys = 10_000
const windowMs = 60_000

/**
 * GCRA: per key one number, the time at which its quota would be whole again. A minute's quota may be taken at once and
 * comes back evenly.
 */
export class RateLimiter {
  readonly perMinute: number
  readonly #costMs: number
  readonly #wholeAt = new Map<string, number>()

  constructor(perMinute: number) {
    this.perMinute = perMinute
    this.#costMs = windowMs / perMinute
  }

  take(key: string, now: number): Taken {
    const wholeAt = Math.max(this.#wholeAt.get(key) ?? now, now)
    const next = wholeAt + this.#costMs
    // A hundredth of a millisecond of slack, because a minute divided by a rate is rarely exact.
    if (next - now > windowMs + 0.01) {
      return { allowed: false, remaining: 0, resetSeconds: Math.max(1, Math.ceil((next - now - windowMs) / 1_000)) }
    }
    if (!this.#wholeAt.has(key) && this.#wholeAt.size >= maxKeys) this.#shrink(now)
    this.#wholeAt.set(key, next)
    return {
      allowed: true,
      remaining: Math.floor((windowMs - (next - now)) / this.#costMs + 0.001),
      resetSeconds: Math.ceil((next - now) / 1_000)
    }
  }

  #shrink(now: number): void {
    for (const [key, wholeAt] of this.#wholeAt) if (wholeAt <= now) this.#wholeAt.delete(key)
    // All in use: the oldest go. They start again with a whole quota, which is better than refusing newcomers.
    for (const key of this.#wholeAt.keys()) {
      if (this.#wholeAt.size < maxKeys / 2) break
      this.#wholeAt.delete(key)
    }
  }
}
