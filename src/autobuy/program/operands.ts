import * as Decimal from "../../domain/Decimal.ts"
import type { Operand } from "../../domain/order/Execution.ts"
import { boundOf, holds } from "../../domain/rule/decision/levels.ts"
import { fallBound, reboundPrice, type ReboundState } from "../../domain/rule/decision/rebound.ts"
import type { PriceRebound, PriceTrigger } from "../../domain/rule/Trigger.ts"
import { describeFrom } from "../../domain/rule/words.ts"
import { formatInstant, type Instant } from "../../domain/Time.ts"
import type { PriceTick } from "../RuleMarket.ts"

const signs = { atOrBelow: "<=", atOrAbove: ">=", below: "<", above: ">" } as const

/** What a price trigger saw, for the record. */
export const priceOperands = (
  symbol: string,
  trigger: PriceTrigger,
  tick: PriceTick,
  reference: Decimal.Decimal | null
): ReadonlyArray<Operand> => {
  const bound = boundOf(trigger, reference)
  const seen: Operand = {
    label: `last price of ${symbol}`,
    value: Decimal.format(tick.price),
    op: bound === null ? "" : signs[bound.comparison],
    threshold: bound === null ? null : Decimal.format(bound.price),
    pass: bound !== null && holds(bound, tick.price),
    asOf: tick.at
  }
  if (trigger.type === "price.level") return [seen]
  const from: Operand = {
    label: describeFrom(trigger.from),
    value: reference === null ? null : Decimal.format(reference),
    op: `less ${Decimal.format(trigger.percent)} percent`,
    threshold: bound === null ? null : Decimal.format(bound.price),
    pass: reference !== null,
    asOf: tick.at
  }
  return [seen, from]
}

export const scheduleOperands = (slot: Instant, now: Instant): ReadonlyArray<Operand> => [
  { label: "market time", value: formatInstant(now), op: ">=", threshold: formatInstant(slot), pass: true, asOf: now }
]

/** What a trailing buy saw when it fired: the low it followed and the price above it. */
export const reboundOperands = (
  symbol: string,
  trigger: PriceRebound,
  before: ReboundState,
  tick: PriceTick,
  reference: Decimal.Decimal | null
): ReadonlyArray<Operand> => {
  const threshold = before.low === null ? null : Decimal.format(reboundPrice(trigger, before.low))
  const fall = fallBound(trigger, reference)
  return [
    {
      label: `last price of ${symbol}`,
      value: Decimal.format(tick.price),
      op: ">=",
      threshold,
      pass: true,
      asOf: tick.at
    },
    {
      label: `low since it fell ${Decimal.format(trigger.afterDropPercent)} percent from ${describeFrom(trigger.from)}`,
      value: before.low === null ? null : Decimal.format(before.low),
      op: "<=",
      threshold: fall === null ? null : Decimal.format(fall.price),
      pass: true,
      asOf: tick.at
    }
  ]
}

export const balanceOperands = (
  asset: string,
  free: Decimal.Decimal,
  atLeast: Decimal.Decimal,
  now: Instant
): ReadonlyArray<Operand> => [
  {
    label: `free ${asset}`,
    value: Decimal.format(free),
    op: ">=",
    threshold: Decimal.format(atLeast),
    pass: true,
    asOf: now
  }
]

export const listingOperands = (symbol: string, now: Instant): ReadonlyArray<Operand> => [
  { label: `${symbol} takes orders`, value: formatInstant(now), op: "", threshold: null, pass: true, asOf: now }
]
