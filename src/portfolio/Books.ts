import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import type { Fragment } from "@effect/sql/Statement"
import { Array as Arrays, Context, Effect, Layer, Option, Schema } from "effect"
import { NotFound, type DatabaseUnavailable } from "../api/Errors.ts"
import * as Decimal from "../domain/Decimal.ts"
import type { RuleId, UserId } from "../domain/Ids.ts"
import { averageCost, noLots } from "../domain/order/lots.ts"
import { SymbolName } from "../domain/Market.ts"
import { BookName } from "../domain/order/Order.ts"
import type { Lots, Position } from "../domain/Position.ts"
import { TickerHub } from "../market/TickerHub.ts"
import { MarketClock } from "../MarketClock.ts"
import { Database } from "../store/Database.ts"
import { addLots, positionOf } from "./positionOf.ts"

/** Which lots a figure looks at: one rule's own book, or every book of the symbol. */
export type BookScope = { readonly scope: "rule"; readonly ruleId: RuleId } | { readonly scope: "symbol" }

/** A user's lots per symbol and book, as the ledger keeps them. */
export class Books extends Context.Tag("dipper/portfolio/Books")<
  Books,
  {
    /** Every symbol the user has lots in or had, marked at the last price. */
    readonly positions: (userId: UserId) => Effect.Effect<ReadonlyArray<Position>, DatabaseUnavailable>
    readonly position: (userId: UserId, symbol: SymbolName) => Effect.Effect<Position, NotFound | DatabaseUnavailable>
    /** The lots of one book; empty lots when it never traded. */
    readonly lots: (userId: UserId, symbol: SymbolName, book: BookName) => Effect.Effect<Lots, DatabaseUnavailable>
    /** Price of the latest buy; null when there was none. */
    readonly lastBuy: (
      userId: UserId,
      symbol: SymbolName,
      scope: BookScope
    ) => Effect.Effect<Decimal.Decimal | null, DatabaseUnavailable>
    /** Average cost with fees; null when nothing is held. */
    readonly averageCost: (
      userId: UserId,
      symbol: SymbolName,
      scope: BookScope
    ) => Effect.Effect<Decimal.Decimal | null, DatabaseUnavailable>
    /** What the rules hold of an asset, over all symbols; the rest of the balance is the manual book's. */
    readonly heldByRules: (userId: UserId, asset: string) => Effect.Effect<Decimal.Decimal, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    Books,
    Effect.suspend(() => make)
  )
}

/** Without the lots themselves, of which there can be thousands. */
const Row = Schema.Struct({
  symbol: SymbolName,
  book: BookName,
  quantity: Decimal.Decimal,
  total_cost: Decimal.Decimal,
  realised_pnl: Decimal.Decimal,
  fees: Decimal.Decimal,
  incomplete: Schema.Int,
  last_buy: Schema.NullOr(Decimal.Decimal),
  last_buy_key: Schema.NullOr(Schema.String),
  traded: Schema.Int
})
type Row = typeof Row.Type

const toLots = (row: Row): Lots => ({
  quantity: row.quantity,
  totalCost: row.total_cost,
  realisedPnl: row.realised_pnl,
  fees: row.fees,
  incomplete: row.incomplete !== 0,
  lastBuy: row.last_buy
})

const inScope = (rows: ReadonlyArray<Row>, scope: BookScope): ReadonlyArray<Row> =>
  scope.scope === "rule" ? rows.filter(({ book }) => book === `rule:${scope.ruleId}`) : rows

const pricesAtOnce = 16

const manualFirst = (a: Row, b: Row) =>
  Number(b.book === "manual") - Number(a.book === "manual") || (a.book < b.book ? -1 : 1)

const make = Effect.gen(function* () {
  const clock = yield* MarketClock
  const database = yield* Database
  const hub = yield* TickerHub
  const sql = yield* SqlClient.SqlClient

  const rowsWhere = (where: Fragment) =>
    database.read(
      SqlSchema.findAll({
        Request: Schema.Void,
        Result: Row,
        execute:
          () => sql`SELECT symbol, book, quantity, total_cost, realised_pnl, fees, incomplete, last_buy, last_buy_key,
          EXISTS (SELECT 1 FROM fills WHERE fills.user_id = book_lots.user_id AND fills.symbol = book_lots.symbol) AS traded
          FROM book_lots WHERE ${where} ORDER BY symbol`
      })()
    )

  const rowsOf = (userId: UserId, symbol: SymbolName) => rowsWhere(sql`user_id = ${userId} AND symbol = ${symbol}`)

  /** A position is worth telling even while its price is not known; what was deposited may have no pair at all. */
  const mark = Effect.fnUntraced(function* (symbol: SymbolName, rows: ReadonlyArray<Row>) {
    const ticker = yield* Effect.either(hub.latest(symbol))
    const unlisted = ticker._tag === "Left" && ticker.left._tag === "SYMBOL_NOT_FOUND"
    if (unlisted && rows.every(({ traded }) => traded === 0)) return []
    const books = new Map([...rows].sort(manualFirst).map((row) => [row.book, toLots(row)]))
    return [positionOf(symbol, books, Option.getRight(ticker), yield* clock.now)]
  })

  return Books.of({
    positions: Effect.fn("Books.positions")(function* (userId) {
      const rows = yield* rowsWhere(sql`user_id = ${userId}`)
      const marked = yield* Effect.forEach(
        Object.values(Arrays.groupBy(rows, ({ symbol }) => symbol)),
        (own) => mark(own[0].symbol, own),
        { concurrency: pricesAtOnce }
      )
      return marked.flat()
    }),
    position: Effect.fn("Books.position")(function* (userId, symbol) {
      const rows = yield* rowsOf(userId, symbol)
      const [position] = rows.length === 0 ? [] : yield* mark(symbol, rows)
      if (position === undefined) return yield* new NotFound({ message: `You have never held ${symbol} here.` })
      return position
    }),
    lots: Effect.fn("Books.lots")(function* (userId, symbol, book) {
      const row = (yield* rowsOf(userId, symbol)).find((one) => one.book === book)
      return row === undefined ? noLots : toLots(row)
    }),
    lastBuy: Effect.fn("Books.lastBuy")(function* (userId, symbol, scope) {
      const [latest] = inScope(yield* rowsOf(userId, symbol), scope)
        .filter(({ last_buy_key: key }) => key !== null)
        .toSorted((a, b) => ((a.last_buy_key ?? "") > (b.last_buy_key ?? "") ? -1 : 1))
      return latest?.last_buy ?? null
    }),
    averageCost: Effect.fn("Books.averageCost")(function* (userId, symbol, scope) {
      return averageCost(addLots(inScope(yield* rowsOf(userId, symbol), scope).map(toLots)))
    }),
    heldByRules: Effect.fn("Books.heldByRules")(function* (userId, asset) {
      const rows = yield* rowsWhere(sql`user_id = ${userId} AND asset = ${asset} AND book <> 'manual'`)
      return Decimal.sum(rows.map(({ quantity }) => quantity))
    })
  })
})
