import { Data, type Redacted } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { BalanceReason, ExchangeEvent, PaperFill, PaperOrder } from "../Events.ts"
import type { Fact, Filled, OrderAccepted } from "./Facts.ts"

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
  readonly sequence: number
}

export interface AccountState {
  readonly id: string
  readonly accessKey: string
  readonly secretKey: Redacted.Redacted
  readonly permissions: ReadonlySet<"SPOT_ACCOUNT_READ" | "SPOT_DEAL_READ" | "SPOT_DEAL_WRITE" | "SPOT_WITHDRAW_WRITE">
  readonly balances: Map<string, Balance>
  readonly open: Map<string, OrderEntry>
  readonly byClientId: Map<string, OrderEntry>
  /** Oldest first. */
  readonly orders: Array<OrderEntry>
  readonly fills: Array<PaperFill>
}

/** A fact that names an account or order which no earlier fact made: the journal is not this exchange's. */
export class LedgerBroken extends Data.TaggedError("LedgerBroken")<{ readonly missing: string }> {}

export const isOpen = (order: PaperOrder): boolean => order.status === "NEW" || order.status === "PARTIALLY_FILLED"

export const remaining = (order: PaperOrder): Decimal.Decimal =>
  Decimal.subtract(order.quantity, order.executedQuantity)

/**
 * Accounts, orders and fills as a fold of facts: `apply` is the only way to change them, live and when rebuilding, so a
 * rebuilt exchange cannot differ. It returns what subscribers are told.
 */
export class Ledger {
  readonly accounts = new Map<string, AccountState>()
  readonly byAccessKey = new Map<string, AccountState>()
  readonly orders = new Map<string, OrderEntry>()
  fillCount = 0

  apply(fact: Fact): ReadonlyArray<ExchangeEvent> {
    const events: Array<ExchangeEvent> = []
    switch (fact._tag) {
      case "accountOpened": {
        const account: AccountState = {
          id: fact.accountId,
          accessKey: fact.accessKey,
          secretKey: fact.secretKey,
          permissions: new Set(fact.permissions),
          balances: new Map(),
          open: new Map(),
          byClientId: new Map(),
          orders: [],
          fills: []
        }
        this.accounts.set(account.id, account)
        this.byAccessKey.set(account.accessKey, account)
        break
      }
      case "deposited":
        move(events, this.account(fact.accountId), fact.asset, fact.amount, Decimal.zero, "DEPOSIT", fact.at)
        break
      case "withdrawn": {
        const taken = Decimal.negate(fact.amount)
        move(events, this.account(fact.accountId), fact.asset, taken, Decimal.zero, "WITHDRAW", fact.at)
        break
      }
      case "orderAccepted":
        this.#accept(events, fact)
        break
      case "filled":
        this.#fill(events, fact)
        break
      case "orderClosed":
        this.#close(events, this.entry(fact.orderId), fact.at)
        break
    }
    return events
  }

  account(id: string): AccountState {
    const account = this.accounts.get(id)
    if (account === undefined) throw new LedgerBroken({ missing: `account ${id}` })
    return account
  }

  entry(orderId: string): OrderEntry {
    const entry = this.orders.get(orderId)
    if (entry === undefined) throw new LedgerBroken({ missing: `order ${orderId}` })
    return entry
  }

  #accept(events: Array<ExchangeEvent>, fact: OrderAccepted): void {
    const account = this.account(fact.accountId)
    const { _tag, at, baseAsset, lock, orderId: id, quoteAsset, ...wanted } = fact
    const lockAsset = fact.side === "buy" ? quoteAsset : baseAsset
    const order: PaperOrder = {
      id,
      ...wanted,
      executedQuantity: Decimal.zero,
      executedQuote: Decimal.zero,
      status: "NEW",
      createdAt: at,
      updatedAt: at
    }
    const entry: OrderEntry = { order, lock, baseAsset, quoteAsset, lockAsset, sequence: this.orders.size }
    this.orders.set(id, entry)
    account.orders.push(entry)
    account.open.set(id, entry)
    if (order.clientOrderId !== null) account.byClientId.set(order.clientOrderId, entry)
    move(events, account, lockAsset, Decimal.negate(lock), lock, "ENTRUST_PLACE", at)
    events.push(changed(order, null, false))
  }

  #fill(events: Array<ExchangeEvent>, fact: Filled): void {
    const entry = this.entry(fact.orderId)
    const account = this.account(fact.accountId)
    const { _tag, release, ...fill } = fact
    this.fillCount++
    account.fills.push(fill)
    events.push({ type: "deal", accountId: account.id, fill, at: fact.at })

    const given = fact.side === "buy" ? fact.quoteQuantity : fact.quantity
    const received = fact.side === "buy" ? fact.quantity : fact.quoteQuantity
    const receivedAsset = fact.side === "buy" ? entry.baseAsset : entry.quoteAsset
    const unlocked = Decimal.add(given, release)
    entry.lock = Decimal.subtract(entry.lock, unlocked)
    move(events, account, entry.lockAsset, release, Decimal.negate(unlocked), "ENTRUST", fact.at)
    move(events, account, receivedAsset, received, Decimal.zero, "ENTRUST", fact.at)
    const fee = Decimal.negate(fact.fee)
    if (fact.feeAsset === entry.lockAsset) {
      entry.lock = Decimal.add(entry.lock, fee)
      move(events, account, fact.feeAsset, Decimal.zero, fee, "TRADE_FEE", fact.at)
    } else move(events, account, fact.feeAsset, fee, Decimal.zero, "TRADE_FEE", fact.at)

    const executedQuantity = Decimal.add(entry.order.executedQuantity, fact.quantity)
    const done = Decimal.equals(executedQuantity, entry.order.quantity)
    entry.order = {
      ...entry.order,
      executedQuantity,
      executedQuote: Decimal.add(entry.order.executedQuote, fact.quoteQuantity),
      status: done ? "FILLED" : "PARTIALLY_FILLED",
      updatedAt: fact.at
    }
    events.push(changed(entry.order, fact.quantity, fact.maker))
    if (done) this.#retire(events, entry, fact.at)
  }

  #close(events: Array<ExchangeEvent>, entry: OrderEntry, at: number): void {
    const status = Decimal.isZero(entry.order.executedQuantity) ? "CANCELED" : "PARTIALLY_CANCELED"
    entry.order = { ...entry.order, status, updatedAt: at }
    events.push(changed(entry.order, null, false))
    this.#retire(events, entry, at)
  }

  #retire(events: Array<ExchangeEvent>, entry: OrderEntry, at: number): void {
    const account = this.account(entry.order.accountId)
    account.open.delete(entry.order.id)
    const rest = entry.lock
    entry.lock = Decimal.zero
    move(events, account, entry.lockAsset, rest, Decimal.negate(rest), "ENTRUST_CANCEL", at)
  }
}

export const balanceOf = (account: AccountState, asset: string): Balance =>
  account.balances.get(asset) ?? { free: Decimal.zero, locked: Decimal.zero }

const changed = (order: PaperOrder, lastDealQuantity: Decimal.Decimal | null, maker: boolean): ExchangeEvent => ({
  type: "order",
  accountId: order.accountId,
  order,
  lastDealQuantity,
  maker,
  at: order.updatedAt
})

const move = (
  events: Array<ExchangeEvent>,
  account: AccountState,
  asset: string,
  freeChange: Decimal.Decimal,
  lockedChange: Decimal.Decimal,
  reason: BalanceReason,
  at: number
): void => {
  if (Decimal.isZero(freeChange) && Decimal.isZero(lockedChange)) return
  const before = balanceOf(account, asset)
  const free = Decimal.add(before.free, freeChange)
  const locked = Decimal.add(before.locked, lockedChange)
  account.balances.set(asset, { free, locked })
  events.push({ type: "balance", accountId: account.id, asset, free, freeChange, locked, lockedChange, reason, at })
}
