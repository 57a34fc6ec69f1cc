import type * as Decimal from "../../Decimal.ts"
import * as D from "../../Decimal.ts"
import type { Candle } from "../../Market.ts"
import { coverage, rollingHigh, rollingOpen } from "../../RollingWindow.ts"
import { Duration } from "effect"
import type { RuleDocument } from "../../Rule.ts"
import type { Instant } from "../../Time.ts"
import { freshTrigger, observe } from "../decision/levels.ts"
import { freshRebound, reboundStep } from "../decision/rebound.ts"
import { makeSchedule, nextRuns } from "../schedule.ts"
import type { DropFrom, PriceRebound, PriceTrigger, ScheduleTrigger } from "../Trigger.ts"

const minuteMs = 60_000
/** More slots than this are not worth telling one by one. */
const mostSlots = 10_000

interface PastFiring {
  readonly at: Instant
  readonly price: Decimal.Decimal
}

/** A candle's prices in the order a replay walks them. */
const pathOf = ({ openTime, open, high, low, close }: Candle): ReadonlyArray<PastFiring> => {
  const prices = D.greaterOrEqual(close, open) ? [open, low, high, close] : [open, high, low, close]
  return prices.map((price, i) => ({ at: openTime + i * 15_000, price }))
}

/** What the trigger was measured from; null where that depends on buys, which the past does not tell. */
const makeReference = (from: DropFrom | null, knownFrom: Instant) => {
  if (from === null) return () => null
  switch (from.type) {
    case "fixed":
      return () => from.price
    case "lastBuy":
    case "averageCost":
      return null
    case "highOf":
    case "openOf": {
      const length = Duration.toMillis(from.window)
      const window = from.type === "highOf" ? rollingHigh(length) : rollingOpen(length)
      return (point: PastFiring) => {
        window.observe(point)
        const { have, need } = coverage(length, knownFrom, point.at)
        return have >= need ? window.read(point.at) : null
      }
    }
  }
}

const ofRebound = (trigger: PriceRebound, candles: ReadonlyArray<Candle>): ReadonlyArray<PastFiring> | null => {
  const reference = makeReference(trigger.from, candles[0]?.openTime ?? 0)
  if (reference === null) return null
  let state = freshRebound
  const fired: Array<PastFiring> = []
  for (const point of candles.flatMap(pathOf)) {
    const step = reboundStep(trigger, state, { price: point.price, reference: reference(point), now: point.at })
    state = step.state
    if (step.fires) fired.push(point)
  }
  return fired
}

/** Slots within the candles, each at the price that its minute opened with. */
const ofSchedule = (
  rule: Pick<RuleDocument, "timezone">,
  trigger: ScheduleTrigger,
  candles: ReadonlyArray<Candle>
): ReadonlyArray<PastFiring> => {
  const [first, last] = [candles[0], candles.at(-1)]
  if (first === undefined || last === undefined) return []
  const bounds = { timezone: rule.timezone, createdAt: first.openTime - 1, startAt: null, endAt: null }
  const slots = nextRuns(makeSchedule(trigger, bounds), first.openTime - 1, mostSlots)
  let i = 0
  return slots.flatMap((at) => {
    while ((candles[i + 1]?.openTime ?? Infinity) <= at) i++
    const candle = candles[i]
    return candle === undefined || at >= last.openTime + minuteMs ? [] : [{ at, price: candle.open }]
  })
}

/** Firings on candles, oldest first, by the same reducers that run the trigger live; null where candles do not tell. */
export const pastFirings = (
  rule: Pick<RuleDocument, "limits" | "timezone" | "trigger">,
  candles: ReadonlyArray<Candle>
): ReadonlyArray<PastFiring> | null => {
  const { trigger } = rule
  switch (trigger.type) {
    case "schedule.every":
    case "schedule.calendar":
      return ofSchedule(rule, trigger, candles)
    case "price.rebound":
      return ofRebound(trigger, candles)
    case "price.level":
    case "price.drop":
      return ofPrice(rule, trigger, candles)
    default:
      return null
  }
}

const ofPrice = (
  rule: Pick<RuleDocument, "limits">,
  trigger: PriceTrigger,
  candles: ReadonlyArray<Candle>
): ReadonlyArray<PastFiring> | null => {
  const reference = makeReference(trigger.type === "price.drop" ? trigger.from : null, candles[0]?.openTime ?? 0)
  if (reference === null) return null
  let state = freshTrigger
  const fired: Array<PastFiring> = []
  for (const point of candles.flatMap(pathOf)) {
    const observed = observe(trigger, state, {
      price: point.price,
      reference: reference(point),
      now: point.at,
      cooldown: rule.limits.cooldown
    })
    state = observed.state
    if (observed.fires) fired.push(point)
  }
  return fired
}
