import { Context, Effect, Layer } from "effect"
import { NotFound, type DatabaseUnavailable } from "../api/Errors.ts"
import * as Decimal from "../domain/Decimal.ts"
import type { RuleId, UserId } from "../domain/Ids.ts"
import { applyFill, averageCost, noLots } from "../domain/order/lots.ts"
import type { SymbolName } from "../domain/Market.ts"
import type { BookName } from "../domain/order/Order.ts"
import type { Lots, Position } from "../domain/Position.ts"
import { TickerHub } from "../market/TickerHub.ts"
import { MarketClock } from "../MarketClock.ts"
import { LotFills, type LotRow, type LotVersion } from "./LotFills.ts"
import { addLots, positionOf } from "./positionOf.ts"

/** Which fills a figure looks at: one rule's own book, or every book of the symbol. */
export type BookScope = { readonly scope: "rule"; readonly ruleId: RuleId } | { readonly scope: "symbol" }

/** A user's lots per symbol and book, folded from the fills. */
export class Books extends Context.Tag("dipper/portfolio/Books")<
  Books,
  {
    /** Every symbol the user has traded, marked at the last price. */
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
  ).pipe(Layer.provide(LotFills.layer))
}

interface Folded {
  readonly books: ReadonlyMap<BookName, Lots>
  /** Price of the latest buy in any of them. */
  readonly lastBuy: Decimal.Decimal | null
}

const noBooks: Folded = { books: new Map(), lastBuy: null }

/** Folds kept in memory, each with the version of the fills it was made from. */
const keptFolds = 5_000

const foldBooks = (rows: ReadonlyArray<LotRow>): Folded => {
  const books = new Map<BookName, Lots>()
  let lastBuy: Decimal.Decimal | null = null
  for (const row of rows) {
    const fill = {
      side: row.side,
      price: row.price,
      quantity: row.quantity,
      quoteQuantity: row.quote_quantity,
      fee: { asset: row.fee_asset, amount: row.fee_amount }
    }
    const pair = { baseAsset: row.base_asset, quoteAsset: row.quote_asset }
    books.set(row.book, applyFill(books.get(row.book) ?? noLots, fill, pair))
    if (row.side === "buy") lastBuy = row.price
  }
  return { books, lastBuy }
}

const make = Effect.gen(function* () {
  const clock = yield* MarketClock
  const fills = yield* LotFills
  const hub = yield* TickerHub
  const folds = new Map<string, { readonly version: string; readonly folded: Folded }>()

  const booksAt = Effect.fnUntraced(function* (userId: UserId, { fills: count, owned, symbol }: LotVersion) {
    const key = `${userId} ${symbol}`
    const version = `${count} ${owned}`
    const kept = folds.get(key)
    if (kept?.version === version) return kept.folded
    const folded = foldBooks(yield* fills.of(userId, symbol))
    folds.delete(key)
    folds.set(key, { version, folded })
    for (const oldest of folds.keys()) {
      if (folds.size <= keptFolds) break
      folds.delete(oldest)
    }
    return folded
  })

  const booksOf = Effect.fnUntraced(function* (userId: UserId, symbol: SymbolName) {
    const [version] = yield* fills.version(userId, symbol)
    return version === undefined ? noBooks : yield* booksAt(userId, version)
  })

  const scoped = ({ books, lastBuy }: Folded, scope: BookScope): Lots =>
    scope.scope === "rule"
      ? (books.get(`rule:${scope.ruleId}`) ?? noLots)
      : { ...addLots([...books.values()]), lastBuy }

  const mark = Effect.fnUntraced(function* (symbol: SymbolName, { books }: Folded) {
    // A position is worth telling even while its price is not known.
    const ticker = yield* Effect.option(hub.latest(symbol))
    return positionOf(symbol, books, ticker, yield* clock.now)
  })

  return Books.of({
    positions: Effect.fn("Books.positions")(function* (userId) {
      return yield* Effect.forEach(yield* fills.versions(userId), (version) =>
        Effect.flatMap(booksAt(userId, version), (folded) => mark(version.symbol, folded))
      )
    }),
    position: Effect.fn("Books.position")(function* (userId, symbol) {
      const folded = yield* booksOf(userId, symbol)
      if (folded.books.size === 0) return yield* new NotFound({ message: `You have never traded ${symbol} here.` })
      return yield* mark(symbol, folded)
    }),
    lots: Effect.fn("Books.lots")(function* (userId, symbol, book) {
      return (yield* booksOf(userId, symbol)).books.get(book) ?? noLots
    }),
    lastBuy: Effect.fn("Books.lastBuy")(function* (userId, symbol, scope) {
      return scoped(yield* booksOf(userId, symbol), scope).lastBuy
    }),
    averageCost: Effect.fn("Books.averageCost")(function* (userId, symbol, scope) {
      return averageCost(scoped(yield* booksOf(userId, symbol), scope))
    }),
    heldByRules: Effect.fn("Books.heldByRules")(function* (userId, asset) {
      const versions = (yield* fills.versions(userId)).filter((version) => version.base_asset === asset)
      const all = yield* Effect.forEach(versions, (version) => booksAt(userId, version))
      return Decimal.sum(
        all.flatMap(({ books }) => [...books]).flatMap(([book, lots]) => (book === "manual" ? [] : [lots.quantity]))
      )
    })
  })
})
