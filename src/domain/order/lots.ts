import * as Decimal from "../Decimal.ts"
import type { Side } from "../Market.ts"
import type { AssetAmount } from "./Order.ts"
import type { Lots } from "../Position.ts"

/** The part of a fill that moves lots. */
export interface LotFill {
  readonly side: Side
  readonly price: Decimal.Decimal
  readonly quantity: Decimal.Decimal
  readonly quoteQuantity: Decimal.Decimal
  readonly fee: AssetAmount
}

export interface Pair {
  readonly baseAsset: string
  readonly quoteAsset: string
}

export const noLots: Lots = {
  quantity: Decimal.zero,
  totalCost: Decimal.zero,
  realisedPnl: Decimal.zero,
  fees: Decimal.zero,
  incomplete: false,
  lastBuy: null
}

interface Fee {
  readonly base: Decimal.Decimal
  readonly quote: Decimal.Decimal
  /** The fee in the quote asset, for the total; null when it was paid in an asset without a price here. */
  readonly worth: Decimal.Decimal | null
}

const feeOf = (fill: LotFill, pair: Pair): Fee => {
  const { asset, amount } = fill.fee
  if (Decimal.isZero(amount) || asset === pair.quoteAsset) return { base: Decimal.zero, quote: amount, worth: amount }
  if (asset === pair.baseAsset)
    return {
      base: amount,
      quote: Decimal.zero,
      worth: Decimal.round(Decimal.multiply(amount, fill.price), Decimal.keptScale, "half-even")
    }
  return { base: Decimal.zero, quote: Decimal.zero, worth: null }
}

/** Cost leaves in proportion to quantity; the last unit takes all that is left, so that no dust of cost remains. */
const releasedCost = (lots: Lots, quantity: Decimal.Decimal): Decimal.Decimal =>
  Decimal.greaterOrEqual(quantity, lots.quantity)
    ? lots.totalCost
    : Decimal.divide(Decimal.multiply(lots.totalCost, quantity), lots.quantity)

const buy = (lots: Lots, fill: LotFill, fee: Fee): Lots => ({
  ...lots,
  quantity: Decimal.add(lots.quantity, Decimal.subtract(fill.quantity, fee.base)),
  totalCost: Decimal.add(lots.totalCost, Decimal.add(fill.quoteQuantity, fee.quote)),
  lastBuy: fill.price
})

const sell = (lots: Lots, fill: LotFill, fee: Fee): Lots => {
  const leaving = Decimal.add(fill.quantity, fee.base)
  const released = releasedCost(lots, leaving)
  const proceeds = Decimal.subtract(fill.quoteQuantity, fee.quote)
  return {
    ...lots,
    quantity: Decimal.max(Decimal.zero, Decimal.subtract(lots.quantity, leaving)),
    totalCost: Decimal.subtract(lots.totalCost, released),
    realisedPnl: Decimal.add(lots.realisedPnl, Decimal.subtract(proceeds, released)),
    // What was sold beyond the known lots had no known cost.
    incomplete: lots.incomplete || Decimal.greaterThan(leaving, lots.quantity)
  }
}

/** One fill on one book: average cost, fees capitalised, base fees out of the quantity. */
export const applyFill = (lots: Lots, fill: LotFill, pair: Pair): Lots => {
  const fee = feeOf(fill, pair)
  const moved = fill.side === "buy" ? buy(lots, fill, fee) : sell(lots, fill, fee)
  return {
    ...moved,
    fees: Decimal.add(moved.fees, fee.worth ?? Decimal.zero),
    incomplete: moved.incomplete || fee.worth === null
  }
}

/** Fills in order of time, then trade id. */
export const foldLots = (fills: Iterable<LotFill>, pair: Pair): Lots => {
  let lots = noLots
  for (const fill of fills) lots = applyFill(lots, fill, pair)
  return lots
}

/** Derived on demand, never stored. */
export const averageCost = (lots: Lots): Decimal.Decimal | null =>
  Decimal.isPositive(lots.quantity) ? Decimal.divide(lots.totalCost, lots.quantity) : null
