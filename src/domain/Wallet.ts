import { Schema } from "effect"
import { Decimal } from "./Decimal.ts"
import { Source } from "./Market.ts"
import { Instant } from "./Time.ts"

/**
 * One asset of a user's account. `reserved` is held by orders of ours that the venue does not lock yet;
 * `available` is free less reserved; `total` is free plus locked. Price and value are null without a market.
 */
export const WalletAsset = Schema.Struct({
  asset: Schema.String,
  free: Decimal,
  locked: Decimal,
  reserved: Decimal,
  available: Decimal,
  total: Decimal,
  price: Schema.NullOr(Decimal),
  value: Schema.NullOr(Decimal)
}).annotations({ identifier: "WalletAsset" })
export interface WalletAsset extends Schema.Schema.Type<typeof WalletAsset> {}

/** A user's balances on the venue, valued in `quoteAsset`; `totalValue` adds up what has a price. */
export const Wallet = Schema.Struct({
  venue: Schema.String,
  assets: Schema.Array(WalletAsset),
  totalValue: Decimal,
  quoteAsset: Schema.String,
  asOf: Instant,
  source: Source,
  stale: Schema.Boolean
}).annotations({ identifier: "Wallet" })
export interface Wallet extends Schema.Schema.Type<typeof Wallet> {}
