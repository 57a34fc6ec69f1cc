import { Effect, Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { UserId } from "../../domain/Ids.ts"
import { bookKey } from "../../domain/ledger/AssetBooks.ts"
import { quantityOf } from "../../domain/ledger/CostBasis.ts"
import type { SymbolName } from "../../domain/Market.ts"
import type { BookName } from "../../domain/order/Order.ts"
import type { Instant } from "../../domain/Time.ts"
import { keyedHandOver, type LotsProjection, releasedReason } from "./lots.ts"
import { HandOverRow } from "./Rows.ts"
import type { Statements } from "./statements.ts"

const AssetRow = Schema.Struct({ asset: Schema.String })
const NextRow = Schema.Struct({ next: Schema.Int })

/** Lots that an owner takes out of a rule's book: an entry like any other, so that a rebuild gives the same books. */
export const makeReleasing = ({ find, post, sql }: Statements, lots: LotsProjection) =>
  Effect.fnUntraced(function* (userId: UserId, symbol: SymbolName, book: BookName, at: Instant) {
    const [row] = yield* find(
      AssetRow,
      sql`SELECT asset FROM book_lots WHERE user_id = ${userId} AND symbol = ${symbol} AND book = ${book}`
    )
    if (row === undefined) return Decimal.zero
    const { asset } = row
    const state = (yield* lots.booksOf(userId, asset)).get(bookKey({ symbol, book }))
    const quantity = state === undefined ? Decimal.zero : quantityOf(state.lots)
    if (!Decimal.isPositive(quantity)) return Decimal.zero
    const [numbered] = yield* find(NextRow, sql`SELECT coalesce(max(seq), 0) + 1 AS next FROM ledger_entries`)
    const source = `release:${numbered?.next ?? 0}`
    yield* post(userId, {
      source,
      legs: [
        { kind: "adjustment", account: "books", asset, amount: Decimal.negate(quantity), book },
        { kind: "adjustment", account: "books", asset, amount: quantity, book: "manual" }
      ],
      symbol,
      reason: releasedReason,
      at,
      lotAt: at
    })
    const [posted] = yield* find(
      HandOverRow,
      sql`SELECT seq, symbol, book, amount, at, lot_at FROM ledger_entries
        WHERE user_id = ${userId} AND source = ${source} AND leg = 0`
    )
    if (posted !== undefined)
      yield* lots.advance(userId, asset, [keyedHandOver(posted)], { reason: releasedReason, at })
    return quantity
  })
