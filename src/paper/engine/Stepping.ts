import { Either } from "effect"
import * as Decimal from "../../domain/Decimal.ts"
import type { ListingChange, PriceStep } from "../MarketSource.ts"
import type { VenueRejection } from "../VenueRejection.ts"
import type { Engine } from "./Engine.ts"
import { buildLadder } from "./Ladder.ts"
import { type Market, opposite } from "./Market.ts"
import { reachedBy } from "./Matching.ts"
import { closeAll } from "./orders/Cancelling.ts"
import { fill, nextTradeNumber } from "./orders/Filling.ts"
import { isOnline, type Pair, type PairChange } from "./Pair.ts"

/** Moves one market: the ladder follows, orders that the price reached are filled, then the trade is printed. */
export const step = (engine: Engine, wanted: PriceStep): void => {
  const market = engine.markets.get(wanted.symbol)
  if (market === undefined) return
  const { book, listing } = market
  if (wanted.book !== undefined) {
    book.changeLadder("buy", wanted.book.bids)
    book.changeLadder("sell", wanted.book.asks)
  }
  if (wanted.afterGap === true) market.forgetPast()
  // A halted market stands at its price; one that never had any still needs it.
  if (!isOnline(market.pair) && market.last !== null) return
  const next = { ...wanted, price: market.toTick(wanted.price) }
  if (!Decimal.isPositive(next.price)) return
  if (wanted.book === undefined) book.replaceLadder(buildLadder(listing, next.price, next.at))
  for (const side of ["buy", "sell"] as const) {
    for (const { entry, quantity, used } of reachedBy(book, listing, next, side)) {
      for (const each of used) book.consume(opposite(side), each.ticks, each.quantity)
      const trade = { price: entry.order.price, quantity, side: opposite(side), at: next.at }
      const number = nextTradeNumber(engine, next.at)
      fill(engine, market, entry, trade, { maker: true, selfTrade: false, tradeId: `${number}X2` })
      engine.announce([market.trade(trade, `${number}X1`)])
    }
  }
  if (Decimal.isPositive(next.quantity)) {
    const { at, price, quantity, takerSide, tradeId = `${at}${market.version}` } = next
    engine.announce([market.trade({ price, quantity, side: takerSide, at }, tradeId)])
  } else market.last = next.price
  engine.announce(market.takeBookEvents(next.at))
  engine.mark(market, next.at)
}

/** Tells a quiet book again; nothing is traded, and the journal hears of it only when the reserved versions run out. */
export const breathe = (engine: Engine, symbol: string, at: number): void => {
  const market = engine.markets.get(symbol)
  if (market === undefined || market.last === null || !isOnline(market.pair) || engine.isHalted(symbol)) return
  engine.announce(market.restate(at))
  if (engine.lacksVersions(market)) engine.mark(market, at)
}

/** Halts, limits and fees at run time. A pair that leaves the exchange takes its open orders with it. */
export const changePair = (
  engine: Engine,
  symbol: string,
  change: PairChange,
  at: number
): Either.Either<Pair, VenueRejection> => {
  const known = engine.markets.get(symbol)
  return Either.map(known === undefined ? engine.market(symbol) : Either.right(known), (market) => {
    engine.record({ _tag: "pairChanged", at, symbol, change })
    closeIfGone(engine, market, at)
    return market.pair
  })
}

/** What the venue of a mirror changed. */
export const relist = (engine: Engine, { change, listing, symbol }: ListingChange, at: number): void => {
  const market = engine.markets.get(symbol)
  if (market !== undefined) {
    engine.record({ _tag: "pairChanged", at, symbol, change, byVenue: true })
    closeIfGone(engine, market, at)
  } else if (listing !== undefined) engine.list(listing, change, at)
}

const closeIfGone = (engine: Engine, { listing, pair }: Market, at: number): void => {
  if (!pair.listed || pair.status === "3") closeAll(engine, engine.openOf(listing.symbol), at, "delisted")
}
