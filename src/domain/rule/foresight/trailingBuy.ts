import type * as Decimal from "../../Decimal.ts"
import { expiryOf, fallBound, freshRebound, reboundPrice, type ReboundState } from "../decision/rebound.ts"
import type { Trailing } from "../shape/Computed.ts"
import type { PriceRebound } from "../Trigger.ts"

/** What a trailing buy follows, for its owner. */
export const trailingBuy = (
  trigger: PriceRebound,
  state: ReboundState | undefined,
  reference: Decimal.Decimal | null
): Trailing => {
  const { low, phase } = state ?? freshRebound
  const armed = phase === "falling" && low !== null
  return {
    side: "buy",
    armed,
    extreme: armed ? low : null,
    firesAt: armed ? reboundPrice(trigger, low) : (fallBound(trigger, reference)?.price ?? null),
    expiresAt: state === undefined ? null : expiryOf(trigger, state)
  }
}
