import * as Decimal from "../../Decimal.ts"
import { reason, type Reason } from "../../Reason.ts"
import type { RuleDocument } from "../../Rule.ts"
import type { PercentOfFreeQuote, Size, ValueAveraging } from "../RuleParts.ts"
import type { FixedSize } from "./sizing.ts"

/** What sizes that follow the account are worked out from; what could not be read is null. */
export interface Means {
  /** Free quote less what other orders of the user reserve. */
  readonly free: Decimal.Decimal | null
  /** What the rule's own book holds. */
  readonly held?: Decimal.Decimal | null
  /** Slots of the rule's schedule that passed since its start, the present one excluded. */
  readonly elapsedSlots?: number | null
}

/** A size that became an amount, or why it cannot. */
export type Wish =
  { readonly size: FixedSize; readonly refusal: null } | { readonly size: null; readonly refusal: Reason }

const quote = (amount: Decimal.Decimal): Wish => ({ size: { type: "quote", amount }, refusal: null })
const refused = (refusal: Reason): Wish => ({ size: null, refusal })

/** Amounts are sent with at most eight decimals. */
const amountScale = 8

/** The share of what is free beyond the reserve; less than `min` buys nothing, more than `max` is cut. */
export const percentOfFree = (
  size: PercentOfFreeQuote,
  free: Decimal.Decimal,
  reserve: Decimal.Decimal | null
): Wish => {
  const spendable = Decimal.max(Decimal.zero, Decimal.subtract(free, reserve ?? Decimal.zero))
  const share = Decimal.round(Decimal.percentOf(spendable, size.percent), amountScale, "floor")
  const amount = size.max === null ? share : Decimal.min(share, size.max)
  const least = size.min ?? Decimal.zero
  return Decimal.isPositive(amount) && Decimal.greaterOrEqual(amount, least)
    ? quote(amount)
    : refused(
        reason("INSUFFICIENT_FUNDS", {
          free: Decimal.format(free),
          share: Decimal.format(amount),
          min: Decimal.format(least)
        })
      )
}

/** What is missing to the target, at most `max`. The value is the rule's own book at the bid. */
export const valueAveragingTarget = (size: ValueAveraging, elapsedSlots: number): Decimal.Decimal =>
  Decimal.add(size.start, Decimal.multiply(size.growth, Decimal.unsafe(String(Math.max(0, Math.trunc(elapsedSlots))))))

export const valueAveragingWish = (
  size: ValueAveraging,
  elapsedSlots: number,
  held: Decimal.Decimal,
  bid: Decimal.Decimal
): Wish => {
  const target = valueAveragingTarget(size, elapsedSlots)
  const value = Decimal.round(Decimal.multiply(held, bid), amountScale, "ceil")
  const missing = Decimal.subtract(target, value)
  return Decimal.isPositive(missing)
    ? quote(Decimal.min(missing, size.max))
    : refused(reason("ABOVE_TARGET", { target: Decimal.format(target), value: Decimal.format(value) }))
}

/** The amount or quantity that a firing asks for, before any limit. */
export const wishOf = (
  { size, limits }: Pick<RuleDocument, "size" | "limits">,
  { free, held, elapsedSlots }: Means,
  bid: Decimal.Decimal
): Wish => {
  switch (size.type) {
    case "quote":
    case "base":
      return { size, refusal: null }
    case "percentOfFreeQuote":
      return free === null
        ? refused(reason("EXCHANGE_UNAVAILABLE", {}, "The free balance could not be read."))
        : percentOfFree(size, free, limits.reserveQuote)
    case "valueAveraging":
      return held == null || elapsedSlots == null
        ? refused(reason("NOT_TRUE", {}, "The rule has no schedule or no book to measure its target by."))
        : valueAveragingWish(size, elapsedSlots, held, bid)
  }
}

/** The most one firing asks for, as far as the document alone tells; null for a share without a maximum. */
export const largestSize = (size: Size): FixedSize | null => {
  switch (size.type) {
    case "quote":
    case "base":
      return size
    case "valueAveraging":
      return { type: "quote", amount: size.max }
    case "percentOfFreeQuote":
      return size.max === null ? null : { type: "quote", amount: size.max }
  }
}
