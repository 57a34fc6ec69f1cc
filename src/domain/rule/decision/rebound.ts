import { Duration, Schema } from "effect"
import * as Decimal from "../../Decimal.ts"
import { Instant } from "../../Time.ts"
import type { PriceRebound } from "../Trigger.ts"
import { holds, type PriceBound } from "./levels.ts"

/**
 * The memory of a trailing buy. `waiting` for the fall; `falling` with the lowest price since; `spent` after it fired or
 * expired, until the price has recovered from the fall.
 */
export const ReboundState = Schema.Struct({
  phase: Schema.Literal("waiting", "falling", "spent"),
  low: Schema.NullOr(Decimal.Decimal),
  fellAt: Schema.NullOr(Schema.Number)
})
export interface ReboundState extends Schema.Schema.Type<typeof ReboundState> {}

export const freshRebound: ReboundState = { phase: "waiting", low: null, fellAt: null }
const spent: ReboundState = { phase: "spent", low: null, fellAt: null }

export interface ReboundSeen {
  readonly price: Decimal.Decimal
  /** What the fall is measured from; null while it is not known. */
  readonly reference: Decimal.Decimal | null
  readonly now: Instant
}

/** The fall that starts the watch; null while its reference is unknown. */
export const fallBound = (trigger: PriceRebound, reference: Decimal.Decimal | null): PriceBound | null =>
  reference === null
    ? null
    : {
        comparison: "atOrBelow",
        price: Decimal.percentOf(reference, Decimal.subtract(Decimal.hundred, trigger.afterDropPercent))
      }

/** The price at which the rebound from `low` is complete. */
export const reboundPrice = (trigger: PriceRebound, low: Decimal.Decimal): Decimal.Decimal =>
  Decimal.percentOf(low, Decimal.add(Decimal.hundred, trigger.reboundPercent))

export const expiryOf = ({ expireAfter }: PriceRebound, { fellAt }: ReboundState): Instant | null =>
  fellAt === null || expireAfter === null ? null : fellAt + Duration.toMillis(expireAfter)

export interface Rebounded {
  readonly state: ReboundState
  readonly fires: boolean
}

const still = (state: ReboundState): Rebounded => ({ state, fires: false })

/** One price against the memory. The reference moves only the fall that is waited for, never a low that is followed. */
export const reboundStep = (trigger: PriceRebound, state: ReboundState, seen: ReboundSeen): Rebounded => {
  const { now, price } = seen
  if (state.phase === "falling" && state.low !== null) {
    const expiry = expiryOf(trigger, state)
    if (expiry !== null && now >= expiry) return still(spent)
    if (Decimal.lessThan(price, state.low)) return still({ ...state, low: price })
    return Decimal.greaterOrEqual(price, reboundPrice(trigger, state.low))
      ? { state: spent, fires: true }
      : still(state)
  }
  const bound = fallBound(trigger, seen.reference)
  if (bound === null) return still(state)
  const isDown = holds(bound, price)
  if (state.phase === "spent") return still(isDown ? state : freshRebound)
  return still(isDown ? { phase: "falling", low: price, fellAt: now } : state)
}

/** What could change the next step, and nothing that would not. */
export const reboundAwaited = (
  trigger: PriceRebound,
  state: ReboundState,
  reference: Decimal.Decimal | null
): { readonly bounds: ReadonlyArray<PriceBound>; readonly until: Instant | null } => {
  if (state.phase === "falling" && state.low !== null)
    return {
      bounds: [
        { comparison: "below", price: state.low },
        { comparison: "atOrAbove", price: reboundPrice(trigger, state.low) }
      ],
      until: expiryOf(trigger, state)
    }
  const bound = fallBound(trigger, reference)
  if (bound === null) return { bounds: [], until: null }
  if (state.phase === "spent") return { bounds: [{ comparison: "above", price: bound.price }], until: null }
  // A new high moves the fall that is waited for.
  const moves = trigger.from.type === "highOf" && reference !== null
  return { bounds: moves ? [bound, { comparison: "above", price: reference }] : [bound], until: null }
}
