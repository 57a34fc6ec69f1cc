import { markets } from "./Markets.ts"
import type { Random } from "./Random.ts"

/** What `POST /paper/v1/faults` takes. `account` is filled in when it is injected. */
export interface Fault extends Readonly<Record<string, unknown>> {
  readonly type: string
}

export interface Injection {
  readonly at: number
  readonly fault: Fault
  /** Whom it strikes; everybody, or whom the kind of fault always strikes, unless given. */
  readonly user?: number
}

const anyPath = (dice: Random) =>
  dice.pick(["/api/v3/order", "/api/v3/account", "/api/v3/openOrders", "/api/v3/myTrades", "/api/v3/ticker/*", "*"])
const when = (dice: Random) => dice.pick(["before", "after"])
const symbol = (dice: Random) => dice.pick(markets).symbol

/**
 * How each kind of the paper exchange's catalogue is planned here. Those that would last until cleared are counted or end
 * by themselves, and penalties are short: a run is about what follows them.
 */
const recipes: Readonly<Record<string, (dice: Random) => Readonly<Record<string, unknown>>>> = {
  dropBeforeBooking: () => ({ count: 1 }),
  dropAfterBooking: (dice) => ({ count: dice.integer(1, 2) }),
  delayAnswer: (dice) => ({ count: dice.integer(1, 3), delayMs: dice.integer(200, 3_000), when: when(dice) }),
  // Shorter than the longest time that a request may be on its way (rate budget): what is given up arrives by then.
  stall: (dice) => ({ count: 1, seconds: dice.integer(2, 8) }),
  halfOpen: (dice) => ({ count: 1, path: anyPath(dice), when: when(dice) }),
  serverError: (dice) => ({ count: dice.integer(1, 3), path: anyPath(dice), status: dice.pick([500, 502, 503, 504]) }),
  htmlBody: (dice) => ({ count: dice.integer(1, 2), path: anyPath(dice), status: dice.pick([200, 502]) }),
  truncatedBody: (dice) => ({ count: dice.integer(1, 2), path: anyPath(dice), closed: dice.chance(0.5) }),
  hugeBody: (dice) => ({ count: 1, path: anyPath(dice) }),
  rateLimited: (dice) => ({ count: 1, seconds: dice.integer(1, 2) }),
  banned: (dice) => ({ count: 1, seconds: dice.integer(1, 2) }),
  firewall: () => ({ count: 1 }),
  maintenance: (dice) => ({ count: dice.integer(1, 2) }),
  orderInvisible: (dice) => ({ count: dice.integer(1, 2), seconds: dice.integer(2, 8) }),
  rejectOrder: (dice) => ({ count: 1, code: dice.pick([30_005, 30_087, 30_002, 10_101]) }),
  partialFill: (dice) => ({ count: dice.integer(1, 2), fraction: dice.pick(["0.2", "0.4", "0.7"]) }),
  clockOffset: (dice) => ({ count: 4, ms: dice.pick([-9_000, 9_000, 20_000]) }),
  clockDrift: (dice) => ({ count: 4, ppm: dice.pick([-50_000, 50_000]) }),
  duplicatePush: (dice) => ({ count: dice.integer(2, 8) }),
  reorderPush: (dice) => ({ count: dice.integer(1, 4), channel: "spot@private" }),
  missingPush: (dice) => ({ count: dice.integer(1, 4), channel: "spot@private" }),
  latePush: (dice) => ({ count: dice.integer(1, 4), channel: "spot@private", delayMs: dice.integer(300, 4_000) }),
  silentStream: (dice) => ({ count: 1, seconds: dice.integer(3, 10) }),
  halfOpenStream: () => ({ count: 1 }),
  dropStream: () => ({ count: 1 }),
  listenKeyDeath: () => ({ count: 1 }),
  symbolHalt: (dice) => ({ symbol: symbol(dice), seconds: dice.integer(1, 3) }),
  filterChange: (dice) => ({ symbol: symbol(dice), change: { minNotional: "20" }, seconds: dice.integer(1, 3) }),
  balanceChange: (dice) => ({ asset: "USDT", amount: dice.pick(["25", "-15", "3.5"]) }),
  foreignOrder: (dice) => ({
    symbol: "BTCUSDT",
    side: "buy",
    orderType: "market",
    quoteAmount: dice.pick(["12", "20"])
  })
}

/** After it nothing is sent for a minute, restarts or not: once in a while only, and followed by a sleep of the machines. */
export const longPenalty = "firewall"

export const faultNames: ReadonlyArray<string> = Object.keys(recipes)

export const isFaultName = (name: string): boolean => Object.hasOwn(recipes, name)

/** A balance that changes without a word keeps unknown orders of its account open for a person to judge: one user's only. */
export const strikesOneUser: ReadonlySet<string> = new Set(["balanceChange", "foreignOrder"])

export const faultOf = (name: string, dice: Random): Fault => ({ type: name, ...recipes[name]?.(dice) })
