import { type Decimal, unsafe, zero } from "../../domain/Decimal.ts"
import type { Listing } from "../MarketSource.ts"
import type { Scales } from "./CandlePath.ts"
import { fromUnits } from "./Units.ts"

/** Smallest and largest order value in the quote asset, as the venue lists most pairs. */
const stableNotional = { min: unsafe("1"), max: unsafe("2000000") }
const notionals: Readonly<Record<string, { readonly min: Decimal; readonly max: Decimal }>> = {
  BTC: { min: unsafe("0.00001"), max: unsafe("20") },
  ETH: { min: unsafe("0.0005"), max: unsafe("600") },
  BNB: { min: unsafe("0.002"), max: unsafe("3000") },
  SOL: { min: unsafe("0.005"), max: unsafe("10000") }
}

export const notionalOf = (quoteAsset: string) => notionals[quoteAsset] ?? stableNotional

const takerFeeRate = unsafe("0.0005")
const priceBand = unsafe("0.2")

/** What a price source does not tell of a pair: limits and fees of an ordinary listing. */
export const listed = (pair: {
  readonly symbol: string
  readonly baseAsset: string
  readonly quoteAsset: string
  readonly fullName: string
  readonly scales: Scales
}): Listing => ({
  symbol: pair.symbol,
  baseAsset: pair.baseAsset,
  quoteAsset: pair.quoteAsset,
  fullName: pair.fullName,
  basePrecision: pair.scales.quantity,
  quotePrecision: pair.scales.price,
  minQuantity: fromUnits(1n, pair.scales.quantity),
  minNotional: notionalOf(pair.quoteAsset).min,
  maxNotional: notionalOf(pair.quoteAsset).max,
  makerFeeRate: zero,
  takerFeeRate,
  priceBand
})
