import { Schema } from "effect"
import { Decimal } from "./Decimal.ts"
import { Instant } from "./Time.ts"

/** Upper-case pair without separator, as the venue writes it: `BTCUSDT`. Never split it by guessing. */
export const SymbolName = Schema.String.pipe(
  Schema.pattern(/^[A-Z0-9_]{2,32}$/),
  Schema.brand("SymbolName")
).annotations({
  identifier: "SymbolName",
  message: () => `expected an upper-case symbol such as "BTCUSDT"`,
  jsonSchema: { type: "string", examples: ["BTCUSDT"] }
})
export type SymbolName = typeof SymbolName.Type

export const Interval = Schema.Literal("1m", "5m", "15m", "30m", "60m", "4h", "1d", "1W", "1M").annotations({
  identifier: "Interval"
})
export type Interval = typeof Interval.Type

/** Where a value came from: pushed by the venue, asked of it, or remembered. */
export const Source = Schema.Literal("ws", "rest", "cache").annotations({ identifier: "Source" })
export type Source = typeof Source.Type

export const Side = Schema.Literal("buy", "sell").annotations({ identifier: "Side" })
export type Side = typeof Side.Type

export const OrderType = Schema.Literal("market", "limit", "limitMaker", "immediateOrCancel", "fillOrKill").annotations(
  {
    identifier: "OrderType"
  }
)
export type OrderType = typeof OrderType.Type

const freshness = { asOf: Instant, source: Source, stale: Schema.Boolean }

/** 24 h statistics and best prices of one pair. `changePercent` is in percent; sizes the venue has none for are null. */
export const Ticker = Schema.Struct({
  symbol: SymbolName,
  last: Decimal,
  bid: Decimal,
  bidQuantity: Schema.NullOr(Decimal),
  ask: Decimal,
  askQuantity: Schema.NullOr(Decimal),
  open: Decimal,
  high: Decimal,
  low: Decimal,
  volume: Decimal,
  quoteVolume: Schema.NullOr(Decimal),
  changePercent: Schema.Number,
  ...freshness
}).annotations({ identifier: "Ticker" })
export interface Ticker extends Schema.Schema.Type<typeof Ticker> {}

/** Trading rules of one pair. `minQuantity` is null when the venue has none; steps are 10^-precision. */
export const SymbolInfo = Schema.Struct({
  symbol: SymbolName,
  baseAsset: Schema.String,
  quoteAsset: Schema.String,
  tradable: Schema.Boolean,
  untradableReason: Schema.NullOr(Schema.String),
  orderTypes: Schema.Array(OrderType),
  priceTick: Decimal,
  quantityStep: Decimal,
  minQuantity: Schema.NullOr(Decimal),
  minNotional: Decimal,
  maxNotional: Schema.NullOr(Decimal),
  marketMinNotional: Decimal,
  marketMaxNotional: Schema.NullOr(Decimal),
  makerFeeRate: Decimal,
  takerFeeRate: Decimal,
  asOf: Instant
}).annotations({ identifier: "Symbol" })
export interface SymbolInfo extends Schema.Schema.Type<typeof SymbolInfo> {
  /** What the venue checks besides; no part of what is shown. */
  readonly filters?: SymbolFilters
}

/** How far a price may lie from the last trade, as a fraction of it, and which side is closed; null: no such limit. */
export interface SymbolFilters {
  readonly buyAbove: Decimal | null
  readonly sellBelow: Decimal | null
  readonly closedSide: Side | null
}

/** One bar; `synthetic` marks an interval without trades, filled flat at the last close. */
export const Candle = Schema.Struct({
  openTime: Instant,
  open: Decimal,
  high: Decimal,
  low: Decimal,
  close: Decimal,
  volume: Decimal,
  quoteVolume: Decimal,
  closed: Schema.Boolean,
  synthetic: Schema.Boolean
}).annotations({ identifier: "Candle" })
export interface Candle extends Schema.Schema.Type<typeof Candle> {}

/** A price level: `[price, quantity]`. */
export const BookLevel = Schema.Tuple(Decimal, Decimal)
export type BookLevel = typeof BookLevel.Type

/** Best first on both sides; `version` is the venue's `lastUpdateId`, as text because it exceeds 32 bits. */
export const OrderBook = Schema.Struct({
  symbol: SymbolName,
  bids: Schema.Array(BookLevel),
  asks: Schema.Array(BookLevel),
  version: Schema.String,
  ...freshness
}).annotations({ identifier: "OrderBook" })
export interface OrderBook extends Schema.Schema.Type<typeof OrderBook> {}

/** A public trade; `side` is the taker's. */
export const Trade = Schema.Struct({
  price: Decimal,
  quantity: Decimal,
  quoteQuantity: Decimal,
  side: Side,
  at: Instant
}).annotations({ identifier: "Trade" })
export interface Trade extends Schema.Schema.Type<typeof Trade> {}

/** The last price of a pair, without a time of its own. */
export interface SymbolPrice {
  readonly symbol: SymbolName
  readonly price: Decimal
}

/** Best prices of a pair; null where the venue has none. */
export interface BestPrices {
  readonly symbol: SymbolName
  readonly bid: Decimal | null
  readonly bidQuantity: Decimal | null
  readonly ask: Decimal | null
  readonly askQuantity: Decimal | null
}

/** Average price over the last minutes. */
export interface AveragePrice {
  readonly symbol: SymbolName
  readonly minutes: number
  readonly price: Decimal
}

/** A pair that is suspended or gone. */
export interface OfflineSymbol {
  readonly symbol: SymbolName
  readonly state: "suspended" | "delisted" | "unrecognised"
  readonly offlineAt: Instant | null
}

/** What the venue takes of a trade, as fractions. */
export interface FeeRates {
  readonly maker: Decimal
  readonly taker: Decimal
}
