import { Schema } from "effect"
import { SymbolName } from "../../domain/Market.ts"
import { Amount, AmountOrNull, FlagOr, Id, IdOrNull, Millis, MillisOrNull, TextOr, TextsOrEmpty } from "./Fields.ts"

/** Answers of the signed endpoints. */

export const Balance = Schema.Struct({ asset: Schema.NonEmptyString, free: Amount, locked: Amount })

/** `GET /account`; assets without a balance are usually absent. `canWithdraw` is the account's flag, not the key's. */
export const Account = Schema.Struct({
  canTrade: FlagOr(true),
  permissions: TextsOrEmpty,
  balances: Schema.Array(Balance)
})
export interface Account extends Schema.Schema.Type<typeof Account> {}

/** `POST /order`: an acknowledgement, without status, fills or client id. */
export const OrderAcknowledgement = Schema.Struct({ orderId: Id, transactTime: MillisOrNull })

/** `DELETE /order` and `/openOrders` rows: never a source of status. */
export const CancelAnswer = Schema.Struct({ symbol: SymbolName, orderId: Id })
export const CancelAnswers = Schema.Array(CancelAnswer)

/** A row of `GET /order`, `/openOrders`, `/allOrders`. The double m of `cummulativeQuoteQty` is the venue's. */
export const OrderRow = Schema.Struct({
  symbol: SymbolName,
  orderId: Id,
  clientOrderId: IdOrNull,
  /** MARKET: a collar about 5 % beyond the market, not the fill price. */
  price: AmountOrNull,
  origQty: AmountOrNull,
  executedQty: AmountOrNull,
  cummulativeQuoteQty: AmountOrNull,
  status: Schema.Literal("NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "PARTIALLY_CANCELED"),
  /** Orders placed on the web have kinds the API does not know, such as STOP_MARKET_ORDER. */
  type: Schema.String,
  side: Schema.Literal("BUY", "SELL"),
  time: MillisOrNull,
  updateTime: MillisOrNull,
  origQuoteOrderQty: AmountOrNull
})
export interface OrderRow extends Schema.Schema.Type<typeof OrderRow> {}
export const OrderRows = Schema.Array(OrderRow)

/** A row of `GET /myTrades`; the fee is in whatever asset the venue took it. */
export const MyTrade = Schema.Struct({
  symbol: SymbolName,
  id: Id,
  orderId: Id,
  price: Amount,
  qty: Amount,
  quoteQty: AmountOrNull,
  commission: AmountOrNull,
  commissionAsset: TextOr(""),
  time: Millis,
  isBuyer: Schema.Boolean,
  isMaker: FlagOr(false),
  clientOrderId: IdOrNull
})
export interface MyTrade extends Schema.Schema.Type<typeof MyTrade> {}
export const MyTrades = Schema.Array(MyTrade)

/** `GET /tradeFee`: JSON numbers, fractions. */
export const TradeFee = Schema.Struct({ data: Schema.Struct({ makerCommission: Amount, takerCommission: Amount }) })

/** `POST`, `PUT`, `DELETE /userDataStream`. */
export const ListenKey = Schema.Struct({ listenKey: Schema.NonEmptyString })

/** `GET /userDataStream`: the same name, a list. */
export const ListenKeys = Schema.Struct({ listenKey: Schema.Array(Schema.String) })
