import { BigDecimal, Redacted, Schema } from "effect"
import { Decimal, format } from "../../domain/Decimal.ts"
import { OrderType, Side } from "../../domain/Market.ts"
import { Permission } from "../Requests.ts"
import { PairChange } from "./Pair.ts"

const at = { at: Schema.Number }
/** A field that journals of earlier versions do not have. */
const since = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

const AccountOpened = Schema.TaggedStruct("accountOpened", {
  ...at,
  accountId: Schema.String,
  accessKey: Schema.String,
  /** The journal is the exchange's own vault; its file is readable by the owner only. */
  secretKey: Schema.Redacted(Schema.String),
  permissions: Schema.Array(Permission),
  ips: since(Schema.Array(Schema.String)),
  feeRates: since(Schema.Struct({ maker: Decimal, taker: Decimal }))
})

/** Another key of an account that is open. */
const KeyAdded = Schema.TaggedStruct("keyAdded", {
  ...at,
  accountId: Schema.String,
  accessKey: Schema.String,
  secretKey: Schema.Redacted(Schema.String),
  permissions: Schema.Array(Permission),
  ips: Schema.NullOr(Schema.Array(Schema.String))
})

/** How a key stands from then on. */
const KeyChanged = Schema.TaggedStruct("keyChanged", {
  ...at,
  accountId: Schema.String,
  accessKey: Schema.String,
  permissions: Schema.Array(Permission),
  ips: Schema.NullOr(Schema.Array(Schema.String)),
  deleted: Schema.Boolean
})

const Deposited = Schema.TaggedStruct("deposited", {
  ...at,
  accountId: Schema.String,
  asset: Schema.String,
  amount: Decimal,
  network: since(Schema.String),
  address: since(Schema.String),
  txId: since(Schema.String)
})

const Withdrawn = Schema.TaggedStruct("withdrawn", {
  ...at,
  accountId: Schema.String,
  asset: Schema.String,
  amount: Decimal,
  fee: since(Decimal),
  network: since(Schema.String),
  address: since(Schema.String),
  memo: since(Schema.String),
  withdrawOrderId: since(Schema.String),
  remark: since(Schema.String)
})

const Wallet = Schema.Literal("SPOT", "FUTURES")

const Transferred = Schema.TaggedStruct("transferred", {
  ...at,
  accountId: Schema.String,
  asset: Schema.String,
  amount: Decimal,
  from: Wallet,
  to: Wallet
})

/** A balance changed from outside, up or down: an airdrop, a fee of another product. */
const Adjusted = Schema.TaggedStruct("adjusted", {
  ...at,
  accountId: Schema.String,
  asset: Schema.String,
  amount: Decimal
})

const MxDeductSet = Schema.TaggedStruct("mxDeductSet", { ...at, accountId: Schema.String, on: Schema.Boolean })

const PairChanged = Schema.TaggedStruct("pairChanged", {
  ...at,
  symbol: Schema.String,
  change: PairChange,
  /** Of a mirror: a restart reads what stands on the venue then. */
  byVenue: since(Schema.Literal(true))
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
  lock: Decimal,
  /** What its fills are charged, whatever the rates become while it rests. */
  feeRates: since(Schema.Struct({ maker: Decimal, taker: Decimal })),
  stpMode: since(Schema.String)
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
const OrderClosed = Schema.TaggedStruct("orderClosed", {
  ...at,
  orderId: Schema.String,
  reason: since(Schema.String)
})

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
  KeyAdded,
  KeyChanged,
  Deposited,
  Withdrawn,
  Transferred,
  Adjusted,
  MxDeductSet,
  PairChanged,
  OrderAccepted,
  Filled,
  OrderClosed,
  Marked,
  Ticked
)
export type Fact = typeof Fact.Type
export type Deposited = typeof Deposited.Type
export type Withdrawn = typeof Withdrawn.Type
export type Transferred = typeof Transferred.Type
export type Adjusted = typeof Adjusted.Type
export type OrderAccepted = typeof OrderAccepted.Type
export type Filled = typeof Filled.Type
export type OrderClosed = typeof OrderClosed.Type

/** What the schema would encode, by hand: every order writes some, and a schema takes ten times as long. */
export const encodeFact = (fact: Fact): string => JSON.stringify(plainOf(fact))

const plainOf = (value: unknown): unknown => {
  if (value === null || (typeof value !== "object" && typeof value !== "bigint")) return value
  if (typeof value === "bigint") return value.toString()
  if (BigDecimal.isBigDecimal(value)) return format(value)
  if (Redacted.isRedacted(value)) return Redacted.value(value)
  if (Array.isArray(value)) return value.map(plainOf)
  const plain: Record<string, unknown> = {}
  for (const [key, each] of Object.entries(value)) plain[key] = plainOf(each)
  return plain
}

export const decodeFact = Schema.decodeUnknownEither(Schema.parseJson(Fact))
