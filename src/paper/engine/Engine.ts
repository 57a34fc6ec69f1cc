import { Either } from "effect"
import type { ExchangeEvent } from "../Events.ts"
import type { Listing } from "../MarketSource.ts"
import * as Refusals from "../Refusals.ts"
import type { OrderReference } from "../Requests.ts"
import type { VenueRejection } from "../VenueRejection.ts"
import type { Fact } from "./Facts.ts"
import type { FeeIn, FeeTerms } from "./Fees.ts"
import { isOpen, type AccountState, type OrderEntry } from "./ledger/Account.ts"
import { Ledger } from "./ledger/Ledger.ts"
import { Market } from "./Market.ts"
import { pairOf, withChange, type PairChange } from "./Pair.ts"

export interface EngineOptions {
  readonly feeIn: FeeIn
  /** How pairs differ from what their source says at the first start, by symbol; later changes are in the journal. */
  readonly restrictions: Readonly<Record<string, PairChange>>
  /** Prices come from commands only, so the journal must remember them; otherwise the market's source does. */
  readonly still: boolean
  /** Of a mirror: the pair's market is not known now, so nothing may trade. */
  readonly halted?: (symbol: string) => boolean
}

/** What one command did: facts for the journal, events for subscribers. */
export interface Outcome<A> {
  readonly value: A
  readonly facts: ReadonlyArray<Fact>
  readonly events: ReadonlyArray<ExchangeEvent>
}

/** Above 2^32, as the venue's versions are, so that clients meet it. */
const firstVersion = 10_000_000_000n
/** At least as many versions may be shown before the journal hears of them; a restart begins above. */
const versionReserve = 100_000n

/**
 * The exchange's whole state. It changes by facts only, within synchronous commands (`orders/`, `Stepping`), so whoever
 * runs one is its only writer for the length of the call. Time comes in as an argument.
 */
export class Engine {
  readonly ledger = new Ledger()
  readonly markets = new Map<string, Market>()
  readonly options: EngineOptions
  readonly #ceilings = new Map<string, bigint>()
  #facts: Array<Fact> = []
  #events: Array<ExchangeEvent> = []

  constructor(listings: ReadonlyArray<Listing>, options: EngineOptions, past: ReadonlyArray<Fact>) {
    this.options = options
    for (const listing of listings) {
      const pair = withChange(pairOf(listing), options.restrictions[listing.symbol] ?? {}, 0)
      this.markets.set(listing.symbol, new Market(pair, firstVersion))
    }
    for (const fact of past) {
      if (fact._tag === "pairChanged" && fact.byVenue === true) continue
      this.#apply(fact, [])
      this.#remember(fact)
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
    this.#apply(fact, this.#events)
  }

  /** Tells subscribers what no account's state depends on. */
  announce(events: ReadonlyArray<ExchangeEvent>): void {
    for (const event of events) this.#events.push(event)
  }

  /** A pair that came after the start; a restart finds it in its source. */
  list(listing: Listing, change: PairChange, at: number): void {
    const { symbol } = listing
    const pair = withChange(pairOf(listing), { ...change, ...this.options.restrictions[symbol] }, at)
    this.markets.set(symbol, new Market(pair, firstVersion))
  }

  /** A pair that is not listed does not exist for anybody. */
  market(symbol: string): Either.Either<Market, VenueRejection> {
    const market = this.markets.get(symbol)
    return market?.pair.listed === true ? Either.right(market) : Either.left(Refusals.invalidSymbol())
  }

  isHalted(symbol: string): boolean {
    return this.options.halted?.(symbol) === true
  }

  find(accountId: string, symbol: string, reference: OrderReference): OrderEntry | undefined {
    const account = this.ledger.account(accountId)
    const entry =
      "orderId" in reference
        ? this.ledger.orders.get(reference.orderId)
        : account.byClientId.get(reference.clientOrderId)
    return entry?.order.accountId === accountId && entry.order.symbol === symbol ? entry : undefined
  }

  /** Every account's open orders of one pair. */
  openOf(symbol: string): ReadonlyArray<OrderEntry> {
    return [...this.ledger.accounts.values()].flatMap((account) =>
      [...account.open.values()].filter((entry) => entry.order.symbol === symbol)
    )
  }

  feeTerms(market: Market, account: AccountState): FeeTerms {
    const { baseAsset, makerFeeRate, quoteAsset, takerFeeRate } = market.listing
    const rates = account.feeRates ?? { maker: makerFeeRate, taker: takerFeeRate }
    return { feeIn: this.options.feeIn, rates, baseAsset, quoteAsset }
  }

  lacksVersions({ listing, version }: Market): boolean {
    return version >= (this.#ceilings.get(listing.symbol) ?? 0n)
  }

  /**
   * Notes a price and the versions that may be shown before the next note. The ceiling is a round number, so that how
   * often a quiet book was told again does not show in the journal.
   */
  mark(market: Market, at: number): void {
    const { last, listing, version } = market
    if (last === null || !(this.options.still || this.lacksVersions(market))) return
    const ceiling = (version / versionReserve + 2n) * versionReserve
    this.#ceilings.set(listing.symbol, ceiling)
    this.record({ _tag: "marked", at, symbol: listing.symbol, price: last, versionCeiling: ceiling })
  }

  #apply(fact: Fact, events: Array<ExchangeEvent>): void {
    if (fact._tag === "pairChanged") {
      const market = this.markets.get(fact.symbol)
      market?.change(withChange(market.pair, fact.change, fact.at))
    } else this.ledger.apply(fact, events)
  }

  /** Where markets stood: the last trade's price, and versions above all that were shown. */
  #remember(fact: Fact): void {
    if (fact._tag !== "marked" && fact._tag !== "filled") return
    const market = this.markets.get(fact.symbol)
    if (market === undefined) return
    if (this.options.still) market.last = fact.price
    if (fact._tag === "marked" && fact.versionCeiling > market.version) market.version = fact.versionCeiling
  }
}
