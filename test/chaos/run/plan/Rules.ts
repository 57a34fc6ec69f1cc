import { decimal, type Market, markets } from "./Markets.ts"
import type { Random } from "./Random.ts"

export type Body = Readonly<Record<string, unknown>>

interface Kind {
  readonly name: string
  readonly make: (dice: Random, market: Market) => Body
}

const quote = (dice: Random) => ({ type: "quote", amount: String(dice.integer(8, 25)) })
const level = (market: Market, factor: number) => decimal(market.base * factor, market.priceDecimals)
const seconds = (dice: Random, low: number, high: number) => `PT${dice.integer(low, high)}S`

/** Stands for the minutes that follow the rule's making: which they are only the clock knows. */
export const comingMinutes = "the coming minutes"

const withMinutes = (trigger: unknown, now: number): unknown => {
  if (typeof trigger !== "object" || trigger === null || !("at" in trigger) || trigger.at !== comingMinutes)
    return trigger
  const at = Array.from({ length: 60 }, (_, index) => new Date(now + index * 60_000).toISOString().slice(11, 16))
  return { ...trigger, at: at.toSorted() }
}

/** The body as it is sent. */
export const timely = (body: Body, now: number): Body =>
  "trigger" in body ? { ...body, trigger: withMinutes(body["trigger"], now) } : body

/** Twice as many orders wait at once as a limit has room for, and sooner or later all that wait are bought. */
const crowded = (limit: "perDay" | "total"): Kind => ({
  name: `crowded ${limit}`,
  make: () => ({
    trigger: { type: "schedule.every", every: "PT2S" },
    size: { type: "quote", amount: "20" },
    execution: { type: "limit", offsetPercent: "0.8", ttl: "PT8S", onTimeout: "market" },
    limits: { [limit]: "50" }
  })
})

const kinds: readonly [Kind, ...ReadonlyArray<Kind>] = [
  {
    name: "every",
    make: (dice) => ({
      trigger: { type: "schedule.every", every: seconds(dice, 2, 6) },
      size: quote(dice),
      limits: { total: "600", perDay: String(dice.integer(100, 400)) }
    })
  },
  {
    name: "cycle",
    make: (dice, market) => ({
      trigger: { type: "price.level", side: "below", price: level(market, 1.002), rearm: "cooldown" },
      size: { type: "quote", amount: "20" },
      ladder: { count: 2, stepPercent: "0.3", sizeScale: "1.2", place: dice.pick(["resting", "watched"]) },
      exit: {
        takeProfit: [
          { gainPercent: "0.3", closePercent: "50", as: "resting" },
          { gainPercent: "0.6", closePercent: "50", as: dice.pick(["resting", "watched"]) }
        ],
        stopLoss: { lossPercent: "0.9" }
      },
      cycle: { afterExit: "restart", cooldown: "PT1S" },
      limits: { total: "900", cooldown: "PT2S" }
    })
  },
  {
    name: "calendar",
    make: (dice) => ({
      trigger: { type: "schedule.calendar", on: { type: "daily" }, at: comingMinutes },
      size: quote(dice),
      limits: { perDay: "300" },
      onMissedRun: dice.pick([{ type: "skip" }, { type: "runOnce", maxLate: "PT10M" }])
    })
  },
  {
    name: "dip",
    make: (dice, market) => ({
      trigger: {
        type: "price.drop",
        percent: "0.2",
        from: { type: "fixed", price: level(market, 1) },
        rearm: dice.pick(["recover", "newExtreme"])
      },
      size: quote(dice),
      limits: { total: "500", maxExecutionsPerDay: dice.integer(5, 30) }
    })
  },
  {
    name: "limit",
    make: (dice) => ({
      trigger: { type: "schedule.every", every: seconds(dice, 4, 8) },
      size: quote(dice),
      execution: {
        type: "limit",
        offsetPercent: "0.1",
        ttl: seconds(dice, 2, 4),
        onTimeout: dice.pick(["cancel", "reprice", "market"]),
        postOnly: dice.chance(0.5)
      },
      limits: { perDay: "250" }
    })
  },
  {
    name: "crosses",
    make: (dice, market) => ({
      trigger: { type: "price.level", side: dice.pick(["crossesBelow", "crossesAbove"]), price: level(market, 1) },
      size: { type: "quote", amount: "15" },
      execution: { type: "market" },
      limits: { perWeek: "200" }
    })
  },
  {
    name: "trailing",
    make: (dice) => ({
      trigger: { type: "schedule.every", every: seconds(dice, 5, 9) },
      size: { type: "quote", amount: "20" },
      exit: {
        takeProfit: [{ gainPercent: "0.8", as: "watched" }],
        trailing: { armPercent: "0.2", deltaPercent: "0.2" },
        stopLoss: { lossPercent: "0.6" }
      },
      cycle: { afterExit: "restart", whileOpen: dice.pick(["ignore", "add"]) },
      limits: { total: "700" }
    })
  },
  {
    name: "manual",
    make: (dice) => ({
      trigger: { type: "manual" },
      size: quote(dice),
      exit: { takeProfit: [{ gainPercent: "0.4", as: "resting" }], stopLoss: { lossPercent: "0.8" } },
      cycle: { afterExit: "restart" },
      limits: { total: "400", maxExecutions: dice.integer(5, 40) }
    })
  },
  {
    name: "rebound",
    make: (dice, market) => ({
      trigger: {
        type: "price.rebound",
        from: { type: "fixed", price: level(market, 1.002) },
        afterDropPercent: "0.2",
        reboundPercent: "0.1"
      },
      size: quote(dice),
      limits: { perMonth: "300" }
    })
  }
]

const all: typeof kinds = [...kinds, crowded("perDay"), crowded("total")]

export const ruleOf = (index: number, dice: Random, isCrowded: boolean): Body => {
  const possible = isCrowded ? all : kinds
  const kind = possible[index % possible.length] ?? kinds[0]
  const market = dice.pick(markets)
  return { name: `${kind.name} ${index}`, symbol: market.symbol, ...kind.make(dice, market) }
}
