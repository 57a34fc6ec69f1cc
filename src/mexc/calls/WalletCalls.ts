import { Effect } from "effect"
import type { Instant } from "../../domain/Time.ts"
import type { Coin } from "../../domain/wallet/Coin.ts"
import type { Deposit } from "../../domain/wallet/Deposit.ts"
import type { Transfer } from "../../domain/wallet/Transfer.ts"
import type { Withdrawal } from "../../domain/wallet/Withdrawal.ts"
import type { MarketClock } from "../../MarketClock.ts"
import type { Credentials } from "../Credentials.ts"
import { toCoin, toDeposit, toTransfer, toWithdrawal } from "../map/WalletMapping.ts"
import type { Parameters } from "../signing/Signature.ts"
import type { Transport } from "../Transport.ts"
import type { VenueFailure } from "../VenueFailure.ts"
import { RowList, type Rows } from "../wire/Fields.ts"
import * as Rest from "../wire/rest/RestWallet.ts"
import type { Endpoint } from "../wire/Weights.ts"
import type { Listing, RowReader } from "./Listing.ts"
import { readPages, type Window, windowsOf } from "./Paging.ts"

type Asked<A> = Effect.Effect<A, VenueFailure>

export interface HistoryQuery {
  /** The venue answers for the last 90 days. */
  readonly from: Instant
  readonly to?: Instant
  readonly asset?: string
}

/** The signed endpoints about coins and what moved in and out. Histories are oldest first. */
export interface WalletCalls {
  readonly coins: (credentials: Credentials) => Asked<Listing<Coin>>
  readonly deposits: (credentials: Credentials, query: HistoryQuery) => Asked<Listing<Deposit>>
  readonly withdrawals: (credentials: Credentials, query: HistoryQuery) => Asked<Listing<Withdrawal>>
  /** Between the user's spot account and another one, in one direction. */
  readonly transfers: (
    credentials: Credentials,
    query: Pick<HistoryQuery, "from" | "to"> & { readonly source: string; readonly target: string }
  ) => Asked<Listing<Transfer>>
}

const day = 86_400_000
const reach = 90 * day
const longestWindow = 7 * day
/** What our reading of the venue's clock may be wrong by. */
const clockMargin = 60_000

const rowsPerPage = 1_000
const transfersPerPage = 100
/** Far more than anybody transfers in a week. */
const maxTransferPages = 50

export const makeWalletCalls = (
  { call }: Transport,
  clock: typeof MarketClock.Service,
  { listing, unknown }: RowReader
): WalletCalls => {
  const account = { class: "account" } as const

  const windows = ({ from, to }: Pick<HistoryQuery, "from" | "to">) =>
    Effect.map(clock.now, (now) =>
      windowsOf({ from: Math.max(from, now - reach + clockMargin), to: Math.min(to ?? now, now) }, longestWindow)
    )

  const joined = <A>(parts: ReadonlyArray<Listing<A>>): Listing<A> => ({
    rows: parts.toReversed().flatMap(({ rows }) => rows),
    complete: parts.every(({ complete }) => complete)
  })

  const page = <A>(
    credentials: Credentials,
    endpoint: Endpoint,
    parameters: Parameters,
    read: (values: ReadonlyArray<unknown>) => Rows<A>
  ) =>
    Effect.flatMap(call({ ...account, endpoint, parameters, credentials, answer: RowList }), (values) =>
      Effect.map(listing(endpoint, read(values)), (rows) => ({ ...rows, size: values.length }))
    )

  /** Rows in domain terms; a status that nobody knows raises the alarm. */
  const told = <A extends { readonly status: string }, B extends { readonly status: string }>(
    endpoint: Endpoint,
    { complete, rows }: Listing<A>,
    to: (row: A) => B
  ): Effect.Effect<Listing<B>> => {
    const made = rows.map(to)
    const odd = rows.flatMap(({ status }, i) => (made[i]?.status === "unrecognised" ? [`status "${status}"`] : []))
    return Effect.as(unknown(endpoint, odd), { rows: made, complete })
  }

  const times = ({ from, to }: Window): Parameters => [
    ["startTime", `${from}`],
    ["endTime", `${to}`]
  ]

  const history = <A>(
    credentials: Credentials,
    endpoint: Endpoint,
    { asset, ...range }: HistoryQuery,
    rows: {
      readonly read: (values: ReadonlyArray<unknown>) => Rows<A>
      readonly idOf: (row: A) => string
      readonly timeOf: (row: A) => Instant
    }
  ) =>
    Effect.flatMap(windows(range), (weeks) =>
      Effect.map(
        Effect.forEach(weeks, (week) =>
          readPages({
            ...rows,
            window: week,
            limit: rowsPerPage,
            read: (window) =>
              page(
                credentials,
                endpoint,
                [
                  ...(asset === undefined ? [] : [["coin", asset] as const]),
                  ...times(window),
                  ["limit", `${rowsPerPage}`]
                ],
                rows.read
              )
          })
        ),
        joined
      )
    )

  const coins = Effect.fn("MexcClient.coins")(function* (credentials: Credentials) {
    const endpoint = "GET /capital/config/getall"
    const values = yield* call({ ...account, endpoint, credentials, answer: RowList })
    const { complete, rows } = yield* listing(endpoint, Rest.readCoins(values))
    const read = yield* Effect.forEach(rows, (row) =>
      Effect.map(listing(endpoint, Rest.readNetworks(row.networkList ?? [])), (networks) => ({
        coin: toCoin(row, networks.rows),
        complete: networks.complete
      }))
    )
    return { rows: read.map(({ coin }) => coin), complete: complete && read.every((one) => one.complete) }
  })

  const deposits: WalletCalls["deposits"] = Effect.fn("MexcClient.deposits")(function* (credentials, query) {
    const endpoint = "GET /capital/deposit/hisrec"
    const found = yield* history(credentials, endpoint, query, {
      read: Rest.readDeposits,
      // A transaction can bring several deposits.
      idOf: ({ address, amount, coin, insertTime, txId }) =>
        [coin, txId, address, insertTime, amount.value, amount.scale].join(" "),
      timeOf: ({ insertTime }) => insertTime
    })
    return yield* told(endpoint, found, toDeposit)
  })

  const withdrawals: WalletCalls["withdrawals"] = Effect.fn("MexcClient.withdrawals")(function* (credentials, query) {
    const endpoint = "GET /capital/withdraw/history"
    const found = yield* history(credentials, endpoint, query, {
      read: Rest.readWithdrawals,
      idOf: ({ id }) => id,
      timeOf: ({ applyTime }) => applyTime
    })
    return yield* told(endpoint, found, toWithdrawal)
  })

  const transferPages = Effect.fnUntraced(function* (credentials: Credentials, parameters: Parameters) {
    const endpoint = "GET /capital/transfer"
    const rows = new Map<string, Rest.TransferRow>()
    let complete = true
    for (let number = 1; number <= maxTransferPages; number++) {
      const answer = yield* call({
        ...account,
        endpoint,
        parameters: [...parameters, ["page", `${number}`], ["size", `${transfersPerPage}`]],
        credentials,
        answer: Rest.TransferPage
      })
      const values = answer.rows ?? []
      const read = yield* listing(endpoint, Rest.readTransfers(values))
      complete &&= read.complete
      for (const row of read.rows) rows.set(row.tranId, row)
      if (values.length < transfersPerPage) return { rows: [...rows.values()], complete }
    }
    return { rows: [...rows.values()], complete: false }
  })

  const transfers: WalletCalls["transfers"] = Effect.fn("MexcClient.transfers")(function* (
    credentials,
    { source, target, ...range }
  ) {
    const parts = yield* Effect.forEach(yield* windows(range), (week) =>
      transferPages(credentials, [["fromAccountType", source], ["toAccountType", target], ...times(week)])
    )
    const { complete, rows } = yield* told("GET /capital/transfer", joined(parts), toTransfer)
    return { rows: rows.toSorted((a, b) => a.at - b.at), complete }
  })

  return { coins, deposits, withdrawals, transfers }
}
