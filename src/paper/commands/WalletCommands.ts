import * as Decimal from "../../domain/Decimal.ts"
import { adjust, deposit, transfer, withdraw } from "../engine/ledger/Moving.ts"
import type { DepositRequest, TransferRequest, WithdrawRequest } from "../Requests.ts"
import type { Commanding } from "./Commanding.ts"

/** What enters and leaves an account besides trading. */
export const walletCommands = ({ attempt, command, engine, read }: Commanding) => {
  const { ledger } = engine
  return {
    balances: (accountId: string) =>
      read(() =>
        [...ledger.account(accountId).balances]
          .map(([asset, { free, locked }]) => ({ asset, free, locked }))
          .filter(({ free, locked }) => !Decimal.isZero(free) || !Decimal.isZero(locked))
      ),
    deposit: (accountId: string, request: DepositRequest) => command((at) => deposit(engine, accountId, request, at)),
    withdraw: (accountId: string, request: WithdrawRequest) =>
      attempt((at) => withdraw(engine, accountId, request, at)),
    transfer: (accountId: string, request: TransferRequest) =>
      attempt((at) => transfer(engine, accountId, request, at)),
    adjust: (accountId: string, asset: string, amount: Decimal.Decimal) =>
      attempt((at) => adjust(engine, accountId, asset, amount, at)),
    deposits: (accountId: string) => read(() => ledger.account(accountId).deposits.toReversed()),
    withdrawals: (accountId: string) => read(() => ledger.account(accountId).withdrawals.toReversed()),
    transfers: (accountId: string) => read(() => ledger.account(accountId).transfers.toReversed()),
    mxDeduct: (accountId: string) => read(() => ledger.account(accountId).mxDeduct),
    setMxDeduct: (accountId: string, on: boolean) =>
      command((at) => engine.record({ _tag: "mxDeductSet", at, accountId, on }))
  }
}
