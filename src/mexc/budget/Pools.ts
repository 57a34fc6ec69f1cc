import { type Entry, makeRollingLog, type RollingLog } from "./RollingLog.ts"

/** Only what places and cancels counts as an order; asking about orders counts as the account. */
export type BudgetClass = "order" | "account" | "market"

export const classes = ["order", "account", "market"] as const

/** What is used of a pool before a class has to wait: an order never waits behind a burst of questions. */
const poolCaps = { order: 1, account: 0.8, market: 0.8 } as const
/**
 * What a class may use of a pool by itself. Without a bound of its own each of the lower classes can keep the other from
 * the venue for as long as it is busy, and orders need the prices of the one and the balances of the other.
 */
const ownCaps = { order: 1, account: 0.6, market: 0.6 } as const

export interface BudgetLimits {
  readonly ipWeight: number
  readonly uidWeight: number
  readonly requestsPerSecond: number
  readonly ordersPerSecond: number
  /**
   * How long a request that failed or was cancelled may still be on its way to the venue: at least the longest
   * request timeout. Without it 520 of 500 was measured at a simulated server.
   */
  readonly graceMs: number
  /** How long a caller waits for its grant; then nothing was sent and it is told when to come back. */
  readonly maxWaitMs: number
}

/** The strictest of the documented readings: support says 20 requests and 12 orders a second. */
export const defaultLimits: BudgetLimits = {
  ipWeight: 300,
  uidWeight: 500,
  requestsPerSecond: 20,
  ordersPerSecond: 12,
  graceMs: 10_000,
  maxWaitMs: 15_000
}

const weightWindowMs = 10_000
const secondMs = 1_000
/** `GET /account` and `POST /batchOrders` are each limited by themselves. */
const twicePerSecond = 2

export interface BudgetRequest {
  readonly cost: number
  readonly class: BudgetClass
  /** The account the request is signed for; none for public data. */
  readonly user?: string
  /** Counts into the order operations of the account: placing and cancelling. */
  readonly orderOperation?: boolean
  /** The endpoint, when it is one that an account may use twice a second. */
  readonly twicePerSecond?: string
}

/** A part of a request's cost in one pool, of which its class may use up to `cap`. */
interface Charge {
  readonly log: RollingLog
  readonly cost: number
  readonly cap: number
}

/** What a request costs in the pools all users share, and in its own account's. */
export interface Charges {
  readonly shared: ReadonlyArray<Charge>
  /** In what the request's class uses of the shared pools. */
  readonly ofClass: ReadonlyArray<Charge>
  readonly own: ReadonlyArray<Charge>
}

/** Granted entries, with the log each belongs to. */
export type Grant = ReadonlyArray<{ readonly log: RollingLog; readonly entry: Entry }>

export const fits = (charges: ReadonlyArray<Charge>, now: number): boolean =>
  charges.every(({ cap, cost, log }) => log.used(now) + cost <= cap)

const all = ({ ofClass, own, shared }: Charges): ReadonlyArray<Charge> => [...shared, ...ofClass, ...own]

/** A cost above its cap would wait for ever. */
export const canEverFit = (charges: Charges): boolean => all(charges).every(({ cap, cost }) => cost <= cap)

export const take = (charges: Charges): Grant => all(charges).map(({ cost, log }) => ({ log, entry: log.add(cost) }))

export const settle = (grant: Grant, now: number, graceMs: number): void => {
  for (const { entry, log } of grant) log.settle(entry, now, graceMs)
}

export const giveBack = (grant: Grant): void => {
  for (const { entry, log } of grant) log.remove(entry)
}

interface UserPools {
  readonly weight: RollingLog
  readonly orders: RollingLog
  /** By endpoint. */
  readonly slow: Map<string, RollingLog>
}

/** Pools per address and per account. An account's are forgotten when nothing counts in them any more. */
export const makePools = (limits: BudgetLimits) => {
  const ipWeight = makeRollingLog(limits.ipWeight, weightWindowMs)
  const ipRequests = makeRollingLog(limits.requestsPerSecond, secondMs)
  const makeUsed = () => ({
    weight: makeRollingLog(limits.ipWeight, weightWindowMs),
    requests: makeRollingLog(limits.requestsPerSecond, secondMs)
  })
  const byClass = { order: makeUsed(), account: makeUsed(), market: makeUsed() }
  const users = new Map<string, UserPools>()

  const makeUser = (user: string): UserPools => {
    const pools: UserPools = {
      weight: makeRollingLog(limits.uidWeight, weightWindowMs),
      orders: makeRollingLog(limits.ordersPerSecond, secondMs),
      slow: new Map()
    }
    users.set(user, pools)
    return pools
  }

  const slowPool = (user: UserPools, endpoint: string): RollingLog => {
    const known = user.slow.get(endpoint)
    if (known !== undefined) return known
    const log = makeRollingLog(twicePerSecond, secondMs)
    user.slow.set(endpoint, log)
    return log
  }

  const logsOf = ({ orders, slow, weight }: UserPools): ReadonlyArray<RollingLog> => [weight, orders, ...slow.values()]

  const capped = (log: RollingLog, cost: number, share: number): Charge => ({
    log,
    cost,
    cap: Math.floor(log.capacity * share)
  })
  const whole = (log: RollingLog): Charge => ({ log, cost: 1, cap: log.capacity })

  const chargesOf = (request: BudgetRequest): Charges => {
    const poolCap = poolCaps[request.class]
    const ownCap = ownCaps[request.class]
    const shared = [capped(ipWeight, request.cost, poolCap), capped(ipRequests, 1, poolCap)]
    const used = byClass[request.class]
    const ofClass = [capped(used.weight, request.cost, ownCap), capped(used.requests, 1, ownCap)]
    if (request.user === undefined) return { shared, ofClass, own: [] }
    const user = users.get(request.user) ?? makeUser(request.user)
    const own = [capped(user.weight, request.cost, poolCap)]
    if (request.orderOperation === true) own.push(whole(user.orders))
    if (request.twicePerSecond !== undefined) own.push(whole(slowPool(user, request.twicePerSecond)))
    return { shared, ofClass, own }
  }

  const forgetIdle = (now: number, isWaiting: (user: string) => boolean): void => {
    for (const [user, pools] of users) {
      if (logsOf(pools).every((log) => log.used(now) === 0) && !isWaiting(user)) users.delete(user)
    }
  }

  const nextChange = (now: number): number => {
    let next = Math.min(ipWeight.nextChange(now), ipRequests.nextChange(now))
    for (const pools of users.values()) for (const log of logsOf(pools)) next = Math.min(next, log.nextChange(now))
    return next
  }

  const level = (log: RollingLog | undefined, capacity: number, now: number) => ({
    capacity,
    used: log === undefined ? 0 : log.used(now)
  })

  return {
    chargesOf,
    forgetIdle,
    nextChange,
    ipState: (now: number) => ({
      weight: level(ipWeight, limits.ipWeight, now),
      requests: level(ipRequests, limits.requestsPerSecond, now)
    }),
    userState: (user: string, now: number) => ({
      weight: level(users.get(user)?.weight, limits.uidWeight, now),
      orders: level(users.get(user)?.orders, limits.ordersPerSecond, now)
    })
  }
}
