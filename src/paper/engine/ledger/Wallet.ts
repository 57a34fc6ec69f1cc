import { createHash } from "node:crypto"
import * as Decimal from "../../../domain/Decimal.ts"
import type { BalanceReason, ExchangeEvent } from "../../Events.ts"
import type { Adjusted, Deposited, Transferred, Withdrawn } from "../Facts.ts"
import { type AccountState, move } from "./Account.ts"

type Events = Array<ExchangeEvent>

/** Where an asset travels unless a request says otherwise. */
const networkOf = (asset: string): string => asset

/** Ids are made of what they belong to, so that a rebuilt exchange shows the same ones. */
const made = (...parts: ReadonlyArray<string | number>): string =>
  createHash("sha256").update(parts.join(":")).digest("hex")

export const deposited = (events: Events, account: AccountState, fact: Deposited): void => {
  const { amount, asset, at, network = networkOf(asset) } = fact
  // Without one it came to the account's own.
  const { address = "", txId } = fact
  const id = made("deposit", account.id, account.deposits.length)
  account.deposits.push({ id, asset, amount, network, address, txId: txId ?? id, at })
  moveFree(events, account, asset, amount, "DEPOSIT", at)
}

export const withdrawn = (events: Events, account: AccountState, fact: Withdrawn): void => {
  const { amount, asset, at, fee = Decimal.zero, memo = null, network = networkOf(asset), remark = "" } = fact
  const id = made("withdrawal", account.id, account.withdrawals.length).slice(0, 32)
  const { address = `0x${id}`, withdrawOrderId = null } = fact
  account.withdrawals.push({ id, asset, amount, fee, network, address, memo, withdrawOrderId, remark, at })
  moveFree(events, account, asset, Decimal.negate(amount), "WITHDRAW", at)
  moveFree(events, account, asset, Decimal.negate(fee), "WITHDRAW_FEE", at)
}

export const transferred = (events: Events, account: AccountState, fact: Transferred): void => {
  const { amount, asset, at, from, to } = fact
  const id = made("transfer", account.id, account.transfers.length).slice(0, 32)
  account.transfers.push({ id, asset, amount, from, to, at })
  const toSpot = to === "SPOT" ? amount : Decimal.negate(amount)
  moveFree(events, account, asset, toSpot, "CONTRACT_TRANSFER", at)
  account.futures.set(asset, Decimal.subtract(account.futures.get(asset) ?? Decimal.zero, toSpot))
}

export const adjusted = (events: Events, account: AccountState, { amount, asset, at }: Adjusted): void =>
  moveFree(events, account, asset, amount, "SUGAR", at)

const moveFree = (
  events: Events,
  account: AccountState,
  asset: string,
  free: Decimal.Decimal,
  reason: BalanceReason,
  at: number
): void => move(events, account, asset, { free, locked: Decimal.zero }, reason, at)
