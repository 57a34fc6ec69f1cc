import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Effect, Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { UserId } from "../../domain/Ids.ts"
import { SymbolName } from "../../domain/Market.ts"
import { BookName } from "../../domain/order/Order.ts"
import { Books } from "../../portfolio/Books.ts"
import { Database } from "../../store/Database.ts"

const BookRow = Schema.Struct({ symbol: SymbolName, book: BookName, quote_asset: Schema.String })

/** What the books hold of one asset over all its symbols: cost by the asset it was paid in. */
export interface AssetPosition {
  readonly quantity: Decimal.Decimal
  readonly costs: ReadonlyMap<string, Decimal.Decimal>
}

/** Inside a transaction it is what that transaction sees. */
export const makePositions = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database
  const books = yield* Books

  return Effect.fnUntraced(function* (userId: UserId, asset: string) {
    const rows = yield* database.read(
      SqlSchema.findAll({
        Request: Schema.Void,
        Result: BookRow,
        execute: () => sql`SELECT DISTINCT symbol, book, quote_asset FROM fills
          WHERE user_id = ${userId} AND base_asset = ${asset}`
      })()
    )
    let quantity = Decimal.zero
    const costs = new Map<string, Decimal.Decimal>()
    for (const { book, quote_asset: quote, symbol } of rows) {
      const lots = yield* books.lots(userId, symbol, book)
      quantity = Decimal.add(quantity, lots.quantity)
      costs.set(quote, Decimal.add(costs.get(quote) ?? Decimal.zero, lots.totalCost))
    }
    return { quantity, costs } satisfies AssetPosition
  })
})
