import * as Decimal from "../../domain/Decimal.ts"
import type { Coin, CoinNetwork } from "../../domain/wallet/Coin.ts"
import type { Deposit, DepositStatus } from "../../domain/wallet/Deposit.ts"
import type { Transfer } from "../../domain/wallet/Transfer.ts"
import type { Withdrawal, WithdrawalStatus } from "../../domain/wallet/Withdrawal.ts"
import type { CoinRow, DepositRow, NetworkRow, TransferRow, WithdrawalRow } from "../wire/rest/RestWallet.ts"

/** Coins and what moved in and out of an account, in domain terms. */

type Named<S> = ReadonlyArray<readonly [word: string, status: S]>

/** The venue's numbers, from 1; some answers were seen with the words instead. */
const depositWords: Named<DepositStatus> = [
  ["SMALL", "small"],
  ["TIME_DELAY", "delayed"],
  ["LARGE_DELAY", "largeDelayed"],
  ["PENDING", "pending"],
  ["SUCCESS", "success"],
  ["AUDITING", "auditing"],
  ["REJECTED", "rejected"],
  ["REFUND", "refunded"],
  ["PRE_SUCCESS", "preSuccess"],
  ["INVALID", "invalid"],
  ["RESTRICTED", "restricted"],
  ["COMPLETED", "completed"]
]

const withdrawalWords: Named<WithdrawalStatus> = [
  ["APPLY", "applied"],
  ["AUDITING", "auditing"],
  ["WAIT", "waiting"],
  ["PROCESSING", "processing"],
  ["WAIT_PACKAGING", "packaging"],
  ["WAIT_CONFIRM", "confirming"],
  ["SUCCESS", "success"],
  ["FAILED", "failed"],
  ["CANCEL", "cancelled"],
  ["MANUAL", "manual"]
]

const byNumberOrWord = <S>(words: Named<S>): ReadonlyMap<string, S> =>
  new Map(words.flatMap(([word, status], i) => [[`${i + 1}`, status] as const, [word, status] as const]))

const depositStatuses = byNumberOrWord(depositWords)
const withdrawalStatuses = byNumberOrWord(withdrawalWords)
const transferStatuses = new Map<string, Transfer["status"]>([
  ["SUCCESS", "success"],
  ["FAILED", "failed"],
  ["WAIT", "pending"],
  ["PENDING", "pending"]
])

const orNull = (text: string): string | null => (text === "" ? null : text)

const countOf = (amount: Decimal.Decimal | null): number | null => (amount === null ? null : Decimal.toNumber(amount))

const networkOf = ({ netWork, network }: { readonly network: string; readonly netWork: string }) =>
  orNull(netWork) ?? orNull(network)

/** Some histories name the chain in the coin too: `USDC-TRX` on TRX is USDC. */
const assetOf = (row: { readonly coin: string; readonly network: string; readonly netWork: string }): string => {
  const chain = [row.netWork, row.network].find((name) => name !== "" && row.coin.endsWith(`-${name}`))
  return chain === undefined ? row.coin : row.coin.slice(0, -chain.length - 1)
}

export const toDeposit = (row: DepositRow): Deposit => ({
  asset: assetOf(row),
  network: networkOf(row),
  amount: row.amount,
  status: depositStatuses.get(row.status) ?? "unrecognised",
  address: orNull(row.address),
  memo: orNull(row.memo),
  txId: orNull(row.transHash) ?? orNull(row.txId),
  confirmations: countOf(row.confirmTimes),
  confirmationsNeeded: countOf(row.unlockConfirm),
  at: row.insertTime,
  updatedAt: row.updateTime
})

export const toWithdrawal = (row: WithdrawalRow): Withdrawal => ({
  id: row.id,
  withdrawOrderId: row.withdrawOrderId,
  asset: assetOf(row),
  network: networkOf(row),
  amount: row.amount,
  fee: row.transactionFee ?? Decimal.zero,
  status: withdrawalStatuses.get(row.status) ?? "unrecognised",
  internal: row.transferType === "1",
  address: orNull(row.address),
  memo: orNull(row.memo),
  remark: orNull(row.remark),
  txId: orNull(row.transHash) ?? orNull(row.txId),
  at: row.applyTime,
  updatedAt: row.updateTime
})

export const toTransfer = (row: TransferRow): Transfer => ({
  id: row.tranId,
  asset: row.asset,
  amount: row.amount,
  from: row.fromAccountType,
  to: row.toAccountType,
  status: transferStatuses.get(row.status) ?? "unrecognised",
  at: row.timestamp
})

const toNetwork = (row: NetworkRow): CoinNetwork => ({
  id: networkOf(row) ?? "",
  label: orNull(row.network) ?? row.netWork,
  depositEnabled: row.depositEnable,
  withdrawEnabled: row.withdrawEnable,
  confirmationsNeeded: countOf(row.minConfirm),
  withdrawFee: row.withdrawFee,
  withdrawMin: row.withdrawMin,
  withdrawMax: row.withdrawMax,
  contract: orNull(row.contract),
  needsMemo: row.sameAddress
})

export const toCoin = (row: CoinRow, networks: ReadonlyArray<NetworkRow>): Coin => ({
  asset: row.coin,
  name: orNull(row.name) ?? orNull(row.Name) ?? row.coin,
  networks: networks.map(toNetwork)
})
