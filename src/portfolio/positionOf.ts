import { Option } from "effect"
import * as Decimal from "../domain/Decimal.ts"
import { averageCost, noLots } from "../domain/order/lots.ts"
import type { SymbolName, Ticker } from "../domain/Market.ts"
import type { BookName } from "../domain/order/Order.ts"
import type { Lots, Position } from "../domain/Position.ts"
import type { Instant } from "../domain/Time.ts"

/** Lots of several books together. Their latest buy is not known from here. */
export const addLots = (all: ReadonlyArray<Lots>): Lots =>
  all.reduce(
    (sum, lots) => ({
      quantity: Decimal.add(sum.quantity, lots.quantity),
      totalCost: Decimal.add(sum.totalCost, lots.totalCost),
      realisedPnl: Decimal.add(sum.realisedPnl, lots.realisedPnl),
      fees: Decimal.add(sum.fees, lots.fees),
      incomplete: sum.incomplete || lots.incomplete,
      lastBuy: null
    }),
    noLots
  )

/** A symbol's books, marked at the last price; without a price, value and unrealised profit are unknown. */
export const positionOf = (
  symbol: SymbolName,
  books: ReadonlyMap<BookName, Lots>,
  ticker: Option.Option<Ticker>,
  now: Instant
): Position => {
  const total = addLots([...books.values()])
  const markPrice = Option.getOrNull(Option.map(ticker, ({ last }) => last))
  const value =
    markPrice === null
      ? null
      : Decimal.round(Decimal.multiply(total.quantity, markPrice), Decimal.keptScale, "half-even")
  return {
    symbol,
    quantity: total.quantity,
    averageCost: averageCost(total),
    totalCost: total.totalCost,
    markPrice,
    value,
    unrealisedPnl: value === null ? null : Decimal.subtract(value, total.totalCost),
    realisedPnl: total.realisedPnl,
    fees: total.fees,
    incomplete: total.incomplete,
    asOf: Option.match(ticker, { onNone: () => now, onSome: ({ asOf }) => asOf }),
    stale: Option.match(ticker, { onNone: () => true, onSome: ({ stale }) => stale }),
    books: [...books].map(([book, lots]) => ({
      book,
      quantity: lots.quantity,
      averageCost: averageCost(lots),
      realisedPnl: lots.realisedPnl
    }))
  }
}
