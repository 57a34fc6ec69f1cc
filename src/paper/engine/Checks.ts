import { BigDecimal, Either } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { PlaceRequest } from "../Requests.ts"
import * as Refusals from "../Refusals.ts"
import type { VenueRejection } from "../VenueRejection.ts"
import type { AccountState } from "./ledger/Account.ts"
import type { Pair, PairListing } from "./Pair.ts"

/** The venue's cap on orders that are not completely filled, per account. */
const maxOpenOrders = 500
/** A MARKET order trades no further than this from the best opposite price. */
const collarFraction = Decimal.unsafe("0.05")

const clientIdPattern = /^[A-Za-z0-9_-]+$/

/** A request whose parameters are complete. */
export interface SizedOrder {
  readonly type: PlaceRequest["type"]
  /** null: a market sell until it has brought in `quoteAmount`. */
  readonly quantity: Decimal.Decimal | null
  /** The limit, or the collar of a market order. */
  readonly price: Decimal.Decimal
  /** What a market order may spend or is to bring in; null when it is sized by quantity. */
  readonly quoteAmount: Decimal.Decimal | null
}

export interface CheckInput {
  readonly account: AccountState
  readonly request: PlaceRequest
  readonly pair: Pair
  readonly last: Decimal.Decimal | null
  /** Best price of the side the order would trade with. */
  readonly opposite: Decimal.Decimal | null
}

type Checked<A> = Either.Either<A, VenueRejection>

/** Everything that can be said of an order before matching and balances, in the venue's order of checks. */
export const checkOrder = (input: CheckInput): Checked<SizedOrder> =>
  Either.gen(function* () {
    yield* checkTradable(input)
    yield* checkType(input)
    yield* checkClientId(input.account, input.request.clientOrderId)
    const order = yield* sizeOrder(input)
    yield* checkDecimals(input.pair.listing, input.request)
    yield* checkValue(input, order)
    yield* checkBand(input, order)
    if (input.account.open.size >= maxOpenOrders) return yield* Either.left(Refusals.tooManyOpenOrders())
    return order
  })

const passed: Checked<void> = Either.void

const checkTradable = ({ pair, request }: CheckInput): Checked<void> => {
  if (!pair.apiTrading) return Either.left(Refusals.symbolNotForApi())
  if (pair.status === "2") return Either.left(Refusals.symbolSuspended())
  if (pair.status === "3") return Either.left(Refusals.symbolPaused())
  const allowed = pair.tradeSideType === 1 || pair.tradeSideType === (request.side === "buy" ? 2 : 3)
  return allowed ? passed : Either.left(Refusals.sideNotAllowed())
}

const checkType = ({ pair, request }: CheckInput): Checked<void> => {
  if (request.type === "market") return pair.marketOrders ? passed : Either.left(Refusals.marketOrdersDisabled())
  return pair.limitOrders ? passed : Either.left(Refusals.orderTypeNotAllowed())
}

const checkClientId = (account: AccountState, id: string | null): Checked<void> => {
  if (id === null) return passed
  if (id.length < 1 || id.length > 32) return Either.left(Refusals.clientIdLength())
  if (!clientIdPattern.test(id)) return Either.left(Refusals.illegalCharacters("newClientOrderId"))
  return account.byClientId.has(id) ? Either.left(Refusals.clientIdUsed()) : passed
}

const required = (name: string, value: Decimal.Decimal | null): Checked<Decimal.Decimal> => {
  if (value === null) return Either.left(Refusals.parameterMissing(name))
  return Decimal.isPositive(value) ? Either.right(value) : Either.left(Refusals.notPositive(name))
}

const sizeOrder = ({ last, opposite, pair, request }: CheckInput): Checked<SizedOrder> =>
  Either.gen(function* () {
    const { price, quantity, quoteOrderQty, type } = request
    if (type !== "market") {
      return {
        type,
        quantity: yield* required("quantity", quantity),
        price: yield* required("price", price),
        quoteAmount: null
      }
    }
    if (quantity !== null && quoteOrderQty !== null) return yield* Either.left(Refusals.parametersDoNotCombine())
    const size = yield* quantity === null ? required("quoteOrderQty", quoteOrderQty) : required("quantity", quantity)
    if (last === null) return yield* Either.left(Refusals.noTradePrice())
    if (opposite === null) return yield* Either.left(Refusals.noOpponent())
    const collar = collarOf(pair.listing, request.side, opposite)
    if (quantity !== null) return { type, quantity, price: collar, quoteAmount: null }
    // A buy by amount buys what the amount pays for at the collar, so at real prices it spends about 5 % less.
    const bought = request.side === "buy" ? Decimal.divide(size, collar, pair.listing.basePrecision, "floor") : null
    return { type, quantity: bought, price: collar, quoteAmount: size }
  })

const collarOf = (listing: PairListing, side: PlaceRequest["side"], best: Decimal.Decimal): Decimal.Decimal => {
  const factor =
    side === "buy" ? Decimal.add(Decimal.one, collarFraction) : Decimal.subtract(Decimal.one, collarFraction)
  return Decimal.round(Decimal.multiply(best, factor), listing.quotePrecision, side === "buy" ? "floor" : "ceil")
}

const hasMoreDecimals = (value: Decimal.Decimal | null, decimals: number): boolean =>
  value !== null && value.scale > decimals && BigDecimal.normalize(value).scale > decimals

/** The venue rejects digits it cannot hold; it never rounds. */
const checkDecimals = (listing: PairListing, { price, quantity, quoteOrderQty, type }: PlaceRequest): Checked<void> => {
  if (hasMoreDecimals(quantity, listing.basePrecision)) return Either.left(Refusals.tooManyDecimals("quantity"))
  if (type !== "market" && hasMoreDecimals(price, listing.quotePrecision)) {
    return Either.left(Refusals.tooManyDecimals("price"))
  }
  const finest = Math.max(quoteAmountDecimals, listing.basePrecision + listing.quotePrecision)
  const tooFine = type === "market" && hasMoreDecimals(quoteOrderQty, finest)
  return tooFine ? Either.left(Refusals.tooManyDecimals("quoteOrderQty")) : passed
}

/**
 * The venue names no precision for quote amounts. Eight decimals are what its fees have; clients also send what a
 * quantity costs at a price, exactly.
 */
const quoteAmountDecimals = 8

/** MARKET orders have limits of their own, and are valued at the best price they would meet. */
const checkValue = ({ opposite, pair }: CheckInput, order: SizedOrder): Checked<void> => {
  const { baseAsset, minQuantity, quoteAsset } = pair.listing
  const [least, most] =
    order.type === "market"
      ? [pair.listing.marketMinNotional, pair.listing.marketMaxNotional]
      : [pair.listing.minNotional, pair.listing.maxNotional]
  if (order.quantity !== null && Decimal.lessThan(order.quantity, minQuantity)) {
    return Either.left(Refusals.belowMinimum(Decimal.format(minQuantity), baseAsset))
  }
  const price = order.type === "market" ? (opposite ?? order.price) : order.price
  const value = order.quoteAmount ?? Decimal.multiply(order.quantity ?? Decimal.zero, price)
  if (Decimal.lessThan(value, least)) return Either.left(Refusals.belowMinimum(Decimal.format(least), quoteAsset))
  return Decimal.greaterThan(value, most)
    ? Either.left(Refusals.aboveMaximum(Decimal.format(most), quoteAsset))
    : passed
}

/** PERCENT_PRICE_BY_SIDE: a buy may not lie above the last price by more than the band, a sell not below it. */
const checkBand = ({ last, pair, request }: CheckInput, order: SizedOrder): Checked<void> => {
  if (order.type === "market" || order.type === "limitMaker") return passed
  if (last === null) return Either.left(Refusals.noTradePrice())
  const room = Decimal.multiply(last, pair.listing.priceBand)
  const outside =
    request.side === "buy"
      ? Decimal.greaterThan(order.price, Decimal.add(last, room))
      : Decimal.lessThan(order.price, Decimal.subtract(last, room))
  return outside ? Either.left(Refusals.outsideBand()) : passed
}
