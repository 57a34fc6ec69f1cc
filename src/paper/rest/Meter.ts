import { Bans } from "./limits/Bans.ts"
import { RollingSum } from "./limits/RollingSum.ts"

/** The limits a caller meets: weight in 10 s per address and per account, and order operations in a second. */
export interface Limits {
  readonly ipWeight: number
  readonly uidWeight: number
  readonly ordersPerSecond: number
}

export const venueLimits: Limits = { ipWeight: 300, uidWeight: 500, ordersPerSecond: 12 }

/** Too much was asked for: 429, or 418 for who did not wait. */
export interface OverLimit {
  readonly status: 418 | 429
  readonly waitMillis: number
}

export interface Counters {
  readonly requests: number
  /** Requests answered 429. */
  readonly refusedByLimit: number
  /** Requests answered 418. */
  readonly refusedByBan: number
  readonly bans: number
  /** Highest weight asked for by one address in any rolling 10 s, refused requests included. */
  readonly maxIpWeight: number
  /** The same of one account's own pool. */
  readonly maxUidWeight: number
  /** Most order operations asked for by one account in any rolling second, refused ones included. */
  readonly maxOrdersPerSecond: number
  readonly ordersAccepted: number
}

const weightWindowMillis = 10_000
const orderWindowMillis = 1_000
/** Windows kept before idle ones are forgotten. */
const idleCheckAt = 2_000

/** Counts what callers ask for and says who is over. Refused requests count too: asking again does not help. */
export class Meter {
  readonly #limits: Limits
  readonly #windows = new Map<string, RollingSum>()
  readonly #bans = new Bans()
  #idleCheckAt = idleCheckAt
  #requests = 0
  #refusedByLimit = 0
  #refusedByBan = 0
  #maxIpWeight = 0
  #maxUidWeight = 0
  #maxOrders = 0
  #accepted = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** The first thing a request meets; null when it may go on. */
  weigh(ip: string, weight: number, at: number): OverLimit | null {
    this.#requests++
    const banned = this.#bans.left(ip, at)
    if (banned > 0) {
      this.#refusedByBan++
      return { status: 418, waitMillis: banned }
    }
    const window = this.#window(`ip ${ip}`, weightWindowMillis, at)
    const sum = window.add(at, weight)
    this.#maxIpWeight = Math.max(this.#maxIpWeight, sum)
    return sum <= this.#limits.ipWeight ? null : this.#refuse(ip, ip, window, weight, this.#limits.ipWeight, at)
  }

  /** Weight in the account's own pool. */
  weighAccount(ip: string, accountId: string, weight: number, at: number): OverLimit | null {
    const window = this.#window(`uid ${accountId}`, weightWindowMillis, at)
    const sum = window.add(at, weight)
    this.#maxUidWeight = Math.max(this.#maxUidWeight, sum)
    if (sum <= this.#limits.uidWeight) return null
    return this.#refuse(ip, accountId, window, weight, this.#limits.uidWeight, at)
  }

  countOrder(ip: string, accountId: string, at: number): OverLimit | null {
    const window = this.#window(`orders ${accountId}`, orderWindowMillis, at)
    const sum = window.add(at, 1)
    this.#maxOrders = Math.max(this.#maxOrders, sum)
    if (sum <= this.#limits.ordersPerSecond) return null
    return this.#refuse(ip, accountId, window, 1, this.#limits.ordersPerSecond, at)
  }

  /** One endpoint's own limit; `caller` is an address or an account. */
  countOwn(
    ip: string,
    endpoint: string,
    caller: string,
    limit: { readonly requests: number; readonly perMillis: number },
    at: number
  ): OverLimit | null {
    const window = this.#window(`${endpoint} ${caller}`, limit.perMillis, at)
    return window.add(at, 1) <= limit.requests ? null : this.#refuse(ip, caller, window, 1, limit.requests, at)
  }

  orderAccepted(): void {
    this.#accepted++
  }

  counters(): Counters {
    return {
      requests: this.#requests,
      refusedByLimit: this.#refusedByLimit,
      refusedByBan: this.#refusedByBan,
      bans: this.#bans.count,
      maxIpWeight: this.#maxIpWeight,
      maxUidWeight: this.#maxUidWeight,
      maxOrdersPerSecond: this.#maxOrders,
      ordersAccepted: this.#accepted
    }
  }

  /** How many callers are remembered. */
  get size(): number {
    return this.#windows.size
  }

  #refuse(ip: string, caller: string, window: RollingSum, cost: number, limit: number, at: number): OverLimit {
    const waitMillis = window.fitsIn(at, cost, limit)
    if (this.#bans.refused(ip, caller, waitMillis, at)) {
      this.#refusedByBan++
      return { status: 418, waitMillis: this.#bans.left(ip, at) }
    }
    this.#refusedByLimit++
    return { status: 429, waitMillis }
  }

  #window(key: string, millis: number, at: number): RollingSum {
    const known = this.#windows.get(key)
    if (known !== undefined) return known
    if (this.#windows.size >= this.#idleCheckAt) this.#forgetIdle(at)
    const made = new RollingSum(millis)
    this.#windows.set(key, made)
    return made
  }

  #forgetIdle(at: number): void {
    for (const [key, window] of this.#windows) if (window.isIdle(at)) this.#windows.delete(key)
    this.#bans.forgetIdle(at)
    this.#idleCheckAt = Math.max(idleCheckAt, this.#windows.size * 2)
  }
}
