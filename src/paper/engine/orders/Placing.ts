import { Either } from "effect"
import * as Decimal from "../../../domain/Decimal.ts"
import type { Side } from "../../../domain/Market.ts"
import type { PaperOrder } from "../../Events.ts"
import * as Refusals from "../../Refusals.ts"
import type { PlaceRequest } from "../../Requests.ts"
import type { VenueRejection } from "../../VenueRejection.ts"
import { checkOrder, type SizedOrder } from "../Checks.ts"
import type { Engine } from "../Engine.ts"
import { chargeFor, costOf, lockFor, type FeeTerms } from "../Fees.ts"
import { type AccountState, balanceOf, isOpen, type OrderEntry } from "../ledger/Account.ts"
import { opposite, type Market } from "../Market.ts"
import { take, type Taking } from "../Matching.ts"
import { close, fill, nextTradeNumber } from "./Filling.ts"

interface Planned {
  readonly market: Market
  readonly account: AccountState
  readonly terms: FeeTerms
  readonly sized: SizedOrder
  readonly taking: Taking
  readonly quantity: Decimal.Decimal
  readonly lock: Decimal.Decimal
}

/** Every check and what the order would take, without any effect. */
export const plan = (
  engine: Engine,
  accountId: string,
  request: PlaceRequest
): Either.Either<Planned, VenueRejection> =>
  Either.gen(function* () {
    const market = yield* engine.market(request.symbol)
    const account = engine.ledger.account(accountId)
    const { book, last, listing, pair } = market
    const best = book.best(opposite(request.side))?.[0] ?? null
    const sized = yield* checkOrder({ account, request, pair, last, opposite: best })
    if (engine.isHalted(request.symbol)) return yield* Either.left(Refusals.noTradePrice())
    const terms = engine.feeTerms(market, account)
    const taking = takeAtMost(market, terms, sized, request)
    const quantity = sized.quantity ?? Decimal.add(taking.taken, taking.rest)
    if (Decimal.isZero(quantity)) {
      return yield* Either.left(Refusals.belowMinimum(Decimal.format(listing.marketMinNotional), listing.quoteAsset))
    }
    const lock = lockOf(terms, request.side, sized, taking, quantity)
    const needed = request.side === "buy" ? Decimal.max(lock, sized.quoteAmount ?? Decimal.zero) : lock
    const asset = request.side === "buy" ? listing.quoteAsset : listing.baseAsset
    if (Decimal.lessThan(balanceOf(account, asset).free, needed)) {
      return yield* Either.left(request.side === "buy" ? Refusals.insufficientBalance() : Refusals.oversold())
    }
    return { market, account, terms, sized, taking, quantity, lock }
  })

export const place = (
  engine: Engine,
  accountId: string,
  request: PlaceRequest,
  at: number
): Either.Either<PaperOrder, VenueRejection> =>
  Either.map(plan(engine, accountId, request), (planned) => execute(engine, planned, request, at))

/** What the order takes at once; `atMost` leaves it less than the book would give. */
const takeAtMost = (market: Market, terms: FeeTerms, sized: SizedOrder, { atMost, side }: PlaceRequest): Taking => {
  const { book, listing } = market
  if (atMost === undefined) return take(book, listing, terms, side, sized)
  const quantity =
    sized.quantity === null
      ? null
      : Decimal.round(Decimal.multiply(sized.quantity, atMost), listing.basePrecision, "floor")
  const quoteAmount =
    sized.quantity === null && sized.quoteAmount !== null
      ? Decimal.multiply(sized.quoteAmount, atMost)
      : sized.quoteAmount
  const less = take(book, listing, terms, side, { ...sized, quantity, quoteAmount })
  const whole = sized.quantity ?? take(book, listing, terms, side, sized).taken
  return { ...less, rest: Decimal.subtract(whole, less.taken) }
}

const execute = (engine: Engine, planned: Planned, request: PlaceRequest, at: number): PaperOrder => {
  const { account, lock, market, quantity, sized, taking, terms } = planned
  const { baseAsset, quoteAsset } = market.listing
  const orderId = `C02__${at}${String(engine.ledger.orders.size).padStart(6, "0")}`
  engine.record({
    _tag: "orderAccepted",
    at,
    orderId,
    accountId: account.id,
    clientOrderId: request.clientOrderId,
    symbol: request.symbol,
    side: request.side,
    type: request.type,
    price: sized.price,
    quantity,
    quoteAmount: sized.quoteAmount ?? Decimal.multiply(sized.price, quantity),
    quoteSized: sized.quoteAmount !== null,
    baseAsset,
    quoteAsset,
    lock,
    feeRates: terms.rates,
    ...(request.stpMode === undefined || request.stpMode === "" ? {} : { stpMode: request.stpMode })
  })
  const entry = engine.ledger.entry(orderId)
  const refusesToTake = request.type === "limitMaker" && taking.takes.length > 0
  const needsAll = request.type === "fillOrKill" && !Decimal.isZero(taking.rest)
  if (!refusesToTake && !needsAll) takeAll(engine, market, entry, taking, at)
  const mayRest = request.type === "limit" || (request.type === "limitMaker" && !refusesToTake)
  if (isOpen(entry.order) && !(mayRest && isUncrossed(market, request))) close(engine, entry, at)
  market.book.update(entry)
  engine.announce(market.takeBookEvents(at))
  return entry.order
}

/**
 * An order that was kept from taking all it could rests only behind simulated liquidity that it outbids: that was taken
 * by somebody quicker. Against an account's order it would cross the book, so it ends.
 */
const isUncrossed = (market: Market, { atMost, price, side }: PlaceRequest): boolean => {
  if (atMost === undefined || price === null) return true
  const crosses = (level: Decimal.Decimal) =>
    side === "buy" ? Decimal.lessOrEqual(level, price) : Decimal.greaterOrEqual(level, price)
  const facing = [...market.book.offers(opposite(side))].filter((offer) => crosses(offer.price))
  if (facing.some((offer) => offer.entry !== null)) return false
  for (const { quantity, ticks } of facing) market.book.consume(opposite(side), ticks, quantity)
  return true
}

const takeAll = (engine: Engine, market: Market, entry: OrderEntry, taking: Taking, at: number): void => {
  const { accountId, side } = entry.order
  for (const { offer, quantity } of taking.takes) {
    const trade = { price: offer.price, quantity, side, at }
    const maker = offer.entry
    const selfTrade = maker?.order.accountId === accountId
    const number = nextTradeNumber(engine, at)
    const tradeId = `${number}X1`
    if (maker === null) market.book.consume(opposite(side), offer.ticks, quantity)
    else fill(engine, market, maker, trade, { maker: true, selfTrade, tradeId: `${number}X2` })
    fill(engine, market, entry, trade, { maker: false, selfTrade, tradeId })
    engine.announce([market.trade(trade, tradeId)])
  }
}

/** A market buy locks what its takes cost, a limit buy what it may cost at most, a sell its coins. */
const lockOf = (
  terms: FeeTerms,
  side: Side,
  sized: SizedOrder,
  taking: Taking,
  quantity: Decimal.Decimal
): Decimal.Decimal => {
  if (side === "sell") return quantity
  if (sized.type !== "market") return lockFor(terms, { side, price: sized.price }, quantity)
  return Decimal.sum(
    taking.takes.map((each) => costOf(chargeFor(terms, side, false, each.offer.price, each.quantity), terms))
  )
}
