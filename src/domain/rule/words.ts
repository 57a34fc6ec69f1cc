import * as Decimal from "../Decimal.ts"
import type { Decision } from "../order/Execution.ts"
import type { RuleDocument } from "../Rule.ts"
import type { NextFiring } from "./shape/Computed.ts"
import { formatDuration, type Instant } from "../Time.ts"
import { displayInstant, displayPrice } from "./display.ts"
import { boundOf } from "./decision/levels.ts"
import type { DropFrom } from "./Trigger.ts"

export const describeFrom = (from: DropFrom): string => {
  switch (from.type) {
    case "highOf":
      return `the high of the last ${formatDuration(from.window)}`
    case "openOf":
      return `the price ${formatDuration(from.window)} ago`
    case "lastBuy":
      return from.scope === "rule" ? "the rule's last buy" : "the last buy of the symbol"
    case "averageCost":
      return from.scope === "rule" ? "the rule's average cost" : "the average cost of the symbol"
    case "fixed":
      return Decimal.format(from.price)
  }
}

const verbs = {
  atOrBelow: (price: string) => `falls to ${price} or below`,
  atOrAbove: (price: string) => `rises to ${price} or above`,
  below: (price: string) => `crosses below ${price}`,
  above: (price: string) => `crosses above ${price}`
} as const

export interface NextInputs {
  readonly document: RuleDocument
  readonly nextAt: Instant | null
  readonly last: Decimal.Decimal | null
  readonly reference: Decimal.Decimal | null
  readonly armed: boolean
  /** The venue's price step; null while the symbol is unknown. */
  readonly tick: Decimal.Decimal | null
}

/** How far the market has to move, in percent of the last price; a statistic. */
const away = (price: Decimal.Decimal, last: Decimal.Decimal | null): number | null =>
  last === null || !Decimal.isPositive(last)
    ? null
    : Decimal.toNumber(
        Decimal.divide(Decimal.multiply(Decimal.subtract(price, last), Decimal.hundred), last, 6, "half-even")
      )

/** What the rule waits for, in plain words. */
export const nextFiring = ({ document, nextAt, last, reference, armed, tick }: NextInputs): NextFiring | null => {
  const { trigger, symbol, timezone } = document
  const verb = document.mode === "shadow" ? "records" : "buys"
  const inWords = (words: string): NextFiring => ({ at: null, price: null, awayPercent: null, text: words })
  if (trigger.type === "manual") return null
  if (trigger.type === "signal") return inWords(`${verb} when a signal arrives`)
  if (trigger.type === "listing.tradable") return inWords(`${verb} when the venue takes orders for ${symbol}`)
  if (trigger.type === "balance.available")
    return inWords(`${verb} when ${Decimal.format(trigger.atLeast)} ${trigger.asset} are free`)
  if (trigger.type === "price.rebound")
    return inWords(
      `${verb} when ${symbol} has fallen ${Decimal.format(trigger.afterDropPercent)} % from ${describeFrom(trigger.from)} and risen ${Decimal.format(trigger.reboundPercent)} % from its low`
    )
  if (trigger.type === "schedule.every" || trigger.type === "schedule.calendar")
    return nextAt === null
      ? null
      : { at: nextAt, price: null, awayPercent: null, text: `next run ${displayInstant(nextAt, timezone)}` }
  const bound = boundOf(trigger, reference)
  if (bound === null) {
    const from = trigger.type === "price.drop" ? describeFrom(trigger.from) : "a price"
    return { at: null, price: null, awayPercent: null, text: `${verb} once ${from} is known` }
  }
  // The market only ever stands on the venue's steps, so the bound may too without meaning something else.
  const rounding = bound.comparison === "atOrBelow" || bound.comparison === "above" ? "floor" : "ceil"
  const onStep = tick === null ? bound.price : Decimal.quantise(bound.price, tick, rounding)
  const price = displayPrice(onStep, tick)
  const again = armed ? "" : ", after it has re-armed"
  return {
    at: null,
    price: onStep,
    awayPercent: away(onStep, last),
    text: `${verb} when ${symbol} ${verbs[bound.comparison](price)}${again}`
  }
}

/** A decision as sentences: what was seen, what was decided, why. */
export const explain = (decision: Decision, timezone: string): string => {
  const seen = decision.operands.map(
    ({ label, value, op, threshold }) =>
      `${label} was ${value ?? "unknown"}${threshold === null ? "" : ` (${op} ${threshold})`}`
  )
  const failed = decision.gates
    .filter((gate) => !gate.pass)
    .map((gate) => `${gate.type} ${gate.value ?? "unknown"} against ${gate.limit}`)
  const full = decision.budget
    .filter((line) => !line.pass)
    .map((line) => `${line.cap}: ${line.used} of ${line.limit} used, ${line.asked} asked`)
  const result =
    decision.outcome === "fire"
      ? `The rule sent an order for at most ${decision.sizing?.final == null ? "its amount" : Decimal.format(decision.sizing.final)}.`
      : decision.outcome === "shadow"
        ? `The rule would have bought; it is in shadow mode.`
        : `The rule did not buy: ${decision.reason?.text ?? "no reason was recorded."}`
  return [
    `At ${displayInstant(decision.at, timezone)} (version ${decision.ruleVersion}) ${decision.trigger} was evaluated.`,
    ...(seen.length === 0 ? [] : [`${seen.join("; ")}.`]),
    result,
    ...(failed.length === 0 ? [] : [`Gates: ${failed.join("; ")}.`]),
    ...(full.length === 0 ? [] : [`Limits: ${full.join("; ")}.`])
  ].join(" ")
}
