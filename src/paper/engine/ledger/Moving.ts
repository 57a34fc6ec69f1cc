import { Either } from "effect"
import * as Decimal from "../../../domain/Decimal.ts"
import * as Refusals from "../../Refusals.ts"
import type {
  DepositRequest,
  PaperDeposit,
  PaperTransfer,
  PaperWithdrawal,
  TransferRequest,
  WithdrawRequest
} from "../../Requests.ts"
import type { VenueRejection } from "../../VenueRejection.ts"
import type { Engine } from "../Engine.ts"
import { balanceOf } from "./Account.ts"

type Refusable<A> = Either.Either<A, VenueRejection>

export const deposit = (engine: Engine, accountId: string, request: DepositRequest, at: number): PaperDeposit => {
  const { deposits } = engine.ledger.account(accountId)
  engine.record({ _tag: "deposited", at, accountId, ...request })
  return newestOf(deposits)
}

export const withdraw = (
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
  return Either.right(newestOf(account.withdrawals))
}

/** Between the spot wallet and the futures wallet, which only keeps what is sent there. */
export const transfer = (
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
  return Either.right(newestOf(account.transfers))
}

/** A balance changed from outside, up or down; what orders lock cannot be taken. */
export const adjust = (
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
const newestOf = <A>(list: ReadonlyArray<A>): A => {
  const [last] = list.slice(-1)
  if (last === undefined) throw new RangeError("a recorded fact added nothing")
  return last
}
