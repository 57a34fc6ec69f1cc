import { Schema } from "effect"
import { Decimal } from "./Decimal.ts"
import { SymbolName } from "./Market.ts"
import { BookName } from "./order/Order.ts"
import { Instant } from "./Time.ts"

/** The lots of one book; the average cost carries the fees and is null when the book is empty. */
export const BookPosition = Schema.Struct({
  book: BookName,
  quantity: Decimal,
  averageCost: Schema.NullOr(Decimal),
  realisedPnl: Decimal
}).annotations({ identifier: "BookPosition" })
export interface BookPosition extends Schema.Schema.Type<typeof BookPosition> {}

/**
 * A symbol's lots over all books, in its quote asset. `fees` is what was paid in all, already inside cost and
 * proceeds. `incomplete`: more was sold than the fills explain, or a fee was paid in an asset without a price here.
 */
export const Position = Schema.Struct({
  symbol: SymbolName,
  quantity: Decimal,
  averageCost: Schema.NullOr(Decimal),
  totalCost: Decimal,
  markPrice: Schema.NullOr(Decimal),
  value: Schema.NullOr(Decimal),
  unrealisedPnl: Schema.NullOr(Decimal),
  realisedPnl: Decimal,
  fees: Decimal,
  incomplete: Schema.Boolean,
  asOf: Instant,
  stale: Schema.Boolean,
  books: Schema.Array(BookPosition)
}).annotations({ identifier: "Position" })
export interface Position extends Schema.Schema.Type<typeof Position> {}

/** The fold of one book's fills: quantity and total cost are kept, the average is derived from them. */
export interface Lots {
  readonly quantity: Decimal
  readonly totalCost: Decimal
  readonly realisedPnl: Decimal
  readonly fees: Decimal
  readonly incomplete: boolean
  /** Price of the latest buy. */
  readonly lastBuy: Decimal | null
}
