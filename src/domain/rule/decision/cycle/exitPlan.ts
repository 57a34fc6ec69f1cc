import * as Decimal from "../../../Decimal.ts"
import type { SymbolInfo } from "../../../Market.ts"
import type { Reason } from "../../../Reason.ts"
import type { Exit, ExitExecution, TakeProfit } from "../../shape/Exit.ts"
import { tooSmallOrLarge } from "../feasible.ts"
import { armPrice } from "./trail.ts"

/** What a cycle holds. Quantities are base, after base fees. */
export interface CyclePosition {
  /** Net average cost, buy fees included. */
  readonly averageCost: Decimal.Decimal
  /** Held now. */
  readonly quantity: Decimal.Decimal
  /** All that the cycle bought; shares of `closePercent` are counted from it. */
  readonly bought: Decimal.Decimal
  /** Take-profit legs, by their place in the document, that have sold their share. */
  readonly done: ReadonlySet<number>
}

/** A part of the position that is sold at a price or above. */
export interface ExitLeg {
  /** Its place among `exit.takeProfit`. */
  readonly leg: number
  readonly price: Decimal.Decimal
  readonly quantity: Decimal.Decimal
  readonly as: TakeProfit["as"]
  /** Why the venue would not take it. */
  readonly refusal: Reason | null
}

export interface ExitPlan {
  /** By rising price; together never more than is held. */
  readonly legs: ReadonlyArray<ExitLeg>
  /** At this price or below everything is sold. */
  readonly stop: Decimal.Decimal | null
  /** From this price on the trailing stop follows. */
  readonly arm: Decimal.Decimal | null
}

/** Where a loss is reached. */
export const priceOfLoss = (averageCost: Decimal.Decimal, lossPercent: Decimal.Decimal): Decimal.Decimal =>
  Decimal.percentOf(averageCost, Decimal.subtract(Decimal.hundred, lossPercent))

/** Where a gain is reached: rounded up to the tick, so that it is never less than asked. */
export const priceOfGain = (
  averageCost: Decimal.Decimal,
  gainPercent: Decimal.Decimal,
  tick: Decimal.Decimal
): Decimal.Decimal =>
  Decimal.quantise(Decimal.percentOf(averageCost, Decimal.add(Decimal.hundred, gainPercent)), tick, "ceil")

const saleProblem = (quantity: Decimal.Decimal, price: Decimal.Decimal, symbol: SymbolInfo): Reason | null =>
  tooSmallOrLarge({ type: "limit", quantity, notional: Decimal.multiply(quantity, price) }, symbol)

interface Share {
  readonly leg: number
  readonly gainPercent: Decimal.Decimal
  readonly as: TakeProfit["as"]
  readonly quantity: Decimal.Decimal
}

/** A share that the venue would not take waits and is sold with the next higher one, the last with the one below it. */
const merged = (shares: ReadonlyArray<Share>, isTaken: (share: Share) => boolean): ReadonlyArray<Share> => {
  const kept: Array<Share> = []
  let carried = Decimal.zero
  for (const share of shares) {
    const whole = { ...share, quantity: Decimal.add(share.quantity, carried) }
    if (isTaken(whole)) {
      kept.push(whole)
      carried = Decimal.zero
    } else carried = whole.quantity
  }
  const last = kept.at(-1)
  const end = shares.at(-1)
  if (!Decimal.isPositive(carried) || end === undefined) return kept
  // Nothing was large enough by itself: the venue decides on the whole.
  return last === undefined
    ? [{ ...end, quantity: carried }]
    : [...kept.slice(0, -1), { ...last, quantity: Decimal.add(last.quantity, carried) }]
}

const shares = (takeProfit: ReadonlyArray<TakeProfit>, position: CyclePosition, step: Decimal.Decimal) => {
  const open = takeProfit
    .map((target, leg) => ({ ...target, leg }))
    .filter(({ leg }) => !position.done.has(leg))
    .sort((a, b) => Decimal.order(a.gainPercent, b.gainPercent))
  const isAll = Decimal.greaterOrEqual(Decimal.sum(takeProfit.map((one) => one.closePercent)), Decimal.hundred)
  let left = Decimal.quantise(position.quantity, step, "floor")
  return open.map(({ as, closePercent, gainPercent, leg }, i): Share => {
    const share = Decimal.quantise(Decimal.percentOf(position.bought, closePercent), step, "floor")
    // The last leg of a whole position takes what rounding and fees left over.
    const quantity = isAll && i === open.length - 1 ? left : Decimal.min(share, left)
    left = Decimal.subtract(left, quantity)
    return { leg, gainPercent, as, quantity }
  })
}

/** How a cycle's position is sold, from its net average cost. */
export const exitPlan = (exit: Exit, position: CyclePosition, symbol: SymbolInfo): ExitPlan => {
  const { averageCost } = position
  const price = (gain: Decimal.Decimal) => priceOfGain(averageCost, gain, symbol.priceTick)
  const legs = merged(
    shares(exit.takeProfit, position, symbol.quantityStep),
    ({ gainPercent, quantity }) => saleProblem(quantity, price(gainPercent), symbol)?.code !== "BELOW_MIN_NOTIONAL"
  )
  return {
    legs: legs.map(({ as, gainPercent, leg, quantity }) => ({
      leg,
      price: price(gainPercent),
      quantity,
      as,
      refusal: saleProblem(quantity, price(gainPercent), symbol)
    })),
    stop: exit.stopLoss === null ? null : priceOfLoss(averageCost, exit.stopLoss.lossPercent),
    arm: exit.trailing === null ? null : armPrice(exit.trailing, averageCost)
  }
}

/** How far below the bid the n-th attempt of an exit may sell (0 is the first): `stepBps` more each time, to `maxBps`. */
export const slippageOf = ({ escalate, maxSlippageBps }: ExitExecution, attempt: number): number =>
  escalate === null
    ? maxSlippageBps
    : Math.max(maxSlippageBps, Math.min(escalate.maxBps, maxSlippageBps + Math.max(0, attempt) * escalate.stepBps))
