import type { Tracer } from "effect"
import type { Principal } from "../../domain/Principal.ts"
import { addressKey } from "./addressKey.ts"
import { Histogram } from "./Histogram.ts"
import { Line } from "./Line.ts"
import { Load } from "./Load.ts"
import { overall, quotaOf } from "./quotas.ts"
import { type Quota, RateLimiter, type Taken } from "./RateLimiter.ts"
import type { Route } from "./Routes.ts"
import type { RateClass } from "./traffic.ts"

export interface GateOptions {
  readonly routes: ReadonlyArray<Route>
  /** Requests per minute and user, and of who is not known yet per minute and address. */
  readonly ratePerMinute: number
  /** Requests under way at once, over all users. */
  readonly maxActive?: number
  /** Of these, what one user may have; half as many again of what stops something. */
  readonly maxActivePerUser?: number
  /** Refused credentials per minute and address, before 401 becomes 429. */
  readonly failuresPerMinute?: number
  /** Runs something once the event loop is through with what came in at once; `setImmediate`, but in tests. */
  readonly afterTurn?: (run: () => void) => void
  /** Makes the ids of this process its own. */
  readonly instance: string
  /** Looks into memory only; `undefined` = cannot tell, take the slow way. */
  readonly authenticate: (header: string | undefined, now: number) => Principal | "unauthenticated" | undefined
}

/** A quota that a request was counted on, and how it stands since. */
export interface Standing extends Taken {
  readonly quota: Quota
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
  /** The quotas this request was counted on; none before it was. */
  standings: ReadonlyArray<Standing>
  /** Whose place it takes, while it takes one. */
  holder: string | null
  left: boolean
}

const givenId = /^[A-Za-z0-9._-]{1,64}$/

/**
 * What every request passes, whoever serves it: ids, credentials, limits, metrics, drain. A plain class without Effect
 * and without node:http, so that a fast listener and the API builder ask the same one.
 */
export class Gate {
  readonly #users: RateLimiter
  readonly #addresses: RateLimiter
  readonly #preflights: RateLimiter
  readonly #failures: RateLimiter
  readonly #classes: Readonly<Record<RateClass, RateLimiter>>
  readonly #underWay = new Map<string, number>()
  readonly #maxActivePerUser: number
  readonly #instance: string
  readonly authenticate: GateOptions["authenticate"]
  readonly metrics: Histogram
  readonly line: Line
  readonly load: Load
  readonly #idle: Array<() => void> = []
  readonly #streams = new Set<() => void>()
  #entered = 0
  active = 0
  /** Why requests are refused: for good, or until this instance has another role. */
  draining: false | "stopping" | "changing" = false

  constructor(options: GateOptions) {
    const limiter = (name: RateClass) => new RateLimiter(quotaOf(name, options.ratePerMinute))
    this.#users = new RateLimiter(overall(options.ratePerMinute))
    this.#addresses = new RateLimiter(overall(options.ratePerMinute))
    this.#preflights = new RateLimiter({ ...overall(options.ratePerMinute), name: "preflights" })
    this.#failures = new RateLimiter({ ...overall(options.failuresPerMinute ?? 20), name: "failures" })
    this.#classes = {
      market: limiter("market"),
      account: limiter("account"),
      orders: limiter("orders"),
      edits: limiter("edits"),
      secrets: limiter("secrets"),
      stops: limiter("stops")
    }
    this.#maxActivePerUser = options.maxActivePerUser ?? 20
    this.#instance = options.instance
    this.authenticate = options.authenticate
    this.metrics = new Histogram(options.routes)
    const afterTurn = options.afterTurn ?? setImmediate
    this.line = new Line(afterTurn)
    this.load = new Load(options.maxActive ?? 500, afterTurn)
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
      standings: [],
      holder: null,
      left: false
    }
  }

  /** Counts what never became a request, and gives the id of its answer. */
  unparsed(now: number): string {
    const x = this.enter(undefined, "unknown", now)
    this.leave(x, 400, now)
    return x.requestId
  }

  /** Whether the service has too much to do for a request of this route. */
  overloaded(x: Exchange): boolean {
    if (x.route === null || x.route.rank === null) return false
    const { hot, rank } = x.route
    return this.load.refuses(rank, this.active - this.#streams.size, x.startedAt, !hot && this.line.isFull(rank))
  }

  /**
   * Takes one of the places of `holder`, a user or an address, until the request leaves. False when all are taken: no
   * one may take those of the others. What stops something finds a few more.
   */
  hold(x: Exchange, holder: string): boolean {
    if (x.holder !== null || x.route?.rank === null) return true
    const taken = this.#underWay.get(holder) ?? 0
    const more = x.route?.rank === "stops" ? Math.ceil(this.#maxActivePerUser / 2) : 0
    if (taken >= this.#maxActivePerUser + more) return false
    this.#underWay.set(holder, taken + 1)
    x.holder = holder
    return true
  }

  #release(x: Exchange): void {
    if (x.holder === null) return
    const others = (this.#underWay.get(x.holder) ?? 1) - 1
    if (others === 0) this.#underWay.delete(x.holder)
    else this.#underWay.set(x.holder, others)
    x.holder = null
  }

  /**
   * The answer under way lasts as long as its reader wants. It is no load, has its own limits, and is told when the
   * service drains. Gives what to do when it has ended.
   */
  stream(x: Exchange, end: () => void): () => void {
    this.#release(x)
    this.#streams.add(end)
    return () => void this.#streams.delete(end)
  }

  /**
   * A credential was refused. True once the address has had its share of refusals: the answer is then 429. A good
   * credential still passes, because behind one address may be several users.
   */
  refused(x: Exchange): boolean {
    return !this.#failures.take(addressKey(x.address), x.startedAt).allowed
  }

  /** Counts a request of somebody who is not known, or whom the route does not ask, on the quota of the address. */
  limitAddress(x: Exchange): boolean {
    return this.#limitBy(this.#addresses, x)
  }

  /** Counts a browser's question before a request by itself: who has used up the other quota may still stop something. */
  limitPreflight(x: Exchange): boolean {
    return this.#limitBy(this.#preflights, x)
  }

  #limitBy(limiter: RateLimiter, x: Exchange): boolean {
    if (x.standings.length > 0) return true
    const taken = limiter.take(addressKey(x.address), x.startedAt)
    x.standings = [{ quota: limiter.quota, ...taken }]
    return taken.allowed
  }

  /**
   * Counts a request once on the quota of its user and on that of its class. What stops something is counted on its
   * class alone, so that nothing else can have used it up. A request that one of the two refuses takes from neither.
   */
  limitUser(x: Exchange, user: string): boolean {
    if (x.standings.length > 0) return true
    const name = x.route?.rateClass ?? "account"
    const limiters = name === "stops" ? [this.#classes.stops] : [this.#users, this.#classes[name]]
    const allowed = limiters.every((limiter) => limiter.look(user, x.startedAt).allowed)
    x.standings = limiters.map((limiter) => {
      const taken = allowed ? limiter.take(user, x.startedAt) : limiter.look(user, x.startedAt)
      return { quota: limiter.quota, ...taken }
    })
    return allowed
  }

  leave(x: Exchange, status: number, now: number): void {
    if (x.left) return
    x.left = true
    this.active--
    this.#release(x)
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
  standings: [],
  holder: null,
  left: true
}
