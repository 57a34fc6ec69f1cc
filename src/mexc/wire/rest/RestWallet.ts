import { Schema } from "effect"
import {
  AmountOrNull,
  FlagOr,
  IdOrNull,
  Millis,
  MillisOrNull,
  Quantity,
  QuantityOrNull,
  RowList,
  Text,
  TextOr,
  readRows
} from "../Fields.ts"

/** Answers about coins and what moved in and out of an account. */

/** `network` is a long label, `netWork` the short id that withdrawals use; older answers lack the latter. */
const networkNames = { network: TextOr(""), netWork: TextOr("") }

export const NetworkRow = Schema.Struct({
  ...networkNames,
  coin: TextOr(""),
  depositEnable: FlagOr(false),
  withdrawEnable: FlagOr(false),
  minConfirm: AmountOrNull,
  withdrawFee: QuantityOrNull,
  withdrawMin: QuantityOrNull,
  withdrawMax: QuantityOrNull,
  contract: TextOr(""),
  sameAddress: FlagOr(false)
})
export interface NetworkRow extends Schema.Schema.Type<typeof NetworkRow> {}
export const readNetworks = readRows(NetworkRow)

/** One coin of `GET /capital/config/getall`; the documentation writes `Name`. */
export const CoinRow = Schema.Struct({
  coin: Text,
  name: TextOr(""),
  Name: TextOr(""),
  networkList: Schema.optionalWith(Schema.NullOr(RowList), { default: () => null })
})
export interface CoinRow extends Schema.Schema.Type<typeof CoinRow> {}
export const readCoins = readRows(CoinRow)

/** A row of `GET /capital/deposit/hisrec`. */
export const DepositRow = Schema.Struct({
  ...networkNames,
  coin: Text,
  amount: Quantity,
  status: TextOr(""),
  address: TextOr(""),
  memo: TextOr(""),
  txId: TextOr(""),
  transHash: TextOr(""),
  insertTime: Millis,
  updateTime: MillisOrNull,
  unlockConfirm: AmountOrNull,
  confirmTimes: AmountOrNull
})
export interface DepositRow extends Schema.Schema.Type<typeof DepositRow> {}
export const readDeposits = readRows(DepositRow)

/** A row of `GET /capital/withdraw/history`. */
export const WithdrawalRow = Schema.Struct({
  ...networkNames,
  id: Text,
  withdrawOrderId: IdOrNull,
  coin: Text,
  amount: Quantity,
  transactionFee: QuantityOrNull,
  status: TextOr(""),
  /** 0 outside, 1 inside the venue. */
  transferType: TextOr("0"),
  address: TextOr(""),
  memo: TextOr(""),
  remark: TextOr(""),
  txId: TextOr(""),
  transHash: TextOr(""),
  applyTime: Millis,
  updateTime: MillisOrNull
})
export interface WithdrawalRow extends Schema.Schema.Type<typeof WithdrawalRow> {}
export const readWithdrawals = readRows(WithdrawalRow)

/** `GET /capital/transfer` */
export const TransferPage = Schema.Struct({
  rows: Schema.optionalWith(Schema.NullOr(RowList), { default: () => null })
})
export const TransferRow = Schema.Struct({
  tranId: Text,
  clientTranId: IdOrNull,
  asset: Text,
  amount: Quantity,
  fromAccountType: Text,
  toAccountType: Text,
  status: TextOr(""),
  timestamp: Millis
})
export interface TransferRow extends Schema.Schema.Type<typeof TransferRow> {}
export const readTransfers = readRows(TransferRow)
