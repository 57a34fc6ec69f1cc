import { DateTime, Duration, Option } from "effect"
import * as Decimal from "../Decimal.ts"
import type { SymbolInfo } from "../Market.ts"
import type { RuleDocument } from "../Rule.ts"
import { formatInstant, type Instant } from "../Time.ts"
import { tooSmallOrLarge } from "./decision/feasible.ts"
import { askedQuote, sizeOrder } from "./decision/sizing.ts"
import { largestSize } from "./decision/wish.ts"
import { type Check, type RuleContext, type RuleProblem, when } from "./problems/Check.ts"
import { cycleProblems, exitProblems, ladderProblems } from "./problems/cycles.ts"
import { triggerProblems } from "./problems/triggers.ts"
import { makeSchedule } from "./schedule.ts"

const text = Decimal.format

const market: Check = ({ symbol: name, execution, maxPrice, trigger }, { symbol }) => {
  // A rule for a new listing may wait for what the venue does not know or sell yet.
  const waits = trigger.type === "listing.tradable"
  if (symbol === null) return when(!waits, "symbol", `the venue does not list \`${name}\``)
  const why = symbol.untradableReason ?? "the venue gives no reason"
  return [
    ...when(!symbol.tradable && !waits, "symbol", `${name} does not take orders now: ${why}`),
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

const execution: Check = ({ execution: style, maxPrice }) => {
  switch (style.type) {
    case "market":
      return when(
        maxPrice !== null,
        "maxPrice",
        "a market order has no price that could be bounded; use protectedMarket"
      )
    case "protectedMarket":
      return when(
        style.maxSlippageBps < 1 || style.maxSlippageBps > 1_000,
        "execution.maxSlippageBps",
        "expected a whole number from 1 to 1000 basis points"
      )
    case "limit":
      return [
        ...when(
          Decimal.greaterOrEqual(style.offsetPercent, Decimal.hundred),
          "execution.offsetPercent",
          "expected less than 100"
        ),
        ...when(
          Duration.lessThan(style.ttl, "1 second") || Duration.greaterThan(style.ttl, "30 days"),
          "execution.ttl",
          "expected PT1S to P30D"
        )
      ]
  }
}

const isZone = (timezone: string) => timezone !== "" && Option.isSome(DateTime.zoneMakeNamed(timezone))

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
    switch (gate.type) {
      case "maxDataAge":
        return when(Duration.lessThan(gate.age, "1 second"), `gates.${i}.age`, "expected at least one second")
      case "minImprovementOverLastBuy":
        return when(
          Decimal.greaterOrEqual(gate.percent, Decimal.hundred),
          `gates.${i}.percent`,
          "expected less than 100"
        )
      case "timeWindow":
        return when(gate.days.length === 0, `gates.${i}.days`, "name at least one day")
      case "priceBetween": {
        const { min, max } = gate
        return [
          ...when(min === null && max === null, `gates.${i}`, "give min, max or both"),
          ...when(min !== null && max !== null && Decimal.greaterThan(min, max), `gates.${i}.min`, "is above max")
        ]
      }
      case "maxSpread":
      case "min24hQuoteVolume":
        return []
    }
  })

const amountCaps = ["total", "perDay", "perWeek", "perMonth"] as const

const caps: Check = ({ limits, size, onInsufficientFunds }) => {
  const { perBuyMin, perBuyMax } = limits
  const largest = size.type === "quote" ? size.amount : null
  const wanted = largest === null || perBuyMax === null ? largest : Decimal.min(largest, perBuyMax)
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

const sizePaths = {
  quote: "size.amount",
  base: "size.quantity",
  percentOfFreeQuote: "size.max",
  valueAveraging: "size.max"
} as const

/** Amounts that depend on the account or the schedule are judged when they are known. */
const sizeFields: Check = ({ size: by, trigger }) => {
  switch (by.type) {
    case "quote":
    case "base":
      return []
    case "percentOfFreeQuote":
      return [
        ...when(Decimal.greaterThan(by.percent, Decimal.hundred), "size.percent", "expected at most 100"),
        ...when(by.min !== null && by.max !== null && Decimal.greaterThan(by.min, by.max), "size.min", "is above max")
      ]
    case "valueAveraging":
      return when(
        !trigger.type.startsWith("schedule."),
        "size.type",
        "valueAveraging counts the slots of a schedule; use schedule.every or schedule.calendar"
      )
  }
}

/** The size as one order at the current price; without a price only the amount itself can be judged. */
const size: Check = (rule, { symbol, ask }) => {
  const largest = largestSize(rule.size)
  const { execution: style } = rule
  const nowhere = style.type === "limit" && Decimal.greaterOrEqual(style.offsetPercent, Decimal.hundred)
  if (symbol === null || largest === null || nowhere) return []
  const path = sizePaths[rule.size.type]
  const min = rule.execution.type === "market" ? symbol.marketMinNotional : symbol.minNotional
  if (ask === null || !Decimal.isPositive(ask))
    return largest.type === "quote"
      ? when(Decimal.lessThan(largest.amount, min), path, tooSmall(min, symbol))
      : when(
          Decimal.lessThan(largest.quantity, symbol.minQuantity ?? symbol.quantityStep),
          path,
          `is below the smallest quantity ${text(symbol.minQuantity ?? symbol.quantityStep)}`
        )
  const sized = { size: largest, execution: rule.execution, maxPrice: null }
  const prices = { bid: ask, ask }
  const order = sizeOrder(sized, symbol, prices, rule.limits.perBuyMax)
  const refusal = tooSmallOrLarge(order, symbol)
  if (refusal === null) return overCap(rule, askedQuote(sized, symbol, prices), symbol)
  if (refusal.code === "ABOVE_MAX_NOTIONAL")
    return [{ path, message: `is worth ${text(order.notional)}, more than the venue takes in one order` }]
  return [{ path, message: tooSmall(min, symbol) }]
}

const overCap = (rule: RuleDocument, asked: Decimal.Decimal, symbol: SymbolInfo): ReadonlyArray<RuleProblem> => {
  if (rule.size.type !== "base" || rule.onInsufficientFunds === "buyWhatFits") return []
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

const checks: ReadonlyArray<Check> = [
  market,
  triggerProblems,
  lifetime,
  gates,
  sizeFields,
  size,
  execution,
  caps,
  ladderProblems,
  exitProblems,
  cycleProblems
]

/** Everything wrong with a rule at once; empty when it can be stored. */
export const ruleProblems = (rule: RuleDocument, context: RuleContext): ReadonlyArray<RuleProblem> =>
  checks.flatMap((check) => check(rule, context))
