import * as Decimal from "../../domain/Decimal.ts"
import { limitAsset, type Limits, type SpendingLimits } from "../../domain/Limits.ts"
import { BudgetExceeded } from "../../api/Errors.ts"
import { reason } from "../../domain/Reason.ts"
import { takenSince, type Spending } from "./Spending.ts"
import type { Windows } from "./windows.ts"

const text = Decimal.format

export interface Excess {
  /** Path of the limit, such as `user.perDay`. */
  readonly cap: string
  readonly limit: string
  readonly used: string
  readonly asked: string
  readonly unit: string
}

export const budgetExceeded = ({ asked, cap, limit, unit, used }: Excess): BudgetExceeded => {
  const message = `The limit ${cap} of ${limit}${unit} would be exceeded: ${used} used, ${asked} asked.`
  return new BudgetExceeded({
    message,
    details: [{ path: cap, message: `limit ${limit}, used ${used}, asked ${asked}` }],
    reason: reason("BUDGET_EXCEEDED", { cap, limit, used, asked }, message)
  })
}

/** What fits exactly is allowed. */
export const over = (
  cap: string,
  limit: Decimal.Decimal | null,
  used: Decimal.Decimal,
  asked: Decimal.Decimal
): Excess | null =>
  limit === null || Decimal.lessOrEqual(Decimal.add(used, asked), limit)
    ? null
    : { cap, limit: text(limit), used: text(used), asked: text(asked), unit: ` ${limitAsset}` }

/** The first spending limit that `asked` more would exceed. */
export const spendingExcess = (
  limits: Limits,
  spending: Spending,
  windows: Windows,
  { asked, keyId }: { readonly asked: Decimal.Decimal; readonly keyId: string | null }
): Excess | null => {
  const among = (path: string, { perDay, perMonth, perWeek }: SpendingLimits, key: string | null) =>
    over(`${path}.perDay`, perDay, takenSince(spending, windows.day, key), asked) ??
    over(`${path}.perWeek`, perWeek, takenSince(spending, windows.week, key), asked) ??
    over(`${path}.perMonth`, perMonth, takenSince(spending, windows.month, key), asked)
  const own = limits.keys.find(({ id }) => id === keyId)
  return among("user", limits.user, null) ?? (own === undefined ? null : among(`keys.${own.id}`, own, own.id))
}

/** Whether anything bounds what this key's buys of this asset may cost. */
export const boundsSpending = (limits: Limits, keyId: string | null, asset: string): boolean =>
  [limits.user, ...limits.keys.filter(({ id }) => id === keyId)].some(
    ({ perDay, perMonth, perWeek }) => perDay !== null || perWeek !== null || perMonth !== null
  ) || limits.assets.some((limit) => limit.asset === asset)
