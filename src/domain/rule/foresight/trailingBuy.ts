import * as Decimal from "../../Decimal.ts"
import { expiryOf, fallBound, freshRebound, reboundPrice, type ReboundState } from "../decision/rebound.ts"
import type { Trailing } from "../shape/Computed.ts"
import type { PriceRebound } from "../Trigger.ts"
import { onStep } from "../words.ts"

/** What a trailing buy follows, for its owner. */
export const trailingBuy = (
  trigger: PriceRebound,
  state: ReboundState | undefined,
  reference: Decimal.Decimal | null,
  tick: Decimal.Decimal | null
): Trailing => {
  const { low, phase } = state ?? freshRebound
  const fall = fallBound(trigger, reference)
  const armed = phase === "falling" && low !== null
  return {
    side: "buy",
    armed,
    extreme: armed ? low : null,
    // An average cost carries more decimals than an answer may have; the market stands on steps.
    firesAt: armed
      ? onStep({ comparison: "atOrAbove", price: reboundPrice(trigger, low) }, tick)
      : fall === null
        ? null
        : onStep(fall, tick),
    expiresAt: state === undefined ? null : expiryOf(trigger, state)
  }
}
