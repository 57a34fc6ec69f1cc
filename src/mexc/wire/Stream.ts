import { Schema } from "effect"
import {
  codec,
  flag,
  int32,
  int64,
  listOf,
  message,
  optionalInt64,
  optionalMessage,
  optionalText,
  text
} from "./Protobuf.ts"

/**
 * The binary frames of the venue's WebSocket: one `PushDataV3ApiWrapper` each. Prices, quantities and versions are
 * text; times are epoch ms, except a candle's window, which is in seconds.
 */

export const AggreDeal = message("PublicAggreDealsV3ApiItem", {
  price: text(1),
  quantity: text(2),
  /** Taker side: 1 buy, 2 sell. */
  tradeType: int32(3),
  time: int64(4),
  tradeId: text(5)
})

export const PublicAggreDeals = message("PublicAggreDealsV3Api", { deals: listOf(1, AggreDeal), eventType: text(2) })

export const PublicSpotKline = message("PublicSpotKlineV3Api", {
  interval: text(1),
  /** Seconds. */
  windowStart: int64(2),
  openingPrice: text(3),
  closingPrice: text(4),
  highestPrice: text(5),
  lowestPrice: text(6),
  volume: text(7),
  amount: text(8),
  /** Seconds. */
  windowEnd: int64(9)
})

export const DepthLevel = message("DepthV3ApiItem", { price: text(1), quantity: text(2) })

/** Quantities are absolute, zero removes the level. */
export const PublicAggreDepths = message("PublicAggreDepthsV3Api", {
  asks: listOf(1, DepthLevel),
  bids: listOf(2, DepthLevel),
  eventType: text(3),
  fromVersion: text(4),
  toVersion: text(5),
  lastOrderCreateTime: int64(6)
})

export const PublicLimitDepths = message("PublicLimitDepthsV3Api", {
  asks: listOf(1, DepthLevel),
  bids: listOf(2, DepthLevel),
  eventType: text(3),
  version: text(4),
  lastOrderCreateTime: int64(5)
})

export const PublicAggreBookTicker = message("PublicAggreBookTickerV3Api", {
  bidPrice: text(1),
  bidQuantity: text(2),
  askPrice: text(3),
  askQuantity: text(4),
  version: text(5),
  lastOrderCreateTime: int64(6)
})

export const PublicBookTicker = message("PublicBookTickerV3Api", {
  bidPrice: text(1),
  bidQuantity: text(2),
  askPrice: text(3),
  askQuantity: text(4)
})

export const PublicBookTickerBatch = message("PublicBookTickerBatchV3Api", {
  items: listOf(1, PublicBookTicker),
  version: text(2),
  lastOrderCreateTime: int64(3)
})

/** `volume` is the quote turnover and `quantity` the base volume, the reverse of REST. */
export const PublicMiniTicker = message("PublicMiniTickerV3Api", {
  symbol: text(1),
  price: text(2),
  rate: text(3),
  zonedRate: text(4),
  high: text(5),
  low: text(6),
  volume: text(7),
  quantity: text(8),
  lastCloseRate: text(9),
  lastCloseZonedRate: text(10),
  lastCloseHigh: text(11),
  lastCloseLow: text(12)
})

export const PublicMiniTickers = message("PublicMiniTickersV3Api", { items: listOf(1, PublicMiniTicker) })

export const PublicIncreaseDepths = message("PublicIncreaseDepthsV3Api", {
  asks: listOf(1, DepthLevel),
  bids: listOf(2, DepthLevel),
  eventType: text(3),
  version: text(4)
})

export const PublicIncreaseDepthsBatch = message("PublicIncreaseDepthsBatchV3Api", {
  items: listOf(1, PublicIncreaseDepths),
  eventType: text(2)
})

/** Balances are absolute: total = balanceAmount (available) + frozenAmount. */
export const PrivateAccount = message("PrivateAccountV3Api", {
  vcoinName: text(1),
  coinId: text(2),
  balanceAmount: text(3),
  balanceAmountChange: text(4),
  frozenAmount: text(5),
  frozenAmountChange: text(6),
  /** ENTRUST_PLACE, ENTRUST, ENTRUST_CANCEL, TRADE_FEE, DEPOSIT …; others possible. */
  type: text(7),
  time: int64(8)
})

export const PrivateDeals = message("PrivateDealsV3Api", {
  price: text(1),
  quantity: text(2),
  amount: text(3),
  /** 1 buy, 2 sell. */
  tradeType: int32(4),
  isMaker: flag(5),
  isSelfTrade: flag(6),
  tradeId: text(7),
  clientOrderId: text(8),
  orderId: text(9),
  feeAmount: text(10),
  feeCurrency: text(11),
  time: int64(12)
})

export const PrivateOrders = message("PrivateOrdersV3Api", {
  id: text(1),
  clientId: text(2),
  /** MARKET: a collar price about 5 % off, not the fill price. */
  price: text(3),
  quantity: text(4),
  amount: text(5),
  avgPrice: text(6),
  /** 1 LIMIT, 2 LIMIT_MAKER, 3 IOC, 4 FOK, 5 MARKET, 100 and up stop kinds. */
  orderType: int32(7),
  /** 1 buy, 2 sell. */
  tradeType: int32(8),
  isMaker: flag(9),
  remainAmount: text(10),
  remainQuantity: text(11),
  lastDealQuantity: optionalText(12),
  cumulativeQuantity: text(13),
  cumulativeAmount: text(14),
  /** 1 new, 2 filled, 3 partially filled, 4 cancelled, 5 partially cancelled. */
  status: int32(15),
  /** Of the order, not of the event; the event's is the wrapper's sendTime. */
  createTime: int64(16)
})

export const PushFrame = message("PushDataV3ApiWrapper", {
  channel: text(1),
  /** Absent for account and all-pairs channels. */
  symbol: optionalText(3),
  symbolId: optionalText(4),
  createTime: optionalInt64(5),
  sendTime: optionalInt64(6),
  publicLimitDepths: optionalMessage(303, PublicLimitDepths),
  privateOrders: optionalMessage(304, PrivateOrders),
  privateDeals: optionalMessage(306, PrivateDeals),
  privateAccount: optionalMessage(307, PrivateAccount),
  publicSpotKline: optionalMessage(308, PublicSpotKline),
  publicMiniTicker: optionalMessage(309, PublicMiniTicker),
  publicMiniTickers: optionalMessage(310, PublicMiniTickers),
  publicBookTickerBatch: optionalMessage(311, PublicBookTickerBatch),
  publicIncreaseDepthsBatch: optionalMessage(312, PublicIncreaseDepthsBatch),
  publicAggreDepths: optionalMessage(313, PublicAggreDepths),
  publicAggreDeals: optionalMessage(314, PublicAggreDeals),
  publicAggreBookTicker: optionalMessage(315, PublicAggreBookTicker)
})
/** A received frame: exactly one body is present, or none when the venue added a message we do not know. */
export interface PushFrame extends Schema.Schema.Type<typeof PushFrame> {}
/** A frame to send: whatever is left out has its proto3 default. */
export interface PushFrameInput extends Schema.Schema.Encoded<typeof PushFrame> {}

const frames = codec(PushFrame)

export const encodeFrame: (frame: PushFrameInput) => Uint8Array = frames.encode

export const decodeFrame = frames.decode
