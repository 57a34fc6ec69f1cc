import * as Decimal from "../../Decimal.ts"
import type { SymbolInfo } from "../../Market.ts"
import type { Reason } from "../../Reason.ts"
import type { RuleDocument } from "../../Rule.ts"
import { checkCaps, noUsage } from "../decision/caps.ts"
import { expandLadder } from "../decision/cycle/expandLadder.ts"
import { exitPlan } from "../decision/cycle/exitPlan.ts"
import { tooSmallOrLarge } from "../decision/feasible.ts"
import { type BestPrices, type BuyOrder, type FixedSize, sizeOrder } from "../decision/sizing.ts"
import type { PreviewExit, PreviewLevel } from "../RulePreview.ts"

export interface Foreseen {
  readonly ladder: ReadonlyArray<PreviewLevel>
  readonly exit: PreviewExit | null
}

interface Buy {
  readonly level: number
  readonly offsetPercent: Decimal.Decimal
  readonly sizeMultiplier: Decimal.Decimal
  readonly price: Decimal.Decimal
  readonly order: BuyOrder
  readonly refusal: Reason | null
}

/** Each buy against the venue and against what the rule's limits leave once the buys before it are made, all in a day. */
const judged = (document: RuleDocument, buys: ReadonlyArray<Buy>): ReadonlyArray<PreviewLevel> => {
  let spent = Decimal.zero
  let open = 0
  // Levels belong to the execution of their base buy.
  const limits = { ...document.limits, maxExecutions: null, maxExecutionsPerDay: null }
  return buys.map(({ level, offsetPercent, order, price, refusal, sizeMultiplier }) => {
    const usage = { ...noUsage, day: spent, week: spent, month: spent, total: spent, position: spent, openOrders: open }
    const why = refusal ?? checkCaps(limits, usage, order.worst).refusal
    if (why === null) {
      spent = Decimal.add(spent, order.worst)
      if (level > 0 && document.ladder?.place === "resting") open++
    }
    const { price: limit, quantity, worst } = order
    return { level, offsetPercent, sizeMultiplier, price, limit, quantity, worst, feasible: why === null, reason: why }
  })
}

/** A cycle begun now: its buys with their prices and feasibility, and where its exits would stand after the first. */
export const foresee = (document: RuleDocument, size: FixedSize, symbol: SymbolInfo, quote: BestPrices): Foreseen => {
  const { execution, exit, ladder, limits, maxPrice } = document
  const order = sizeOrder({ size, execution, maxPrice }, symbol, quote, limits.perBuyMax)
  // An immediate order pays the ask, a waiting one its own limit.
  const price = execution.type === "limit" && order.price !== null ? order.price : quote.ask
  const first: Buy = {
    level: 0,
    offsetPercent: Decimal.zero,
    sizeMultiplier: Decimal.one,
    price,
    order,
    refusal: tooSmallOrLarge(order, symbol)
  }
  const base = { averagePrice: price, size }
  const levels = ladder === null ? [] : expandLadder(base, ladder, document, symbol)
  return { ladder: judged(document, [first, ...levels]), exit: exit === null ? null : exitOf(exit, first, symbol) }
}

const exitOf = (exit: NonNullable<RuleDocument["exit"]>, { order, price }: Buy, symbol: SymbolInfo): PreviewExit => {
  const averageCost = Decimal.round(
    Decimal.multiply(price, Decimal.add(Decimal.one, symbol.takerFeeRate)),
    Decimal.keptScale,
    "half-even"
  )
  const bought = order.quantity ?? Decimal.divide(order.quoteAmount ?? Decimal.zero, price, Decimal.keptScale, "floor")
  const plan = exitPlan(exit, { averageCost, quantity: bought, bought, done: new Set() }, symbol)
  return {
    averageCost,
    targets: plan.legs.map(({ leg, price: at, quantity, refusal }) => ({
      target: leg + 1,
      price: at,
      quantity,
      reason: refusal
    })),
    // On the venue's steps, as the market is: a cost carries more decimals than an answer may have.
    stop: plan.stop === null ? null : Decimal.quantise(plan.stop, symbol.priceTick, "floor"),
    trailingFrom: plan.arm === null ? null : Decimal.quantise(plan.arm, symbol.priceTick, "ceil")
  }
}
