import { Duration, Schema } from "effect"
import * as Decimal from "../../Decimal.ts"
import { reason, type Reason } from "../../Reason.ts"
import { Instant } from "../../Time.ts"
import type { PriceTrigger } from "../Trigger.ts"

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

/** While it lasts a trigger that re-arms by cooldown or new extreme stays as it is; null when it has passed. */
const restsUntil = (trigger: PriceTrigger, state: TriggerState, seen: Omit<Observation, "price">): Instant | null => {
  if (state.armed || state.firedAt === null || trigger.rearm === "recover" || isCrossing(trigger)) return null
  const until = state.firedAt + Duration.toMillis(seen.cooldown)
  return seen.now < until ? until : null
}

/** A drop from a higher reference than last time is a new one. */
const isFromHigher = (trigger: PriceTrigger, state: TriggerState, reference: Decimal.Decimal | null): boolean =>
  trigger.type === "price.drop" &&
  reference !== null &&
  state.firedReference !== null &&
  Decimal.greaterThan(reference, state.firedReference)

const isRearmed = (trigger: PriceTrigger, state: TriggerState, bound: PriceBound, seen: Observation): boolean => {
  if (state.firedAt === null || state.firedPrice === null) return true
  if (restsUntil(trigger, state, seen) !== null) return false
  switch (trigger.rearm) {
    case "recover":
      return !holds(bound, seen.price)
    case "cooldown":
      return true
    case "newExtreme":
      return isFromHigher(trigger, state, seen.reference) || holds(beyond(bound, state.firedPrice), seen.price)
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

const whyNot = {
  NOT_TRUE: reason("NOT_TRUE"),
  NOT_REARMED: reason("NOT_REARMED"),
  INSUFFICIENT_HISTORY: reason("INSUFFICIENT_HISTORY")
} as const

const no = (state: TriggerState, code: keyof typeof whyNot): Observed => ({ state, fires: false, reason: whyNot[code] })

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

/** What could change the next observation. `until` is a time; a bound that already holds would change it at once. */
export interface Awaited {
  readonly bounds: ReadonlyArray<PriceBound>
  readonly until: Instant | null
}

/** The trigger's memory after `seen`, and what to wait for: never a price that changes nothing, which would spin. */
export const awaited = (trigger: PriceTrigger, state: TriggerState, seen: Omit<Observation, "price">): Awaited => {
  const bound = boundOf(trigger, seen.reference)
  if (bound === null) return { bounds: [], until: null }
  const rests = restsUntil(trigger, state, seen)
  if (rests !== null) return { bounds: [], until: rests }
  const next = nextBound(trigger, state, bound)
  // A new high moves the threshold of a drop from it.
  return trigger.type === "price.drop" && trigger.from.type === "highOf" && seen.reference !== null
    ? { bounds: [next, { comparison: "above", price: seen.reference }], until: null }
    : { bounds: [next], until: null }
}

const nextBound = (trigger: PriceTrigger, state: TriggerState, bound: PriceBound): PriceBound => {
  if (isCrossing(trigger)) return state.ready ? bound : negated(bound)
  if (state.armed || trigger.rearm === "cooldown" || state.firedPrice === null) return bound
  return trigger.rearm === "recover" ? negated(bound) : beyond(bound, state.firedPrice)
}

/** Whether time or other buys can move the threshold while the price stands still. */
export const movesWithTime = (trigger: PriceTrigger): boolean =>
  trigger.type === "price.drop" && trigger.from.type !== "fixed"
