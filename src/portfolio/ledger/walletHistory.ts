import { Effect } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { Instant } from "../../domain/Time.ts"
import type { Deposit, DepositStatus } from "../../domain/wallet/Deposit.ts"
import type { Transfer } from "../../domain/wallet/Transfer.ts"
import type { Withdrawal, WithdrawalStatus } from "../../domain/wallet/Withdrawal.ts"
import type { WalletCalls } from "../../mexc/calls/WalletCalls.ts"
import type { Credentials } from "../../mexc/Credentials.ts"
import type { VenueFailure } from "../../mexc/VenueFailure.ts"
import type { WalletMovement } from "./Reading.ts"

/** Credited to the balance. */
const credited = new Set<DepositStatus>(["success", "completed", "small", "largeDelayed", "delayed", "preSuccess"])
/** The balance has it back, or never gave it. */
const notWithdrawn = new Set<WithdrawalStatus>(["failed", "cancelled", "unrecognised"])

const ofDeposit = ({ amount, asset, at, network, txId }: Deposit): WalletMovement => ({
  source: `deposit:${asset}:${network ?? ""}:${txId ?? ""}:${at}:${Decimal.format(amount)}`,
  kind: "deposit",
  asset,
  amount,
  fee: Decimal.zero,
  reason: null,
  at
})

const ofWithdrawal = ({ amount, asset, at, fee, id }: Withdrawal): WalletMovement => ({
  source: `withdrawal:${id}`,
  kind: "withdrawal",
  asset,
  amount: Decimal.negate(amount),
  fee,
  reason: null,
  at
})

const ofTransfer = ({ amount, asset, at, from, id, to }: Transfer): WalletMovement => ({
  source: `transfer:${id}`,
  kind: to === "SPOT" ? "deposit" : "withdrawal",
  asset,
  amount: to === "SPOT" ? amount : Decimal.negate(amount),
  fee: Decimal.zero,
  reason: `${from} to ${to}`,
  at
})

const isRefused = (failure: VenueFailure): boolean =>
  failure._tag === "VenueRefused" && (failure.kind === "permission" || failure.kind === "auth")

/** What moved in and out of the spot account since; null when the key may read none of it. */
export const walletHistory = (mexc: WalletCalls, credentials: Credentials, from: Instant) => {
  const allowed = <A>(asking: Effect.Effect<ReadonlyArray<A>, VenueFailure>) =>
    Effect.catchIf(asking, isRefused, () => Effect.succeed(null))
  return Effect.gen(function* () {
    const deposits = yield* allowed(
      Effect.map(mexc.deposits(credentials, { from }), ({ rows }) =>
        rows.filter(({ status }) => credited.has(status)).map(ofDeposit)
      )
    )
    const withdrawals = yield* allowed(
      Effect.map(mexc.withdrawals(credentials, { from }), ({ rows }) =>
        rows.filter(({ status }) => !notWithdrawn.has(status)).map(ofWithdrawal)
      )
    )
    const transfers = yield* allowed(
      Effect.map(
        Effect.all([
          mexc.transfers(credentials, { from, source: "FUTURES", target: "SPOT" }),
          mexc.transfers(credentials, { from, source: "SPOT", target: "FUTURES" })
        ]),
        (both) => both.flatMap(({ rows }) => rows.filter(({ status }) => status === "success").map(ofTransfer))
      )
    )
    if (deposits === null && withdrawals === null && transfers === null) return null
    return [...(deposits ?? []), ...(withdrawals ?? []), ...(transfers ?? [])]
  })
}
