import * as Decimal from "../../domain/Decimal.ts"
import type { Operand } from "../../domain/order/Execution.ts"
import { boundOf, holds } from "../../domain/rule/decision/levels.ts"
import type { PriceTrigger } from "../../domain/rule/Trigger.ts"
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
