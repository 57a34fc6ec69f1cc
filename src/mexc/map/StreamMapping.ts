import { Either, Option, Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { type BookLevel, type Candle, type OrderBook, type Side, SymbolName, type Trade } from "../../domain/Market.ts"
import type { VenueBalance, VenueFill, VenueOrder } from "../../domain/order/Order.ts"
import type { Instant } from "../../domain/Time.ts"
import type { DepthDelta } from "../book/LocalBook.ts"
import type {
  AggreDeal,
  DepthLevel,
  PrivateAccount,
  PrivateDeals,
  PrivateOrders,
  PublicAggreBookTicker,
  PublicAggreDepths,
  PublicLimitDepths,
  PublicMiniTicker,
  PublicSpotKline,
  PushFrame
} from "../wire/Stream.ts"
import { orderTypeOfNumber } from "./OrderTypes.ts"

/** Pushed frames in domain terms; None when a needed value is missing or no number. */

const amount = (text: string): Option.Option<Decimal.Decimal> => Either.getRight(Decimal.parseVenue(text))

const positive = (text: string): Option.Option<Decimal.Decimal> => Option.filter(amount(text), Decimal.isPositive)

/** proto3 leaves an empty text out; for amounts it means zero. */
const amountOrZero = (text: string): Option.Option<Decimal.Decimal> =>
  text === "" ? Option.some(Decimal.zero) : amount(text)

// Prices come by the ten thousand a second: plain values where an account's few events are told in Options.
const amountOrNull = (text: string): Decimal.Decimal | null =>
  text === "" ? Decimal.zero : Either.getOrNull(Decimal.parseVenue(text))

const positiveOrNull = (text: string): Decimal.Decimal | null => {
  const value = Either.getOrNull(Decimal.parseVenue(text))
  return value !== null && Decimal.isPositive(value) ? value : null
}

/** Null where nobody offers. */
export interface BestPrices {
  readonly bid: Decimal.Decimal | null
  readonly bidQuantity: Decimal.Decimal
  readonly ask: Decimal.Decimal | null
  readonly askQuantity: Decimal.Decimal
}

const sideOf = (tradeType: number): Option.Option<Side> =>
  tradeType === 1 ? Option.some("buy") : tradeType === 2 ? Option.some("sell") : Option.none()

const decodeSymbol = Schema.decodeUnknownOption(SymbolName)

/** A merged channel's frame names its symbol in the wrapper. */
export const frameSymbol = (frame: PushFrame): Option.Option<SymbolName> => decodeSymbol(frame.symbol)

export const toPublicTrade = (deal: typeof AggreDeal.Type): Option.Option<Trade> => {
  const price = positiveOrNull(deal.price)
  const quantity = positiveOrNull(deal.quantity)
  const side = Option.getOrNull(sideOf(deal.tradeType))
  if (price === null || quantity === null || side === null) return Option.none()
  return Option.some({ price, quantity, quoteQuantity: Decimal.multiply(price, quantity), side, at: deal.time })
}

/** A side without a price is empty. */
export const toBestPrices = (ticker: typeof PublicAggreBookTicker.Type): Option.Option<BestPrices> => {
  const bid = amountOrNull(ticker.bidPrice)
  const bidQuantity = amountOrNull(ticker.bidQuantity)
  const ask = amountOrNull(ticker.askPrice)
  const askQuantity = amountOrNull(ticker.askQuantity)
  if (bid === null || bidQuantity === null || ask === null || askQuantity === null) return Option.none()
  if (Decimal.isNegative(bid) || Decimal.isNegative(ask) || saysNothing(ticker)) return Option.none()
  const priced = (price: Decimal.Decimal) => (Decimal.isZero(price) ? null : price)
  return Option.some({ bid: priced(bid), bidQuantity, ask: priced(ask), askQuantity })
}

/** Another layout, in which no field is the one we know. */
const saysNothing = ({ askPrice, bidPrice, version }: typeof PublicAggreBookTicker.Type): boolean =>
  bidPrice === "" && askPrice === "" && version === ""

const versionText = /^\d{1,30}$/

/** Versions count up by one; as text they exceed what a number holds exactly one day. */
export const versionOf = (text: string): Option.Option<bigint> =>
  versionText.test(text) ? Option.some(BigInt(text)) : Option.none()

type Level = typeof DepthLevel.Type

/** All or none: a book with a level left out is another book. */
const toLevels = (rows: ReadonlyArray<Level>): Option.Option<ReadonlyArray<BookLevel>> => {
  const levels: Array<BookLevel> = []
  for (const row of rows) {
    const price = Decimal.parseVenue(row.price)
    const quantity = row.quantity === "" ? Either.right(Decimal.zero) : Decimal.parseVenue(row.quantity)
    if (Either.isLeft(price) || Either.isLeft(quantity)) return Option.none()
    if (!Decimal.isPositive(price.right) || Decimal.isNegative(quantity.right)) return Option.none()
    levels.push([price.right, quantity.right])
  }
  return Option.some(levels)
}

export const toDepthDelta = (pushed: typeof PublicAggreDepths.Type, at: Instant): Option.Option<DepthDelta> => {
  const bids = Option.getOrNull(toLevels(pushed.bids))
  const asks = Option.getOrNull(toLevels(pushed.asks))
  const fromVersion = Option.getOrNull(versionOf(pushed.fromVersion))
  const toVersion = Option.getOrNull(versionOf(pushed.toVersion))
  if (bids === null || asks === null || fromVersion === null || toVersion === null) return Option.none()
  return Option.some({ bids, asks, fromVersion, toVersion, at })
}

export const toLimitBook = (
  symbol: SymbolName,
  pushed: typeof PublicLimitDepths.Type,
  at: Instant
): Option.Option<OrderBook> =>
  Option.map(
    Option.all({ bids: toLevels(pushed.bids), asks: toLevels(pushed.asks), version: versionOf(pushed.version) }),
    (book) => ({ ...book, symbol, version: pushed.version, asOf: at, source: "ws", stale: false })
  )

/** The year 10000; a window in milliseconds would lie beyond. */
const latestCandle = 253_402_300_800_000

/** Never closed: no frame says so. */
export const toStreamCandle = (pushed: typeof PublicSpotKline.Type): Option.Option<Candle> =>
  Option.map(
    Option.all({
      open: positive(pushed.openingPrice),
      high: positive(pushed.highestPrice),
      low: positive(pushed.lowestPrice),
      close: positive(pushed.closingPrice),
      volume: amountOrZero(pushed.volume),
      quoteVolume: amountOrZero(pushed.amount),
      // Seconds, unlike every other time of the venue.
      openTime: Option.liftPredicate(pushed.windowStart * 1_000, (at) => at > 0 && at < latestCandle)
    }),
    (candle) => ({ ...candle, closed: false, synthetic: false })
  )

/** 24 h figures of one pair, without its best prices. `changePercent` counts in the zone that was asked for. */
export interface MiniTicker {
  readonly symbol: SymbolName
  readonly last: Decimal.Decimal
  readonly high: Decimal.Decimal
  readonly low: Decimal.Decimal
  /** Base. */
  readonly volume: Decimal.Decimal
  readonly quoteVolume: Decimal.Decimal
  readonly changePercent: number
}

/** `volume` is the quote turnover and `quantity` the base volume, the reverse of REST. */
export const toMiniTicker = (pushed: typeof PublicMiniTicker.Type): Option.Option<MiniTicker> =>
  Option.map(
    Option.all({
      symbol: decodeSymbol(pushed.symbol),
      last: positive(pushed.price),
      high: positive(pushed.high),
      low: positive(pushed.low),
      volume: amountOrZero(pushed.quantity),
      quoteVolume: amountOrZero(pushed.volume),
      change: amountOrZero(pushed.zonedRate)
    }),
    ({ change, ...ticker }) => ({
      ...ticker,
      changePercent: Decimal.toNumber(Decimal.multiply(change, Decimal.hundred))
    })
  )

const statuses = ["open", "filled", "partiallyFilled", "cancelled", "partiallyCancelled"] as const

/** An order that is filled and has bought or sold nothing is no order that anybody can end. */
const statusOf = (number: number, executed: Decimal.Decimal): VenueOrder["status"] => {
  const status = statuses[number - 1] ?? "unrecognised"
  return status === "filled" && !Decimal.isPositive(executed) ? "unrecognised" : status
}

const venueIdForm = /^C\d\d__\d+$/

type Names = Pick<VenueOrder, "exchangeOrderId" | "clientOrderId">

/** The newest documentation has one id, in the place of the client's: in the venue's own form it is the venue's. */
const namesOf = (id: string, clientId: string): Names | null => {
  if (id !== "") return { exchangeOrderId: id, clientOrderId: clientId === "" ? null : clientId }
  return venueIdForm.test(clientId) ? { exchangeOrderId: clientId, clientOrderId: null } : null
}

export const toStreamOrder = (
  symbol: SymbolName,
  pushed: typeof PrivateOrders.Type,
  sentAt: Instant
): Option.Option<VenueOrder> => {
  const names = namesOf(pushed.id, pushed.clientId)
  const side = Option.getOrNull(sideOf(pushed.tradeType))
  const type = orderTypeOfNumber(pushed.orderType) ?? "unrecognised"
  const price = amountOrNull(pushed.price)
  const quantity = amountOrNull(pushed.quantity)
  const amount = amountOrNull(pushed.amount)
  const executedQuantity = amountOrNull(pushed.cumulativeQuantity)
  const executedQuote = amountOrNull(pushed.cumulativeAmount)
  if (names === null || side === null) return Option.none()
  if (price === null || quantity === null || amount === null) return Option.none()
  if (executedQuantity === null || executedQuote === null) return Option.none()
  return Option.some({
    symbol,
    ...names,
    side,
    type,
    status: statusOf(pushed.status, executedQuantity),
    price,
    quantity,
    quoteAmount: type === "market" && Decimal.isPositive(amount) ? amount : null,
    executedQuantity,
    executedQuote,
    createdAt: pushed.createTime,
    at: sentAt
  })
}

export const toStreamFill = (symbol: SymbolName, pushed: typeof PrivateDeals.Type): Option.Option<VenueFill> =>
  Option.map(
    Option.all({
      tradeId: Option.some(pushed.tradeId).pipe(Option.filter((id) => id !== "")),
      names: Option.fromNullable(namesOf(pushed.orderId, pushed.clientOrderId)),
      side: sideOf(pushed.tradeType),
      price: positive(pushed.price),
      quantity: positive(pushed.quantity),
      quoteQuantity: amountOrZero(pushed.amount),
      feeAmount: amountOrZero(pushed.feeAmount)
    }),
    ({ feeAmount, names, ...fill }) => ({
      ...fill,
      ...names,
      symbol,
      fee: { asset: pushed.feeCurrency, amount: feeAmount },
      maker: pushed.isMaker,
      at: pushed.time
    })
  )

export const toStreamBalance = (pushed: typeof PrivateAccount.Type): Option.Option<VenueBalance> =>
  Option.map(
    Option.all({
      asset: Option.some(pushed.vcoinName).pipe(Option.filter((name) => name !== "")),
      free: amountOrZero(pushed.balanceAmount),
      locked: amountOrZero(pushed.frozenAmount)
    }),
    (balance) => balance
  )
