import * as Decimal from "../../../domain/Decimal.ts"
import type { PaperOrder } from "../../Events.ts"
import type { Engine } from "../Engine.ts"
import { chargeFor, inMx, lockFor, settle } from "../Fees.ts"
import { balanceOf, type OrderEntry, remaining } from "../ledger/Account.ts"
import type { Market } from "../Market.ts"

export interface Trade {
  readonly price: Decimal.Decimal
  readonly quantity: Decimal.Decimal
  readonly at: number
}

/** What one side of a trade is called, and who else was in it. */
export interface Part {
  readonly maker: boolean
  readonly selfTrade: boolean
  readonly tradeId: string
}

/** Books one side of a trade to an order. A taker is not in the book yet; whoever placed it puts it there. */
export const fill = (engine: Engine, market: Market, entry: OrderEntry, trade: Trade, part: Part): void => {
  const { order } = entry
  const { at, price, quantity } = trade
  const account = engine.ledger.account(order.accountId)
  const terms = engine.feeTerms(market, account)
  const agreed = { ...terms, rates: entry.feeRates ?? terms.rates }
  const charge = chargeFor(agreed, order.side, part.maker, price, quantity)
  const paid = account.mxDeduct
    ? inMx(charge, mxPriceIn(engine, charge.feeAsset), balanceOf(account, "MX").free)
    : charge
  // A market buy keeps what its next pieces were planned to cost, which is all that it has locked besides this one.
  const kept =
    order.type === "market"
      ? Decimal.subtract(entry.lock, Decimal.add(charge.quoteQuantity, feeFromLock(charge, entry)))
      : lockFor(agreed, order, Decimal.subtract(remaining(order), quantity))
  const settled = settle({ ...charge, ...paid }, entry, order.side, kept)
  engine.record({ _tag: "filled", at, ...named(order), price, quantity, ...part, ...settled })
  if (part.maker) market.book.update(entry)
}

const feeFromLock = (charge: { fee: Decimal.Decimal; feeAsset: string }, entry: OrderEntry): Decimal.Decimal =>
  charge.feeAsset === entry.lockAsset ? charge.fee : Decimal.zero

/** Takes what is left of an order out of the book and gives its lock back. */
export const close = (engine: Engine, entry: OrderEntry, at: number, reason: string | null = null): void => {
  const orderId = entry.order.id
  engine.record({ _tag: "orderClosed", at, orderId, ...(reason === null ? {} : { reason }) })
  engine.markets.get(entry.order.symbol)?.book.update(entry)
}

/** Shared by both sides of a trade: X1 is the taker's, X2 the maker's. */
export const nextTradeNumber = (engine: Engine, at: number): string =>
  `${at}${String(engine.ledger.fillCount).padStart(6, "0")}`

/** The last price of MX in an asset, directly or through USDT; null where the exchange has none. */
const mxPriceIn = (engine: Engine, asset: string): Decimal.Decimal | null => {
  const inUsdt = engine.markets.get("MXUSDT")?.last ?? null
  if (asset === "USDT" || inUsdt === null) return inUsdt
  const direct = engine.markets.get(`MX${asset}`)?.last ?? null
  const asUsdt = engine.markets.get(`${asset}USDT`)?.last ?? null
  return direct ?? (asUsdt === null ? null : Decimal.divide(inUsdt, asUsdt))
}

const named = (order: PaperOrder) => ({
  orderId: order.id,
  accountId: order.accountId,
  clientOrderId: order.clientOrderId,
  symbol: order.symbol,
  side: order.side
})
