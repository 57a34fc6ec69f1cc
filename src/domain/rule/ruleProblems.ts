import { DateTime, Duration, Option } from "effect"
import * as Decimal from "../Decimal.ts"
import type { SymbolInfo } from "../Market.ts"
import type { RuleDocument } from "../Rule.ts"
import { formatInstant, type Instant } from "../Time.ts"
import { tooSmallOrLarge } from "./decision/decide.ts"
import { makeSchedule } from "./schedule.ts"
import { askedQuote, sizeOrder } from "./decision/sizing.ts"

/** One thing wrong with a rule, by path into its document. */
export interface RuleProblem {
  readonly path: string
  readonly message: string
}

/** What the document is checked against; an unknown symbol is null, an unknown price too. */
export interface RuleContext {
  readonly symbol: SymbolInfo | null
  readonly ask: Decimal.Decimal | null
  readonly now: Instant
  /** Interval schedules without anchor count from it; a new rule's is now. */
  readonly createdAt: Instant
}

type Check = (rule: RuleDocument, context: RuleContext) => ReadonlyArray<RuleProblem>

const when = (fails: boolean, path: string, message: string): ReadonlyArray<RuleProblem> =>
  fails ? [{ path, message }] : []

const text = Decimal.format

const market: Check = ({ symbol: name, execution, maxPrice }, { symbol }) => {
  if (symbol === null) return [{ path: "symbol", message: `the venue does not list \`${name}\`` }]
  const why = symbol.untradableReason ?? "the venue gives no reason"
  return [
    ...when(!symbol.tradable, "symbol", `${name} does not take orders now: ${why}`),
    ...when(
      execution.type === "market" && !symbol.orderTypes.includes("market"),
      "execution.type",
      `the venue takes no market orders for ${name}; use protectedMarket`
    ),
    ...when(
      maxPrice !== null && Decimal.lessThan(maxPrice, symbol.priceTick),
      "maxPrice",
      `is below the smallest price step ${text(symbol.priceTick)}`
    )
  ]
}

const execution: Check = ({ execution: style, maxPrice }) =>
  style.type === "market"
    ? when(maxPrice !== null, "maxPrice", "a market order has no price that could be bounded; use protectedMarket")
    : when(
        style.maxSlippageBps < 1 || style.maxSlippageBps > 1_000,
        "execution.maxSlippageBps",
        "expected a whole number from 1 to 1000 basis points"
      )

const isZone = (timezone: string) => timezone !== "" && Option.isSome(DateTime.zoneMakeNamed(timezone))

const shortestInterval = Duration.seconds(1)
/** As far back as one-minute candles are read for a window. */
const longestWindow = Duration.days(30)

const trigger: Check = ({ trigger: on, limits }) => {
  switch (on.type) {
    case "schedule.every":
      return when(Duration.lessThan(on.every, shortestInterval), "trigger.every", "expected at least one second")
    case "schedule.calendar":
      return [
        ...when(on.on.type !== "daily" && on.on.days.length === 0, "trigger.on.days", "name at least one day"),
        ...when(on.at.length === 0, "trigger.at", `name at least one time such as "09:00"`),
        ...when(on.at.length > 96, "trigger.at", "at most 96 times a day; use schedule.every for intervals")
      ]
    case "price.level":
    case "price.drop": {
      const window = on.type === "price.drop" && "window" in on.from ? on.from.window : null
      return [
        ...when(
          on.type === "price.drop" && Decimal.greaterOrEqual(on.percent, Decimal.hundred),
          "trigger.percent",
          "expected less than 100"
        ),
        ...when(
          window !== null && (Duration.lessThan(window, "1 minute") || Duration.greaterThan(window, longestWindow)),
          "trigger.from.window",
          "expected a window from PT1M to P30D"
        ),
        ...when(
          on.rearm === "cooldown" && Duration.toMillis(limits.cooldown) === 0,
          "limits.cooldown",
          "rearm `cooldown` needs a cooldown above zero, else every trade would fire the rule"
        )
      ]
    }
    case "manual":
      return []
  }
}

const firstRun = (rule: RuleDocument, { now, createdAt }: RuleContext): Instant | null => {
  const { trigger: on, timezone, startAt } = rule
  if (on.type !== "schedule.every" && on.type !== "schedule.calendar") return startAt ?? now
  return makeSchedule(on, { timezone, createdAt, startAt, endAt: null }).next(now)
}

const lifetime: Check = (rule, context) => {
  const { timezone, startAt, endAt } = rule
  const zone = when(
    !isZone(timezone),
    "timezone",
    `unknown time zone \`${timezone}\`; use a name such as Europe/Berlin`
  )
  if (zone.length > 0 || endAt === null) return zone
  if (endAt <= context.now) return [{ path: "endAt", message: "has passed already" }]
  if (startAt !== null && endAt <= startAt) return [{ path: "endAt", message: "must be later than startAt" }]
  const first = firstRun(rule, context)
  return first !== null && first >= endAt
    ? [{ path: "endAt", message: `is before the first run, which would be at ${formatInstant(first)}` }]
    : []
}

const gates: Check = ({ gates: all }) =>
  all.flatMap((gate, i) => {
    if (gate.type === "maxDataAge")
      return when(Duration.lessThan(gate.age, "1 second"), `gates.${i}.age`, "expected at least one second")
    if (gate.type === "maxSpread") return []
    const { min, max } = gate
    return [
      ...when(min === null && max === null, `gates.${i}`, "give min, max or both"),
      ...when(min !== null && max !== null && Decimal.greaterThan(min, max), `gates.${i}.min`, "is above max")
    ]
  })

const amountCaps = ["total", "perDay", "perWeek", "perMonth"] as const

const caps: Check = ({ limits, size, onInsufficientFunds }) => {
  const { perBuyMin, perBuyMax } = limits
  const wanted = size.type === "base" ? null : perBuyMax === null ? size.amount : Decimal.min(size.amount, perBuyMax)
  const oneBuy = onInsufficientFunds === "buyWhatFits" ? null : wanted
  return [
    ...when(
      amountCaps.every((cap) => limits[cap] === null),
      "limits",
      "set at least one of total, perDay, perWeek, perMonth, so that the rule's spending has a bound"
    ),
    ...amountCaps.flatMap((cap) => {
      const limit = limits[cap]
      return when(
        limit !== null && oneBuy !== null && Decimal.lessThan(limit, oneBuy),
        `limits.${cap}`,
        `is less than one buy of ${oneBuy === null ? "" : text(oneBuy)}`
      )
    }),
    ...when(
      perBuyMin !== null && perBuyMax !== null && Decimal.greaterThan(perBuyMin, perBuyMax),
      "limits.perBuyMin",
      "is above perBuyMax"
    ),
    ...when(
      perBuyMin !== null && wanted !== null && Decimal.lessThan(wanted, perBuyMin),
      "limits.perBuyMin",
      "is above what one buy may spend"
    )
  ]
}

/** The size as one order at the current price; without a price only the amount itself can be judged. */
const size: Check = (rule, { symbol, ask }) => {
  if (symbol === null) return []
  const path = rule.size.type === "quote" ? "size.amount" : "size.quantity"
  const min = rule.execution.type === "market" ? symbol.marketMinNotional : symbol.minNotional
  if (ask === null || !Decimal.isPositive(ask))
    return rule.size.type === "quote"
      ? when(Decimal.lessThan(rule.size.amount, min), path, tooSmall(min, symbol))
      : when(
          Decimal.lessThan(rule.size.quantity, symbol.minQuantity ?? symbol.quantityStep),
          path,
          `is below the smallest quantity ${text(symbol.minQuantity ?? symbol.quantityStep)}`
        )
  const order = sizeOrder({ ...rule, maxPrice: null }, symbol, ask, rule.limits.perBuyMax)
  const refusal = tooSmallOrLarge(order, symbol)
  if (refusal === null) return overCap(rule, askedQuote(rule, symbol, ask), symbol)
  if (refusal.code === "ABOVE_MAX_NOTIONAL")
    return [{ path, message: `is worth ${text(order.notional)}, more than the venue takes in one order` }]
  return [{ path, message: tooSmall(min, symbol) }]
}

const overCap = (rule: RuleDocument, asked: Decimal.Decimal, symbol: SymbolInfo): ReadonlyArray<RuleProblem> => {
  if (rule.size.type === "quote" || rule.onInsufficientFunds === "buyWhatFits") return []
  const { limits } = rule
  const one = limits.perBuyMax === null ? asked : Decimal.min(asked, limits.perBuyMax)
  return amountCaps.flatMap((cap) => {
    const limit = limits[cap]
    const message = `is less than one buy, which costs up to ${text(one)} ${symbol.quoteAsset} at the present price`
    return when(limit !== null && Decimal.lessThan(limit, one), `limits.${cap}`, message)
  })
}

const tooSmall = (min: Decimal.Decimal, symbol: SymbolInfo) =>
  `is below the venue's minimum of ${text(min)} ${symbol.quoteAsset} per order for ${symbol.symbol}, once rounded down to its steps`

const checks: ReadonlyArray<Check> = [market, trigger, lifetime, gates, size, execution, caps]

/** Everything wrong with a rule at once; empty when it can be stored. */
export const ruleProblems = (rule: RuleDocument, context: RuleContext): ReadonlyArray<RuleProblem> =>
  checks.flatMap((check) => check(rule, context))
