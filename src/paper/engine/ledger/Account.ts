import type { Redacted } from "effect"
import * as Decimal from "../../../domain/Decimal.ts"
import type { BalanceReason, ExchangeEvent, PaperFill, PaperOrder } from "../../Events.ts"
import type { FeeRates, PaperDeposit, PaperTransfer, PaperWithdrawal, Permission } from "../../Requests.ts"

export interface Balance {
  free: Decimal.Decimal
  locked: Decimal.Decimal
}

/** An order with what it still locks; `sequence` is its place in time priority. */
export interface OrderEntry {
  order: PaperOrder
  lock: Decimal.Decimal
  readonly baseAsset: string
  readonly quoteAsset: string
  readonly lockAsset: string
  /** null: it was accepted before orders kept their rates; the pair's hold. */
  readonly feeRates: FeeRates | null
  readonly sequence: number
}

/** A key of an account, and what it may do now. */
export interface KeyState {
  readonly accessKey: string
  readonly secretKey: Redacted.Redacted
  permissions: ReadonlySet<Permission>
  ips: ReadonlyArray<string> | null
  deleted: boolean
}

/** Everything of one account; lists are oldest first. */
export interface AccountState {
  readonly id: string
  /** The one it was opened with. */
  readonly key: KeyState
  /** null: every pair's own. */
  readonly feeRates: FeeRates | null
  mxDeduct: boolean
  readonly balances: Map<string, Balance>
  /** What lies in the futures wallet, which no order here can use. */
  readonly futures: Map<string, Decimal.Decimal>
  readonly open: Map<string, OrderEntry>
  readonly byClientId: Map<string, OrderEntry>
  readonly orders: Array<OrderEntry>
  readonly fills: Array<PaperFill>
  readonly deposits: Array<PaperDeposit>
  readonly withdrawals: Array<PaperWithdrawal>
  readonly transfers: Array<PaperTransfer>
}

export const newAccount = (opened: Pick<AccountState, "id" | "key" | "feeRates">): AccountState => ({
  ...opened,
  mxDeduct: false,
  balances: new Map(),
  futures: new Map(),
  open: new Map(),
  byClientId: new Map(),
  orders: [],
  fills: [],
  deposits: [],
  withdrawals: [],
  transfers: []
})

export const isOpen = (order: PaperOrder): boolean => order.status === "NEW" || order.status === "PARTIALLY_FILLED"

export const remaining = (order: PaperOrder): Decimal.Decimal =>
  Decimal.subtract(order.quantity, order.executedQuantity)

const nothing: Balance = { free: Decimal.zero, locked: Decimal.zero }

export const balanceOf = (account: AccountState, asset: string): Readonly<Balance> =>
  account.balances.get(asset) ?? nothing

/** The only line that changes a balance; whoever watches the account hears of it. */
export const move = (
  events: Array<ExchangeEvent>,
  account: AccountState,
  asset: string,
  change: { readonly free: Decimal.Decimal; readonly locked: Decimal.Decimal },
  reason: BalanceReason,
  at: number
): void => {
  if (Decimal.isZero(change.free) && Decimal.isZero(change.locked)) return
  const before = balanceOf(account, asset)
  const free = Decimal.add(before.free, change.free)
  const locked = Decimal.add(before.locked, change.locked)
  account.balances.set(asset, { free, locked })
  events.push({
    type: "balance",
    accountId: account.id,
    asset,
    free,
    freeChange: change.free,
    locked,
    lockedChange: change.locked,
    reason,
    at
  })
}
