import type { Action } from "./Actions.ts"
import type { Fault, Injection } from "./Faults.ts"
import { decimal, markets, pricesOf } from "./Markets.ts"
import { random } from "./Random.ts"
import type { Body } from "./Rules.ts"

/** What `--crowded` adds to a plan: denser occasions for what only a broken build does wrong. */
export interface Crowd {
  readonly actions: ReadonlyArray<Action>
  readonly injections: ReadonlyArray<Injection>
}

/** An answer that is lost leaves a doubt only where the stream does not tell first, nor the first question. */
const companions: Readonly<Record<string, ReadonlyArray<Fault>>> = {
  dropAfterBooking: [
    { type: "latePush", count: 12, channel: "spot@private", delayMs: 9_000 },
    { type: "orderInvisible", count: 2, seconds: 8 }
  ]
}

export const companionsOf = (name: string): ReadonlyArray<Fault> => companions[name] ?? []

const nameOf = (seed: number, user: number, what: string, n: number) =>
  `chaos-${seed}-${user}-${what}-${String(n).padStart(4, "0")}`

/** Just before somebody halts: the exchange asks for a pause of two seconds, and an order waits for its end. */
const beforeHalts = (seed: number, actions: ReadonlyArray<Action>): Crowd => {
  const halts = actions.filter(({ deed }) => deed.do === "halt" && deed.body["halted"] === true)
  const body = { symbol: "BTCUSDT", side: "buy", type: "market", quoteAmount: "12", waitMs: 0 }
  return {
    actions: halts.map(({ at, user }, n) => ({
      at: Math.max(0, at - 150),
      user,
      deed: { do: "order", key: nameOf(seed, user, "halted", n), body }
    })),
    injections: halts.map(({ at }) => ({
      at: Math.max(0, at - 500),
      fault: { type: "rateLimited", count: 1, seconds: 2 }
    }))
  }
}

/** An order that rests moves no balance: its answer is lost, queries do not show it, and the stream tells of it late. */
const lostOrders = (seed: number, user: number, lasts: number): Crowd => {
  const dice = random(seed, "lost orders")
  const [market] = markets
  const price = pricesOf(seed, market)
  const actions: Array<Action> = []
  const injections: Array<Injection> = []
  for (let at = 4_000, n = 0; at < lasts; at += dice.between(11_000, 15_000), n++) {
    const limit = decimal(price(at) * 0.97, market.priceDecimals)
    const body = { symbol: market.symbol, side: "buy", type: "limit", quantity: "0.0005", price: limit, waitMs: 0 }
    const faults: ReadonlyArray<Fault> = [
      { type: "dropAfterBooking", count: 1 },
      { type: "orderInvisible", count: 1, seconds: 9 },
      { type: "latePush", count: 6, channel: "spot@private", delayMs: 9_000 }
    ]
    injections.push(...faults.map((fault) => ({ at: Math.round(at), fault, user })))
    actions.push({ at: Math.round(at + 150), user, deed: { do: "order", key: nameOf(seed, user, "lost", n), body } })
  }
  return { actions, injections }
}

/** Who does not wait for the answer looks again while nothing arrives: in the end all of it arrives together. */
const stalls = (seed: number, users: number, lasts: number): Crowd => {
  const dice = random(seed, "stalls")
  const actions: Array<Action> = []
  const injections: Array<Injection> = []
  for (let at = 6_000; at < lasts; at += dice.between(12_000, 18_000)) {
    injections.push({ at: Math.round(at), fault: { type: "stall", count: 1, seconds: 4.5 } })
    const user = dice.integer(0, users - 1)
    actions.push({ at: Math.round(at + 50), user, deed: { do: "glance", times: 3 } })
  }
  return { actions, injections }
}

/** Evaluated and recorded, never sent: many of them are no load for the exchange. */
const shadow = (name: string, symbol: string, trigger: Body): Body => ({
  name,
  mode: "shadow",
  symbol,
  trigger,
  size: { type: "quote", amount: "10" },
  limits: { total: "100000" }
})

const rulesOf = (seed: number, user: number, what: string, bodies: ReadonlyArray<Body>): Action => ({
  at: 200,
  user,
  deed: { do: "rules", rules: bodies.map((body, n) => ({ key: nameOf(seed, user, what, n), body })) }
})

const many = 80
const few = 3

/** One user has very many rules that are due at once, the others a few at the same time. */
const turns = (seed: number, users: number): Crowd => {
  const [{ symbol }] = markets
  const trigger = { type: "schedule.every", every: "PT15S", anchor: "2020-01-01T00:00:00.000Z" }
  const its = (user: number) => Array.from({ length: user === 0 ? many : few }, () => shadow("turn", symbol, trigger))
  return {
    actions: Array.from({ length: users }, (_, user) => rulesOf(seed, user, "turn", its(user))),
    injections: []
  }
}

const twins = 10

/** Rules that wait for a price, which somebody looks at. The user who fires very many at once is none of theirs. */
const sameLevel = (seed: number, users: number, lasts: number): Crowd => {
  const [{ base, priceDecimals, symbol }] = markets
  const trigger = (n: number) => ({
    type: "price.level",
    side: n % 2 === 0 ? "crossesBelow" : "crossesAbove",
    price: decimal(base, priceDecimals)
  })
  const its = Array.from({ length: twins }, (_, n) => shadow("twin", symbol, trigger(n)))
  const looks = Array.from({ length: Math.floor(lasts / 700) }, (_, n): Action => ({
    at: n * 700,
    user: 0,
    deed: { do: "read", path: `/market/tickers/${symbol}`, pick: 0 }
  }))
  return {
    actions: [...Array.from({ length: users - 1 }, (_, index) => rulesOf(seed, index + 1, "twin", its)), ...looks],
    injections: []
  }
}

export const crowdOf = (
  seed: number,
  users: number,
  faults: ReadonlyArray<string>,
  lasts: number,
  actions: ReadonlyArray<Action>
): Crowd => {
  const all = [
    beforeHalts(seed, actions),
    // The one more: rules, limits and cancels of others would take what is meant for this.
    lostOrders(seed, users, lasts),
    stalls(seed, users, lasts),
    turns(seed, users),
    sameLevel(seed, users, lasts)
  ]
  return {
    actions: all.flatMap((each) => each.actions),
    injections: all.flatMap((each) => each.injections).filter(({ fault }) => faults.includes(fault.type))
  }
}
