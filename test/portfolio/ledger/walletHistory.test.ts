import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { DepositStatus } from "../../../src/domain/wallet/Deposit.ts"
import type { WithdrawalStatus } from "../../../src/domain/wallet/Withdrawal.ts"
import type { WalletCalls } from "../../../src/mexc/calls/WalletCalls.ts"
import { VenueRefused, VenueUnavailable } from "../../../src/mexc/VenueFailure.ts"
import { explaining } from "../../../src/portfolio/ledger/explaining.ts"
import type { WalletMovement } from "../../../src/portfolio/ledger/Reading.ts"
import { walletHistory } from "../../../src/portfolio/ledger/walletHistory.ts"
import { ann, d, text } from "../kit/ledger.ts"

const credentials = { userId: ann, accessKey: "mx0test", secretKey: Redacted.make("secret") }

const deposit = (status: DepositStatus, amount: string) => ({
  asset: "BTC",
  network: "BTC",
  amount: d(amount),
  status,
  address: null,
  memo: null,
  txId: `tx-${amount}`,
  confirmations: null,
  confirmationsNeeded: null,
  at: 10,
  updatedAt: null
})

const withdrawal = (status: WithdrawalStatus, id: string) => ({
  id,
  withdrawOrderId: null,
  asset: "ETH",
  network: null,
  amount: d("2"),
  fee: d("0.1"),
  status,
  internal: false,
  address: null,
  memo: null,
  remark: null,
  txId: null,
  at: 11,
  updatedAt: null
})

const transfer = (id: string, from: string, to: string, status: "success" | "failed") => ({
  id,
  asset: "USDT",
  amount: d("5"),
  from,
  to,
  status,
  at: 12
})

const listed = <A>(...rows: ReadonlyArray<A>) => Effect.succeed({ rows, complete: true })

const calls = (over: Partial<WalletCalls> = {}): WalletCalls => ({
  coins: () => listed(),
  deposits: () => listed(deposit("success", "1"), deposit("pending", "3"), deposit("rejected", "4")),
  withdrawals: () => listed(withdrawal("processing", "w1"), withdrawal("failed", "w2"), withdrawal("cancelled", "w3")),
  transfers: (_, { source }) =>
    source === "FUTURES"
      ? listed(transfer("t1", "FUTURES", "SPOT", "success"))
      : listed(transfer("t2", "SPOT", "FUTURES", "success"), transfer("t3", "SPOT", "FUTURES", "failed")),
  ...over
})

const shown = (movements: ReadonlyArray<WalletMovement> | null) =>
  movements?.map(({ amount, asset, fee, kind }) => `${kind} ${asset} ${text(amount)} ${text(fee)}`)

const noPermission = new VenueRefused({ message: "no permission", code: 700007, kind: "permission" })
const refused = () => Effect.fail(noPermission)

describe("the venue's wallet history", () => {
  it.effect("counts what the balance has: credited deposits, withdrawals from their start, finished transfers", () =>
    Effect.gen(function* () {
      assert.deepEqual(shown(yield* walletHistory(calls(), credentials, 0)), [
        "deposit BTC 1 0",
        "withdrawal ETH -2 0.1",
        "deposit USDT 5 0",
        "withdrawal USDT -5 0"
      ])
    })
  )

  it.effect("is what the key may read, null when that is nothing, and fails when the venue does not answer", () =>
    Effect.gen(function* () {
      const some = calls({ deposits: refused, transfers: refused })
      assert.deepEqual(shown(yield* walletHistory(some, credentials, 0)), ["withdrawal ETH -2 0.1"])
      const none = calls({ deposits: refused, withdrawals: refused, transfers: refused })
      assert.isNull(yield* walletHistory(none, credentials, 0))
      const down = calls({ deposits: () => Effect.fail(new VenueUnavailable({ message: "down" })) })
      assert.strictEqual((yield* Effect.flip(walletHistory(down, credentials, 0)))._tag, "VenueUnavailable")
    })
  )
})

const movement = (amount: string, at: number, fee = "0"): WalletMovement => ({
  source: `m${at}`,
  kind: "deposit",
  asset: "BTC",
  amount: d(amount),
  fee: d(fee),
  reason: null,
  at
})

describe("what explains a difference", () => {
  const found = (difference: string, candidates: ReadonlyArray<WalletMovement>, all = false) => {
    const { movements, rest } = explaining(d(difference), candidates, all)
    return [...movements.map(({ source }) => source), text(rest)]
  }

  it("is the newest movement that is equal to it, or all since some moment", () => {
    const candidates = [movement("5", 1), movement("3", 3), movement("5", 2), movement("-1", 4)]
    assert.deepEqual(found("5", candidates), ["m2", "0"])
    assert.deepEqual(found("2", candidates), ["m3", "m4", "0"])
    assert.deepEqual(found("12", candidates), ["m1", "m2", "m3", "m4", "0"])
    assert.deepEqual(found("-1.1", [movement("-1", 1, "0.1")]), ["m1", "0"])
  })

  it("is nothing as long as nothing fits, and in the end whatever goes the right way and not too far", () => {
    const candidates = [movement("5", 1), movement("-2", 2), movement("3", 3)]
    assert.deepEqual(found("7", candidates), ["7"])
    assert.deepEqual(found("7", candidates, true), ["m1", "2"])
    assert.deepEqual(found("-4", candidates, true), ["m2", "-2"])
  })
})
