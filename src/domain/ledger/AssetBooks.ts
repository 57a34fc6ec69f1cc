import * as Decimal from "../Decimal.ts"
import type { SymbolName } from "../Market.ts"
import type { BookName } from "../order/Order.ts"
import { addLot, type CostBasis, type LotQueue, quantityOf, release } from "./CostBasis.ts"

/** One book of one symbol, as the lots that came and left make it. */
export interface BookState {
  readonly symbol: SymbolName
  readonly book: BookName
  readonly lots: LotQueue
  readonly realisedPnl: Decimal.Decimal
  readonly fees: Decimal.Decimal
  /** Sold here without being known to any book: it had no known cost. */
  readonly missing: Decimal.Decimal
  /** What left without an order of this book, since ever. */
  readonly taken: Decimal.Decimal
  /** Something was missing, or worth something nobody could tell. */
  readonly incomplete: boolean
  readonly lastBuy: { readonly price: Decimal.Decimal; readonly key: string } | null
}

interface Whereabouts {
  readonly symbol: SymbolName
  readonly book: BookName
}

/** Units that came in. Without a known cost they cost nothing, and the book is incomplete. */
export interface Acquired extends Whereabouts {
  readonly type: "acquired"
  readonly quantity: Decimal.Decimal
  readonly cost: Decimal.Decimal
  readonly fees: Decimal.Decimal
  readonly incomplete: boolean
  readonly bought: BookState["lastBuy"]
}

/** Units that left; without proceeds they were not sold, and nothing is realised. */
export interface Left extends Whereabouts {
  readonly type: "left"
  readonly quantity: Decimal.Decimal
  readonly proceeds: Decimal.Decimal | null
  readonly fees: Decimal.Decimal
  readonly incomplete: boolean
}

/** Units that its owner took out of a rule's book: the manual book's from now on, at what they cost. */
export interface HandedOver extends Whereabouts {
  readonly type: "handedOver"
  readonly quantity: Decimal.Decimal
}

export type LotEvent = Acquired | Left | HandedOver

/** The books of one asset over all symbols that trade it. The venue knows one balance, whichever book spends of it. */
export type AssetBooks = Map<string, BookState>

export const bookKey = ({ book, symbol }: Whereabouts): string => `${symbol} ${book}`

export const emptyBook = ({ book, symbol }: Whereabouts): BookState => ({
  symbol,
  book,
  lots: [],
  realisedPnl: Decimal.zero,
  fees: Decimal.zero,
  missing: Decimal.zero,
  taken: Decimal.zero,
  incomplete: false,
  lastBuy: null
})

const stateAt = (books: AssetBooks, at: Whereabouts): BookState => books.get(bookKey(at)) ?? emptyBook(at)

const put = (books: AssetBooks, state: BookState): void => void books.set(bookKey(state), state)

const acquire = (books: AssetBooks, event: Acquired, basis: CostBasis): void => {
  const before = stateAt(books, event)
  put(books, {
    ...before,
    lots: addLot(before.lots, { quantity: event.quantity, cost: event.cost }, basis),
    fees: Decimal.add(before.fees, event.fees),
    incomplete: before.incomplete || event.incomplete,
    lastBuy: event.bought ?? before.lastBuy
  })
}

interface Share {
  readonly state: BookState
  readonly quantity: Decimal.Decimal
}

/** Rounded down for each; what the rounding leaves comes from the first that have more. */
const proRata = (states: ReadonlyArray<BookState>, wanted: Decimal.Decimal): ReadonlyArray<Share> => {
  const held = states.map((state) => ({ state, quantity: quantityOf(state.lots) }))
  const total = Decimal.sum(held.map(({ quantity }) => quantity))
  if (Decimal.lessOrEqual(total, wanted)) return held
  const first = held.map(({ quantity, state }) => ({
    state,
    held: quantity,
    quantity: Decimal.divide(Decimal.multiply(wanted, quantity), total, Decimal.keptScale, "floor")
  }))
  let rest = Decimal.subtract(wanted, Decimal.sum(first.map(({ quantity }) => quantity)))
  return first.map(({ held: all, quantity, state }) => {
    const more = Decimal.min(rest, Decimal.subtract(all, quantity))
    rest = Decimal.subtract(rest, more)
    return { state, quantity: Decimal.add(quantity, more) }
  })
}

const byKey = (a: BookState, b: BookState) => (bookKey(a) < bookKey(b) ? -1 : 1)

/** Who gives what beyond the book itself: the manual books first, then every rule's book in proportion. */
const sharesOf = (books: AssetBooks, own: BookState, wanted: Decimal.Decimal): ReadonlyArray<Share> => {
  const others = [...books.values()]
    .filter((state) => bookKey(state) !== bookKey(own) && state.lots.length > 0)
    .sort((a, b) => Number(b.symbol === own.symbol) - Number(a.symbol === own.symbol) || byKey(a, b))
  let open = wanted
  const shares: Array<Share> = []
  for (const state of others.filter(({ book }) => book === "manual")) {
    const quantity = Decimal.min(open, quantityOf(state.lots))
    shares.push({ state, quantity })
    open = Decimal.subtract(open, quantity)
  }
  const rules = others.filter(({ book }) => book !== "manual")
  return [...shares, ...proRata(rules, open)].filter(({ quantity }) => Decimal.isPositive(quantity))
}

const leave = (books: AssetBooks, event: Left): void => {
  const own = stateAt(books, event)
  const first = release(own.lots, event.quantity)
  const shares = sharesOf(books, own, first.missing)
  const missing = Decimal.subtract(first.missing, Decimal.sum(shares.map(({ quantity }) => quantity)))
  // The book has no part in it, but for what it pays in fees.
  const isOnlyOthers = own.lots.length === 0 && Decimal.isZero(missing) && shares.length > 0
  let proceeds = event.proceeds
  for (const [i, { quantity, state }] of shares.entries()) {
    const { cost, lots } = release(state.lots, quantity)
    // The last of them takes what rounding left of the proceeds.
    const part =
      proceeds === null || event.proceeds === null || (isOnlyOthers && i === shares.length - 1)
        ? proceeds
        : Decimal.divide(Decimal.multiply(event.proceeds, quantity), event.quantity)
    if (proceeds !== null && part !== null) proceeds = Decimal.subtract(proceeds, part)
    // Proceeds in one currency realise nothing on a cost in another.
    const realises = part !== null && state.symbol === event.symbol
    put(books, {
      ...state,
      lots,
      taken: state.book === "manual" ? state.taken : Decimal.add(state.taken, quantity),
      realisedPnl: realises ? Decimal.add(state.realisedPnl, Decimal.subtract(part, cost)) : state.realisedPnl,
      incomplete: state.incomplete || (part !== null && !realises)
    })
  }
  if (isOnlyOthers && Decimal.isZero(event.fees)) return
  put(books, {
    ...own,
    lots: first.lots,
    realisedPnl:
      proceeds === null ? own.realisedPnl : Decimal.add(own.realisedPnl, Decimal.subtract(proceeds, first.cost)),
    fees: Decimal.add(own.fees, event.fees),
    missing: Decimal.add(own.missing, missing),
    incomplete: own.incomplete || event.incomplete || Decimal.isPositive(missing)
  })
}

const handOver = (books: AssetBooks, event: HandedOver, basis: CostBasis): void => {
  const own = stateAt(books, event)
  const { cost, lots, missing } = release(own.lots, event.quantity)
  const quantity = Decimal.subtract(event.quantity, missing)
  if (!Decimal.isPositive(quantity)) return
  put(books, { ...own, lots })
  const manual = stateAt(books, { symbol: event.symbol, book: "manual" })
  put(books, {
    ...manual,
    lots: addLot(manual.lots, { quantity, cost }, basis),
    incomplete: manual.incomplete || own.incomplete
  })
}

/**
 * Changes the books by one event. A sale takes its own book; whatever that does not have was somebody else's: first
 * the manual books', then the rules' in proportion, and what nobody has is noted as missing. No book goes below zero.
 */
export const applyEvent = (books: AssetBooks, event: LotEvent, basis: CostBasis): void => {
  switch (event.type) {
    case "acquired":
      return acquire(books, event, basis)
    case "left":
      return leave(books, event)
    case "handedOver":
      return handOver(books, event, basis)
  }
}
