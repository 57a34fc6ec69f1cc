import * as Decimal from "../../domain/Decimal.ts"
import type { PaperOrder } from "../Events.ts"
import type { Listing } from "../MarketSource.ts"
import type { OrderEntry } from "./Ledger.ts"

/** Which asset a buy pays its fee in: the recorded venue took USDT; other users report the coin they received. */
export type FeeIn = "quote" | "received"

const feeDecimals = 8

/** Fees are rounded up at eight decimals, in the exchange's favour. */
const feeOn = (amount: Decimal.Decimal, rate: Decimal.Decimal): Decimal.Decimal =>
  Decimal.round(Decimal.multiply(amount, rate), feeDecimals, "ceil")

const worstRate = (listing: Listing): Decimal.Decimal => Decimal.max(listing.makerFeeRate, listing.takerFeeRate)

/** A resting buy locks its value and the fee at the dearer rate, so that no fill can overdraw; a sell locks its coins. */
export const lockFor = (
  listing: Listing,
  feeIn: FeeIn,
  order: Pick<PaperOrder, "side" | "price">,
  quantity: Decimal.Decimal
): Decimal.Decimal => {
  if (order.side === "sell") return quantity
  const value = Decimal.multiply(order.price, quantity)
  return feeIn === "quote" ? Decimal.add(value, feeOn(value, worstRate(listing))) : value
}

export interface Charge {
  readonly quoteQuantity: Decimal.Decimal
  readonly fee: Decimal.Decimal
  readonly feeAsset: string
}

/** What a fill costs and which fee it bears; a fee never exceeds what the fill brought in. */
export const chargeFor = (
  listing: Listing,
  feeIn: FeeIn,
  side: "buy" | "sell",
  maker: boolean,
  price: Decimal.Decimal,
  quantity: Decimal.Decimal
): Charge => {
  const quoteQuantity = Decimal.multiply(price, quantity)
  const rate = maker ? listing.makerFeeRate : listing.takerFeeRate
  if (side === "buy" && feeIn === "received") {
    return { quoteQuantity, fee: Decimal.min(feeOn(quantity, rate), quantity), feeAsset: listing.baseAsset }
  }
  const fee = feeOn(quoteQuantity, rate)
  return { quoteQuantity, fee: side === "sell" ? Decimal.min(fee, quoteQuantity) : fee, feeAsset: listing.quoteAsset }
}

/**
 * The charge of one fill of a limit order and the lock it frees. What remains locked is always exactly `lockFor` the
 * rest; therefore the last of many fills may pay 1e-8 less than its own rounding up.
 */
export const settleLimit = (
  listing: Listing,
  feeIn: FeeIn,
  entry: Pick<OrderEntry, "lock" | "lockAsset">,
  order: Pick<PaperOrder, "side" | "price">,
  fill: { readonly price: Decimal.Decimal; readonly quantity: Decimal.Decimal; readonly rest: Decimal.Decimal },
  maker: boolean
): Charge & { readonly release: Decimal.Decimal } => {
  const charge = chargeFor(listing, feeIn, order.side, maker, fill.price, fill.quantity)
  if (order.side === "sell") return { ...charge, release: Decimal.zero }
  const kept = lockFor(listing, feeIn, order, fill.rest)
  const payable = Decimal.subtract(Decimal.subtract(entry.lock, charge.quoteQuantity), kept)
  if (charge.feeAsset !== entry.lockAsset) return { ...charge, release: payable }
  const fee = Decimal.min(charge.fee, payable)
  return { ...charge, fee, release: Decimal.subtract(payable, fee) }
}
