import { BigDecimal } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { Side } from "../../domain/Market.ts"
import type { Listing, PriceStep } from "../MarketSource.ts"
import type { Book, Offer } from "./Book.ts"
import type { SizedOrder } from "./Checks.ts"
import { chargeFor, costOf, type FeeTerms } from "./Fees.ts"
import { ticksOf } from "./Ladder.ts"
import { remaining, type OrderEntry } from "./ledger/Account.ts"

/** A piece of liquidity that a taker gets. */
export interface Take {
  readonly offer: Offer
  readonly quantity: Decimal.Decimal
}

export interface Taking {
  readonly takes: ReadonlyArray<Take>
  readonly taken: Decimal.Decimal
  /** What is left of the order when the takes are done: quantity of a sized order, estimated for a quote-sized sell. */
  readonly rest: Decimal.Decimal
}

const reaches = (side: Side, limit: Decimal.Decimal, price: Decimal.Decimal): boolean =>
  side === "buy" ? Decimal.lessOrEqual(price, limit) : Decimal.greaterOrEqual(price, limit)

/** What an order takes from the book at once, best price first, older orders first at a price. */
export const take = (book: Book, listing: Listing, terms: FeeTerms, side: Side, order: SizedOrder): Taking => {
  const takes: Array<Take> = []
  let taken = Decimal.zero
  let quoteLeft = order.quoteAmount
  const wishAt = (price: Decimal.Decimal): Decimal.Decimal => {
    const byQuote = quoteLeft === null ? null : affordable(listing, terms, side, price, quoteLeft)
    const byQuantity = order.quantity === null ? null : Decimal.subtract(order.quantity, taken)
    if (byQuote === null) return byQuantity ?? Decimal.zero
    return byQuantity === null ? byQuote : Decimal.min(byQuote, byQuantity)
  }
  let lastPrice = order.price
  for (const offer of book.offers(side === "buy" ? "sell" : "buy")) {
    if (!reaches(side, order.price, offer.price)) break
    lastPrice = offer.price
    const quantity = Decimal.min(wishAt(offer.price), offer.quantity)
    if (!Decimal.isPositive(quantity)) break
    takes.push({ offer, quantity })
    taken = Decimal.add(taken, quantity)
    if (quoteLeft !== null) {
      quoteLeft = Decimal.subtract(quoteLeft, quoteNeeded(terms, side, offer.price, quantity))
    }
    if (order.quantity !== null && Decimal.equals(taken, order.quantity)) break
  }
  return { takes, taken, rest: order.quantity === null ? wishAt(lastPrice) : Decimal.subtract(order.quantity, taken) }
}

const quoteNeeded = (
  terms: FeeTerms,
  side: Side,
  price: Decimal.Decimal,
  quantity: Decimal.Decimal
): Decimal.Decimal => {
  const charge = chargeFor(terms, side, false, price, quantity)
  return side === "buy" ? costOf(charge, terms) : charge.quoteQuantity
}

/** The most whole steps that a quote amount pays for, its fee included. */
const affordable = (
  listing: Listing,
  terms: FeeTerms,
  side: Side,
  price: Decimal.Decimal,
  quote: Decimal.Decimal
): Decimal.Decimal => {
  const feeFactor =
    side === "buy" && terms.feeIn === "quote" ? Decimal.add(Decimal.one, terms.rates.taker) : Decimal.one
  const step = BigDecimal.make(1n, listing.basePrecision)
  const guess = Decimal.divide(quote, Decimal.multiply(price, feeFactor), listing.basePrecision, "floor")
  // The fee's rounding up may cost one more unit than the division allowed for.
  const pays = Decimal.lessOrEqual(quoteNeeded(terms, side, price, guess), quote)
  return Decimal.max(Decimal.zero, pays ? guess : Decimal.subtract(guess, step))
}

/** A resting order that the market reached, and how much of it trades, at its own price. */
export interface Reached {
  readonly entry: OrderEntry
  readonly quantity: Decimal.Decimal
  /** Simulated liquidity that was used up, by price in ticks. */
  readonly used: ReadonlyArray<{ readonly ticks: number; readonly quantity: Decimal.Decimal }>
}

/**
 * Resting orders of one side that a step reaches: those that would cross the new ladder trade with it, those at the
 * step's own price share its quantity when its taker came from the other side. `book` already holds the new ladder.
 */
export const reachedBy = (book: Book, listing: Listing, step: PriceStep, side: Side): ReadonlyArray<Reached> => {
  if (!book.hasResting(side)) return []
  const printed = ticksOf(step.price, book.precision)
  const beyond = (orderTicks: number, ticks: number) => (side === "buy" ? orderTicks >= ticks : orderTicks <= ticks)
  const counter = book.simulated(side === "buy" ? "sell" : "buy")
  const left = counter.map((level) => level.quantity)
  let print = step.takerSide === side ? Decimal.zero : step.quantity
  const reached: Array<Reached> = []
  for (const { entry, ticks } of book.resting(side)) {
    const wanted = remaining(entry.order)
    let filled = Decimal.zero
    const used: Array<{ ticks: number; quantity: Decimal.Decimal }> = []
    for (const [i, level] of counter.entries()) {
      const available = left[i] ?? Decimal.zero
      const open = Decimal.subtract(wanted, filled)
      if (!beyond(ticks, level.ticks) || !Decimal.isPositive(open)) break
      const quantity = Decimal.min(open, available)
      if (Decimal.isZero(quantity)) continue
      left[i] = Decimal.subtract(available, quantity)
      used.push({ ticks: level.ticks, quantity })
      filled = Decimal.add(filled, quantity)
    }
    if (beyond(ticks, printed)) {
      const shared = floorToStep(Decimal.min(print, Decimal.subtract(wanted, filled)), listing)
      print = Decimal.subtract(print, shared)
      filled = Decimal.add(filled, shared)
    }
    if (Decimal.isPositive(filled)) reached.push({ entry, quantity: filled, used })
    else if (!beyond(ticks, printed)) break
  }
  return reached
}

/** A recording's quantities may be finer than the listing's steps. */
const floorToStep = (quantity: Decimal.Decimal, listing: Listing): Decimal.Decimal =>
  Decimal.round(quantity, listing.basePrecision, "floor")
