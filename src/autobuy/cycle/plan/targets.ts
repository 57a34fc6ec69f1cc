import * as Decimal from "../../../domain/Decimal.ts"
import type { SymbolInfo } from "../../../domain/Market.ts"
import { priceOfGain } from "../../../domain/rule/decision/cycle/exitPlan.ts"
import type { Exit } from "../../../domain/rule/shape/Exit.ts"
import { dataAgeLimit } from "../../../domain/rule/decision/gates.ts"
import { everyOf, saleNow, sellable, sellingOf } from "./selling.ts"
import { Duration } from "effect"
import {
  attemptsAt,
  averageOf,
  heldOf,
  isBuy,
  isProvenOpen,
  nothing,
  slotOf,
  type Snapshot,
  soon,
  type Step,
  stepName,
  together,
  type Waiting
} from "./Snapshot.ts"

/** One target as it stands now: what is still to be sold at it. */
export interface Target {
  /** 1 is the first. */
  readonly level: number
  readonly as: Exit["takeProfit"][number]["as"]
  readonly price: Decimal.Decimal
  readonly quantity: Decimal.Decimal
}

/**
 * Each target closes its share of what the cycle ever held. A share that is too small to be an order goes with the next;
 * what other sales took from the book is missing from the last ones.
 */
export const targetsOf = (snapshot: Snapshot, symbol: SymbolInfo): ReadonlyArray<Target> => {
  const average = averageOf(snapshot)
  const { exit } = snapshot.document
  if (exit === null || average === null) return []
  const held = heldOf(snapshot)
  const ever = Decimal.add(held, snapshot.lots.sold)
  const upTo = (percent: Decimal.Decimal) =>
    Decimal.quantise(Decimal.percentOf(ever, Decimal.min(percent, Decimal.hundred)), symbol.quantityStep, "floor")
  let percent = Decimal.zero
  let left = Decimal.quantise(held, symbol.quantityStep, "floor")
  let carried = Decimal.zero
  return exit.takeProfit.map(({ as, closePercent, gainPercent }, i) => {
    const level = i + 1
    const before = upTo(percent)
    percent = Decimal.add(percent, closePercent)
    const share = Decimal.add(carried, Decimal.subtract(upTo(percent), before))
    const sold = Decimal.sum(attemptsAt(snapshot, "exit", level).map((row) => row.executed_quantity))
    const wanted = Decimal.max(Decimal.zero, Decimal.min(left, Decimal.subtract(share, sold)))
    const price = priceOfGain(average, gainPercent, symbol.priceTick)
    const waits = snapshot.open.some((one) => one.kind === "exit" && one.level === level)
    const quantity = waits ? wanted : sellable(wanted, price, symbol)
    carried = Decimal.subtract(wanted, quantity)
    left = Decimal.subtract(left, quantity)
    return { level, as, price, quantity }
  })
}

/** Where a resting order of the target is not what it should be. */
const mustMove = (target: Target, snapshot: Snapshot, symbol: SymbolInfo): Step | Waiting | null => {
  const mine = snapshot.open.filter((one) => one.kind === "exit" && one.level === target.level)
  const [one] = mine
  if (one === undefined) return null
  if (!isProvenOpen(one)) return soon
  const { executedQuantity, id, price, quantity } = one.order
  const rest = Decimal.subtract(quantity ?? Decimal.zero, executedQuantity)
  const missing = Decimal.subtract(target.quantity, rest)
  const stands =
    price !== null &&
    Decimal.equals(price, target.price) &&
    !Decimal.isNegative(missing) &&
    !Decimal.isPositive(sellable(missing, target.price, symbol))
  return stands ? nothing : { do: "cancel", orders: [id] }
}

const rest = (target: Target, snapshot: Snapshot): Step | Waiting => {
  if (snapshot.resting.has(stepName("exit", target.level))) return soon
  // A balance that is told late; what is locked by others comes free again.
  if (snapshot.free !== null && Decimal.lessThan(snapshot.free, target.quantity)) return soon
  return {
    do: "send",
    ask: {
      kind: "exit",
      level: target.level,
      slot: slotOf(snapshot, "exit", target.level),
      label: "exit.takeProfit",
      operands: [
        {
          label: "average cost of the cycle",
          value: Decimal.format(averageOf(snapshot) ?? Decimal.zero),
          op: "target",
          threshold: Decimal.format(target.price),
          pass: true,
          asOf: snapshot.now
        }
      ],
      type: "limit",
      price: target.price,
      quantity: target.quantity,
      quoteAmount: null,
      worst: Decimal.zero,
      asked: Decimal.multiply(target.quantity, target.price)
    }
  }
}

const watch = (target: Target, snapshot: Snapshot, symbol: SymbolInfo): Step | Waiting => {
  const { document, now, open, price, view } = snapshot
  if (price === null || Decimal.lessThan(price, target.price))
    return { ...nothing, exitBounds: [{ comparison: "atOrAbove", price: target.price }] }
  const selling = sellingOf(snapshot)
  const last = attemptsAt(snapshot, "exit", target.level).at(-1)
  if (last !== undefined && now < last.triggered_at + everyOf(selling))
    return { ...nothing, until: last.triggered_at + everyOf(selling) }
  if (snapshot.resting.has(stepName("exit", target.level))) return soon
  const bid = view?.bid ?? null
  if (view === null || bid === null || view.ageMs > Duration.toMillis(dataAgeLimit(document.gates))) return soon
  // Nothing is bought any more while the position is being sized.
  const buys = open.filter(isBuy)
  const cancellable = buys.filter(isProvenOpen)
  if (cancellable.length > 0) return { do: "cancel", orders: cancellable.map(({ order }) => order.id) }
  if (buys.length > 0) return soon
  if (snapshot.free !== null && Decimal.lessThan(snapshot.free, target.quantity)) return soon
  return {
    do: "send",
    ask: saleNow(snapshot, bid, symbol, {
      level: target.level,
      quantity: target.quantity,
      bps: selling.maxSlippageBps,
      label: "exit.takeProfit",
      operands: [
        {
          label: `price of ${symbol.symbol}`,
          value: Decimal.format(price),
          op: ">=",
          threshold: Decimal.format(target.price),
          pass: true,
          asOf: now
        }
      ]
    })
  }
}

const isStep = (next: Step | Waiting): next is Step => "do" in next

/** The next thing to do about the targets, the first of them first. */
export const watchTargets = (snapshot: Snapshot): Step | Waiting => {
  const { symbol } = snapshot
  if (symbol === null) return soon
  const waits: Array<Waiting> = []
  for (const target of targetsOf(snapshot, symbol)) {
    const next =
      mustMove(target, snapshot, symbol) ??
      (Decimal.isPositive(target.quantity)
        ? target.as === "resting"
          ? rest(target, snapshot)
          : watch(target, snapshot, symbol)
        : nothing)
    if (isStep(next)) return next
    waits.push(next)
  }
  return together(waits)
}
