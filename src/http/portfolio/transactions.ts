import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Chunk, Effect, Option, Schema, Stream } from "effect"
import { CurrentUser } from "../../api/Authorization.ts"
import type { UserId } from "../../domain/Ids.ts"
import { Transaction } from "../../domain/ledger/LedgerEntry.ts"
import { Ledger } from "../../portfolio/Ledger.ts"
import type { TransactionQuery } from "../../portfolio/ledger/transactions.ts"
import { paged } from "../answers.ts"

type Filter = Omit<TransactionQuery, "limit">

interface Asked {
  readonly urlParams: Filter & {
    readonly format?: "json" | "csv"
    readonly limit?: number
    readonly cursor?: string
  }
  readonly request: HttpServerRequest.HttpServerRequest
}

const columns = ["id", "at", "kind", "asset", "amount", "symbol", "book", "reason", "source"] as const
const rowsAtOnce = 500

const encode = Schema.encodeSync(Transaction)

/** Quoted where it must be; a text that a spreadsheet would take for a formula is told to be one. */
const cell = (value: string | null): string => {
  const text = value ?? ""
  const safe = /^[=+@\t]|^-(?![\d.]+$)/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

const line = (row: Transaction): string => {
  const encoded = encode(row)
  return `${columns.map((column) => cell(encoded[column])).join(",")}\r\n`
}

const wantsCsv = ({ request, urlParams }: Asked): boolean =>
  urlParams.format === "csv" ||
  (urlParams.format === undefined && /(^|[,\s])text\/csv\b/i.test(request.headers["accept"] ?? ""))

/** `GET /account/transactions`: a page of the ledger, or all of it as a table. */
export const makeTransactions = Effect.gen(function* () {
  const ledger = yield* Ledger

  /** Page after page, so that a long ledger is never in memory as a whole. */
  const table = (userId: UserId, filter: Filter, from: string | undefined) =>
    Stream.paginateChunkEffect(from, (cursor) =>
      Effect.map(
        ledger.transactions(userId, { ...filter, limit: rowsAtOnce, ...(cursor === undefined ? {} : { cursor }) }),
        ({ items, nextCursor }) => [Chunk.fromIterable(items.map(line)), Option.fromNullable(nextCursor)] as const
      )
    )

  return Effect.fnUntraced(function* (asked: Asked) {
    const { userId } = yield* CurrentUser
    const { cursor, format: _, limit, ...filter } = asked.urlParams
    if (!wantsCsv(asked))
      return yield* ledger.transactions(
        userId,
        paged({ ...filter, ...(limit === undefined ? {} : { limit }), ...(cursor === undefined ? {} : { cursor }) })
      )
    const rows = Stream.make(`${columns.join(",")}\r\n`).pipe(Stream.concat(table(userId, filter, cursor)))
    return HttpServerResponse.stream(Stream.encodeText(rows), {
      contentType: "text/csv; charset=utf-8",
      headers: { "content-disposition": `attachment; filename="transactions.csv"` }
    })
  })
})
