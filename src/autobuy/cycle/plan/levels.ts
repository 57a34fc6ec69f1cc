import { Duration } from "effect"
import * as Decimal from "../../../domain/Decimal.ts"
import type { SymbolInfo } from "../../../domain/Market.ts"
import { expandLadder, type Rung } from "../../../domain/rule/decision/cycle/expandLadder.ts"
import { bothSides, dataAgeLimit } from "../../../domain/rule/decision/gates.ts"
import { type BuyOrder, sizeOrder } from "../../../domain/rule/decision/sizing.ts"
import type { ExecutionRow } from "../../record/rows.ts"
import {
  attemptsAt,
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

/** A watched level that found no seller is tried again after this much market time. */
const againAfterMs = 60_000

/** Levels are sent as the rule buys; where that is a limit order of its own, a level is protected by this instead. */
const defaultSlippageBps = 50

/** The buy that levels are measured from: the first of the cycle that bought something. */
const baseOf = ({ executions }: Snapshot): ExecutionRow | null =>
  executions.find((row) => row.kind === "entry" && row.state === "done" && Decimal.isPositive(row.executed_quantity)) ??
  null

/** The levels of a cycle; none before its base buy is proven. */
export const rungsOf = (snapshot: Snapshot, symbol: SymbolInfo): ReadonlyArray<Rung> => {
  const { ladder, ...document } = snapshot.document
  const base = baseOf(snapshot)
  if (ladder === null || base === null) return []
  const { size } = document
  const averagePrice = Decimal.divide(base.executed_quote, base.executed_quantity)
  return expandLadder(
    {
      averagePrice,
      size: size.type === "base" ? size : { type: "quote", amount: base.requested_quote ?? base.executed_quote }
    },
    ladder,
    document,
    symbol
  )
}

/** Once something was sold, or is to be sold as a whole, nothing more is bought. */
export const isOver = ({ cycle, lots }: Snapshot): boolean =>
  cycle.memory.exiting !== null || Decimal.isPositive(lots.sold)

const boughtAt = (snapshot: Snapshot, level: number): Decimal.Decimal =>
  Decimal.sum(attemptsAt(snapshot, "level", level).map((row) => row.executed_quantity))

/** What a resting level still wants; null when that is nothing the venue would take. */
const restOf = (snapshot: Snapshot, rung: Rung, symbol: SymbolInfo): BuyOrder | null => {
  const left = Decimal.subtract(rung.order.quantity ?? Decimal.zero, boughtAt(snapshot, rung.level))
  if (!Decimal.isPositive(left)) return null
  const order = sizeOrder(
    {
      size: { type: "base", quantity: left },
      execution: {
        type: "limit",
        offsetPercent: Decimal.zero,
        ttl: Duration.zero,
        onTimeout: "cancel",
        postOnly: rung.order.type === "limitMaker"
      },
      maxPrice: snapshot.document.maxPrice
    },
    symbol,
    { bid: rung.price, ask: rung.price },
    null
  )
  return Decimal.lessThan(order.notional, symbol.minNotional) ? null : order
}

const isDone = (snapshot: Snapshot, rung: Rung, symbol: SymbolInfo): boolean => {
  if (rung.refusal !== null) return true
  return snapshot.document.ladder?.place === "resting"
    ? restOf(snapshot, rung, symbol) === null
    : Decimal.isPositive(boughtAt(snapshot, rung.level))
}

/** Whether the ladder can still buy something, now or later. */
export const hasLevelsLeft = (snapshot: Snapshot): boolean => {
  const { document, symbol } = snapshot
  if (document.ladder === null || isOver(snapshot)) return false
  if (symbol === null || baseOf(snapshot) === null) return true
  return rungsOf(snapshot, symbol).some((rung) => !isDone(snapshot, rung, symbol))
}

const ask = (snapshot: Snapshot, rung: Rung, order: BuyOrder): Step => ({
  do: "send",
  ask: {
    kind: "level",
    level: rung.level,
    slot: slotOf(snapshot, "level", rung.level),
    label: "ladder.level",
    operands: [
      {
        label: `last price of ${snapshot.document.symbol}`,
        value: snapshot.last === null ? null : Decimal.format(snapshot.last),
        op: snapshot.document.ladder?.place === "resting" ? "rests at" : "<=",
        threshold: Decimal.format(rung.price),
        pass: true,
        asOf: snapshot.now
      }
    ],
    type: order.type,
    price: order.price,
    quantity: order.quantity,
    quoteAmount: order.quoteAmount,
    worst: order.worst,
    asked: rung.size.type === "quote" ? rung.size.amount : order.worst
  }
})

const watch = (snapshot: Snapshot, rung: Rung, symbol: SymbolInfo): Step | Waiting => {
  const { document, last, now, view } = snapshot
  const bound = { comparison: "atOrBelow", price: rung.price } as const
  if (last === null || Decimal.greaterThan(last, rung.price)) return { ...nothing, bounds: [bound] }
  const before = attemptsAt(snapshot, "level", rung.level).at(-1)
  if (before !== undefined && now < before.triggered_at + againAfterMs)
    return { ...nothing, until: before.triggered_at + againAfterMs }
  if (snapshot.resting.has(stepName("level", rung.level))) return soon
  const best = bothSides(view)
  if (view === null || best === null || view.ageMs > Duration.toMillis(dataAgeLimit(document.gates))) return soon
  const execution =
    document.execution.type === "limit"
      ? ({ type: "protectedMarket", maxSlippageBps: defaultSlippageBps } as const)
      : document.execution
  const { maxPrice } = document
  return ask(
    snapshot,
    rung,
    sizeOrder({ size: rung.size, execution, maxPrice }, symbol, best, document.limits.perBuyMax)
  )
}

const rest = (snapshot: Snapshot, rung: Rung, symbol: SymbolInfo): Step | Waiting => {
  if (snapshot.open.some((one) => one.kind === "level" && one.level === rung.level)) return nothing
  if (snapshot.resting.has(stepName("level", rung.level))) return soon
  const order = restOf(snapshot, rung, symbol)
  return order === null ? nothing : ask(snapshot, rung, order)
}

const isStep = (next: Step | Waiting): next is Step => "do" in next

/** The next thing to do about the ladder. A rule that does not run buys nothing, and what waits is cancelled. */
export const watchLevels = (snapshot: Snapshot): Step | Waiting => {
  const { document, open, ruleState, symbol } = snapshot
  const waiting = open.filter((one) => one.kind === "level" && isProvenOpen(one))
  if (ruleState !== "active" || isOver(snapshot))
    return waiting.length > 0 ? { do: "cancel", orders: waiting.map(({ order }) => order.id) } : nothing
  const { ladder } = document
  if (ladder === null) return nothing
  if (symbol === null) return soon
  const left = rungsOf(snapshot, symbol).filter((rung) => !isDone(snapshot, rung, symbol))
  const resting = ladder.place === "resting"
  const active = resting && ladder.maxActive !== null ? left.slice(0, ladder.maxActive) : left
  const waits: Array<Waiting> = []
  for (const rung of active) {
    const next = resting ? rest(snapshot, rung, symbol) : watch(snapshot, rung, symbol)
    if (isStep(next)) return next
    waits.push(next)
  }
  return together(waits)
}
