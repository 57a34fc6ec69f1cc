import { Schema } from "effect"
import * as Decimal from "../../../domain/Decimal.ts"
import { SymbolName } from "../../../domain/Market.ts"
import {
  Amount,
  AmountOrNull,
  Flag,
  FlagOr,
  Id,
  IdOrNull,
  Millis,
  MillisOrNull,
  Price,
  Quantity,
  QuantityOrNull,
  RowList,
  Text,
  TextOr,
  readRows
} from "../Fields.ts"

/** Answers of the signed endpoints about the account, its orders and its fills. */

export const Balance = Schema.Struct({ asset: Text, free: Quantity, locked: Quantity })
export const readBalances = readRows(Balance)

/** `GET /account`; assets without a balance are usually absent. Its `canWithdraw` is the account's, not the key's. */
export const Account = Schema.Struct({ balances: RowList })

/** `POST /order`: an acknowledgement, without status, fills or client id. */
export const OrderAcknowledgement = Schema.Struct({ symbol: TextOr(""), orderId: Id, transactTime: MillisOrNull })

/** One that is not for another symbol than was asked for. */
export const acknowledgementOf = (symbol: SymbolName) =>
  OrderAcknowledgement.pipe(Schema.filter((told) => told.symbol === "" || told.symbol === symbol))

/** An item of `POST /batchOrders`: an acknowledgement or a refusal. */
export const BatchItem = Schema.Struct({
  orderId: Schema.optional(Schema.Unknown),
  newClientOrderId: IdOrNull,
  clientOrderId: IdOrNull
})

/** Of `DELETE /order` and `/openOrders`; the answer is no source of status, and nothing in it is relied upon. */
export const CancelAnswer = Schema.Struct({ orderId: IdOrNull })
export const CancelAnswers = RowList
export const readCancelAnswers = readRows(Schema.Struct({ orderId: Id }))

/** A row of `GET /order`, `/openOrders`, `/allOrders`. The double m of `cummulativeQuoteQty` is the venue's. */
export const OrderRow = Schema.Struct({
  symbol: SymbolName,
  orderId: Id,
  clientOrderId: IdOrNull,
  /** MARKET: a collar about 5 % beyond the market, not the fill price. */
  price: QuantityOrNull,
  origQty: QuantityOrNull,
  /** Its name in an older copy of the documentation. */
  Qty: QuantityOrNull,
  /** Without these two nobody can tell what an order did: they are demanded. */
  executedQty: Quantity,
  cummulativeQuoteQty: Quantity,
  status: Text,
  /** Orders placed on the web have kinds the API does not know, such as STOP_MARKET_ORDER. */
  type: TextOr(""),
  side: Schema.Literal("BUY", "SELL"),
  time: MillisOrNull,
  updateTime: MillisOrNull,
  origQuoteOrderQty: QuantityOrNull
})
export interface OrderRow extends Schema.Schema.Type<typeof OrderRow> {}
export const readOrderRows = readRows(OrderRow)

/** A row of `GET /myTrades`; the fee is in whatever asset the venue took it. */
export const MyTrade = Schema.Struct({
  symbol: SymbolName,
  id: Id,
  orderId: Id,
  price: Price,
  qty: Quantity.pipe(Schema.filter(Decimal.isPositive)),
  quoteQty: QuantityOrNull,
  commission: AmountOrNull,
  commissionAsset: TextOr(""),
  time: Millis,
  isBuyer: Flag,
  isMaker: FlagOr(false),
  clientOrderId: IdOrNull
}).pipe(
  // A fee of no asset cannot be booked.
  Schema.filter(
    ({ commission, commissionAsset }) =>
      commission === null || Decimal.isZero(commission) || commissionAsset !== "" || "expected the asset of the fee"
  )
)
export interface MyTrade extends Schema.Schema.Type<typeof MyTrade> {}
export const readMyTrades = readRows(MyTrade)

/** `GET /tradeFee`: JSON numbers, fractions. */
export const TradeFee = Schema.Struct({ data: Schema.Struct({ makerCommission: Amount, takerCommission: Amount }) })

/** `GET /uid` */
export const Uid = Schema.Struct({ uid: Id })

/** `GET /kyc/status`: 1 none, 2 primary, 3 advanced, 4 institutional. */
export const KycStatus = Schema.Struct({ status: Text })

/** `GET` and `POST /mxDeduct/enable`: whether fees are taken in MX. */
export const MxDeduct = Schema.Struct({ data: Schema.Struct({ mxDeductEnable: Flag }) })

/** `POST /userDataStream`; `PUT` and `DELETE` answer the same, which nobody needs. */
export const ListenKey = Schema.Struct({ listenKey: Schema.String.pipe(Schema.pattern(/^\S{1,200}$/)) })

/** `GET /userDataStream`: the same name, a list. */
export const ListenKeys = Schema.Struct({ listenKey: Schema.Array(Schema.String) })
