import * as Decimal from "../Decimal.ts"
import type { RuleDocument } from "../Rule.ts"
import type { NextFiring } from "./shape/Computed.ts"
import { formatDuration, type Instant } from "../Time.ts"
import { displayInstant, displayPrice } from "./display.ts"
import type { ExitPlan } from "./decision/cycle/exitPlan.ts"
import { boundOf, type PriceBound } from "./decision/levels.ts"
import { fallBound, reboundPrice, type ReboundState } from "./decision/rebound.ts"
import type { DropFrom, PriceRebound } from "./Trigger.ts"

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
  /** What a trailing buy follows; absent before it has seen a price. */
  readonly rebound?: ReboundState | undefined
  /** Whether a listing has had its firing. */
  readonly listed?: boolean | undefined
}

/** How far the market has to move, in percent of the last price; a statistic. */
export const away = (price: Decimal.Decimal, last: Decimal.Decimal | null): number | null =>
  last === null || !Decimal.isPositive(last)
    ? null
    : Decimal.toNumber(
        Decimal.divide(Decimal.multiply(Decimal.subtract(price, last), Decimal.hundred), last, 6, "half-even")
      )

/** The market only ever stands on the venue's steps, so a bound may too without meaning something else. */
export const onStep = ({ comparison, price }: PriceBound, tick: Decimal.Decimal | null): Decimal.Decimal =>
  tick === null
    ? Decimal.round(price, Decimal.keptScale, "half-even")
    : Decimal.quantise(price, tick, comparison === "atOrBelow" || comparison === "above" ? "floor" : "ceil")

const inWords = (text: string): NextFiring => ({ at: null, price: null, awayPercent: null, text })

/** `words` is told the price and what the market has to do to reach it. */
const atBound = (
  bound: PriceBound,
  { last, tick }: Pick<NextInputs, "last" | "tick">,
  words: (verb: string) => string
): NextFiring => {
  const price = onStep(bound, tick)
  const text = words(verbs[bound.comparison](displayPrice(price, tick)))
  return { at: null, price, awayPercent: away(price, last), text }
}

const trailingBuy = (trigger: PriceRebound, inputs: NextInputs, verb: string): NextFiring => {
  const { document, rebound, reference, tick } = inputs
  const { symbol } = document
  const percent = `${Decimal.format(trigger.reboundPercent)} %`
  const from = describeFrom(trigger.from)
  if (rebound?.phase === "falling" && rebound.low !== null)
    return atBound(
      { comparison: "atOrAbove", price: reboundPrice(trigger, rebound.low) },
      inputs,
      (moves) =>
        `${verb} when ${symbol} ${moves}, ${percent} above its low of ${displayPrice(rebound.low ?? Decimal.zero, tick)}`
    )
  const bound = fallBound(trigger, reference)
  if (bound === null) return inWords(`${verb} once ${from} is known`)
  if (rebound?.phase === "spent")
    return atBound(
      { comparison: "above", price: bound.price },
      inputs,
      (moves) => `waits until ${symbol} ${moves} before it looks for the next fall`
    )
  return atBound(
    bound,
    inputs,
    (moves) =>
      `${verb} ${percent} above the low, once ${symbol} ${moves}, ${Decimal.format(trigger.afterDropPercent)} % below ${from}`
  )
}

/** What the rule waits for, in plain words. */
export const nextFiring = (inputs: NextInputs): NextFiring | null => {
  const { armed, document, listed, nextAt, reference } = inputs
  const { trigger, symbol, timezone } = document
  const verb = document.mode === "shadow" ? "records" : "buys"
  switch (trigger.type) {
    case "manual":
      return inWords(`${verb} when it is run by hand`)
    case "signal":
      return inWords(`${verb} when a signal arrives`)
    case "listing.tradable":
      return listed === true ? null : inWords(`${verb} when the venue takes orders for ${symbol}`)
    case "balance.available":
      return inWords(`${verb} when ${Decimal.format(trigger.atLeast)} ${trigger.asset} are free`)
    case "schedule.every":
    case "schedule.calendar":
      return nextAt === null
        ? null
        : { at: nextAt, price: null, awayPercent: null, text: `next run ${displayInstant(nextAt, timezone)}` }
    case "price.rebound":
      return trailingBuy(trigger, inputs, verb)
    case "price.level":
    case "price.drop": {
      const bound = boundOf(trigger, reference)
      if (bound === null)
        return inWords(
          `${verb} once ${trigger.type === "price.drop" ? describeFrom(trigger.from) : "a price"} is known`
        )
      const again = armed ? "" : ", after it has re-armed"
      return atBound(bound, inputs, (moves) => `${verb} when ${symbol} ${moves}${again}`)
    }
  }
}

export interface CycleInputs {
  readonly symbol: string
  readonly plan: ExitPlan
  /** Where a trailing stop that has armed would sell. */
  readonly trailingStop: Decimal.Decimal | null
  readonly last: Decimal.Decimal | null
  readonly tick: Decimal.Decimal | null
}

/** What a rule whose cycle is open waits for: the sale of what it holds. */
export const nextOfCycle = (inputs: CycleInputs): NextFiring | null => {
  const { plan, symbol, tick, trailingStop } = inputs
  const [target] = plan.legs
  const stops = [plan.stop, trailingStop].filter((stop) => stop !== null)
  const stop = stops.reduce<Decimal.Decimal | null>(
    (highest, one) => (highest === null ? one : Decimal.max(highest, one)),
    null
  )
  const selling = (bound: PriceBound) => verbs[bound.comparison](displayPrice(onStep(bound, tick), tick))
  const parts = [
    ...(target === undefined
      ? []
      : [`sells when ${symbol} ${selling({ comparison: "atOrAbove", price: target.price })}`]),
    ...(stop === null ? [] : [`sells all when ${symbol} ${selling({ comparison: "atOrBelow", price: stop })}`]),
    ...(plan.arm === null || trailingStop !== null
      ? []
      : [`trails once ${symbol} ${selling({ comparison: "atOrAbove", price: plan.arm })}`])
  ]
  if (parts.length === 0) return null
  const price =
    target?.price ??
    (stop !== null
      ? onStep({ comparison: "atOrBelow", price: stop }, tick)
      : plan.arm === null
        ? null
        : onStep({ comparison: "atOrAbove", price: plan.arm }, tick))
  return {
    at: null,
    price,
    awayPercent: price === null ? null : away(price, inputs.last),
    text: parts.join("; ")
  }
}
