import type * as Decimal from "../Decimal.ts"
import * as D from "../Decimal.ts"
import type { Candle } from "../Market.ts"
import { coverage, rollingHigh, rollingOpen } from "../RollingWindow.ts"
import { Duration } from "effect"
import type { RuleDocument } from "../Rule.ts"
import type { Instant } from "../Time.ts"
import { freshTrigger, observe } from "./decision/levels.ts"
import type { DropFrom, PriceTrigger } from "./Trigger.ts"

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

/** Firings of a price trigger on candles, oldest first, by the same reducer that runs it live. */
export const pastFirings = (
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
