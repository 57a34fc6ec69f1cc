import { Either } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { Engine } from "../engine/Engine.ts"
import { balanceOf } from "../engine/ledger/Account.ts"
import * as Refusals from "../Refusals.ts"
import type {
  DepositRequest,
  PaperDeposit,
  PaperTransfer,
  PaperWithdrawal,
  TransferRequest,
  WithdrawRequest
} from "../Requests.ts"
import type { VenueRejection } from "../VenueRejection.ts"
import type { Commanding } from "./Commanding.ts"

type Refusable<A> = Either.Either<A, VenueRejection>

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

const deposit = (engine: Engine, accountId: string, request: DepositRequest, at: number): PaperDeposit => {
  const { deposits } = engine.ledger.account(accountId)
  engine.record({ _tag: "deposited", at, accountId, ...request })
  return recorded(deposits)
}

const withdraw = (
  engine: Engine,
  accountId: string,
  request: WithdrawRequest,
  at: number
): Refusable<PaperWithdrawal> => {
  const account = engine.ledger.account(accountId)
  const needed = Decimal.add(request.amount, request.fee ?? Decimal.zero)
  if (Decimal.lessThan(balanceOf(account, request.asset).free, needed)) {
    return Either.left(Refusals.insufficientBalance())
  }
  engine.record({ _tag: "withdrawn", at, accountId, ...request })
  return Either.right(recorded(account.withdrawals))
}

const transfer = (
  engine: Engine,
  accountId: string,
  request: TransferRequest,
  at: number
): Refusable<PaperTransfer> => {
  const account = engine.ledger.account(accountId)
  const { amount, asset, from, to } = request
  if (from === to) return Either.left(Refusals.transferNotSupported())
  const held = from === "SPOT" ? balanceOf(account, asset).free : (account.futures.get(asset) ?? Decimal.zero)
  if (Decimal.lessThan(held, amount)) return Either.left(Refusals.insufficientBalance())
  engine.record({ _tag: "transferred", at, accountId, ...request })
  return Either.right(recorded(account.transfers))
}

const adjust = (
  engine: Engine,
  accountId: string,
  asset: string,
  amount: Decimal.Decimal,
  at: number
): Refusable<void> => {
  const { free } = balanceOf(engine.ledger.account(accountId), asset)
  if (Decimal.isNegative(Decimal.add(free, amount))) return Either.left(Refusals.insufficientBalance())
  return Either.right(engine.record({ _tag: "adjusted", at, accountId, asset, amount }))
}

/** The entry that a fact has just added. */
const recorded = <A>(list: ReadonlyArray<A>): A => {
  const [last] = list.slice(-1)
  if (last === undefined) throw new RangeError("a recorded fact added nothing")
  return last
}
