import * as Decimal from "../../Decimal.ts"
import type { SymbolInfo } from "../../Market.ts"
import { protectedLimit, quantityFor } from "../../order/risk.ts"
import type { RuleDocument } from "../../Rule.ts"
import type { ExecutionStyle, Size } from "../RuleParts.ts"

/** The one order of a firing, on the venue's ticks and steps. `worst` is the most quote it can take, fees included. */
export interface BuyOrder {
  readonly type: "immediateOrCancel" | "market" | "limit" | "limitMaker"
  readonly price: Decimal.Decimal | null
  readonly quantity: Decimal.Decimal | null
  readonly quoteAmount: Decimal.Decimal | null
  /** Value the venue compares with its minimum and maximum. */
  readonly notional: Decimal.Decimal
  readonly worst: Decimal.Decimal
}

/** The venue sizes a market buy by base at a price padded by five percent. */
const marketPaddingBps = 500
/** Fees are booked with eight decimals, rounded up in the venue's favour. */
const feeDecimals = 8

const withFee = (value: Decimal.Decimal, symbol: SymbolInfo): Decimal.Decimal => {
  const fee = Decimal.round(Decimal.multiply(value, symbol.takerFeeRate), feeDecimals, "ceil")
  return Decimal.round(Decimal.add(value, fee), Decimal.keptScale, "ceil")
}

/** A size that is known before the market is looked at. */
export type FixedSize = Extract<Size, { type: "quote" | "base" }>

interface Sized extends Pick<RuleDocument, "execution" | "maxPrice"> {
  readonly size: FixedSize
}

export interface BestPrices {
  readonly bid: Decimal.Decimal
  readonly ask: Decimal.Decimal
}

const limitOf = (execution: ExecutionStyle, { bid, ask }: BestPrices, symbol: SymbolInfo): Decimal.Decimal => {
  switch (execution.type) {
    case "market":
      return Decimal.multiply(ask, Decimal.plusBps(marketPaddingBps))
    case "protectedMarket":
      return protectedLimit("buy", ask, execution.maxSlippageBps, symbol.priceTick)
    case "limit": {
      const below = Decimal.subtract(Decimal.hundred, execution.offsetPercent)
      return Decimal.quantise(Decimal.percentOf(bid, below), symbol.priceTick, "floor")
    }
  }
}

/** The limit of the order; for a market order the price that its cost is judged by. */
const priceOf = (rule: Sized, symbol: SymbolInfo, quote: BestPrices): Decimal.Decimal => {
  const limit = limitOf(rule.execution, quote, symbol)
  return rule.maxPrice === null || rule.execution.type === "market"
    ? limit
    : Decimal.min(limit, Decimal.quantise(rule.maxPrice, symbol.priceTick, "floor"))
}

const typeOf = (execution: ExecutionStyle): BuyOrder["type"] => {
  if (execution.type === "market") return "market"
  if (execution.type === "protectedMarket") return "immediateOrCancel"
  return execution.postOnly ? "limitMaker" : "limit"
}

/** A fee is rounded up by less than this. */
const feeUnit = Decimal.unsafe("0.00000001")

/** The largest quantity whose cost, the rounded-up fee included, stays within `amount`. */
const affordable = (amount: Decimal.Decimal, price: Decimal.Decimal, symbol: SymbolInfo): Decimal.Decimal => {
  const quantity = quantityFor(amount, price, symbol)
  const over = Decimal.greaterThan(withFee(Decimal.multiply(quantity, price), symbol), amount)
  return over ? quantityFor(Decimal.subtract(amount, feeUnit), price, symbol) : quantity
}

/** Sends the amount as asked, less only what the fee on top of it would take beyond the budget. */
const marketAmount = (amount: Decimal.Decimal, budget: Decimal.Decimal | null, symbol: SymbolInfo): Decimal.Decimal => {
  if (budget === null || Decimal.lessOrEqual(withFee(amount, symbol), budget)) return amount
  const factor = Decimal.add(Decimal.one, symbol.takerFeeRate)
  return Decimal.quantise(Decimal.divide(budget, factor, feeDecimals, "floor"), symbol.priceTick, "floor")
}

/** How an order is sent, apart from how large it is. `market` is what a market order's value is judged by. */
interface Placement {
  readonly type: BuyOrder["type"]
  readonly price: Decimal.Decimal
  readonly market: Decimal.Decimal
}

/** The order of at most `budget` quote (null: only the size bounds it). */
export const sizeAt = (
  size: FixedSize,
  { type, price, market }: Placement,
  symbol: SymbolInfo,
  budget: Decimal.Decimal | null
): BuyOrder => {
  if (type === "market" && size.type === "quote") {
    const amount = marketAmount(budget === null ? size.amount : Decimal.min(size.amount, budget), budget, symbol)
    return { type, price: null, quantity: null, quoteAmount: amount, notional: amount, worst: withFee(amount, symbol) }
  }
  const amount = size.type === "quote" ? (budget === null ? size.amount : Decimal.min(size.amount, budget)) : budget
  const fits = amount === null || !Decimal.isPositive(price) ? null : affordable(amount, price, symbol)
  const asked = size.type === "base" ? Decimal.quantise(size.quantity, symbol.quantityStep, "floor") : null
  const quantity =
    asked === null
      ? (fits ?? Decimal.zero)
      : fits === null
        ? asked
        : Decimal.min(asked, Decimal.max(fits, Decimal.zero))
  const value = Decimal.multiply(quantity, price)
  return {
    type,
    price: type === "market" ? null : price,
    quantity,
    quoteAmount: null,
    notional: type === "market" ? Decimal.multiply(quantity, market) : value,
    worst: withFee(value, symbol)
  }
}

/** The order for a firing of at most `budget` quote (null: only the size bounds it). */
export const sizeOrder = (
  rule: Sized,
  symbol: SymbolInfo,
  quote: BestPrices,
  budget: Decimal.Decimal | null
): BuyOrder => {
  const placement = { type: typeOf(rule.execution), price: priceOf(rule, symbol, quote), market: quote.ask }
  return sizeAt(rule.size, placement, symbol, budget)
}

/** What the rule asks for before any limit, in quote. */
export const askedQuote = (rule: Sized, symbol: SymbolInfo, quote: BestPrices): Decimal.Decimal =>
  rule.size.type === "quote" ? rule.size.amount : sizeOrder(rule, symbol, quote, null).worst
