import { Either } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { Side } from "../../domain/Market.ts"
import type { ExchangeEvent, PaperOrder } from "../Events.ts"
import type { OrderReference, PlaceRequest } from "../Requests.ts"
import type { Listing, PriceStep } from "../MarketSource.ts"
import * as Refusals from "../Refusals.ts"
import type { VenueRejection } from "../VenueRejection.ts"
import { checkOrder, type Restriction, type SizedOrder } from "./Checks.ts"
import type { Fact } from "./Facts.ts"
import { chargeFor, lockFor, settleLimit, type FeeIn } from "./Fees.ts"
import { buildLadder } from "./Ladder.ts"
import { balanceOf, isOpen, Ledger, remaining, type AccountState, type OrderEntry } from "./Ledger.ts"
import { Market, opposite } from "./Market.ts"
import { reachedBy, take, type Taking } from "./Matching.ts"

export interface EngineOptions {
  readonly feeIn: FeeIn
  readonly restrictions: Readonly<Record<string, Restriction>>
  /** Prices come from commands only, so the journal must remember them; otherwise the market's source does. */
  readonly still: boolean
}

/** What one command did: facts for the journal, events for subscribers. */
export interface Outcome<A> {
  readonly value: A
  readonly facts: ReadonlyArray<Fact>
  readonly events: ReadonlyArray<ExchangeEvent>
}

interface Planned {
  readonly market: Market
  readonly account: AccountState
  readonly sized: SizedOrder
  readonly taking: Taking
  readonly price: Decimal.Decimal
  readonly quantity: Decimal.Decimal
  readonly lock: Decimal.Decimal
}

/** Above 2^32, as the venue's versions are, so that clients meet it. */
const firstVersion = 10_000_000_000n
/** Versions that may be shown before the journal hears of them; a restart begins above. */
const versionReserve = 100_000n

/**
 * The exchange's state and every rule that changes it; synchronous and deterministic, so whoever calls it is its
 * only writer for the length of the call. Time comes in as an argument.
 */
export class Engine {
  readonly ledger: Ledger
  readonly markets = new Map<string, Market>()
  readonly #options: EngineOptions
  readonly #ceilings = new Map<string, bigint>()
  #facts: Array<Fact> = []
  #events: Array<ExchangeEvent> = []

  constructor(listings: ReadonlyArray<Listing>, options: EngineOptions, past: ReadonlyArray<Fact>) {
    this.#options = options
    for (const listing of listings) this.markets.set(listing.symbol, new Market(listing, firstVersion))
    this.ledger = new Ledger()
    for (const fact of past) {
      this.ledger.apply(fact)
      if (fact._tag === "marked") this.#remember(fact.symbol, fact.price, fact.versionCeiling)
    }
    for (const entry of this.ledger.orders.values()) {
      if (isOpen(entry.order)) this.markets.get(entry.order.symbol)?.book.update(entry)
    }
  }

  /** Runs one command and hands out what it recorded. */
  run<A>(command: () => A): Outcome<A> {
    this.#facts = []
    this.#events = []
    const value = command()
    return { value, facts: this.#facts, events: this.#events }
  }

  record(fact: Fact): void {
    this.#facts.push(fact)
    this.#events.push(...this.ledger.apply(fact))
  }

  market(symbol: string): Either.Either<Market, VenueRejection> {
    return Either.fromNullable(this.markets.get(symbol), Refusals.invalidSymbol)
  }

  /** Every check and what the order would take, without any effect. */
  plan(accountId: string, request: PlaceRequest): Either.Either<Planned, VenueRejection> {
    const { feeIn, restrictions } = this.#options
    return Either.gen(this, function* () {
      const market = yield* this.market(request.symbol)
      const account = this.ledger.account(accountId)
      const { book, last, listing } = market
      const restriction = restrictions[request.symbol] ?? {}
      const best = book.best(opposite(request.side))?.[0] ?? null
      const sized = yield* checkOrder({ account, request, listing, restriction, last, opposite: best })
      const taking = take(book, listing, feeIn, request.side, sized)
      const price = sized.kind === "limit" ? sized.price : sized.collar
      const quantity = sized.kind === "marketByQuote" ? Decimal.add(taking.taken, taking.rest) : sized.quantity
      if (Decimal.isZero(quantity)) {
        return yield* Either.left(Refusals.belowMinimum(Decimal.format(listing.minNotional), listing.quoteAsset))
      }
      const lock = lockOf(listing, feeIn, request.side, sized, taking, quantity)
      const needed = request.side === "buy" && sized.kind === "marketByQuote" ? sized.quoteAmount : lock
      const asset = request.side === "buy" ? listing.quoteAsset : listing.baseAsset
      if (Decimal.lessThan(balanceOf(account, asset).free, needed)) {
        return yield* Either.left(request.side === "buy" ? Refusals.insufficientBalance() : Refusals.oversold())
      }
      return { market, account, sized, taking, price, quantity, lock }
    })
  }

  place(accountId: string, request: PlaceRequest, at: number): Either.Either<PaperOrder, VenueRejection> {
    return Either.map(this.plan(accountId, request), (planned) => this.#execute(planned, request, at))
  }

  cancel(
    accountId: string,
    symbol: string,
    reference: OrderReference,
    at: number
  ): Either.Either<PaperOrder, VenueRejection> {
    const entry = this.find(accountId, symbol, reference)
    if (entry === undefined || !isOpen(entry.order)) return Either.left(Refusals.unknownOrderOnCancel())
    this.#close(entry, at)
    const market = this.markets.get(symbol)
    if (market !== undefined) this.#events.push(...market.takeBookEvents(at))
    return Either.right(entry.order)
  }

  /** The venue answers an unknown pair with an error, a pair without open orders with an empty list. */
  cancelAll(accountId: string, symbol: string, at: number): Either.Either<ReadonlyArray<PaperOrder>, VenueRejection> {
    return Either.map(this.market(symbol), (market) => {
      const entries = [...this.ledger.account(accountId).open.values()].filter((each) => each.order.symbol === symbol)
      for (const entry of entries) this.#close(entry, at)
      this.#events.push(...market.takeBookEvents(at))
      return entries.map((entry) => entry.order)
    })
  }

  find(accountId: string, symbol: string, reference: OrderReference): OrderEntry | undefined {
    const account = this.ledger.account(accountId)
    const entry =
      "orderId" in reference
        ? this.ledger.orders.get(reference.orderId)
        : account.byClientId.get(reference.clientOrderId)
    return entry?.order.accountId === accountId && entry.order.symbol === symbol ? entry : undefined
  }

  /** Moves one market: the ladder follows, orders that the price reached are filled, then the trade is printed. */
  step(wanted: PriceStep): void {
    const market = this.markets.get(wanted.symbol)
    if (market === undefined) return
    const { book, listing } = market
    const step = { ...wanted, price: market.toTick(wanted.price) }
    if (!Decimal.isPositive(step.price)) return
    book.replaceLadder(buildLadder(listing, step.price, step.at))
    for (const side of ["buy", "sell"] as const) {
      for (const { entry, quantity, used } of reachedBy(book, listing, step, side)) {
        for (const each of used) book.consume(opposite(side), each.ticks, each.quantity)
        const trade = { price: entry.order.price, quantity, side: opposite(side), at: step.at }
        const number = this.#nextTradeNumber(step.at)
        this.#fillLimit(market, entry, trade, { maker: true, selfTrade: false, tradeId: `${number}X2` })
        this.#events.push(market.trade(trade, `${number}X1`))
      }
    }
    if (Decimal.isPositive(step.quantity)) {
      const { at, price, quantity, takerSide } = step
      this.#events.push(market.trade({ price, quantity, side: takerSide, at }, `${at}${market.version}`))
    } else market.last = step.price
    this.#events.push(...market.takeBookEvents(step.at))
    this.#mark(market, step.at)
  }

  /** Tells a quiet book again; nothing is traded, and the journal hears of it only when the reserved versions run out. */
  breathe(symbol: string, at: number): void {
    const market = this.markets.get(symbol)
    if (market === undefined || market.last === null) return
    this.#events.push(...market.restate(at))
    if (market.version >= (this.#ceilings.get(symbol) ?? 0n)) this.#mark(market, at)
  }

  #execute(planned: Planned, request: PlaceRequest, at: number): PaperOrder {
    const { account, lock, market, price, quantity, sized, taking } = planned
    const { listing } = market
    const orderId = `C02__${at}${String(this.ledger.orders.size).padStart(6, "0")}`
    this.record({
      _tag: "orderAccepted",
      at,
      orderId,
      accountId: account.id,
      clientOrderId: request.clientOrderId,
      symbol: request.symbol,
      side: request.side,
      type: request.type,
      price,
      quantity,
      quoteAmount: sized.kind === "marketByQuote" ? sized.quoteAmount : Decimal.multiply(price, quantity),
      quoteSized: sized.kind === "marketByQuote",
      baseAsset: listing.baseAsset,
      quoteAsset: listing.quoteAsset,
      lock
    })
    const entry = this.ledger.entry(orderId)
    const refusesToTake = request.type === "limitMaker" && taking.takes.length > 0
    const needsAll = request.type === "fillOrKill" && !Decimal.isZero(taking.rest)
    if (!refusesToTake && !needsAll) this.#takeAll(market, entry, taking, at)
    const mayRest = request.type === "limit" || (request.type === "limitMaker" && !refusesToTake)
    if (isOpen(entry.order) && !mayRest) this.#close(entry, at)
    market.book.update(entry)
    this.#events.push(...market.takeBookEvents(at))
    return entry.order
  }

  #takeAll(market: Market, entry: OrderEntry, taking: Taking, at: number): void {
    const { side } = entry.order
    for (const { offer, quantity } of taking.takes) {
      const trade = { price: offer.price, quantity, side, at }
      const maker = offer.entry
      const selfTrade = maker?.order.accountId === entry.order.accountId
      const number = this.#nextTradeNumber(at)
      const tradeId = `${number}X1`
      if (maker === null) market.book.consume(opposite(side), offer.ticks, quantity)
      else this.#fillLimit(market, maker, trade, { maker: true, selfTrade, tradeId: `${number}X2` })
      if (entry.order.type === "market") this.#fillMarket(market, entry, trade, { selfTrade, tradeId })
      else this.#fillLimit(market, entry, trade, { maker: false, selfTrade, tradeId })
      this.#events.push(market.trade(trade, tradeId))
    }
  }

  #fillLimit(
    market: Market,
    entry: OrderEntry,
    trade: { readonly price: Decimal.Decimal; readonly quantity: Decimal.Decimal; readonly at: number },
    facts: { readonly maker: boolean; readonly selfTrade: boolean; readonly tradeId: string }
  ): void {
    const { at, price, quantity } = trade
    const rest = Decimal.subtract(remaining(entry.order), quantity)
    const fill = { price, quantity, rest }
    const settled = settleLimit(market.listing, this.#options.feeIn, entry, entry.order, fill, facts.maker)
    this.record({ _tag: "filled", at, ...named(entry.order), price, quantity, ...facts, ...settled })
    market.book.update(entry)
  }

  #fillMarket(
    market: Market,
    entry: OrderEntry,
    trade: { readonly price: Decimal.Decimal; readonly quantity: Decimal.Decimal; readonly at: number },
    facts: { readonly selfTrade: boolean; readonly tradeId: string }
  ): void {
    const { at, price, quantity } = trade
    const charge = chargeFor(market.listing, this.#options.feeIn, entry.order.side, false, price, quantity)
    const release = Decimal.zero
    this.record({
      _tag: "filled",
      at,
      ...named(entry.order),
      price,
      quantity,
      maker: false,
      release,
      ...facts,
      ...charge
    })
  }

  #close(entry: OrderEntry, at: number): void {
    this.record({ _tag: "orderClosed", at, orderId: entry.order.id })
    this.markets.get(entry.order.symbol)?.book.update(entry)
  }

  /** Shared by both sides of a trade: X1 is the taker's, X2 the maker's. */
  #nextTradeNumber(at: number): string {
    return `${at}${String(this.ledger.fillCount).padStart(6, "0")}`
  }

  #mark(market: Market, at: number): void {
    const { last, listing, version } = market
    const due = this.#options.still || version >= (this.#ceilings.get(listing.symbol) ?? 0n)
    if (!due || last === null) return
    const ceiling = version + versionReserve
    this.#ceilings.set(listing.symbol, ceiling)
    this.record({ _tag: "marked", at, symbol: listing.symbol, price: last, versionCeiling: ceiling })
  }

  #remember(symbol: string, price: Decimal.Decimal, ceiling: bigint): void {
    const market = this.markets.get(symbol)
    if (market === undefined) return
    if (this.#options.still) market.last = price
    market.version = ceiling > market.version ? ceiling : market.version
  }
}

const named = (order: PaperOrder) => ({
  orderId: order.id,
  accountId: order.accountId,
  clientOrderId: order.clientOrderId,
  symbol: order.symbol,
  side: order.side
})

const lockOf = (
  listing: Listing,
  feeIn: FeeIn,
  side: Side,
  sized: SizedOrder,
  taking: Taking,
  quantity: Decimal.Decimal
): Decimal.Decimal => {
  if (side === "sell") return quantity
  if (sized.kind === "limit") return lockFor(listing, feeIn, { side, price: sized.price }, quantity)
  return Decimal.sum(
    taking.takes.map((each) => {
      const charge = chargeFor(listing, feeIn, side, false, each.offer.price, each.quantity)
      return feeIn === "quote" ? Decimal.add(charge.quoteQuantity, charge.fee) : charge.quoteQuantity
    })
  )
}
