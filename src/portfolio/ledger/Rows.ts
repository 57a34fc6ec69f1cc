import { Schema } from "effect"
import { Decimal } from "../../domain/Decimal.ts"
import { LedgerKind } from "../../domain/ledger/LedgerEntry.ts"
import type { LedgerFill } from "../../domain/ledger/lotEvents.ts"
import { Side, SymbolName } from "../../domain/Market.ts"
import { BookName } from "../../domain/order/Order.ts"

/** A stored fill; `requested_at` is its order's, and `posted_book` the book the ledger has it in. */
export const FillRow = Schema.Struct({
  symbol: SymbolName,
  trade_id: Schema.String,
  book: BookName,
  base_asset: Schema.String,
  quote_asset: Schema.String,
  side: Side,
  price: Decimal,
  quantity: Decimal,
  quote_quantity: Decimal,
  fee_asset: Schema.String,
  fee_amount: Decimal,
  at: Schema.Int,
  posted_book: Schema.NullOr(BookName),
  requested_at: Schema.NullOr(Schema.Int)
})
export interface FillRow extends Schema.Schema.Type<typeof FillRow> {}

export const toLedgerFill = (row: FillRow): LedgerFill => ({
  symbol: row.symbol,
  tradeId: row.trade_id,
  book: row.book,
  baseAsset: row.base_asset,
  quoteAsset: row.quote_asset,
  side: row.side,
  price: row.price,
  quantity: row.quantity,
  quoteQuantity: row.quote_quantity,
  fee: { asset: row.fee_asset, amount: row.fee_amount },
  at: row.at
})

export const BookRow = Schema.Struct({
  user_id: Schema.String,
  asset: Schema.String,
  symbol: SymbolName,
  book: BookName,
  quantity: Decimal,
  total_cost: Decimal,
  realised_pnl: Decimal,
  fees: Decimal,
  missing: Decimal,
  taken: Decimal,
  incomplete: Schema.Int,
  last_buy: Schema.NullOr(Decimal),
  last_buy_key: Schema.NullOr(Schema.String),
  lots: Schema.parseJson(Schema.Array(Schema.Tuple(Decimal, Decimal)))
})
export interface BookRow extends Schema.Schema.Type<typeof BookRow> {}

export const MovementRow = Schema.Struct({
  seq: Schema.Int,
  asset: Schema.String,
  amount: Decimal,
  at: Schema.Int,
  lot_at: Schema.Int
})

/** What left a rule's book for the manual one; `amount` is negative. */
export const HandOverRow = Schema.Struct({
  seq: Schema.Int,
  symbol: SymbolName,
  book: BookName,
  amount: Decimal,
  at: Schema.Int,
  lot_at: Schema.Int
})
export interface HandOverRow extends Schema.Schema.Type<typeof HandOverRow> {}

export const EntryRow = Schema.Struct({
  seq: Schema.Int,
  source: Schema.String,
  kind: LedgerKind,
  asset: Schema.String,
  amount: Decimal,
  symbol: Schema.NullOr(SymbolName),
  book: Schema.NullOr(BookName),
  reason: Schema.NullOr(Schema.String),
  at: Schema.Int
})
export interface EntryRow extends Schema.Schema.Type<typeof EntryRow> {}

export const PriceRow = Schema.Struct({
  asset: Schema.String,
  quote: Schema.String,
  at: Schema.Int,
  price: Schema.NullOr(Decimal)
})
