import * as Decimal from "../../domain/Decimal.ts"
import type { PaperOrder } from "../Events.ts"
import type { FeeRates } from "../Requests.ts"
import type { OrderEntry } from "./ledger/Account.ts"

/** Which asset a buy pays its fee in: the recorded venue took USDT; other users report the coin they received. */
export type FeeIn = "quote" | "received"

/** What an order's fills are charged, and in which assets. */
export interface FeeTerms {
  readonly feeIn: FeeIn
  readonly rates: FeeRates
  readonly baseAsset: string
  readonly quoteAsset: string
}

const feeDecimals = 8

/** Fees are rounded up at eight decimals, in the exchange's favour. */
const feeOn = (amount: Decimal.Decimal, rate: Decimal.Decimal): Decimal.Decimal =>
  Decimal.isZero(rate) ? Decimal.zero : Decimal.round(Decimal.multiply(amount, rate), feeDecimals, "ceil")

/** A resting buy locks its value and the fee at the dearer rate, so that no fill can overdraw; a sell locks its coins. */
export const lockFor = (
  { feeIn, rates }: FeeTerms,
  order: Pick<PaperOrder, "side" | "price">,
  quantity: Decimal.Decimal
): Decimal.Decimal => {
  if (order.side === "sell") return quantity
  const value = Decimal.multiply(order.price, quantity)
  return feeIn === "quote" ? Decimal.add(value, feeOn(value, Decimal.max(rates.maker, rates.taker))) : value
}

export interface Charge {
  readonly quoteQuantity: Decimal.Decimal
  readonly fee: Decimal.Decimal
  readonly feeAsset: string
}

/** What a fill costs and which fee it bears; a fee never exceeds what the fill brought in. */
export const chargeFor = (
  { baseAsset, feeIn, quoteAsset, rates }: FeeTerms,
  side: "buy" | "sell",
  maker: boolean,
  price: Decimal.Decimal,
  quantity: Decimal.Decimal
): Charge => {
  const quoteQuantity = Decimal.multiply(price, quantity)
  const rate = maker ? rates.maker : rates.taker
  if (side === "buy" && feeIn === "received") {
    return { quoteQuantity, fee: Decimal.min(feeOn(quantity, rate), quantity), feeAsset: baseAsset }
  }
  const fee = feeOn(quoteQuantity, rate)
  return { quoteQuantity, fee: side === "sell" ? Decimal.min(fee, quoteQuantity) : fee, feeAsset: quoteAsset }
}

/** What a fill takes out of the quote that its buyer has set aside. */
export const costOf = ({ fee, feeAsset, quoteQuantity }: Charge, { quoteAsset }: FeeTerms): Decimal.Decimal =>
  feeAsset === quoteAsset ? Decimal.add(quoteQuantity, fee) : quoteQuantity

/**
 * The charge of one fill and the lock it frees, so that exactly `kept` stays locked for the rest; therefore the last of
 * many fills may pay 1e-8 less than its own rounding up.
 */
export const settle = (
  charge: Charge,
  entry: Pick<OrderEntry, "lock" | "lockAsset">,
  side: "buy" | "sell",
  kept: Decimal.Decimal
): Charge & { readonly release: Decimal.Decimal } => {
  if (side === "sell") return { ...charge, release: Decimal.zero }
  const payable = Decimal.subtract(Decimal.subtract(entry.lock, charge.quoteQuantity), kept)
  if (charge.feeAsset !== entry.lockAsset) return { ...charge, release: payable }
  const fee = Decimal.min(charge.fee, payable)
  return { ...charge, fee, release: Decimal.subtract(payable, fee) }
}

/** What the venue leaves of a fee that is paid in MX. */
const deductedShare = Decimal.unsafe("0.8")

/** The fee in MX, when `mxPrice` of the fee's asset is known and the account has as much. */
export const inMx = (
  charge: Charge,
  mxPrice: Decimal.Decimal | null,
  mxFree: Decimal.Decimal
): Pick<Charge, "fee" | "feeAsset"> => {
  if (mxPrice === null || Decimal.isZero(charge.fee)) return charge
  const fee = Decimal.divide(Decimal.multiply(charge.fee, deductedShare), mxPrice, feeDecimals, "ceil")
  return Decimal.lessOrEqual(fee, mxFree) ? { fee, feeAsset: "MX" } : charge
}
