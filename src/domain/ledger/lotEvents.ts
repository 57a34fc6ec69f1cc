import * as Decimal from "../Decimal.ts"
import { type Side, SymbolName } from "../Market.ts"
import type { AssetAmount, BookName } from "../order/Order.ts"
import type { Instant } from "../Time.ts"
import type { LotEvent } from "./AssetBooks.ts"

/** A stored fill, as the books see it. */
export interface LedgerFill {
  readonly symbol: SymbolName
  readonly tradeId: string
  readonly book: BookName
  readonly baseAsset: string
  readonly quoteAsset: string
  readonly side: Side
  readonly price: Decimal.Decimal
  readonly quantity: Decimal.Decimal
  readonly quoteQuantity: Decimal.Decimal
  readonly fee: AssetAmount
  readonly at: Instant
}

/** What came or went without a trade; positive comes in. */
export interface Movement {
  readonly asset: string
  readonly amount: Decimal.Decimal
  readonly at: Instant
  readonly lotAt: Instant
  readonly seq: number
}

/** What one unit was worth at a moment; null when nobody can tell, or nobody has yet. */
export type PriceOf = (asset: string, quote: string, at: Instant) => Decimal.Decimal | null

/** Reported in, and without lots of its own. */
export const cash = "USDT"

/** Where lots are that came by no trade: the pair of their asset with cash. */
export const homeOf = (asset: string): SymbolName =>
  SymbolName.make(
    `${asset
      .toUpperCase()
      .replaceAll(/[^A-Z0-9_]/g, "_")
      .slice(0, 28)}${cash}`
  )

const rounded = (value: Decimal.Decimal) => Decimal.round(value, Decimal.keptScale, "half-even")

const worth = (amount: Decimal.Decimal, price: Decimal.Decimal | null) =>
  price === null ? null : rounded(Decimal.multiply(amount, price))

const paysThird = ({ baseAsset, fee, quoteAsset }: LedgerFill): boolean =>
  !Decimal.isZero(fee.amount) && fee.asset !== baseAsset && fee.asset !== quoteAsset

/** Assets whose books the fill changes. */
export const assetsWithLots = (fill: LedgerFill): ReadonlyArray<string> =>
  [fill.baseAsset, fill.quoteAsset, ...(paysThird(fill) ? [fill.fee.asset] : [])].filter((asset) => asset !== cash)

export interface WantedPrice {
  readonly asset: string
  readonly quote: string
}

/** The prices without which the fill's cost or proceeds are incomplete. */
export const pricesWanted = (fill: LedgerFill): ReadonlyArray<WantedPrice> => {
  const { fee, quoteAsset } = fill
  const wanted: Array<WantedPrice> = []
  if (quoteAsset !== cash) wanted.push({ asset: quoteAsset, quote: cash })
  if (!paysThird(fill)) return wanted
  if (fee.asset !== cash) wanted.push({ asset: fee.asset, quote: cash })
  if (quoteAsset !== cash) wanted.push({ asset: fee.asset, quote: quoteAsset })
  return wanted
}

interface Fees {
  readonly base: Decimal.Decimal
  readonly quote: Decimal.Decimal
  /** All of it in the quote asset; null when a third asset's price is not known. */
  readonly worth: Decimal.Decimal | null
}

const feesOf = (fill: LedgerFill, priceOf: PriceOf): Fees => {
  const { at, baseAsset, fee, price, quoteAsset } = fill
  if (Decimal.isZero(fee.amount) || fee.asset === quoteAsset)
    return { base: Decimal.zero, quote: fee.amount, worth: fee.amount }
  if (fee.asset === baseAsset) return { base: fee.amount, quote: Decimal.zero, worth: worth(fee.amount, price) }
  return { base: Decimal.zero, quote: Decimal.zero, worth: worth(fee.amount, priceOf(fee.asset, quoteAsset, at)) }
}

/** The side of the traded asset: fees are part of its cost, or come off its proceeds. */
const baseEvent = (fill: LedgerFill, priceOf: PriceOf): LotEvent => {
  const { book, quantity, quoteQuantity, side, symbol } = fill
  const fees = feesOf(fill, priceOf)
  const paidApart = Decimal.isZero(fees.base) ? (fees.worth ?? Decimal.zero) : Decimal.zero
  const shared = { symbol, book, fees: fees.worth ?? Decimal.zero, incomplete: fees.worth === null }
  return side === "buy"
    ? {
        ...shared,
        type: "acquired",
        quantity: Decimal.subtract(quantity, fees.base),
        cost: Decimal.add(quoteQuantity, paidApart),
        bought: { price: fill.price, key: fillKey(fill) }
      }
    : {
        ...shared,
        type: "left",
        quantity: Decimal.add(quantity, fees.base),
        proceeds: Decimal.subtract(quoteQuantity, paidApart)
      }
}

/** An asset that was paid with, or was received for another: at its own market value. */
const valued = (asset: string, amount: Decimal.Decimal, at: Instant, priceOf: PriceOf): ReadonlyArray<LotEvent> => {
  if (Decimal.isZero(amount)) return []
  const price = priceOf(asset, cash, at)
  const shared = { symbol: homeOf(asset), book: "manual" as const, fees: Decimal.zero, incomplete: price === null }
  const size = Decimal.abs(amount)
  return Decimal.isPositive(amount)
    ? [{ ...shared, type: "acquired", quantity: size, cost: worth(size, price) ?? Decimal.zero, bought: null }]
    : [{ ...shared, type: "left", quantity: size, proceeds: worth(size, price) }]
}

/** What a fill does to the books of one asset. */
export const eventsOfFill = (fill: LedgerFill, asset: string, priceOf: PriceOf): ReadonlyArray<LotEvent> => {
  const { at, baseAsset, fee, quoteAsset, quoteQuantity, side } = fill
  if (asset === baseAsset) return [baseEvent(fill, priceOf)]
  if (asset === quoteAsset) {
    const inQuote = fee.asset === quoteAsset ? fee.amount : Decimal.zero
    const change = side === "buy" ? Decimal.negate(quoteQuantity) : quoteQuantity
    return valued(asset, Decimal.subtract(change, inQuote), at, priceOf)
  }
  return asset === fee.asset ? valued(asset, Decimal.negate(fee.amount), at, priceOf) : []
}

/** Deposits cost what they were worth; withdrawals release cost and realise nothing. */
export const eventsOfMovement = (movement: Movement, priceOf: PriceOf): ReadonlyArray<LotEvent> => {
  const events = valued(movement.asset, movement.amount, movement.at, priceOf)
  return events.map((event) => (event.type === "left" ? { ...event, proceeds: null, incomplete: false } : event))
}

const timeKey = (at: Instant) => String(at).padStart(16, "0")

/** Fills by time, trade id, symbol. */
export const fillKey = ({ at, symbol, tradeId }: LedgerFill): string =>
  `${timeKey(at)} 1 ${String(tradeId.length).padStart(3, "0")} ${tradeId} ${symbol}`

/** Behind everything else of its moment: what is handed over was there before. */
export const handOverKey = ({ lotAt, seq }: Pick<Movement, "lotAt" | "seq">): string =>
  `${timeKey(lotAt)} 9 ${timeKey(seq)}`

/** Movements before the fills of the same moment, in the order they were booked. */
export const movementKey = ({ lotAt, seq }: Pick<Movement, "lotAt" | "seq">): string =>
  `${timeKey(lotAt)} 0 ${timeKey(seq)}`
