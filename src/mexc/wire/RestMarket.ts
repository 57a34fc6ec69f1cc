import { Schema } from "effect"
import { SymbolName } from "../../domain/Market.ts"
import {
  Amount,
  AmountOrNull,
  Count,
  FlagOr,
  Id,
  Millis,
  MillisOrNull,
  TextOr,
  TextsOrEmpty,
  readRows
} from "./Fields.ts"

/** Answers of the market endpoints. Unknown fields are ignored; only what we rely on is demanded. */

/** `GET /ping` */
export const Ping = Schema.Struct({})

/** `GET /time` */
export const ServerTime = Schema.Struct({ serverTime: Millis })

/** `GET /defaultSymbols` and `/selfSymbols`: pairs tradable through the API. */
export const SymbolList = Schema.Struct({ data: TextsOrEmpty })

/** One pair of `GET /exchangeInfo`. */
export const ExchangeSymbol = Schema.Struct({
  symbol: SymbolName,
  /** "1" online, "2" paused, "3" offline; "ENABLED" before August 2024. */
  status: TextOr(""),
  baseAsset: Schema.String,
  quoteAsset: Schema.String,
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
  baseSizePrecision: AmountOrNull,
  /** Despite its name the minimum order value of limit kinds. */
  quoteAmountPrecision: AmountOrNull,
  quoteAmountPrecisionMarket: AmountOrNull,
  maxQuoteAmount: AmountOrNull,
  maxQuoteAmountMarket: AmountOrNull,
  makerCommission: AmountOrNull,
  takerCommission: AmountOrNull
})
export interface ExchangeSymbol extends Schema.Schema.Type<typeof ExchangeSymbol> {}

export const ExchangeInfo = Schema.Struct({ symbols: Schema.Array(Schema.Unknown) })
export const readExchangeSymbols = readRows(ExchangeSymbol)

const Level = Schema.Tuple([Amount, Amount], Schema.Unknown)

/** `GET /depth`, best first. */
export const Depth = Schema.Struct({
  lastUpdateId: Id,
  bids: Schema.Array(Level),
  asks: Schema.Array(Level),
  timestamp: MillisOrNull
})
export interface Depth extends Schema.Schema.Type<typeof Depth> {}

/** One row of `GET /trades`; `tradeType` is the taker's side, BID or ASK. */
export const PublicTrade = Schema.Struct({
  price: Amount,
  qty: Amount,
  quoteQty: AmountOrNull,
  time: Millis,
  isBuyerMaker: FlagOr(false),
  tradeType: TextOr("")
})
export interface PublicTrade extends Schema.Schema.Type<typeof PublicTrade> {}
export const PublicTrades = Schema.Array(PublicTrade)

/** One row of `GET /klines`: open time, open, high, low, close, base volume, close time, quote volume. */
export const Kline = Schema.Tuple([Millis, Amount, Amount, Amount, Amount, Amount, Millis, Amount], Schema.Unknown)
export type Kline = typeof Kline.Type
export const Klines = Schema.Array(Kline)

/** `GET /ticker/24hr`; `priceChangePercent` is a fraction, `closeTime` is about now. */
export const Ticker24h = Schema.Struct({
  symbol: SymbolName,
  lastPrice: Amount,
  bidPrice: Amount,
  bidQty: AmountOrNull,
  askPrice: Amount,
  askQty: AmountOrNull,
  openPrice: Amount,
  highPrice: Amount,
  lowPrice: Amount,
  volume: Amount,
  quoteVolume: AmountOrNull,
  priceChangePercent: AmountOrNull,
  closeTime: MillisOrNull
})
export interface Ticker24h extends Schema.Schema.Type<typeof Ticker24h> {}
export const Tickers24h = Schema.Array(Schema.Unknown)
export const readTickers24h = readRows(Ticker24h)

/** `GET /ticker/price`: one, or a list without `symbol`. */
export const PriceTicker = Schema.Struct({ symbol: SymbolName, price: Amount })
export const PriceTickers = Schema.Array(PriceTicker)

/** `GET /ticker/bookTicker`: one, or a list without `symbol`. */
export const BookTicker = Schema.Struct({
  symbol: SymbolName,
  bidPrice: AmountOrNull,
  bidQty: AmountOrNull,
  askPrice: AmountOrNull,
  askQty: AmountOrNull
})
export const BookTickers = Schema.Array(BookTicker)

/** `GET /avgPrice`, over five minutes. */
export const AveragePrice = Schema.Struct({ mins: Schema.Number, price: Amount })
