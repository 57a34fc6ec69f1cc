import { Duration, Schema } from "effect"
import * as Decimal from "../Decimal.ts"
import { reason, type Reason } from "../Reason.ts"
import { Instant } from "../Time.ts"
import type { PriceTrigger } from "./Trigger.ts"

/**
 * The memory of a price trigger between ticks. A level trigger fires when armed and true, and is then disarmed until
 * `rearm` allows; a crossing needs a price on the other side first (`ready`), and is ready anew after each firing.
 */
export const TriggerState = Schema.Struct({
  armed: Schema.Boolean,
  ready: Schema.Boolean,
  firedAt: Schema.NullOr(Schema.Number),
  firedPrice: Schema.NullOr(Decimal.Decimal),
  firedReference: Schema.NullOr(Decimal.Decimal)
})
export interface TriggerState extends Schema.Schema.Type<typeof TriggerState> {}

export const freshTrigger: TriggerState = {
  armed: true,
  ready: false,
  firedAt: null,
  firedPrice: null,
  firedReference: null
}

/** A price condition the index can wait for; `below` and `above` exclude the price itself. */
export interface PriceBound {
  readonly comparison: "atOrBelow" | "atOrAbove" | "below" | "above"
  readonly price: Decimal.Decimal
}

export const holds = ({ comparison, price: bound }: PriceBound, price: Decimal.Decimal): boolean => {
  switch (comparison) {
    case "atOrBelow":
      return Decimal.lessOrEqual(price, bound)
    case "atOrAbove":
      return Decimal.greaterOrEqual(price, bound)
    case "below":
      return Decimal.lessThan(price, bound)
    case "above":
      return Decimal.greaterThan(price, bound)
  }
}

const opposite = {
  atOrBelow: "above",
  atOrAbove: "below",
  below: "atOrAbove",
  above: "atOrBelow"
} as const

/** What is false exactly when `bound` holds. */
const negated = (bound: PriceBound): PriceBound => ({ comparison: opposite[bound.comparison], price: bound.price })

const isCrossing = (trigger: PriceTrigger): boolean =>
  trigger.type === "price.level" && (trigger.side === "crossesBelow" || trigger.side === "crossesAbove")

/** The condition itself; null while the price it is measured from is unknown. */
export const boundOf = (trigger: PriceTrigger, reference: Decimal.Decimal | null): PriceBound | null => {
  if (trigger.type === "price.drop") {
    if (reference === null) return null
    const left = Decimal.subtract(Decimal.hundred, trigger.percent)
    return { comparison: "atOrBelow", price: Decimal.percentOf(reference, left) }
  }
  const comparison = { below: "atOrBelow", above: "atOrAbove", crossesBelow: "below", crossesAbove: "above" } as const
  return { comparison: comparison[trigger.side], price: trigger.price }
}

export interface Observation {
  readonly price: Decimal.Decimal
  /** What a drop is measured from; null when there is none yet. */
  readonly reference: Decimal.Decimal | null
  readonly now: Instant
  readonly cooldown: Duration.Duration
}

export interface Observed {
  readonly state: TriggerState
  readonly fires: boolean
  /** Why it does not fire. */
  readonly reason: Reason | null
}

const isRearmed = (trigger: PriceTrigger, state: TriggerState, bound: PriceBound, seen: Observation): boolean => {
  if (state.firedAt === null) return true
  switch (trigger.rearm) {
    case "recover":
      return !holds(bound, seen.price)
    case "cooldown":
      return seen.now >= state.firedAt + Duration.toMillis(seen.cooldown)
    case "newExtreme": {
      // A drop from a higher reference than last time is a new one.
      const { firedPrice, firedReference } = state
      const risen =
        trigger.type === "price.drop" &&
        seen.reference !== null &&
        firedReference !== null &&
        Decimal.greaterThan(seen.reference, firedReference)
      return risen || firedPrice === null || holds(beyond(bound, firedPrice), seen.price)
    }
  }
}

const beyond = (bound: PriceBound, price: Decimal.Decimal): PriceBound => ({
  comparison: bound.comparison === "atOrBelow" || bound.comparison === "below" ? "below" : "above",
  price
})

const fired = (seen: Observation): TriggerState => ({
  armed: false,
  ready: false,
  firedAt: seen.now,
  firedPrice: seen.price,
  firedReference: seen.reference
})

const no = (state: TriggerState, code: "NOT_TRUE" | "NOT_REARMED" | "INSUFFICIENT_HISTORY"): Observed => ({
  state,
  fires: false,
  reason: reason(code)
})

/** One price against the trigger's memory. Pure, and the same for a tick, a poll and a restart. */
export const observe = (trigger: PriceTrigger, state: TriggerState, seen: Observation): Observed => {
  const bound = boundOf(trigger, seen.reference)
  // No position or no buy to measure from is false; a window that is not covered waits for history.
  if (bound === null) return no(state, isWindow(trigger) ? "INSUFFICIENT_HISTORY" : "NOT_TRUE")
  const isTrue = holds(bound, seen.price)
  if (isCrossing(trigger)) {
    if (isTrue && state.ready) return { state: fired(seen), fires: true, reason: null }
    return no(state.ready || isTrue ? state : { ...state, armed: true, ready: true }, "NOT_TRUE")
  }
  const armed = state.armed || isRearmed(trigger, state, bound, seen)
  if (!isTrue) return no(armed === state.armed ? state : { ...state, armed }, "NOT_TRUE")
  return armed ? { state: fired(seen), fires: true, reason: null } : no(state, "NOT_REARMED")
}

export const isWindow = (trigger: PriceTrigger): boolean =>
  trigger.type === "price.drop" && (trigger.from.type === "highOf" || trigger.from.type === "openOf")

/** The prices at which the next observation could change anything; time may change it too, see {@link movesWithTime}. */
export const wakePrices = (
  trigger: PriceTrigger,
  state: TriggerState,
  reference: Decimal.Decimal | null
): ReadonlyArray<PriceBound> => {
  const bound = boundOf(trigger, reference)
  if (bound === null) return []
  if (isCrossing(trigger)) return [state.ready ? bound : negated(bound)]
  const bounds: Array<PriceBound> = []
  if (state.armed) bounds.push(bound)
  else if (trigger.rearm === "recover") bounds.push(negated(bound))
  else if (trigger.rearm === "newExtreme" && state.firedPrice !== null) bounds.push(beyond(bound, state.firedPrice))
  // A new high moves the threshold of a drop from it.
  if (trigger.type === "price.drop" && trigger.from.type === "highOf" && reference !== null)
    bounds.push({ comparison: "above", price: reference })
  return bounds
}

/** Whether time or other buys can change the condition while the price stands still. */
export const movesWithTime = (trigger: PriceTrigger, state: TriggerState): boolean =>
  (trigger.type === "price.drop" && trigger.from.type !== "fixed") || (!state.armed && trigger.rearm === "cooldown")
