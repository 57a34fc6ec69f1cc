import * as SqlClient from "@effect/sql/SqlClient"
import { Effect, Layer } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { RuleId, UserId } from "../../../src/domain/Ids.ts"
import { SymbolName } from "../../../src/domain/Market.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import { Ledger } from "../../../src/portfolio/Ledger.ts"
import { Database } from "../../../src/store/Database.ts"
import { Events } from "../../../src/store/Events.ts"
import * as TestDatabase from "../../kit/TestDatabase.ts"

export const d = Decimal.unsafe
export const text = (value: Decimal.Decimal | null) => (value === null ? null : Decimal.format(value))
export const ann = UserId.make("local_ann")
export const bob = UserId.make("local_bob")
export const btc = SymbolName.make("BTCUSDT")
export const eth = SymbolName.make("ETHUSDT")
export const ruleA = RuleId.make("rule_01hzy3v7k2m4n6p8q0r2s4t6w8")
export const ruleB = RuleId.make("rule_01hzy3v7k2m4n6p8q0r2s4t6w9")

/** A ledger over a new database. */
export const ledgerLayer = Ledger.layer.pipe(
  Layer.provideMerge(Events.layer),
  Layer.provideMerge(MarketClock.layer),
  Layer.provideMerge(TestDatabase.layer)
)

export const addUsers = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.forEach([ann, bob], (user) => sql`INSERT INTO users ${sql.insert({ user_id: user, created_at: 0 })}`)
)

export interface FillOf {
  readonly id: number
  readonly at: number
  readonly book?: string
  readonly side?: "buy" | "sell"
  readonly quantity: string
  readonly price: string
  readonly fee?: string
  readonly feeAsset?: string
  readonly symbol?: SymbolName
  readonly user?: UserId
  readonly orderId?: string
}

/** Stores a fill as the orders' side does, and posts it in the same transaction. A second time changes nothing. */
export const addFill = Effect.fnUntraced(function* (row: FillOf) {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database
  const ledger = yield* Ledger
  const symbol = row.symbol ?? btc
  const user = row.user ?? ann
  yield* database.write(
    Effect.zipRight(
      sql`INSERT INTO fills ${sql.insert({
        user_id: user,
        symbol,
        trade_id: String(row.id),
        order_id: row.orderId ?? null,
        exchange_order_id: `C${row.id}`,
        book: row.book ?? "manual",
        base_asset: symbol.slice(0, -4),
        quote_asset: symbol.slice(-4),
        side: row.side ?? "buy",
        price: row.price,
        quantity: row.quantity,
        quote_quantity: Decimal.format(Decimal.multiply(d(row.quantity), d(row.price))),
        fee_asset: row.feeAsset ?? "USDT",
        fee_amount: row.fee ?? "0",
        maker: 0,
        at: row.at
      })} ON CONFLICT DO NOTHING`,
      ledger.postFills(user, symbol)
    )
  )
})

/** A complete reading of the venue's balances, at a market time. */
export const reading = Effect.fnUntraced(function* (
  at: number,
  balances: Readonly<Record<string, string>>,
  user = ann
) {
  const ledger = yield* Ledger
  const sql = yield* SqlClient.SqlClient
  const mark = yield* ledger.mark(user)
  for (const [asset, free] of Object.entries(balances))
    yield* sql`INSERT OR REPLACE INTO balances ${sql.insert({ user_id: user, asset, free, locked: "0", at })}`
  return {
    mark,
    at,
    balances: Object.entries(balances).map(([asset, free]) => ({ asset, free: d(free), locked: Decimal.zero }))
  }
})

/** Every projection of a user, as stored. */
export const projections = Effect.fnUntraced(function* (user: UserId) {
  const sql = yield* SqlClient.SqlClient
  return {
    balances: yield* sql`SELECT * FROM ledger_balances WHERE user_id = ${user} ORDER BY asset`,
    lots: yield* sql`SELECT * FROM book_lots WHERE user_id = ${user} ORDER BY asset, symbol, book`,
    heads: yield* sql`SELECT * FROM lot_heads WHERE user_id = ${user} ORDER BY asset`
  }
})
