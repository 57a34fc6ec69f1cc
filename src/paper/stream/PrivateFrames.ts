import { divide, format, isZero, max, subtract, zero } from "../../domain/Decimal.ts"
import type { OrderType } from "../../domain/Market.ts"
import { privateAccount, privateDeals, privateOrders } from "../../mexc/wire/Channels.ts"
import type { PushFrameInput } from "../../mexc/wire/Stream.ts"
import type { ExchangeEvent, PaperOrderStatus } from "../Events.ts"
import { sideNumber } from "./PublicFrames.ts"

export type PrivateEvent = Extract<ExchangeEvent, { readonly accountId: string }>

const orderTypes = {
  limit: 1,
  limitMaker: 2,
  immediateOrCancel: 3,
  fillOrKill: 4,
  market: 5
} as const satisfies Record<OrderType, number>

const statuses = {
  NEW: 1,
  FILLED: 2,
  PARTIALLY_FILLED: 3,
  CANCELED: 4,
  PARTIALLY_CANCELED: 5
} as const satisfies Record<PaperOrderStatus, number>

/** The private push that tells an account of a change; `sendTime` is the time of the change. */
export const privateFrame = (event: PrivateEvent): PushFrameInput => {
  switch (event.type) {
    case "order":
      return orderFrame(event)
    case "deal":
      return dealFrame(event)
    case "balance":
      return balanceFrame(event)
  }
}

const orderFrame = ({ at, lastDealQuantity, maker, order }: Extract<PrivateEvent, { type: "order" }>) => ({
  channel: privateOrders,
  symbol: order.symbol,
  sendTime: at,
  privateOrders: {
    id: order.id,
    clientId: order.clientOrderId ?? "",
    price: format(order.price),
    quantity: format(order.quantity),
    // The quote ordered: nothing for an order sized in the base asset.
    amount: order.quoteSized ? format(order.quoteAmount) : "0",
    avgPrice: isZero(order.executedQuantity) ? "0" : format(divide(order.executedQuote, order.executedQuantity)),
    orderType: orderTypes[order.type],
    tradeType: sideNumber(order.side),
    isMaker: maker,
    remainAmount: order.status === "FILLED" ? "0" : format(max(zero, subtract(order.quoteAmount, order.executedQuote))),
    remainQuantity:
      order.status === "FILLED" ? "0" : format(max(zero, subtract(order.quantity, order.executedQuantity))),
    ...(lastDealQuantity === null ? {} : { lastDealQuantity: format(lastDealQuantity) }),
    cumulativeQuantity: format(order.executedQuantity),
    cumulativeAmount: format(order.executedQuote),
    status: statuses[order.status],
    createTime: order.createdAt
  }
})

const dealFrame = ({ at, fill }: Extract<PrivateEvent, { type: "deal" }>) => ({
  channel: privateDeals,
  symbol: fill.symbol,
  sendTime: at,
  privateDeals: {
    price: format(fill.price),
    quantity: format(fill.quantity),
    amount: format(fill.quoteQuantity),
    tradeType: sideNumber(fill.side),
    isMaker: fill.maker,
    isSelfTrade: fill.selfTrade,
    tradeId: fill.tradeId,
    clientOrderId: fill.clientOrderId ?? "",
    orderId: fill.orderId,
    feeAmount: format(fill.fee),
    feeCurrency: fill.feeAsset,
    time: fill.at
  }
})

const balanceFrame = (event: Extract<PrivateEvent, { type: "balance" }>) => ({
  channel: privateAccount,
  createTime: event.at,
  sendTime: event.at,
  privateAccount: {
    vcoinName: event.asset,
    balanceAmount: format(event.free),
    balanceAmountChange: format(event.freeChange),
    frozenAmount: format(event.locked),
    frozenAmountChange: format(event.lockedChange),
    type: event.reason,
    time: event.at
  }
})
