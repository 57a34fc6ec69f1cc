/** So many requests at once, and as many again in the time of the window, evenly. */
export interface Quota {
  readonly name: string
  /** Requests that may come at once. */
  readonly requests: number
  /** Time in which all of them have come back. */
  readonly windowSeconds: number
}

export interface Taken {
  readonly allowed: boolean
  readonly remaining: number
  /** Seconds until the quota is whole again; when refused, until the next request is allowed. */
  readonly resetSeconds: number
}

/** Keys kept; a full table first drops those whose quota is whole again. */
const maxKeys = 10_000

/** GCRA: per key one number, the time at which its quota would be whole again. */
export class RateLimiter {
  readonly quota: Quota
  readonly #windowMs: number
  readonly #costMs: number
  readonly #wholeAt = new Map<string, number>()

  constructor(quota: Quota) {
    this.quota = quota
    this.#windowMs = quota.windowSeconds * 1_000
    this.#costMs = this.#windowMs / quota.requests
  }

  take(key: string, now: number): Taken {
    const next = this.#next(key, now)
    const taken = this.#told(next, now)
    if (!taken.allowed) return taken
    if (!this.#wholeAt.has(key) && this.#wholeAt.size >= maxKeys) this.#shrink(now)
    this.#wholeAt.set(key, next)
    return taken
  }

  /** What `take` would say, without taking. */
  look(key: string, now: number): Taken {
    return this.#told(this.#next(key, now), now)
  }

  get size(): number {
    return this.#wholeAt.size
  }

  #next(key: string, now: number): number {
    return Math.max(this.#wholeAt.get(key) ?? now, now) + this.#costMs
  }

  #told(next: number, now: number): Taken {
    const beyond = next - now - this.#windowMs
    // A hundredth of a millisecond of slack, because a window divided by a quota is rarely exact.
    if (beyond > 0.01) return { allowed: false, remaining: 0, resetSeconds: Math.max(1, Math.ceil(beyond / 1_000)) }
    return {
      allowed: true,
      remaining: Math.floor(-beyond / this.#costMs + 0.001),
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
