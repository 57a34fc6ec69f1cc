import { Duration } from "effect"
import * as Decimal from "../../../domain/Decimal.ts"
import type { SymbolInfo } from "../../../domain/Market.ts"
import type { Operand } from "../../../domain/order/Execution.ts"
import { protectedLimit } from "../../../domain/order/risk.ts"
import { reason } from "../../../domain/Reason.ts"
import { slippageOf } from "../../../domain/rule/decision/cycle/exitPlan.ts"
import type { ExitExecution } from "../../../domain/rule/shape/Exit.ts"
import type { Exiting } from "../../record/cycle/CycleRow.ts"
import {
  attemptsAt,
  type CycleAsk,
  heldOf,
  isImmediate,
  isProvenOpen,
  nothing,
  slotOf,
  type Snapshot,
  soon,
  type Step,
  stepName
} from "./Snapshot.ts"

/** The exit that sells everything; the targets are numbered from 1. */
export const wholeExit = 0

/** How a position is closed for which its rule says nothing. */
export const defaultSelling: ExitExecution = {
  maxSlippageBps: 50,
  escalate: { every: Duration.seconds(10), stepBps: 50, maxBps: 500 }
}

/** Without escalation an exit that found no buyer is sent again this often. */
const againAfter = Duration.seconds(10)

export const sellingOf = ({ document }: Snapshot): ExitExecution => document.exit?.execution ?? defaultSelling

export const everyOf = ({ escalate }: ExitExecution): number => Duration.toMillis(escalate?.every ?? againAfter)

/** Whole steps; what the venue would not take is dust. */
export const sellable = (
  quantity: Decimal.Decimal,
  price: Decimal.Decimal | null,
  symbol: SymbolInfo
): Decimal.Decimal => {
  const whole = Decimal.quantise(quantity, symbol.quantityStep, "floor")
  if (!Decimal.isPositive(whole)) return Decimal.zero
  if (symbol.minQuantity !== null && Decimal.lessThan(whole, symbol.minQuantity)) return Decimal.zero
  return price !== null && Decimal.lessThan(Decimal.multiply(whole, price), symbol.minNotional) ? Decimal.zero : whole
}

/** More than the venue takes at once goes out in parts. */
const atMost = (quantity: Decimal.Decimal, price: Decimal.Decimal, symbol: SymbolInfo): Decimal.Decimal =>
  symbol.maxNotional === null || Decimal.lessOrEqual(Decimal.multiply(quantity, price), symbol.maxNotional)
    ? quantity
    : Decimal.quantise(Decimal.divide(symbol.maxNotional, price), symbol.quantityStep, "floor")

export interface Sale {
  readonly level: number
  readonly quantity: Decimal.Decimal
  readonly bps: number
  readonly label: string
  readonly operands: ReadonlyArray<Operand>
}

/** A protected sale now: an immediate-or-cancel limit no lower than `bps` under the bid. */
export const saleNow = (snapshot: Snapshot, bid: Decimal.Decimal, symbol: SymbolInfo, sale: Sale): CycleAsk => {
  const price = protectedLimit("sell", bid, sale.bps, symbol.priceTick)
  return {
    kind: "exit",
    level: sale.level,
    slot: slotOf(snapshot, "exit", sale.level),
    label: sale.label,
    operands: sale.operands,
    type: "immediateOrCancel",
    price,
    quantity: atMost(sale.quantity, price, symbol),
    quoteAmount: null,
    worst: Decimal.zero,
    asked: Decimal.multiply(sale.quantity, bid)
  }
}

const labels = {
  stopLoss: "exit.stopLoss",
  trailing: "exit.trailing",
  close: "exit.close",
  release: "exit.release",
  over: "exit.over"
} as const

export const labelOf = ({ cause }: Pick<Exiting, "cause">): string => labels[cause]

const wait = (waiting: typeof nothing): Step => ({ do: "wait", waiting })

const text = Decimal.format

/** How a cycle ends that gives up its whole position. */
const ended = (snapshot: Snapshot, { cause }: Exiting): Step => {
  const held = heldOf(snapshot)
  const bought = Decimal.isPositive(snapshot.lots.bought)
  const sold = text(snapshot.lots.sold)
  if (cause === "release")
    return { do: "close", bought, reason: reason("CYCLE_RELEASED", { quantity: text(held), sold }) }
  if (Decimal.isPositive(held))
    return { do: "close", bought, reason: reason("CYCLE_DUST", { cause, sold, left: text(held) }) }
  return { do: "close", bought, reason: reason("CYCLE_SOLD", { cause, sold }) }
}

/**
 * A position that is given up: first everything that waits at the venue is cancelled, and only once every outcome is
 * proven is the sale sized; it is repeated, each time further below the bid, until nothing sellable is left.
 */
export const giveUp = (snapshot: Snapshot, exiting: Exiting): Step => {
  const { free, now, open, symbol, view } = snapshot
  const cancellable = open.filter((one) => isProvenOpen(one) && !isImmediate(one))
  if (cancellable.length > 0) return { do: "cancel", orders: cancellable.map(({ order }) => order.id) }
  if (open.length > 0) return wait(soon)
  if (exiting.cause === "release") return ended(snapshot, exiting)
  const held = heldOf(snapshot)
  if (!Decimal.isPositive(held)) return ended(snapshot, exiting)
  const bid = view?.bid ?? null
  if (symbol === null || bid === null) return wait(soon)
  const whole = sellable(held, bid, symbol)
  if (!Decimal.isPositive(whole)) return ended(snapshot, exiting)
  // What was decided by dust stays decided, though the price may lift it above the minimum again.
  if (exiting.cause === "over") return ended(snapshot, exiting)
  const attempts = attemptsAt(snapshot, "exit", wholeExit)
  const selling = sellingOf(snapshot)
  const last = attempts.at(-1)
  const due = last === undefined ? null : last.triggered_at + everyOf(selling)
  if (due !== null && now < due) return wait({ ...nothing, until: due })
  if (snapshot.resting.has(stepName("exit", wholeExit))) return wait(soon)
  // A balance that is told late, or orders of others: what is free now goes first.
  const now_ = free === null ? whole : sellable(Decimal.min(held, free), bid, symbol)
  if (!Decimal.isPositive(now_)) return wait(soon)
  const bps = slippageOf(selling, attempts.length)
  const operand: Operand = {
    label: `${labelOf(exiting)} decided`,
    value: exiting.price === null ? null : text(exiting.price),
    op: "",
    threshold: null,
    pass: true,
    asOf: exiting.at
  }
  const sale = { level: wholeExit, quantity: now_, bps, label: labelOf(exiting), operands: [operand] }
  return { do: "send", ask: saleNow(snapshot, bid, symbol, sale) }
}
