import * as Decimal from "../../domain/Decimal.ts"
import type { WalletMovement } from "./Reading.ts"

const netOf = ({ amount, fee }: WalletMovement) => Decimal.subtract(amount, fee)

interface Explained {
  readonly movements: ReadonlyArray<WalletMovement>
  readonly rest: Decimal.Decimal
}

const byTime = (a: WalletMovement, b: WalletMovement) => a.at - b.at

/**
 * Which movements make up a difference: one alone, or all since some moment. The history also lists movements that were
 * booked long ago or are not booked yet, so nothing is taken on its name alone; only when nothing better is to be
 * expected (`all`), those that go the right way and not too far.
 */
export const explaining = (
  difference: Decimal.Decimal,
  candidates: ReadonlyArray<WalletMovement>,
  all: boolean
): Explained => {
  const inOrder = [...candidates].sort(byTime)
  const alone = inOrder.findLast((movement) => Decimal.equals(netOf(movement), difference))
  if (alone !== undefined) return { movements: [alone], rest: Decimal.zero }
  for (let from = inOrder.length - 2; from >= 0; from--) {
    const movements = inOrder.slice(from)
    if (Decimal.equals(Decimal.sum(movements.map(netOf)), difference)) return { movements, rest: Decimal.zero }
  }
  let rest = difference
  const movements = all
    ? inOrder.filter((movement) => {
        const net = netOf(movement)
        const fits =
          Decimal.isPositive(net) === Decimal.isPositive(rest) &&
          Decimal.lessOrEqual(Decimal.abs(net), Decimal.abs(rest))
        if (fits) rest = Decimal.subtract(rest, net)
        return fits
      })
    : []
  return { movements, rest }
}
