import { Schema } from "effect"
import * as Decimal from "../../Decimal.ts"
import type { BalanceAvailable } from "../Trigger.ts"

/**
 * The memory of a balance trigger. It fires when so much is free and is then disarmed until less was free. A firing that
 * bought nothing leaves `beyond`, the balance it saw: a further inflow arms it again, because nothing of it was spent.
 */
export const BalanceState = Schema.Struct({ armed: Schema.Boolean, beyond: Schema.NullOr(Decimal.Decimal) })
export interface BalanceState extends Schema.Schema.Type<typeof BalanceState> {}

export const freshBalance: BalanceState = { armed: true, beyond: null }

/** One reading of what is free. */
export const balanceStep = (
  trigger: BalanceAvailable,
  state: BalanceState,
  free: Decimal.Decimal
): { readonly state: BalanceState; readonly fires: boolean } => {
  if (Decimal.lessThan(free, trigger.atLeast)) return { state: state.armed ? state : freshBalance, fires: false }
  const grown = state.beyond !== null && Decimal.greaterThan(free, state.beyond)
  return state.armed || grown ? { state: { armed: false, beyond: null }, fires: true } : { state, fires: false }
}

/** After a firing that saw `free`. */
export const afterBalance = (bought: boolean, free: Decimal.Decimal): BalanceState => ({
  armed: false,
  beyond: bought ? null : free
})
