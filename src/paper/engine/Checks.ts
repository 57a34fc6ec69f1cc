import { BigDecimal, Either } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { PlaceRequest } from "../Requests.ts"
import type { Listing } from "../MarketSource.ts"
import * as Refusals from "../Refusals.ts"
import type { VenueRejection } from "../VenueRejection.ts"
import type { AccountState } from "./Ledger.ts"

/** The venue's cap on orders that are not completely filled, per account. */
const maxOpenOrders = 500
/** A MARKET order trades no further than this from the best opposite price. */
const collarFraction = Decimal.unsafe("0.05")

const clientIdPattern = /^[A-Za-z0-9_-]+$/

/** What an operator may switch off for one pair, as the venue does; everything is on by default. */
export interface Restriction {
  readonly apiTrading?: boolean
  /** exchangeInfo `status`: 1 online, 2 paused, 3 offline. */
  readonly status?: "1" | "2" | "3"
  /** 1 both sides, 2 buy only, 3 sell only, 4 closed. */
  readonly tradeSideType?: 1 | 2 | 3 | 4
}

/** A request whose parameters are complete, in one of the three shapes the matching knows. */
export type SizedOrder =
  | {
      readonly kind: "limit"
      readonly type: Exclude<PlaceRequest["type"], "market">
      readonly quantity: Decimal.Decimal
      readonly price: Decimal.Decimal
    }
  | { readonly kind: "marketByQuantity"; readonly quantity: Decimal.Decimal; readonly collar: Decimal.Decimal }
  | { readonly kind: "marketByQuote"; readonly quoteAmount: Decimal.Decimal; readonly collar: Decimal.Decimal }

export interface CheckInput {
  readonly account: AccountState
  readonly request: PlaceRequest
  readonly listing: Listing
  readonly restriction: Restriction
  readonly last: Decimal.Decimal | null
  /** Best price of the side the order would trade with. */
  readonly opposite: Decimal.Decimal | null
}

type Checked<A> = Either.Either<A, VenueRejection>

/** Everything that can be said of an order before matching and balances, in the venue's order of checks. */
export const checkOrder = (input: CheckInput): Checked<SizedOrder> =>
  Either.gen(function* () {
    const { account, listing, request } = input
    yield* checkTradable(input)
    yield* checkClientId(account, request.clientOrderId)
    const order = yield* sizeOrder(input)
    yield* checkDecimals(listing, order)
    yield* checkValue(input, order)
    yield* checkBand(input, order)
    if (account.open.size >= maxOpenOrders) return yield* Either.left(Refusals.tooManyOpenOrders())
    return order
  })

const passed: Checked<void> = Either.void

const checkTradable = ({ request, restriction }: CheckInput): Checked<void> => {
  const { apiTrading = true, status = "1", tradeSideType = 1 } = restriction
  if (!apiTrading) return Either.left(Refusals.symbolNotForApi())
  if (status !== "1") return Either.left(Refusals.symbolPaused())
  const allowed = tradeSideType === 1 || tradeSideType === (request.side === "buy" ? 2 : 3)
  return allowed ? passed : Either.left(Refusals.sideNotAllowed())
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

const sizeOrder = (input: CheckInput): Checked<SizedOrder> =>
  Either.gen(function* () {
    const { price, quantity, quoteOrderQty, type } = input.request
    if (type !== "market") {
      return {
        kind: "limit" as const,
        type,
        quantity: yield* required("quantity", quantity),
        price: yield* required("price", price)
      }
    }
    if (quantity !== null && quoteOrderQty !== null) return yield* Either.left(Refusals.parametersDoNotCombine())
    if (input.last === null) return yield* Either.left(Refusals.noTradePrice())
    if (input.opposite === null) return yield* Either.left(Refusals.noOpponent())
    const collar = collarOf(input.listing, input.request.side, input.opposite)
    return quoteOrderQty === null
      ? { kind: "marketByQuantity" as const, quantity: yield* required("quantity", quantity), collar }
      : { kind: "marketByQuote" as const, quoteAmount: yield* required("quoteOrderQty", quoteOrderQty), collar }
  })

const collarOf = (listing: Listing, side: PlaceRequest["side"], best: Decimal.Decimal): Decimal.Decimal => {
  const factor =
    side === "buy" ? Decimal.add(Decimal.one, collarFraction) : Decimal.subtract(Decimal.one, collarFraction)
  return Decimal.round(Decimal.multiply(best, factor), listing.quotePrecision, side === "buy" ? "floor" : "ceil")
}

const decimalsOf = (value: Decimal.Decimal): number => BigDecimal.normalize(value).scale

/** The venue rejects digits it cannot hold; it never rounds. */
const checkDecimals = (listing: Listing, order: SizedOrder): Checked<void> => {
  const quantity = order.kind === "marketByQuote" ? Decimal.zero : order.quantity
  if (decimalsOf(quantity) > listing.basePrecision) return Either.left(Refusals.tooManyDecimals("quantity"))
  if (order.kind === "limit" && decimalsOf(order.price) > listing.quotePrecision) {
    return Either.left(Refusals.tooManyDecimals("price"))
  }
  const tooFine = order.kind === "marketByQuote" && decimalsOf(order.quoteAmount) > quoteAmountDecimals
  return tooFine ? Either.left(Refusals.tooManyDecimals("quoteOrderQty")) : passed
}

/** The venue names no precision for quote amounts; eight decimals are what its fees have. */
const quoteAmountDecimals = 8

const checkValue = ({ listing, opposite }: CheckInput, order: SizedOrder): Checked<void> => {
  const { baseAsset, maxNotional, minNotional, minQuantity, quoteAsset } = listing
  if (order.kind !== "marketByQuote" && Decimal.lessThan(order.quantity, minQuantity)) {
    return Either.left(Refusals.belowMinimum(Decimal.format(minQuantity), baseAsset))
  }
  const value =
    order.kind === "marketByQuote"
      ? order.quoteAmount
      : Decimal.multiply(order.quantity, order.kind === "limit" ? order.price : (opposite ?? Decimal.zero))
  if (Decimal.lessThan(value, minNotional)) {
    return Either.left(Refusals.belowMinimum(Decimal.format(minNotional), quoteAsset))
  }
  return Decimal.greaterThan(value, maxNotional)
    ? Either.left(Refusals.aboveMaximum(Decimal.format(maxNotional), quoteAsset))
    : passed
}

/** PERCENT_PRICE_BY_SIDE: a buy may not lie above the last price by more than the band, a sell not below it. */
const checkBand = ({ last, listing, request }: CheckInput, order: SizedOrder): Checked<void> => {
  if (order.kind !== "limit" || order.type === "limitMaker") return passed
  if (last === null) return Either.left(Refusals.noTradePrice())
  const room = Decimal.multiply(last, listing.priceBand)
  const outside =
    request.side === "buy"
      ? Decimal.greaterThan(order.price, Decimal.add(last, room))
      : Decimal.lessThan(order.price, Decimal.subtract(last, room))
  return outside ? Either.left(Refusals.outsideBand()) : passed
}
