import { Schema } from "effect"
import { Decimal } from "../../domain/Decimal.ts"
import { OrderType, Side } from "../../domain/Market.ts"

const at = { at: Schema.Number }

const AccountOpened = Schema.TaggedStruct("accountOpened", {
  ...at,
  accountId: Schema.String,
  accessKey: Schema.String,
  /** The journal is the exchange's own vault; its file is readable by the owner only. */
  secretKey: Schema.Redacted(Schema.String),
  permissions: Schema.Array(
    Schema.Literal("SPOT_ACCOUNT_READ", "SPOT_DEAL_READ", "SPOT_DEAL_WRITE", "SPOT_WITHDRAW_WRITE")
  )
})

const Deposited = Schema.TaggedStruct("deposited", {
  ...at,
  accountId: Schema.String,
  asset: Schema.String,
  amount: Decimal
})

const Withdrawn = Schema.TaggedStruct("withdrawn", {
  ...at,
  accountId: Schema.String,
  asset: Schema.String,
  amount: Decimal
})

const OrderAccepted = Schema.TaggedStruct("orderAccepted", {
  ...at,
  orderId: Schema.String,
  accountId: Schema.String,
  clientOrderId: Schema.NullOr(Schema.String),
  symbol: Schema.String,
  side: Side,
  type: OrderType,
  price: Decimal,
  quantity: Decimal,
  quoteAmount: Decimal,
  quoteSized: Schema.Boolean,
  baseAsset: Schema.String,
  quoteAsset: Schema.String,
  /** Moved from free to locked: quote for a buy, base for a sell. */
  lock: Decimal
})

const Filled = Schema.TaggedStruct("filled", {
  ...at,
  tradeId: Schema.String,
  orderId: Schema.String,
  accountId: Schema.String,
  clientOrderId: Schema.NullOr(Schema.String),
  symbol: Schema.String,
  side: Side,
  price: Decimal,
  quantity: Decimal,
  quoteQuantity: Decimal,
  fee: Decimal,
  feeAsset: Schema.String,
  maker: Schema.Boolean,
  selfTrade: Schema.Boolean,
  /** Lock given back because the fill was cheaper than the order's limit. */
  release: Decimal
})

/** The rest of an order is cancelled and its lock returned. */
const OrderClosed = Schema.TaggedStruct("orderClosed", { ...at, orderId: Schema.String })

/** Where a market stood; versions below the ceiling may have been shown. */
const Marked = Schema.TaggedStruct("marked", {
  ...at,
  symbol: Schema.String,
  price: Decimal,
  versionCeiling: Schema.BigInt
})

/** Market time up to here may have been shown: a restart begins at it. */
const Ticked = Schema.TaggedStruct("ticked", at)

/** What happened on the exchange, one line each in the journal; the whole state of accounts is a fold of these. */
export const Fact = Schema.Union(
  AccountOpened,
  Deposited,
  Withdrawn,
  OrderAccepted,
  Filled,
  OrderClosed,
  Marked,
  Ticked
)
export type Fact = typeof Fact.Type
export type OrderAccepted = typeof OrderAccepted.Type
export type Filled = typeof Filled.Type

export const encodeFact: (fact: Fact) => string = Schema.encodeSync(Schema.parseJson(Fact))
export const decodeFact = Schema.decodeUnknownEither(Schema.parseJson(Fact))
