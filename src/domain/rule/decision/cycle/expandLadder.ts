import * as Decimal from "../../../Decimal.ts"
import type { SymbolInfo } from "../../../Market.ts"
import type { Reason } from "../../../Reason.ts"
import type { RuleDocument } from "../../../Rule.ts"
import type { Ladder } from "../../shape/Ladder.ts"
import { tooSmallOrLarge } from "../feasible.ts"
import { type BuyOrder, type FixedSize, sizeAt, sizeOrder } from "../sizing.ts"
import { largestSize } from "../wish.ts"

/** One further buy of a cycle. `price` is where it is due; `order` what is sent then, bounded by the rule's `maxPrice`. */
export interface Rung {
  /** 1 is the first below the base buy. */
  readonly level: number
  readonly offsetPercent: Decimal.Decimal
  readonly sizeMultiplier: Decimal.Decimal
  readonly price: Decimal.Decimal
  readonly size: FixedSize
  readonly order: BuyOrder
  /** Why the venue would not take it. */
  readonly refusal: Reason | null
}

export interface LadderBase {
  /** What the base buy paid on average. */
  readonly averagePrice: Decimal.Decimal
  /** What the base buy asked for, after `perBuyMax`. */
  readonly size: FixedSize
}

type Terms = Pick<RuleDocument, "execution" | "maxPrice" | "limits">

/** Multiplied amounts keep so many decimals; quantities are rounded to the venue's step when they are sent. */
const amountScale = 8

/** The size of a level; `perBuyMax` trims it as it trims every buy. */
export const sizeOfLevel = (base: FixedSize, multiplier: Decimal.Decimal, terms: Pick<Terms, "limits">): FixedSize => {
  const times = (value: Decimal.Decimal) => Decimal.round(Decimal.multiply(value, multiplier), amountScale, "floor")
  if (base.type === "base") return { type: "base", quantity: times(base.quantity) }
  const { perBuyMax } = terms.limits
  const amount = times(base.amount)
  return { type: "quote", amount: perBuyMax === null ? amount : Decimal.min(amount, perBuyMax) }
}

/** Where a level lies: rounded down to the tick, so that it never pays more than asked. */
export const priceOfLevel = (
  averagePrice: Decimal.Decimal,
  offsetPercent: Decimal.Decimal,
  tick: Decimal.Decimal
): Decimal.Decimal =>
  Decimal.quantise(Decimal.percentOf(averagePrice, Decimal.subtract(Decimal.hundred, offsetPercent)), tick, "floor")

const orderAt = (
  size: FixedSize,
  { place }: Ladder,
  { execution, limits, maxPrice }: Terms,
  symbol: SymbolInfo,
  price: Decimal.Decimal
): BuyOrder => {
  if (place === "watched")
    return sizeOrder({ size, execution, maxPrice }, symbol, { bid: price, ask: price }, limits.perBuyMax)
  const type = execution.type === "limit" && execution.postOnly ? "limitMaker" : "limit"
  const bounded = maxPrice === null ? price : Decimal.min(price, Decimal.quantise(maxPrice, symbol.priceTick, "floor"))
  return sizeAt(size, { type, price: bounded, market: price }, symbol, limits.perBuyMax)
}

/**
 * Every level of a ladder below a base buy, as it would be sent: a resting one as a limit at its price, a watched one as
 * the rule's execution says once the price is there.
 */
export const expandLadder = (base: LadderBase, ladder: Ladder, terms: Terms, symbol: SymbolInfo): ReadonlyArray<Rung> =>
  ladder.levels.map(({ offsetPercent, sizeMultiplier }, i) => {
    const price = priceOfLevel(base.averagePrice, offsetPercent, symbol.priceTick)
    const size = sizeOfLevel(base.size, sizeMultiplier, terms)
    const order = orderAt(size, ladder, terms, symbol, price)
    return { level: i + 1, offsetPercent, sizeMultiplier, price, size, order, refusal: tooSmallOrLarge(order, symbol) }
  })

/**
 * The most quote that one cycle can take, fees included: the base buy and every level at its whole amount. A base
 * quantity is worth what it costs at `ask`, which no level is above; null while that is not known.
 */
export const worstOfCycle = (
  rule: Pick<RuleDocument, "size" | "ladder"> & Terms,
  symbol: SymbolInfo | null,
  ask: Decimal.Decimal | null
): Decimal.Decimal | null => {
  const largest = largestSize(rule.size)
  const bound = rule.limits.perBuyMax
  const size = largest ?? (bound === null ? null : ({ type: "quote", amount: bound } satisfies FixedSize))
  if (size === null) return null
  const levels = rule.ladder?.levels ?? []
  const sizes = [Decimal.one, ...levels.map(({ sizeMultiplier }) => sizeMultiplier)].map((multiplier) =>
    sizeOfLevel(size, multiplier, rule)
  )
  const costs = sizes.map((one) => {
    if (one.type === "quote") return one.amount
    if (symbol === null || ask === null || !Decimal.isPositive(ask)) return bound
    const sized = { size: one, execution: rule.execution, maxPrice: rule.maxPrice }
    // Trimmed as money, not as an order: what does not fit at one price may at a lower one.
    const { worst } = sizeOrder(sized, symbol, { bid: ask, ask }, null)
    return bound === null ? worst : Decimal.min(worst, bound)
  })
  const known = costs.filter((cost) => cost !== null)
  return known.length < costs.length ? null : Decimal.sum(known)
}
