import { Data, Either } from "effect"
import * as Decimal from "../Decimal.ts"
import type { OrderType, Side, SymbolInfo } from "../Market.ts"
import type { AssetAmount } from "./Order.ts"
import type { OrderProblem } from "./PlaceOrder.ts"
import { reason, type Reason } from "../Reason.ts"

/** What somebody wants to send, before any rounding. */
export interface OrderAsk {
  readonly side: Side
  readonly type: OrderType
  readonly quantity?: Decimal.Decimal | undefined
  readonly quoteAmount?: Decimal.Decimal | undefined
  readonly price?: Decimal.Decimal | undefined
  readonly maxSlippageBps?: number | undefined
  readonly maxPrice?: Decimal.Decimal | undefined
}

/** What the order is checked against; a balance that is not known is null and left to the venue. */
export interface RiskContext {
  readonly symbol: SymbolInfo
  readonly quote: {
    readonly bid: Decimal.Decimal
    readonly ask: Decimal.Decimal
    /** The last trade, from which the venue measures its price band. */
    readonly last?: Decimal.Decimal
    readonly stale: boolean
  } | null
  readonly availableQuote: Decimal.Decimal | null
  readonly availableBase: Decimal.Decimal | null
  /** What the book still holds, for sells. */
  readonly bookQuantity: Decimal.Decimal | null
}

/** The order as the venue would get it: every number on its tick and step. */
export interface OrderDraft {
  readonly type: OrderType
  readonly price: Decimal.Decimal | null
  readonly quantity: Decimal.Decimal | null
  readonly quoteAmount: Decimal.Decimal | null
  readonly estimatedPrice: Decimal.Decimal | null
  readonly estimatedQuantity: Decimal.Decimal | null
  readonly estimatedQuote: Decimal.Decimal | null
  readonly estimatedFee: AssetAmount | null
}

export interface RiskProblem extends OrderProblem {
  readonly reason: Reason
}

/** Everything that speaks against the order, the most basic first. */
export class RiskRefused extends Data.TaggedError("RiskRefused")<{
  readonly problems: readonly [RiskProblem, ...ReadonlyArray<RiskProblem>]
}> {}

/**
 * The immediate-or-cancel limit of a protected market order against the best price: never beyond `ask × (1 + bps/10⁴)`
 * for a buy, nor below `bid × (1 − bps/10⁴)` for a sell.
 */
export const protectedLimit = (
  side: Side,
  best: Decimal.Decimal,
  bps: number,
  tick: Decimal.Decimal
): Decimal.Decimal =>
  side === "buy"
    ? Decimal.quantise(Decimal.multiply(best, Decimal.plusBps(bps)), tick, "floor")
    : Decimal.quantise(Decimal.multiply(best, Decimal.plusBps(-bps)), tick, "ceil")

/** The largest whole number of steps that `amount` pays for at `price`, the taker fee included. */
export const quantityFor = (
  amount: Decimal.Decimal,
  price: Decimal.Decimal,
  symbol: Pick<SymbolInfo, "quantityStep" | "takerFeeRate">
): Decimal.Decimal => {
  const unit = Decimal.multiply(price, Decimal.add(Decimal.one, symbol.takerFeeRate))
  return Decimal.quantise(Decimal.divide(amount, unit, Decimal.keptScale, "floor"), symbol.quantityStep, "floor")
}

const limitPrice = (ask: OrderAsk, { symbol, quote }: RiskContext): Decimal.Decimal | null => {
  if (ask.price !== undefined)
    return Decimal.quantise(ask.price, symbol.priceTick, ask.side === "buy" ? "floor" : "ceil")
  if (ask.maxSlippageBps === undefined || quote === null) return null
  const best = ask.side === "buy" ? quote.ask : quote.bid
  const limit = protectedLimit(ask.side, best, ask.maxSlippageBps, symbol.priceTick)
  if (ask.maxPrice === undefined || ask.side === "sell") return limit
  return Decimal.min(limit, Decimal.quantise(ask.maxPrice, symbol.priceTick, "floor"))
}

const sentType = (ask: OrderAsk): OrderType =>
  ask.type === "market" && ask.maxSlippageBps !== undefined ? "immediateOrCancel" : ask.type

const expectedPrice = (side: Side, limit: Decimal.Decimal | null, quote: RiskContext["quote"]) => {
  if (quote === null) return limit
  const market = side === "buy" ? quote.ask : quote.bid
  if (limit === null) return market
  return side === "buy" ? Decimal.min(limit, market) : Decimal.max(limit, market)
}

/** The venue names no precision for quote amounts; eight decimals are what its fees have. */
const quoteAmountDecimals = 8

/** Rounds as the venue needs it and estimates what would come of it; refuses nothing. */
export const draftOrder = (ask: OrderAsk, context: RiskContext): OrderDraft => {
  const { symbol } = context
  const type = sentType(ask)
  const price = limitPrice(ask, context)
  const usable = price !== null && Decimal.isPositive(price)
  const quantity =
    ask.quantity !== undefined
      ? Decimal.quantise(ask.quantity, symbol.quantityStep, "floor")
      : ask.quoteAmount !== undefined && usable
        ? quantityFor(ask.quoteAmount, price, symbol)
        : null
  // A plain market buy goes out by amount as asked, but for digits that the venue cannot hold.
  const quoteAmount =
    type === "market" && quantity === null && ask.quoteAmount !== undefined
      ? Decimal.round(ask.quoteAmount, quoteAmountDecimals, "floor")
      : null
  const estimatedPrice = expectedPrice(ask.side, price, context.quote)
  const known = estimatedPrice !== null && Decimal.isPositive(estimatedPrice)
  const estimatedQuote =
    quoteAmount ?? (quantity !== null && estimatedPrice !== null ? Decimal.multiply(quantity, estimatedPrice) : null)
  return {
    type,
    price,
    quantity,
    quoteAmount,
    estimatedPrice,
    estimatedQuantity:
      quantity ?? (quoteAmount !== null && known ? quantityFor(quoteAmount, estimatedPrice, symbol) : null),
    estimatedQuote,
    estimatedFee:
      estimatedQuote === null
        ? null
        : {
            asset: symbol.quoteAsset,
            amount: Decimal.round(Decimal.multiply(estimatedQuote, symbol.takerFeeRate), 8, "ceil")
          }
  }
}

const text = Decimal.format

/** What a buy takes from the quote balance before it is booked: at the limit, which is what the venue locks. */
export const quoteNeeded = (draft: OrderDraft): Decimal.Decimal | null =>
  draft.quoteAmount ??
  (draft.quantity === null
    ? null
    : draft.price !== null
      ? Decimal.multiply(draft.quantity, draft.price)
      : draft.estimatedQuote)

const tradability = (ask: OrderAsk, draft: OrderDraft, { symbol }: RiskContext): ReadonlyArray<RiskProblem> => {
  if (!symbol.tradable) {
    const message = `${symbol.symbol} does not take orders now: ${symbol.untradableReason ?? "the venue gives no reason"}.`
    return [{ code: "SYMBOL_NOT_TRADABLE", path: "symbol", message, reason: reason("NOT_TRADABLE", {}, message) }]
  }
  if (symbol.filters?.closedSide === ask.side) {
    const message = `The venue takes no orders to ${ask.side} ${symbol.symbol} now.`
    return [{ code: "SYMBOL_NOT_TRADABLE", path: "side", message, reason: reason("NOT_TRADABLE", {}, message) }]
  }
  // The venue never lists the immediate kinds; it takes them wherever it takes limits.
  const immediate = draft.type === "immediateOrCancel" || draft.type === "fillOrKill"
  if (!symbol.orderTypes.includes(immediate ? "limit" : draft.type)) {
    const instead = draft.type === "market" ? "; give maxSlippageBps to send a protected limit" : ""
    const message = `The venue takes no ${draft.type} orders for ${symbol.symbol}${instead}.`
    return [{ code: "SYMBOL_NOT_TRADABLE", path: "type", message, reason: reason("NOT_TRADABLE", {}, message) }]
  }
  return []
}

/** The venue measures limit, immediate-or-cancel and fill-or-kill prices from the last trade, and no others. */
const band = (ask: OrderAsk, draft: OrderDraft, { quote, symbol }: RiskContext): ReadonlyArray<RiskProblem> => {
  const last = quote?.last
  const room = ask.side === "buy" ? symbol.filters?.buyAbove : symbol.filters?.sellBelow
  if (last === undefined || room == null || draft.price === null) return []
  if (quote === null || quote.stale || draft.type === "market" || draft.type === "limitMaker") return []
  const way = ask.side === "buy" ? room : Decimal.negate(room)
  const edge = Decimal.multiply(last, Decimal.add(Decimal.one, way))
  const beyond = ask.side === "buy" ? Decimal.greaterThan(draft.price, edge) : Decimal.lessThan(draft.price, edge)
  if (!beyond) return []
  const params = { price: text(draft.price), last: text(last), edge: text(edge) }
  const message = `The venue takes no price ${ask.side === "buy" ? "above" : "below"} ${text(edge)} now, which is ${text(Decimal.multiply(room, Decimal.hundred))} % from the last trade at ${text(last)}.`
  const path = ask.price === undefined ? "maxSlippageBps" : "price"
  return [{ code: "PRICE_OUT_OF_BAND", path, message, reason: reason("PRICE_OUT_OF_BAND", params, message) }]
}

/** A post-only order that would trade at once is ended by the venue as soon as it comes. */
const resting = (ask: OrderAsk, draft: OrderDraft, { quote }: RiskContext): ReadonlyArray<RiskProblem> => {
  if (draft.type !== "limitMaker" || draft.price === null || quote === null || quote.stale) return []
  const best = ask.side === "buy" ? quote.ask : quote.bid
  const crosses =
    ask.side === "buy" ? Decimal.greaterOrEqual(draft.price, best) : Decimal.lessOrEqual(draft.price, best)
  if (!crosses) return []
  const message = `A limitMaker order at ${text(draft.price)} would trade at once against ${text(best)}.`
  const why = reason("PRICE_OUT_OF_BAND", { price: text(draft.price), best: text(best) }, message)
  return [{ code: "PRICE_OUT_OF_BAND", path: "price", message, reason: why }]
}

/** What a fresh price has to bound: a protected order's slippage, and the cost of a quantity bought at any price. */
const unpriced = (ask: OrderAsk, draft: OrderDraft): RiskProblem | null => {
  const refused = (path: string, message: string): RiskProblem => ({
    code: "STALE_MARKET_DATA",
    path,
    message,
    reason: reason("GATE_STALE", {}, message)
  })
  if (ask.maxSlippageBps !== undefined)
    return refused("maxSlippageBps", "The best price is unknown or too old to bound the slippage.")
  if (ask.side === "buy" && draft.type === "market" && draft.quantity !== null)
    return refused("quantity", "The best price is unknown or too old to tell what this quantity costs.")
  return null
}

const pricing = (ask: OrderAsk, draft: OrderDraft, { quote }: RiskContext): ReadonlyArray<RiskProblem> => {
  const missing = quote === null || quote.stale ? unpriced(ask, draft) : null
  if (missing !== null) return [missing]
  if (draft.price !== null && !Decimal.isPositive(draft.price)) {
    const message = "The price is below the smallest price step."
    return [{ code: "PRICE_OUT_OF_BAND", path: "price", message, reason: reason("PRICE_OUT_OF_BAND", {}, message) }]
  }
  const paid = draft.price ?? draft.estimatedPrice
  const beyond =
    ask.maxPrice !== undefined && ask.side === "buy" && paid !== null && Decimal.greaterThan(paid, ask.maxPrice)
  const cannotFill =
    ask.maxPrice !== undefined &&
    ask.maxSlippageBps !== undefined &&
    quote !== null &&
    Decimal.lessThan(ask.maxPrice, quote.ask)
  if (ask.maxPrice !== undefined && (beyond || cannotFill)) {
    const params = { maxPrice: text(ask.maxPrice), ...(quote === null ? {} : { ask: text(quote.ask) }) }
    const message = `The order would cost more than maxPrice ${text(ask.maxPrice)}.`
    return [{ code: "PRICE_OUT_OF_BAND", path: "maxPrice", message, reason: reason("MAX_PRICE", params) }]
  }
  return []
}

const tooSmall = (path: string, message: string, params: Readonly<Record<string, string>>): RiskProblem => ({
  code: "BELOW_MINIMUM",
  path,
  message,
  reason: reason("BELOW_MIN_NOTIONAL", params)
})

const sizing = (ask: OrderAsk, draft: OrderDraft, { symbol }: RiskContext): ReadonlyArray<RiskProblem> => {
  const path = ask.quantity === undefined ? "quoteAmount" : "quantity"
  const { quantity } = draft
  if (quantity !== null && !Decimal.isPositive(quantity)) {
    const step = text(symbol.quantityStep)
    return [tooSmall(path, `Rounded down to the step ${step}, nothing is left of the order.`, { step })]
  }
  if (quantity !== null && symbol.minQuantity !== null && Decimal.lessThan(quantity, symbol.minQuantity)) {
    const min = text(symbol.minQuantity)
    return [tooSmall(path, `The smallest quantity is ${min} ${symbol.baseAsset}.`, { min, asked: text(quantity) })]
  }
  const value =
    draft.quoteAmount ??
    (quantity !== null && draft.price !== null ? Decimal.multiply(quantity, draft.price) : draft.estimatedQuote)
  if (value === null) return []
  const market = draft.type === "market"
  const min = market ? symbol.marketMinNotional : symbol.minNotional
  const max = market ? symbol.marketMaxNotional : symbol.maxNotional
  const params = { value: text(value), asset: symbol.quoteAsset }
  if (Decimal.lessThan(value, min)) {
    const message = `The order is worth ${text(value)} ${symbol.quoteAsset}, the minimum is ${text(min)}.`
    return [tooSmall(path, message, { ...params, min: text(min) })]
  }
  if (max !== null && Decimal.greaterThan(value, max)) {
    const message = `The order is worth ${text(value)} ${symbol.quoteAsset}, the maximum is ${text(max)}.`
    const why = reason("ABOVE_MAX_NOTIONAL", { ...params, max: text(max) })
    return [{ code: "ORDER_REJECTED", path, message, reason: why }]
  }
  return []
}

const short = (
  asset: string,
  path: string,
  needed: Decimal.Decimal,
  available: Decimal.Decimal,
  where: string
): RiskProblem => ({
  code: "INSUFFICIENT_BALANCE",
  path,
  message: `The order needs ${text(needed)} ${asset}; ${where} has ${text(available)}.`,
  reason: reason("INSUFFICIENT_FUNDS", { asset, needed: text(needed), available: text(available) })
})

const funding = (ask: OrderAsk, draft: OrderDraft, context: RiskContext): ReadonlyArray<RiskProblem> => {
  const { symbol, availableBase, availableQuote, bookQuantity } = context
  if (ask.side === "buy") {
    const needed = quoteNeeded(draft)
    if (needed === null || availableQuote === null || Decimal.lessOrEqual(needed, availableQuote)) return []
    const path = ask.quantity === undefined ? "quoteAmount" : "quantity"
    return [short(symbol.quoteAsset, path, needed, availableQuote, "the free balance")]
  }
  const { quantity } = draft
  if (quantity === null) return []
  if (bookQuantity !== null && Decimal.greaterThan(quantity, bookQuantity))
    return [short(symbol.baseAsset, "quantity", quantity, bookQuantity, "the book")]
  if (availableBase !== null && Decimal.greaterThan(quantity, availableBase))
    return [short(symbol.baseAsset, "quantity", quantity, availableBase, "the free balance")]
  return []
}

/** The draft and everything that speaks against it; a preview shows all of it at once. */
export const assess = (
  ask: OrderAsk,
  context: RiskContext
): { readonly draft: OrderDraft; readonly problems: ReadonlyArray<RiskProblem> } => {
  const draft = draftOrder(ask, context)
  const checks = [tradability, pricing, band, resting, sizing, funding]
  return { draft, problems: checks.flatMap((check) => check(ask, draft, context)) }
}

/** An order that passed {@link ApprovedOrder.check}: nothing else can be sent, and nothing else can make one. */
export class ApprovedOrder {
  // Keeps a plain object of the same shape from passing for an approved order.
  protected readonly approved = true
  readonly symbol: SymbolInfo
  readonly side: Side
  readonly draft: OrderDraft

  private constructor(symbol: SymbolInfo, side: Side, draft: OrderDraft) {
    this.symbol = symbol
    this.side = side
    this.draft = draft
  }

  static check(ask: OrderAsk, context: RiskContext): Either.Either<ApprovedOrder, RiskRefused> {
    const { draft, problems } = assess(ask, context)
    const [first, ...others] = problems
    return first === undefined
      ? Either.right(new ApprovedOrder(context.symbol, ask.side, draft))
      : Either.left(new RiskRefused({ problems: [first, ...others] }))
  }
}
