import * as Decimal from "../../../domain/Decimal.ts"
import type { PaperDeposit, PaperTransfer, PaperWithdrawal } from "../../Requests.ts"
import { coinOnNetwork, depositAddress, findNetwork, memoOf, networksOf, type Network } from "./Coins.ts"

const text = Decimal.format

/** What an operator injects names the coin instead of a chain: it came over the coin's first one. */
const networkOf = (asset: string, name: string): string =>
  findNetwork(asset, name)?.netWork ?? (name === "" || name === asset ? (networksOf(asset)[0]?.netWork ?? asset) : name)

/** The coin and its chain; the coin alone where nobody named a chain, and inside the venue. */
const coinOf = (each: Pick<PaperDeposit, "asset" | "network">): string =>
  each.network === each.asset || each.network === internalNetwork
    ? each.asset
    : coinOnNetwork(each.asset, networkOf(each.asset, each.network))

const success = 5

/** A row of `capital/deposit/hisrec`. */
export const deposit = (accountId: string, each: PaperDeposit) => {
  const netWork = networkOf(each.asset, each.network)
  const confirmations = String(findNetwork(each.asset, netWork)?.confirmations ?? 1)
  return {
    amount: text(each.amount),
    coin: coinOf(each),
    network: netWork,
    status: success,
    address: each.address === "" ? depositAddress(accountId, netWork) : each.address,
    txId: `${each.txId}:0`,
    insertTime: each.at,
    unlockConfirm: confirmations,
    confirmTimes: confirmations,
    memo: null,
    transHash: each.txId,
    updateTime: each.at,
    netWork
  }
}

export const depositStatus = success

const withdrawn = 7

/** A row of `capital/withdraw/history`; its amount includes the fee. `transferType` 1 stayed inside the venue. */
export const withdrawal = (each: PaperWithdrawal) => {
  const netWork = networkOf(each.asset, each.network)
  const inside = each.network === internalNetwork
  return {
    id: each.id,
    withdrawOrderId: each.withdrawOrderId,
    txId: inside ? null : `${each.id}:0`,
    coin: coinOf(each),
    network: netWork,
    address: each.address,
    amount: text(Decimal.add(each.amount, each.fee)),
    transferType: inside ? 1 : 0,
    status: withdrawn,
    transactionFee: text(each.fee),
    confirmNo: null,
    applyTime: each.at,
    remark: each.remark,
    memo: each.memo,
    explorerUrl: null,
    transHash: inside ? null : each.id,
    updateTime: each.at,
    netWork
  }
}

export const withdrawalStatus = withdrawn

/** Marks what one account of this exchange gave to another. */
export const internalNetwork = "INTERNAL"

/** A row of `capital/deposit/address`. */
export const address = (accountId: string, coin: string, network: Network) => ({
  coin,
  network: network.network,
  netWork: network.netWork,
  address: depositAddress(accountId, network.netWork),
  memo: memoOf(accountId, network)
})

/** A row of `capital/withdraw/address`: an address that was withdrawn to is a known one. */
export const knownAddress = (each: PaperWithdrawal) => {
  const netWork = networkOf(each.asset, each.network)
  return {
    coin: each.asset,
    network: findNetwork(each.asset, netWork)?.network ?? netWork,
    netWork,
    address: each.address,
    addressTag: each.remark,
    memo: each.memo
  }
}

const productNames = { SPOT: "SPOT", FUTURES: "FUTURE" } as const

const transferred = (each: PaperTransfer) => ({
  tranId: each.id,
  clientTranId: null,
  asset: each.asset,
  amount: text(each.amount),
  fromAccountType: each.from,
  toAccountType: each.to,
  status: "SUCCESS",
  timestamp: each.at
})

/** A row of `capital/transfer`. */
export const transferRow = (each: PaperTransfer) => ({
  ...transferred(each),
  fromSymbol: productNames[each.from],
  toSymbol: productNames[each.to]
})

/** `capital/transfer/tranId`. */
export const transfer = (each: PaperTransfer) => ({ ...transferred(each), symbol: null })

const ledgerNames = { SPOT: "MAIN", FUTURES: "CONTRACT" } as const

/** The older record of the same transfer, which clients still ask for. */
export const transferRecord = (each: PaperTransfer) => ({
  currency: each.asset,
  amount: text(each.amount),
  transact_id: each.id,
  from: ledgerNames[each.from],
  to: ledgerNames[each.to],
  transact_state: "SUCCESS"
})

/** A row of `capital/transfer/internal`. */
export const internalTransfer = (fromAccount: string, each: PaperWithdrawal) => ({
  tranId: each.id,
  asset: each.asset,
  amount: text(each.amount),
  toAccountType: "UID",
  toAccount: each.address,
  fromAccount,
  status: "SUCCESS",
  timestamp: each.at
})
