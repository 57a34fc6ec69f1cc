import * as Decimal from "../../../domain/Decimal.ts"
import { reason } from "../../../domain/Reason.ts"
import { hasLevelsLeft, isOver, watchLevels } from "./levels.ts"
import { giveUp, sellable } from "./selling.ts"
import { heldOf, nothing, type Snapshot, soon, type Step, together, type Waiting } from "./Snapshot.ts"
import { watchStops } from "./stops.ts"
import { targetsOf, watchTargets } from "./targets.ts"

const isStep = (next: Step | Waiting): next is Step => "do" in next

const entering = ({ executions }: Snapshot): boolean =>
  executions.some((row) => row.kind === "entry" && row.state === "running")

/** Whether anything could still sell the rest: a stop, a trailing stop, or a target that has not had its share. */
const canStillExit = (snapshot: Snapshot): boolean => {
  const { document, symbol } = snapshot
  const { exit } = document
  if (exit === null) return false
  if (exit.stopLoss !== null || exit.trailing !== null || symbol === null) return true
  return targetsOf(snapshot, symbol).some(({ quantity }) => Decimal.isPositive(quantity))
}

/** Nothing waits at the venue, nothing more will be bought, and what is left is nothing or no order. */
const isFinished = (snapshot: Snapshot): boolean => {
  const { lots, open, price, symbol, view } = snapshot
  if (open.some((one) => one.order.side === "sell") || entering(snapshot) || symbol === null) return false
  const held = heldOf(snapshot)
  if (!Decimal.isPositive(held)) return true
  const over = Decimal.isPositive(lots.sold)
  if (hasLevelsLeft(snapshot)) return false
  const worth = view?.bid ?? price
  if (worth !== null && !Decimal.isPositive(sellable(held, worth, symbol))) return true
  return over && !canStillExit(snapshot)
}

/**
 * The one next step of a cycle. It depends on nothing but rows and prices, so a crash between any two steps repeats
 * none: the next process reads the same rows and comes to the same step.
 */
export const plan = (snapshot: Snapshot): Step => {
  const { cycle, document, lots, now, open, ruleState } = snapshot
  const { exiting } = cycle.memory
  if (exiting !== null) return giveUp(snapshot, exiting)
  // A stop is decided whatever else is under way; carrying it out waits for the proof of everything else.
  const stops = watchStops(snapshot)
  if (isStep(stops)) return stops
  if (open.some(({ order }) => order.status === "unknown" || order.status === "pending"))
    return { do: "wait", waiting: together([stops, soon]) }
  if (!Decimal.isPositive(lots.bought)) {
    if (entering(snapshot) || open.length > 0) return { do: "wait", waiting: soon }
    return { do: "close", bought: false, reason: reason("CYCLE_NOT_BOUGHT") }
  }
  if (isFinished(snapshot)) return { do: "exit", exiting: { cause: "over", at: now, price: null }, operands: [] }
  const targets = watchTargets(snapshot)
  if (isStep(targets)) return targets
  const levels = watchLevels(snapshot)
  if (isStep(levels)) return levels
  const isBuying = !isOver(snapshot) && (hasLevelsLeft(snapshot) || entering(snapshot))
  const stopped = ruleState === "completed" || ruleState === "archived"
  if (document.exit === null && open.length === 0 && !entering(snapshot) && (!isBuying || stopped))
    return { do: "close", bought: true, reason: reason("CYCLE_BOUGHT", { quantity: Decimal.format(lots.bought) }) }
  const byTime: Waiting = { ...nothing, until: snapshot.nextCloseAt }
  return { do: "wait", waiting: together([stops, targets, levels, byTime]) }
}
