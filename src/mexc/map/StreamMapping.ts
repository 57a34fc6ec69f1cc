import { Either, Option, Schema } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import { type Side, SymbolName, type Trade } from "../../domain/Market.ts"
import type { VenueBalance, VenueFill, VenueOrder } from "../../domain/Order.ts"
import type { Instant } from "../../domain/Time.ts"
import type {
  AggreDeal,
  PrivateAccount,
  PrivateDeals,
  PrivateOrders,
  PublicAggreBookTicker,
  PushFrame
} from "../wire/Stream.ts"
import { orderTypeOfNumber } from "./OrderTypes.ts"

/** Pushed frames in domain terms; None when a needed value is missing or no number. */

const amount = (text: string): Option.Option<Decimal.Decimal> => Either.getRight(Decimal.parseVenue(text))

const positive = (text: string): Option.Option<Decimal.Decimal> => Option.filter(amount(text), Decimal.isPositive)

/** proto3 leaves an empty text out; for amounts it means zero. */
const amountOrZero = (text: string): Option.Option<Decimal.Decimal> =>
  text === "" ? Option.some(Decimal.zero) : amount(text)

const sideOf = (tradeType: number): Option.Option<Side> =>
  tradeType === 1 ? Option.some("buy") : tradeType === 2 ? Option.some("sell") : Option.none()

const decodeSymbol = Schema.decodeUnknownOption(SymbolName)

/** A merged channel's frame names its symbol in the wrapper. */
export const frameSymbol = (frame: PushFrame): Option.Option<SymbolName> => decodeSymbol(frame.symbol)

export const toPublicTrade = (deal: typeof AggreDeal.Type): Option.Option<Trade> =>
  Option.map(
    Option.all({ price: positive(deal.price), quantity: positive(deal.quantity), side: sideOf(deal.tradeType) }),
    ({ price, quantity, side }) => ({
      price,
      quantity,
      quoteQuantity: Decimal.multiply(price, quantity),
      side,
      at: deal.time
    })
  )

export const toBestPrices = (ticker: typeof PublicAggreBookTicker.Type) =>
  Option.all({
    bid: positive(ticker.bidPrice),
    bidQuantity: amountOrZero(ticker.bidQuantity),
    ask: positive(ticker.askPrice),
    askQuantity: amountOrZero(ticker.askQuantity)
  })

const statuses = ["open", "filled", "partiallyFilled", "cancelled", "partiallyCancelled"] as const

export const toStreamOrder = (
  symbol: SymbolName,
  pushed: typeof PrivateOrders.Type,
  sentAt: Instant
): Option.Option<VenueOrder> =>
  Option.map(
    Option.all({
      exchangeOrderId: Option.some(pushed.id).pipe(Option.filter((id) => id !== "")),
      side: sideOf(pushed.tradeType),
      type: Option.fromNullable(orderTypeOfNumber(pushed.orderType)),
      status: Option.fromNullable(statuses[pushed.status - 1]),
      price: amountOrZero(pushed.price),
      quantity: amountOrZero(pushed.quantity),
      amount: amountOrZero(pushed.amount),
      executedQuantity: amountOrZero(pushed.cumulativeQuantity),
      executedQuote: amountOrZero(pushed.cumulativeAmount)
    }),
    ({ amount, ...order }) => ({
      ...order,
      symbol,
      clientOrderId: pushed.clientId === "" ? null : pushed.clientId,
      quoteAmount: order.type === "market" && Decimal.isPositive(amount) ? amount : null,
      createdAt: pushed.createTime,
      at: sentAt
    })
  )

export const toStreamFill = (symbol: SymbolName, pushed: typeof PrivateDeals.Type): Option.Option<VenueFill> =>
  Option.map(
    Option.all({
      tradeId: Option.some(pushed.tradeId).pipe(Option.filter((id) => id !== "")),
      side: sideOf(pushed.tradeType),
      price: positive(pushed.price),
      quantity: positive(pushed.quantity),
      quoteQuantity: amountOrZero(pushed.amount),
      feeAmount: amountOrZero(pushed.feeAmount)
    }),
    ({ feeAmount, ...fill }) => ({
      ...fill,
      symbol,
      exchangeOrderId: pushed.orderId,
      clientOrderId: pushed.clientOrderId === "" ? null : pushed.clientOrderId,
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
