import { BigDecimal } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type {
  BestPrices,
  Candle,
  OfflineSymbol,
  OrderBook,
  OrderType,
  SymbolFilters,
  SymbolInfo,
  SymbolName,
  Ticker,
  Trade
} from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"
import {
  type AggregateTrade,
  type BookTicker,
  type Depth,
  type ExchangeSymbol,
  type Kline,
  type OfflineRow,
  type PublicTrade,
  filterNames,
  priceFilterName,
  readPriceFilters,
  type Ticker24h
} from "../wire/rest/RestMarket.ts"
import { isDocumentedType, orderTypeOf } from "./OrderTypes.ts"

/** The venue's market data in domain terms. */

const powerOfTenth = (places: number): Decimal.Decimal => BigDecimal.make(1n, places)

const positiveOrNull = (value: Decimal.Decimal | null): Decimal.Decimal | null =>
  value !== null && Decimal.isPositive(value) ? value : null

const online = null
const statuses = new Map([
  ["1", online],
  ["ENABLED", online],
  ["2", "The venue has paused this pair."],
  ["3", "The venue has taken this pair offline."]
])

const sideTypes = new Set(["1", "2", "3", "4"])

const untradableReason = (row: ExchangeSymbol, listed: boolean): string | null => {
  const status = statuses.get(row.status)
  if (status !== online) return status ?? `The pair has the unknown status "${row.status}".`
  if (!row.isSpotTradingAllowed) return "The venue does not accept orders for this pair through its API."
  if (!row.permissions.includes("SPOT")) return "The pair is not open for spot trading."
  if (row.tradeSideType === "4") return "The venue has closed both sides of this pair."
  if (!sideTypes.has(row.tradeSideType)) return `The pair has open sides of the unknown kind "${row.tradeSideType}".`
  return listed ? null : "The venue does not list this pair among those tradable through its API."
}

/** What the documentation of exchangeInfo does not have. */
export const unknownOfPairs = (rows: ReadonlyArray<ExchangeSymbol>): ReadonlyArray<string> =>
  rows.flatMap(({ filters, orderTypes, status, tradeSideType }) => [
    ...(statuses.has(status) ? [] : [`status "${status}"`]),
    ...(sideTypes.has(tradeSideType) ? [] : [`tradeSideType "${tradeSideType}"`]),
    ...orderTypes.flatMap((name) => (isDocumentedType(name) ? [] : [`order type "${name}"`])),
    ...filterNames(filters ?? []).flatMap((name) => (name === priceFilterName ? [] : [`filter "${name}"`]))
  ])

// Accepted for every pair with limit orders, though the venue never lists them.
const unlistedTypes: ReadonlyArray<OrderType> = ["immediateOrCancel", "fillOrKill"]

const orderTypesOf = (names: ReadonlyArray<string>): ReadonlyArray<OrderType> => {
  const listed = names.flatMap((name) => orderTypeOf(name) ?? [])
  return listed.includes("limit") ? [...new Set([...listed, ...unlistedTypes])] : listed
}

/** `listed`: the pairs of defaultSymbols. */
export const toSymbolInfo = (row: ExchangeSymbol, listed: ReadonlySet<string>, asOf: Instant): SymbolInfo => {
  const reason = untradableReason(row, listed.has(row.symbol))
  const minNotional = row.quoteAmountPrecision ?? Decimal.zero
  return {
    symbol: row.symbol,
    baseAsset: row.baseAsset,
    quoteAsset: row.quoteAsset,
    tradable: reason === null,
    untradableReason: reason,
    orderTypes: orderTypesOf(row.orderTypes),
    priceTick: powerOfTenth(row.quotePrecision),
    quantityStep: powerOfTenth(row.baseAssetPrecision),
    minQuantity: positiveOrNull(row.baseSizePrecision),
    minNotional,
    maxNotional: positiveOrNull(row.maxQuoteAmount),
    marketMinNotional: row.quoteAmountPrecisionMarket ?? minNotional,
    marketMaxNotional: positiveOrNull(row.maxQuoteAmountMarket),
    makerFeeRate: row.makerCommission ?? Decimal.zero,
    takerFeeRate: row.takerCommission ?? Decimal.zero,
    asOf,
    filters: filtersOf(row)
  }
}

/** A band of one or more would be a factor and not a distance: no such value was seen, and none is acted on. */
const distance = (value: Decimal.Decimal | null | undefined): Decimal.Decimal | null =>
  value != null && Decimal.isPositive(value) && Decimal.lessThan(value, Decimal.one) ? value : null

const filtersOf = ({ filters, tradeSideType }: ExchangeSymbol): SymbolFilters => {
  const [band] = readPriceFilters(filters ?? []).rows
  return {
    buyAbove: distance(band?.bidMultiplierUp),
    sellBelow: distance(band?.askMultiplierDown),
    closedSide: tradeSideType === "2" ? "sell" : tradeSideType === "3" ? "buy" : null
  }
}

const changePercentOf = (row: Ticker24h, last: Decimal.Decimal): number => {
  if (row.priceChangePercent !== null)
    return Decimal.toNumber(Decimal.multiply(row.priceChangePercent, Decimal.hundred))
  if (row.openPrice === null) return 0
  const change = Decimal.subtract(last, row.openPrice)
  return Decimal.toNumber(Decimal.divide(Decimal.multiply(change, Decimal.hundred), row.openPrice, 4))
}

/** A pair that was never traded, or has no price on either side, cannot be acted on: null. */
export const toTicker = (row: Ticker24h, receivedAt: Instant): Ticker | null => {
  const { askPrice: ask, bidPrice: bid, lastPrice: last } = row
  if (bid === null || ask === null || last === null) return null
  return {
    symbol: row.symbol,
    last,
    bid,
    bidQuantity: positiveOrNull(row.bidQty),
    ask,
    askQuantity: positiveOrNull(row.askQty),
    // A day without trades has no prices of its own.
    open: row.openPrice ?? last,
    high: row.highPrice ?? last,
    low: row.lowPrice ?? last,
    volume: row.volume ?? Decimal.zero,
    quoteVolume: row.quoteVolume,
    changePercent: changePercentOf(row, last),
    asOf: row.closeTime ?? receivedAt,
    source: "rest",
    stale: false
  }
}

export const toBestPrices = (row: BookTicker): BestPrices => ({
  symbol: row.symbol,
  bid: row.bidPrice,
  bidQuantity: positiveOrNull(row.bidQty),
  ask: row.askPrice,
  askQuantity: positiveOrNull(row.askQty)
})

const offlineStates = new Map<string, OfflineSymbol["state"]>([
  ["2", "suspended"],
  ["3", "delisted"]
])

export const unknownOfOffline = (rows: ReadonlyArray<OfflineRow>): ReadonlyArray<string> =>
  rows.flatMap(({ state }) => (offlineStates.has(state) ? [] : [`state "${state}"`]))

export const toOfflineSymbol = (row: OfflineRow): OfflineSymbol => ({
  symbol: row.symbol,
  state: offlineStates.get(row.state) ?? "unrecognised",
  offlineAt: row.offlineTime
})

export const toOrderBook = (symbol: SymbolName, depth: Depth, receivedAt: Instant): OrderBook => ({
  symbol,
  bids: (depth.bids ?? []).map(([price, quantity]) => [price, quantity]),
  asks: (depth.asks ?? []).map(([price, quantity]) => [price, quantity]),
  version: depth.lastUpdateId,
  asOf: depth.timestamp ?? receivedAt,
  source: "rest",
  stale: false
})

const takerSideOf = (row: PublicTrade) =>
  row.tradeType === "BID" ? "buy" : row.tradeType === "ASK" ? "sell" : row.isBuyerMaker ? "sell" : "buy"

export const toTrade = (row: PublicTrade): Trade => ({
  price: row.price,
  quantity: row.qty,
  quoteQuantity: row.quoteQty ?? Decimal.multiply(row.price, row.qty),
  side: takerSideOf(row),
  at: row.time
})

export const toAggregateTrade = (row: AggregateTrade): Trade => ({
  price: row.p,
  quantity: row.q,
  quoteQuantity: Decimal.multiply(row.p, row.q),
  side: row.m ? "sell" : "buy",
  at: row.T
})

/** A row is closed when a later one exists, or when its end has passed by the venue's own tolerance of a second. */
const settleMs = 1_000

/** `endsAt`: where the interval ends, for a row that does not say it. */
export const toCandle = (row: Kline, isLast: boolean, now: Instant, endsAt: Instant): Candle => ({
  openTime: row.openTime,
  open: row.open,
  high: row.high,
  low: row.low,
  close: row.close,
  volume: row.volume,
  quoteVolume: row.quoteVolume ?? Decimal.multiply(row.close, row.volume),
  closed: !isLast || now >= (row.closeTime ?? endsAt) + settleMs,
  synthetic: false
})
