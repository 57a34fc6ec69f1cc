import { Data } from "effect"
import * as Decimal from "../../../domain/Decimal.ts"
import type { ExchangeEvent, PaperFill, PaperOrder } from "../../Events.ts"
import type { Fact, Filled, OrderAccepted, OrderClosed } from "../Facts.ts"
import { type AccountState, type KeyState, move, newAccount, type OrderEntry } from "./Account.ts"
import * as Wallet from "./Wallet.ts"

/** A fact that names an account or order which no earlier fact made: the journal is not this exchange's. */
export class LedgerBroken extends Data.TaggedError("LedgerBroken")<{ readonly missing: string }> {}

export interface KeyOfAccount {
  readonly account: AccountState
  readonly key: KeyState
}

/**
 * Accounts, orders and fills as a fold of facts: `apply` is the only way to change them, live and when rebuilding, so a
 * rebuilt exchange cannot differ. It adds what subscribers are told to `events`.
 */
export class Ledger {
  readonly accounts = new Map<string, AccountState>()
  readonly byAccessKey = new Map<string, KeyOfAccount>()
  readonly orders = new Map<string, OrderEntry>()
  fillCount = 0

  apply(fact: Fact, events: Array<ExchangeEvent>): void {
    switch (fact._tag) {
      case "accountOpened": {
        const { accessKey, accountId: id, feeRates = null, ips = null, permissions, secretKey } = fact
        const key = { accessKey, secretKey, ips, permissions: new Set(permissions), deleted: false }
        const account = newAccount({ id, key, feeRates })
        this.accounts.set(id, account)
        this.byAccessKey.set(accessKey, { account, key })
        return
      }
      case "keyAdded": {
        const { accessKey, ips, permissions, secretKey } = fact
        const key = { accessKey, secretKey, ips, permissions: new Set(permissions), deleted: false }
        this.byAccessKey.set(accessKey, { account: this.account(fact.accountId), key })
        return
      }
      case "keyChanged": {
        const known = this.byAccessKey.get(fact.accessKey)
        if (known === undefined) throw new LedgerBroken({ missing: `a key of account ${fact.accountId}` })
        known.key.permissions = new Set(fact.permissions)
        known.key.ips = fact.ips
        known.key.deleted = fact.deleted
        return
      }
      case "deposited":
        return Wallet.deposited(events, this.account(fact.accountId), fact)
      case "withdrawn":
        return Wallet.withdrawn(events, this.account(fact.accountId), fact)
      case "transferred":
        return Wallet.transferred(events, this.account(fact.accountId), fact)
      case "adjusted":
        return Wallet.adjusted(events, this.account(fact.accountId), fact)
      case "mxDeductSet":
        this.account(fact.accountId).mxDeduct = fact.on
        return
      case "orderAccepted":
        return this.#accept(events, fact)
      case "filled":
        return this.#fill(events, fact)
      case "orderClosed":
        return this.#close(events, fact)
    }
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
    const { at, baseAsset, feeRates = null, lock, orderId: id, quoteAsset, stpMode = "" } = fact
    const lockAsset = fact.side === "buy" ? quoteAsset : baseAsset
    const order: PaperOrder = {
      id,
      accountId: fact.accountId,
      clientOrderId: fact.clientOrderId,
      symbol: fact.symbol,
      side: fact.side,
      type: fact.type,
      price: fact.price,
      quantity: fact.quantity,
      quoteAmount: fact.quoteAmount,
      quoteSized: fact.quoteSized,
      executedQuantity: Decimal.zero,
      executedQuote: Decimal.zero,
      status: "NEW",
      stpMode,
      cancelReason: null,
      createdAt: at,
      updatedAt: at
    }
    const entry: OrderEntry = { order, lock, baseAsset, quoteAsset, lockAsset, feeRates, sequence: this.orders.size }
    this.orders.set(id, entry)
    account.orders.push(entry)
    account.open.set(id, entry)
    if (order.clientOrderId !== null) account.byClientId.set(order.clientOrderId, entry)
    move(events, account, lockAsset, { free: Decimal.negate(lock), locked: lock }, "ENTRUST_PLACE", at)
    events.push(changed(order, null, false))
  }

  #fill(events: Array<ExchangeEvent>, fact: Filled): void {
    const entry = this.entry(fact.orderId)
    const account = this.account(fact.accountId)
    const { at, release } = fact
    const fill: PaperFill = {
      tradeId: fact.tradeId,
      orderId: fact.orderId,
      accountId: fact.accountId,
      clientOrderId: fact.clientOrderId,
      symbol: fact.symbol,
      side: fact.side,
      price: fact.price,
      quantity: fact.quantity,
      quoteQuantity: fact.quoteQuantity,
      fee: fact.fee,
      feeAsset: fact.feeAsset,
      maker: fact.maker,
      selfTrade: fact.selfTrade,
      at
    }
    this.fillCount++
    account.fills.push(fill)
    events.push({ type: "deal", accountId: account.id, fill, at })

    const isBuy = fact.side === "buy"
    const unlocked = Decimal.add(isBuy ? fact.quoteQuantity : fact.quantity, release)
    entry.lock = Decimal.subtract(entry.lock, unlocked)
    move(events, account, entry.lockAsset, { free: release, locked: Decimal.negate(unlocked) }, "ENTRUST", at)
    const received = { free: isBuy ? fact.quantity : fact.quoteQuantity, locked: Decimal.zero }
    move(events, account, isBuy ? entry.baseAsset : entry.quoteAsset, received, "ENTRUST", at)
    const fee = Decimal.negate(fact.fee)
    // A buy set its quote fee aside when it was placed; every other fee comes out of what the account has free.
    if (isBuy && fact.feeAsset === entry.lockAsset) {
      entry.lock = Decimal.add(entry.lock, fee)
      move(events, account, fact.feeAsset, { free: Decimal.zero, locked: fee }, "TRADE_FEE", at)
    } else move(events, account, fact.feeAsset, { free: fee, locked: Decimal.zero }, "TRADE_FEE", at)

    const executedQuantity = Decimal.add(entry.order.executedQuantity, fact.quantity)
    const done = Decimal.equals(executedQuantity, entry.order.quantity)
    entry.order = {
      ...entry.order,
      executedQuantity,
      executedQuote: Decimal.add(entry.order.executedQuote, fact.quoteQuantity),
      status: done ? "FILLED" : "PARTIALLY_FILLED",
      updatedAt: at
    }
    events.push(changed(entry.order, fact.quantity, fact.maker))
    if (done) this.#retire(events, entry, at)
  }

  #close(events: Array<ExchangeEvent>, { at, orderId, reason }: OrderClosed): void {
    const entry = this.entry(orderId)
    const status = Decimal.isZero(entry.order.executedQuantity) ? "CANCELED" : "PARTIALLY_CANCELED"
    entry.order = { ...entry.order, status, cancelReason: reason ?? null, updatedAt: at }
    events.push(changed(entry.order, null, false))
    this.#retire(events, entry, at)
  }

  #retire(events: Array<ExchangeEvent>, entry: OrderEntry, at: number): void {
    const account = this.account(entry.order.accountId)
    account.open.delete(entry.order.id)
    const rest = entry.lock
    entry.lock = Decimal.zero
    move(events, account, entry.lockAsset, { free: rest, locked: Decimal.negate(rest) }, "ENTRUST_CANCEL", at)
  }
}

const changed = (order: PaperOrder, lastDealQuantity: Decimal.Decimal | null, maker: boolean): ExchangeEvent => ({
  type: "order",
  accountId: order.accountId,
  order,
  lastDealQuantity,
  maker,
  at: order.updatedAt
})
