import { Effect } from "effect"
import type { UserId } from "../../domain/Ids.ts"
import type { LedgerKind, Transaction } from "../../domain/ledger/LedgerEntry.ts"
import type { Instant } from "../../domain/Time.ts"
import { EntryRow } from "./Rows.ts"
import type { Statements } from "./statements.ts"

export interface TransactionQuery {
  readonly asset?: string
  readonly kind?: LedgerKind
  readonly from?: Instant
  readonly to?: Instant
  readonly limit: number
}

const toTransaction = ({ seq, ...row }: EntryRow): Transaction => ({ ...row, id: String(seq) })

/** The wallet's side of the ledger, newest booking first. */
export const makeTransactions = ({ find, sql }: Statements) =>
  Effect.fnUntraced(function* (userId: UserId, query: TransactionQuery, before: number | null) {
    const rows = yield* find(
      EntryRow,
      sql`SELECT seq, source, kind, asset, amount, symbol, book, reason, at FROM ledger_entries WHERE ${sql.and([
        sql`user_id = ${userId}`,
        sql`account = 'wallet'`,
        ...(query.asset === undefined ? [] : [sql`asset = ${query.asset}`]),
        ...(query.kind === undefined ? [] : [sql`kind = ${query.kind}`]),
        ...(query.from === undefined ? [] : [sql`at >= ${query.from}`]),
        ...(query.to === undefined ? [] : [sql`at < ${query.to}`]),
        ...(before === null ? [] : [sql`seq < ${before}`])
      ])} ORDER BY seq DESC LIMIT ${query.limit}`
    )
    return rows.map(toTransaction)
  })
