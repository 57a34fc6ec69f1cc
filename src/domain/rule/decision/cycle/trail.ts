import * as Decimal from "../../../Decimal.ts"
import type { TrailingExit } from "../../shape/Exit.ts"

/** The highest price since the trailing stop armed; null until then. */
export type TrailHigh = Decimal.Decimal | null

export interface Trailed {
  readonly high: TrailHigh
  /** At this price or below everything is sold; null until armed. Never falls. */
  readonly stop: Decimal.Decimal | null
  readonly fires: boolean
}

/** Where a trailing stop arms. */
export const armPrice = ({ armPercent }: TrailingExit, averageCost: Decimal.Decimal): Decimal.Decimal =>
  Decimal.percentOf(averageCost, Decimal.add(Decimal.hundred, armPercent))

export const trailingStop = ({ deltaPercent }: TrailingExit, high: Decimal.Decimal): Decimal.Decimal =>
  Decimal.percentOf(high, Decimal.subtract(Decimal.hundred, deltaPercent))

/** One price. Once armed it stays armed, whatever a later buy makes of the average cost. */
export const trail = (
  trailing: TrailingExit,
  high: TrailHigh,
  price: Decimal.Decimal,
  averageCost: Decimal.Decimal
): Trailed => {
  if (high === null && Decimal.lessThan(price, armPrice(trailing, averageCost)))
    return { high: null, stop: null, fires: false }
  const highest = high === null ? price : Decimal.max(high, price)
  const stop = trailingStop(trailing, highest)
  return { high: highest, stop, fires: Decimal.lessOrEqual(price, stop) }
}
