import type { Tracer } from "effect"
import { Histogram } from "./Histogram.ts"
import type { Principal } from "../../domain/Principal.ts"
import { RateLimiter } from "./RateLimiter.ts"
import type { Route } from "./Routes.ts"

export interface GateOptions {
  readonly routes: ReadonlyArray<Route>
  /** Requests per minute and user. */
  readonly ratePerMinute: number
  /** Requests under way at once, over all users. */
  readonly maxActive?: number
  /** Refused credentials per minute and address, before 401 becomes 429. */
  readonly failuresPerMinute?: number
  /** Makes the ids of this process its own. */
  readonly instance: string
  /** Looks into memory only; `undefined` = cannot tell, take the slow way. */
  readonly authenticate: (header: string | undefined, now: number) => Principal | "unauthenticated" | undefined
}

/** One request on its way through; mutable, so that it costs one object. */
export interface Exchange {
  readonly requestId: string
  /** Wall time, ms. The only clock reading of the request but the one at its end. */
  readonly startedAt: number
  readonly address: string
  route: Route | null
  principal: Principal | null
  /** Where requests are traced. */
  span: Tracer.Span | null
  /** Quota of a minute, what is left of it, and seconds until it is whole again; -1 before `limit` was asked. */
  quota: number
  remaining: number
  resetSeconds: number
  left: boolean
}

const givenId = /^[A-Za-z0-9._-]{1,64}$/

/**
 * What every request passes, whoever serves it: ids, credentials, limits, metrics, drain. A plain class without Effect
 * and without node:http, so that a fast listener and the API builder ask the same one.
 */
export class Gate {
  readonly #limits: RateLimiter
  readonly #failures: RateLimiter
  readonly #maxActive: number
  readonly #instance: string
  readonly authenticate: GateOptions["authenticate"]
  readonly metrics: Histogram
  readonly #idle: Array<() => void> = []
  readonly #streams = new Set<() => void>()
  #entered = 0
  active = 0
  /** Why requests are refused: for good, or until this instance has another role. */
  draining: false | "stopping" | "changing" = false

  constructor(options: GateOptions) {
    this.#limits = new RateLimiter(options.ratePerMinute)
    this.#failures = new RateLimiter(options.failuresPerMinute ?? 20)
    this.#maxActive = options.maxActive ?? 500
    this.#instance = options.instance
    this.authenticate = options.authenticate
    this.metrics = new Histogram(options.routes)
  }

  /** Every entry is left exactly once. */
  enter(id: string | undefined, address: string, now: number): Exchange {
    this.active++
    this.#entered++
    return {
      requestId: id !== undefined && givenId.test(id) ? id : `${this.#instance}-${this.#entered.toString(36)}`,
      startedAt: now,
      address,
      route: null,
      principal: null,
      span: null,
      quota: -1,
      remaining: -1,
      resetSeconds: -1,
      left: false
    }
  }

  get overloaded(): boolean {
    return this.active - this.#streams.size > this.#maxActive
  }

  /**
   * The answer under way lasts as long as its reader wants. It is no load, has its own limits, and is told when the
   * service drains. Gives what to do when it has ended.
   */
  stream(end: () => void): () => void {
    this.#streams.add(end)
    return () => void this.#streams.delete(end)
  }

  /**
   * A credential was refused. True once the address has had its share of refusals: the answer is then 429. A good
   * credential still passes, because behind one address may be several users.
   */
  refused(x: Exchange): boolean {
    return !this.#failures.take(x.address, x.startedAt).allowed
  }

  /** Takes one request from the quota of `key`, once per exchange. */
  limit(x: Exchange, key: string): boolean {
    if (x.quota !== -1) return true
    const taken = this.#limits.take(key, x.startedAt)
    x.quota = this.#limits.perMinute
    x.remaining = taken.remaining
    x.resetSeconds = taken.resetSeconds
    return taken.allowed
  }

  leave(x: Exchange, status: number, now: number): void {
    if (x.left) return
    x.left = true
    this.active--
    this.metrics.record(x.route, status, now - x.startedAt)
    if (this.active === 0) for (const wake of this.#idle.splice(0)) wake()
  }

  /** From now on requests are refused; `whenIdle` runs once those under way have left. */
  drain(whenIdle: () => void, why: "stopping" | "changing" = "stopping"): void {
    this.draining = why
    for (const end of this.#streams) end()
    if (this.active === 0) whenIdle()
    else this.#idle.push(whenIdle)
  }
}

/** For a request that came past the listener, as in tests of a single handler. */
export const unknownExchange: Exchange = {
  requestId: "unknown",
  startedAt: 0,
  address: "unknown",
  route: null,
  principal: null,
  span: null,
  quota: -1,
  remaining: -1,
  resetSeconds: -1,
  left: true
}
