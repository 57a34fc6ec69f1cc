/** The limits a caller meets; the venue's own are 300 weight in 10 s per IP and 12 order operations per second. */
export interface Limits {
  readonly ipWeight: number
  readonly ordersPerSecond: number
}

export const venueLimits: Limits = { ipWeight: 300, ordersPerSecond: 12 }

export interface Counters {
  readonly requests: number
  readonly refusedByLimit: number
  /** Highest weight asked for by one IP in any rolling 10 s, refused requests included. */
  readonly maxIpWeight: number
  /** Most order operations asked for by one account in any rolling second, refused ones included. */
  readonly maxOrdersPerSecond: number
  readonly ordersAccepted: number
}

const weightWindowMillis = 10_000
const orderWindowMillis = 1_000

interface Asked {
  readonly at: number
  readonly cost: number
}

/** What one caller asked for in a rolling window. */
class RollingSum {
  readonly #windowMillis: number
  #asked: Array<Asked> = []
  #first = 0
  #sum = 0

  constructor(windowMillis: number) {
    this.#windowMillis = windowMillis
  }

  add(at: number, cost: number): number {
    for (let oldest = this.#asked[this.#first]; oldest !== undefined; oldest = this.#asked[this.#first]) {
      if (oldest.at > at - this.#windowMillis) break
      this.#sum -= oldest.cost
      this.#first++
    }
    if (this.#first > 1_000) {
      this.#asked = this.#asked.slice(this.#first)
      this.#first = 0
    }
    this.#asked.push({ at, cost })
    this.#sum += cost
    return this.#sum
  }

  /** Milliseconds until the oldest counted request leaves the window. */
  freesIn(at: number): number {
    return (this.#asked[this.#first]?.at ?? at) + this.#windowMillis - at
  }
}

/** Counts weight per IP and order operations per account, and says who is over. */
export class Meter {
  readonly #limits: Limits
  readonly #weights = new Map<string, RollingSum>()
  readonly #orders = new Map<string, RollingSum>()
  #requests = 0
  #refused = 0
  #maxIpWeight = 0
  #maxOrders = 0
  #accepted = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Milliseconds to wait, or 0 when the request may go on. */
  weigh(ip: string, weight: number, at: number): number {
    this.#requests++
    const window = windowOf(this.#weights, ip, weightWindowMillis)
    const sum = window.add(at, weight)
    this.#maxIpWeight = Math.max(this.#maxIpWeight, sum)
    return this.#judge(sum <= this.#limits.ipWeight, window, at)
  }

  countOrder(accountId: string, at: number): number {
    const window = windowOf(this.#orders, accountId, orderWindowMillis)
    const sum = window.add(at, 1)
    this.#maxOrders = Math.max(this.#maxOrders, sum)
    return this.#judge(sum <= this.#limits.ordersPerSecond, window, at)
  }

  orderAccepted(): void {
    this.#accepted++
  }

  counters(): Counters {
    return {
      requests: this.#requests,
      refusedByLimit: this.#refused,
      maxIpWeight: this.#maxIpWeight,
      maxOrdersPerSecond: this.#maxOrders,
      ordersAccepted: this.#accepted
    }
  }

  #judge(within: boolean, window: RollingSum, at: number): number {
    if (within) return 0
    this.#refused++
    return Math.max(1, window.freesIn(at))
  }
}

const windowOf = (windows: Map<string, RollingSum>, key: string, millis: number): RollingSum => {
  const known = windows.get(key)
  if (known !== undefined) return known
  const made = new RollingSum(millis)
  windows.set(key, made)
  return made
}
