import * as Decimal from "../../domain/Decimal.ts"
import type { Candle, OrderType, Side, Trade } from "../../domain/Market.ts"
import { closeTimeOf } from "../engine/CandleSeries.ts"
import type { Pair } from "../engine/Pair.ts"
import type { PaperFill, PaperOrder } from "../Events.ts"
import type { PaperBalance, PaperBook, PaperTicker } from "../Requests.ts"
import type { Interval } from "../../domain/Market.ts"

const text = Decimal.format

export const orderTypeNames: Readonly<Record<OrderType, string>> = {
  market: "MARKET",
  limit: "LIMIT",
  limitMaker: "LIMIT_MAKER",
  immediateOrCancel: "IMMEDIATE_OR_CANCEL",
  fillOrKill: "FILL_OR_KILL"
}

export const sideNames: Readonly<Record<Side, string>> = { buy: "BUY", sell: "SELL" }

/** exchangeInfo keeps the venue's misleading names: baseSizePrecision is a minimum quantity, quoteAmountPrecision a minimum value. */
export const symbolInfo = ({ apiTrading, limitOrders, listing, marketOrders, status, tradeSideType }: Pair) => ({
  symbol: listing.symbol,
  status,
  baseAsset: listing.baseAsset,
  baseAssetPrecision: listing.basePrecision,
  quoteAsset: listing.quoteAsset,
  quotePrecision: listing.quotePrecision,
  quoteAssetPrecision: listing.quotePrecision,
  baseCommissionPrecision: 8,
  quoteCommissionPrecision: 8,
  orderTypes: [
    ...(limitOrders ? ["LIMIT"] : []),
    ...(marketOrders ? ["MARKET"] : []),
    ...(limitOrders ? ["LIMIT_MAKER"] : [])
  ],
  isSpotTradingAllowed: apiTrading,
  isMarginTradingAllowed: false,
  quoteAmountPrecision: text(listing.minNotional),
  baseSizePrecision: text(listing.minQuantity),
  permissions: ["SPOT"],
  filters: Decimal.isZero(listing.priceBand) ? [] : [bandFilter(text(listing.priceBand))],
  maxQuoteAmount: text(listing.maxNotional),
  makerCommission: text(listing.makerFeeRate),
  takerCommission: text(listing.takerFeeRate),
  quoteAmountPrecisionMarket: text(listing.marketMinNotional),
  maxQuoteAmountMarket: text(listing.marketMaxNotional),
  fullName: listing.fullName,
  tradeSideType,
  contractAddress: "",
  conceptPlateIds: [],
  st: false
})

const bandFilter = (distance: string) => ({
  filterType: "PERCENT_PRICE_BY_SIDE",
  bidMultiplierUp: distance,
  askMultiplierDown: distance
})

/** A row of `symbol/offline`. */
export const offline = ({ listing, offlineAt, status }: Pair) => ({
  symbol: listing.symbol,
  state: Number(status),
  ...(offlineAt === null ? {} : { offlineTime: offlineAt })
})

/** Versions stay far below 2^53, so a JSON number holds them. */
export const depth = (book: PaperBook) => ({
  lastUpdateId: Number(book.version),
  bids: book.bids.map(([price, quantity]) => [text(price), text(quantity)]),
  asks: book.asks.map(([price, quantity]) => [text(price), text(quantity)]),
  timestamp: book.at
})

export const trade = (each: Trade) => ({
  id: null,
  price: text(each.price),
  qty: text(each.quantity),
  quoteQty: text(each.quoteQuantity),
  time: each.at,
  isBuyerMaker: each.side === "sell",
  isBestMatch: true,
  tradeType: each.side === "buy" ? "BID" : "ASK"
})

/** Ids are always null; `m` tells whether the buyer was the maker. */
export const aggregatedTrade = (each: Trade) => ({
  a: null,
  f: null,
  l: null,
  p: text(each.price),
  q: text(each.quantity),
  T: each.at,
  m: each.side === "sell",
  M: true
})

export const kline = (interval: Interval, candle: Candle) => [
  candle.openTime,
  text(candle.open),
  text(candle.high),
  text(candle.low),
  text(candle.close),
  text(candle.volume),
  closeTimeOf(interval, candle.openTime),
  text(candle.quoteVolume)
]

/** Decimals of `priceChangePercent`, which is a fraction. */
const changeDecimals = 4

export const ticker24h = (ticker: PaperTicker, now: number) => {
  const change = Decimal.subtract(ticker.last, ticker.open)
  const fraction = Decimal.isZero(ticker.open) ? Decimal.zero : Decimal.divide(change, ticker.open, changeDecimals)
  return {
    symbol: ticker.symbol,
    priceChange: text(change),
    priceChangePercent: text(fraction),
    prevClosePrice: text(ticker.open),
    lastPrice: text(ticker.last),
    bidPrice: text(ticker.bestBid?.[0] ?? Decimal.zero),
    bidQty: ticker.bestBid === null ? "" : text(ticker.bestBid[1]),
    askPrice: text(ticker.bestAsk?.[0] ?? Decimal.zero),
    askQty: ticker.bestAsk === null ? "" : text(ticker.bestAsk[1]),
    openPrice: text(ticker.open),
    highPrice: text(ticker.high),
    lowPrice: text(ticker.low),
    volume: text(ticker.volume),
    quoteVolume: text(ticker.quoteVolume),
    openTime: now,
    closeTime: now,
    count: null
  }
}

export const bookTicker = (ticker: PaperTicker) => ({
  symbol: ticker.symbol,
  bidPrice: text(ticker.bestBid?.[0] ?? Decimal.zero),
  bidQty: text(ticker.bestBid?.[1] ?? Decimal.zero),
  askPrice: text(ticker.bestAsk?.[0] ?? Decimal.zero),
  askQty: text(ticker.bestAsk?.[1] ?? Decimal.zero)
})

export const account = (balances: ReadonlyArray<PaperBalance>, canWithdraw: boolean) => ({
  makerCommission: null,
  takerCommission: null,
  buyerCommission: null,
  sellerCommission: null,
  canTrade: true,
  canWithdraw,
  canDeposit: true,
  updateTime: null,
  accountType: "SPOT",
  balances: balances.map(({ asset, free, locked }) => ({
    asset,
    free: text(free),
    locked: text(locked),
    available: text(free)
  })),
  permissions: ["SPOT"]
})

/** Only an acknowledgement, as on the venue: no status, no fills, no client id. */
export const acknowledgement = (order: PaperOrder) => ({
  symbol: order.symbol,
  orderId: order.id,
  orderListId: -1,
  price: text(order.price),
  origQty: text(order.quantity),
  type: orderTypeNames[order.type],
  side: sideNames[order.side],
  stpMode: order.stpMode,
  transactTime: order.createdAt
})

export const order = (each: PaperOrder) => ({
  symbol: each.symbol,
  orderId: each.id,
  orderListId: -1,
  clientOrderId: each.clientOrderId,
  price: text(each.price),
  origQty: text(each.quantity),
  executedQty: text(each.executedQuantity),
  cummulativeQuoteQty: text(each.executedQuote),
  status: each.status,
  timeInForce: null,
  type: orderTypeNames[each.type],
  side: sideNames[each.side],
  stopPrice: null,
  icebergQty: null,
  time: each.createdAt,
  updateTime: each.updatedAt,
  isWorking: true,
  stpMode: each.stpMode,
  cancelReason: each.cancelReason,
  origQuoteOrderQty: text(each.quoteAmount)
})

/** openOrders says "" for no client id and has no update time. */
export const openOrder = (each: PaperOrder) => ({
  ...order(each),
  clientOrderId: each.clientOrderId ?? "",
  updateTime: null
})

export const cancelled = (each: PaperOrder) => ({
  symbol: each.symbol,
  orderId: each.id,
  origClientOrderId: each.clientOrderId,
  clientOrderId: each.clientOrderId,
  price: text(each.price),
  origQty: text(each.quantity),
  executedQty: text(each.executedQuantity),
  cummulativeQuoteQty: text(each.executedQuote),
  status: each.status,
  type: orderTypeNames[each.type],
  side: sideNames[each.side]
})

export const fill = (each: PaperFill) => ({
  symbol: each.symbol,
  id: each.tradeId,
  orderId: each.orderId,
  orderListId: -1,
  price: text(each.price),
  qty: text(each.quantity),
  quoteQty: text(each.quoteQuantity),
  commission: text(each.fee),
  commissionAsset: each.feeAsset,
  time: each.at,
  isBuyer: each.side === "buy",
  isMaker: each.maker,
  isBestMatch: true,
  isSelfTrade: each.selfTrade,
  clientOrderId: each.clientOrderId
})
