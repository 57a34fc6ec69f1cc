import * as Decimal from "../../../domain/Decimal.ts"
import type { Operand } from "../../../domain/order/Execution.ts"
import { priceOfLoss } from "../../../domain/rule/decision/cycle/exitPlan.ts"
import { armPrice, trail, trailingStop } from "../../../domain/rule/decision/cycle/trail.ts"
import { holds, type PriceBound } from "../../../domain/rule/decision/levels.ts"
import type { Exit } from "../../../domain/rule/shape/Exit.ts"
import { averageOf, heldOf, nothing, type Snapshot, type Step, type Waiting } from "./Snapshot.ts"

/** Where the stops of a cycle stand, given what it paid and the highest price since its trailing stop was armed. */
export interface Stops {
  readonly loss: Decimal.Decimal | null
  readonly armsAt: Decimal.Decimal | null
  readonly trails: Decimal.Decimal | null
}

export const stopsOf = (exit: Exit, average: Decimal.Decimal, high: Decimal.Decimal | null): Stops => {
  const { stopLoss, trailing } = exit
  return {
    loss: stopLoss === null ? null : priceOfLoss(average, stopLoss.lossPercent),
    armsAt: trailing === null || high !== null ? null : armPrice(trailing, average),
    trails: trailing === null || high === null ? null : trailingStop(trailing, high)
  }
}

const atOrBelow = (price: Decimal.Decimal): PriceBound => ({ comparison: "atOrBelow", price })
const text = Decimal.format

const seen = ({ document, now, price, symbol }: Snapshot, bound: Decimal.Decimal): ReadonlyArray<Operand> => {
  const on = document.exit?.on ?? "last"
  const what = typeof on === "string" ? `${on} price` : `close of ${on.close}`
  return [
    {
      label: `${what} of ${symbol?.symbol ?? document.symbol}`,
      value: price === null ? null : text(price),
      op: "<=",
      threshold: text(bound),
      pass: true,
      asOf: now
    }
  ]
}

/** A stop that the present price demands, a new high to remember, or what would change that. */
export const watchStops = (snapshot: Snapshot): Step | Waiting => {
  const { cycle, document, now, price } = snapshot
  const { exit } = document
  const average = averageOf(snapshot)
  if (exit === null || average === null || price === null || !Decimal.isPositive(heldOf(snapshot))) return nothing
  const { high } = cycle.memory
  const { armsAt, loss, trails } = stopsOf(exit, average, high)
  if (loss !== null && holds(atOrBelow(loss), price))
    return { do: "exit", exiting: { cause: "stopLoss", at: now, price }, operands: seen(snapshot, loss) }
  const trailed = exit.trailing === null ? null : trail(exit.trailing, high, price, average)
  if (trails !== null && trailed?.fires === true)
    return { do: "exit", exiting: { cause: "trailing", at: now, price }, operands: seen(snapshot, trails) }
  const highest = trailed?.high ?? null
  if (highest !== null && (high === null || Decimal.greaterThan(highest, high)))
    return { do: "remember", memory: { ...cycle.memory, high: highest } }
  const bounds: Array<PriceBound> = []
  if (loss !== null) bounds.push(atOrBelow(loss))
  if (trails !== null) bounds.push(atOrBelow(trails))
  if (armsAt !== null) bounds.push({ comparison: "atOrAbove", price: armsAt })
  if (trails !== null && high !== null) bounds.push({ comparison: "above", price: high })
  return { ...nothing, exitBounds: bounds }
}
