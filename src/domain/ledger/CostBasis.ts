import { Schema } from "effect"
import * as Decimal from "../Decimal.ts"

/** Which cost leaves with a sale: the average of all lots, or the cost of the oldest. */
export const CostBasis = Schema.Literal("average", "fifo").annotations({ identifier: "CostBasis" })
export type CostBasis = typeof CostBasis.Type

/** Units that share one cost, fees inside. */
export interface Lot {
  readonly quantity: Decimal.Decimal
  readonly cost: Decimal.Decimal
}

/** Oldest first; by average there is never more than one. */
export type LotQueue = ReadonlyArray<Lot>

export const quantityOf = (lots: LotQueue): Decimal.Decimal => Decimal.sum(lots.map(({ quantity }) => quantity))
export const costOf = (lots: LotQueue): Decimal.Decimal => Decimal.sum(lots.map(({ cost }) => cost))

export const addLot = (lots: LotQueue, lot: Lot, basis: CostBasis): LotQueue => {
  if (Decimal.isZero(lot.quantity) && Decimal.isZero(lot.cost)) return lots
  const [pool] = lots
  if (basis === "fifo" || pool === undefined) return [...lots, lot]
  return [{ quantity: Decimal.add(pool.quantity, lot.quantity), cost: Decimal.add(pool.cost, lot.cost) }]
}

/** Cost leaves in proportion to quantity; the last unit takes all that is left, so that no dust of cost remains. */
const costLeaving = ({ cost, quantity }: Lot, leaving: Decimal.Decimal): Decimal.Decimal =>
  Decimal.divide(Decimal.multiply(cost, leaving), quantity)

export interface Released {
  readonly lots: LotQueue
  readonly cost: Decimal.Decimal
  /** What was asked for beyond all lots. */
  readonly missing: Decimal.Decimal
}

/** Takes a quantity from the front of the queue. */
export const release = (lots: LotQueue, quantity: Decimal.Decimal): Released => {
  let open = quantity
  let cost = Decimal.zero
  let spent = 0
  for (const lot of lots) {
    if (Decimal.lessThan(open, lot.quantity)) {
      if (Decimal.isZero(open)) return { lots: lots.slice(spent), cost, missing: open }
      const part = costLeaving(lot, open)
      const rest = { quantity: Decimal.subtract(lot.quantity, open), cost: Decimal.subtract(lot.cost, part) }
      return { lots: [rest, ...lots.slice(spent + 1)], cost: Decimal.add(cost, part), missing: Decimal.zero }
    }
    open = Decimal.subtract(open, lot.quantity)
    cost = Decimal.add(cost, lot.cost)
    spent += 1
  }
  return { lots: [], cost, missing: open }
}
