import { Either, Schema } from "effect"
import { SymbolName } from "../../../domain/Market.ts"
import {
  Amount,
  AmountOrNull,
  Count,
  FlagOr,
  Millis,
  MillisOrNull,
  Price,
  PriceOrNull,
  Quantity,
  QuantityOrNull,
  RowList,
  Text,
  TextOr,
  TextsOrEmpty,
  Version,
  readRows
} from "../Fields.ts"

/** Answers of the market endpoints. Unknown fields are ignored; only what we rely on is demanded. */

/** `GET /ping` */
export const Ping = Schema.Struct({})

/** `GET /time`; no venue of ours is older than 2017. */
export const ServerTime = Schema.Struct({ serverTime: Millis.pipe(Schema.greaterThan(1_500_000_000_000)) })

/** `GET /defaultSymbols` and `/selfSymbols`: pairs tradable through the API. */
export const SymbolList = Schema.Struct({ data: TextsOrEmpty })

/** `GET /symbol/offline`: 2 suspended, 3 delisted. */
export const OfflineRows = Schema.Struct({ data: RowList })
export const OfflineRow = Schema.Struct({ symbol: SymbolName, state: Text, offlineTime: MillisOrNull })
export interface OfflineRow extends Schema.Schema.Type<typeof OfflineRow> {}
export const readOfflineRows = readRows(OfflineRow)

export const priceFilterName = "PERCENT_PRICE_BY_SIDE"

/** Live values such as 0.02 can only mean a distance from the last price. */
export const PriceFilter = Schema.Struct({
  filterType: Schema.Literal(priceFilterName),
  bidMultiplierUp: QuantityOrNull,
  askMultiplierDown: QuantityOrNull
})
export const readPriceFilters = readRows(PriceFilter)

const readFilterNames = readRows(Schema.Struct({ filterType: TextOr("") }))
export const filterNames = (filters: ReadonlyArray<unknown>): ReadonlyArray<string> =>
  readFilterNames(filters).rows.map(({ filterType }) => filterType)

const FiltersOrNone = Schema.optionalWith(Schema.NullOr(Schema.Array(Schema.Unknown)), { default: () => null })

/** One pair of `GET /exchangeInfo`. */
export const ExchangeSymbol = Schema.Struct({
  symbol: SymbolName,
  /** "1" online, "2" paused, "3" offline; "ENABLED" before August 2024. */
  status: TextOr(""),
  baseAsset: Text,
  quoteAsset: Text,
  baseAssetPrecision: Count,
  /** A count of places, not the coin's chain precision. */
  quotePrecision: Count,
  /** Trading through the API; false refuses every order with 10007 although the status is "1". */
  isSpotTradingAllowed: FlagOr(false),
  permissions: TextsOrEmpty,
  /** 1 both sides, 2 buy only, 3 sell only, 4 closed. */
  tradeSideType: TextOr("1"),
  orderTypes: TextsOrEmpty,
  /** Despite its name the minimum base quantity. */
  baseSizePrecision: QuantityOrNull,
  /** Despite its name the minimum order value of limit kinds. */
  quoteAmountPrecision: QuantityOrNull,
  quoteAmountPrecisionMarket: QuantityOrNull,
  maxQuoteAmount: QuantityOrNull,
  maxQuoteAmountMarket: QuantityOrNull,
  makerCommission: AmountOrNull,
  takerCommission: AmountOrNull,
  filters: FiltersOrNone
})
export interface ExchangeSymbol extends Schema.Schema.Type<typeof ExchangeSymbol> {}

export const ExchangeInfo = Schema.Struct({ symbols: RowList })
export const readExchangeSymbols = readRows(ExchangeSymbol)

const Level = Schema.Tuple([Price, Quantity], Schema.Unknown)
/** An empty side may be null. */
const Levels = Schema.optionalWith(Schema.NullOr(Schema.Array(Level)), { default: () => null })

/** `GET /depth`, best first. */
export const Depth = Schema.Struct({ lastUpdateId: Version, bids: Levels, asks: Levels, timestamp: MillisOrNull })
export interface Depth extends Schema.Schema.Type<typeof Depth> {}

/** One row of `GET /trades` and `/historicalTrades`; `tradeType` is the taker's side, BID or ASK. */
export const PublicTrade = Schema.Struct({
  price: Price,
  qty: Quantity,
  quoteQty: QuantityOrNull,
  time: Millis,
  isBuyerMaker: FlagOr(false),
  tradeType: TextOr("")
})
export interface PublicTrade extends Schema.Schema.Type<typeof PublicTrade> {}
export const PublicTrades = RowList
export const readPublicTrades = readRows(PublicTrade)

/** One row of `GET /aggTrades`; `m`: the buyer was the maker. */
export const AggregateTrade = Schema.Struct({ p: Price, q: Quantity, T: Millis, m: FlagOr(false) })
export interface AggregateTrade extends Schema.Schema.Type<typeof AggregateTrade> {}
export const readAggregateTrades = readRows(AggregateTrade)

const KlineColumns = Schema.Tuple([Millis, Price, Price, Price, Price, Quantity], Schema.Unknown)
const closeOf = Schema.decodeUnknownEither(Millis)
const turnoverOf = Schema.decodeUnknownEither(Quantity)

/**
 * One row of `GET /klines`: open time, open, high, low, close, base volume, close time, quote volume. The last two
 * can be missing: then the row says null.
 */
export const Kline = Schema.transform(
  KlineColumns,
  Schema.Struct({
    openTime: Schema.Int,
    open: Schema.BigDecimalFromSelf,
    high: Schema.BigDecimalFromSelf,
    low: Schema.BigDecimalFromSelf,
    close: Schema.BigDecimalFromSelf,
    volume: Schema.BigDecimalFromSelf,
    closeTime: Schema.NullOr(Schema.Int),
    quoteVolume: Schema.NullOr(Schema.BigDecimalFromSelf)
  }),
  {
    strict: true,
    decode: ([openTime, open, high, low, close, volume, closeTime, quoteVolume]) => ({
      openTime,
      open,
      high,
      low,
      close,
      volume,
      closeTime: Either.getOrNull(closeOf(closeTime)),
      quoteVolume: Either.getOrNull(turnoverOf(quoteVolume))
    }),
    encode: (row): typeof KlineColumns.Type => [
      row.openTime,
      row.open,
      row.high,
      row.low,
      row.close,
      row.volume,
      row.closeTime,
      row.quoteVolume
    ]
  }
)
export type Kline = typeof Kline.Type
export const Klines = RowList
export const readKlines = readRows(Kline)

/** `GET /ticker/24hr`; `priceChangePercent` is a fraction, `closeTime` is about now. Of a quiet pair much is missing. */
export const Ticker24h = Schema.Struct({
  symbol: SymbolName,
  lastPrice: PriceOrNull,
  bidPrice: PriceOrNull,
  bidQty: QuantityOrNull,
  askPrice: PriceOrNull,
  askQty: QuantityOrNull,
  openPrice: PriceOrNull,
  highPrice: PriceOrNull,
  lowPrice: PriceOrNull,
  volume: QuantityOrNull,
  quoteVolume: QuantityOrNull,
  priceChangePercent: AmountOrNull,
  closeTime: MillisOrNull
})
export interface Ticker24h extends Schema.Schema.Type<typeof Ticker24h> {}
export const Tickers24h = RowList
export const readTickers24h = readRows(Ticker24h)

/** `GET /ticker/price`: one, or a list without `symbol`. */
export const PriceTicker = Schema.Struct({ symbol: SymbolName, price: Price })
export interface PriceTicker extends Schema.Schema.Type<typeof PriceTicker> {}
export const readPriceTickers = readRows(PriceTicker)

/** `GET /ticker/bookTicker`: one, or a list without `symbol`. */
export const BookTicker = Schema.Struct({
  symbol: SymbolName,
  bidPrice: PriceOrNull,
  bidQty: QuantityOrNull,
  askPrice: PriceOrNull,
  askQty: QuantityOrNull
})
export interface BookTicker extends Schema.Schema.Type<typeof BookTicker> {}
export const readBookTickers = readRows(BookTicker)

/** `GET /avgPrice`, over five minutes. */
export const AveragePrice = Schema.Struct({ mins: Amount, price: Price })
