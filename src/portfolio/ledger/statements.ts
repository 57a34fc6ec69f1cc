import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Effect, Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { UserId } from "../../domain/Ids.ts"
import type { LedgerKind } from "../../domain/ledger/LedgerEntry.ts"
import type { SymbolName } from "../../domain/Market.ts"
import type { BookName } from "../../domain/order/Order.ts"
import type { Instant } from "../../domain/Time.ts"

/** One side of a posting. `wallet` is what the venue holds for the user; the other accounts are where it came from. */
export interface Leg {
  readonly kind: LedgerKind
  readonly account: "wallet" | "market" | "fees" | "world" | "books"
  readonly asset: string
  readonly amount: Decimal.Decimal
  readonly book?: BookName
}

export interface Posting {
  /** Posted once per user. */
  readonly source: string
  readonly legs: ReadonlyArray<Leg>
  readonly symbol?: SymbolName
  readonly reason?: string
  readonly at: Instant
  readonly lotAt: Instant
}

const SeqRow = Schema.Struct({ seq: Schema.Int, leg: Schema.Int })
const TotalRow = Schema.Struct({ asset: Schema.String, total: Decimal.Decimal, seq: Schema.Int })
const Count = Schema.Struct({ n: Schema.Int })

export interface PostedLeg extends Leg {
  readonly seq: number
}

/** A movement and its counterpart. */
export const pair = (
  kind: LedgerKind,
  counterpart: Leg["account"],
  asset: string,
  amount: Decimal.Decimal
): ReadonlyArray<Leg> => [
  { kind, account: "wallet", asset, amount },
  { kind, account: counterpart, asset, amount: Decimal.negate(amount) }
]

/** The ledger's own statements; all of them belong inside a transaction. */
export const makeStatements = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  const find = <A, I>(row: Schema.Schema<A, I>, statement: Effect.Effect<ReadonlyArray<unknown>, SqlError>) =>
    SqlSchema.findAll({ Request: Schema.Void, Result: row, execute: () => statement })()

  const isPosted = (userId: UserId, source: string) =>
    Effect.map(
      find(Count, sql`SELECT count(*) AS n FROM ledger_entries WHERE user_id = ${userId} AND source = ${source}`),
      ([row]) => (row?.n ?? 0) > 0
    )

  const totals = (userId: UserId) =>
    find(TotalRow, sql`SELECT asset, total, seq FROM ledger_balances WHERE user_id = ${userId} ORDER BY asset`)

  const setTotal = (userId: UserId, asset: string, total: Decimal.Decimal, seq: number) =>
    sql`INSERT INTO ledger_balances ${sql.insert({ user_id: userId, asset, total: Decimal.format(total), seq })}
      ON CONFLICT (user_id, asset) DO UPDATE SET total = excluded.total, seq = excluded.seq`

  const addToTotal = Effect.fnUntraced(function* (userId: UserId, { amount, asset, seq }: PostedLeg) {
    const [before] = yield* find(
      TotalRow,
      sql`SELECT asset, total, seq FROM ledger_balances WHERE user_id = ${userId} AND asset = ${asset}`
    )
    yield* setTotal(userId, asset, Decimal.add(before?.total ?? Decimal.zero, amount), seq)
  })

  /** Writes the legs that are not zero and adds the wallet's to the balances; gives the wallet's. */
  const post = Effect.fnUntraced(function* (userId: UserId, posting: Posting) {
    const legs = posting.legs.filter(({ amount }) => !Decimal.isZero(amount))
    if (legs.length === 0) return []
    const rows = legs.map(({ account, amount, asset, book, kind }, leg) => ({
      user_id: userId,
      source: posting.source,
      leg,
      kind,
      account,
      asset,
      amount: Decimal.format(amount),
      symbol: posting.symbol ?? null,
      book: book ?? null,
      reason: posting.reason ?? null,
      at: posting.at,
      lot_at: posting.lotAt
    }))
    const seqs = yield* find(SeqRow, sql`INSERT INTO ledger_entries ${sql.insert(rows)} RETURNING seq, leg`)
    const numbered = legs.map((leg, i) => ({ ...leg, seq: seqs.find((row) => row.leg === i)?.seq ?? 0 }))
    const wallet = numbered.filter(({ account }) => account === "wallet")
    yield* Effect.forEach(wallet, (leg) => addToTotal(userId, leg), { discard: true })
    return wallet
  })

  return { sql, find, isPosted, totals, setTotal, post }
})

export type Statements = Effect.Effect.Success<typeof makeStatements>
