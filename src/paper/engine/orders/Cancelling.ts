import { Either } from "effect"
import type { PaperOrder } from "../../Events.ts"
import * as Refusals from "../../Refusals.ts"
import type { OrderReference } from "../../Requests.ts"
import type { VenueRejection } from "../../VenueRejection.ts"
import type { Engine } from "../Engine.ts"
import { isOpen, type OrderEntry } from "../ledger/Account.ts"
import { close } from "./Filling.ts"

export const cancel = (
  engine: Engine,
  accountId: string,
  symbol: string,
  reference: OrderReference,
  at: number
): Either.Either<PaperOrder, VenueRejection> => {
  const entry = engine.find(accountId, symbol, reference)
  if (entry === undefined || !isOpen(entry.order)) return Either.left(Refusals.unknownOrderOnCancel())
  closeAll(engine, [entry], at)
  return Either.right(entry.order)
}

/** The venue answers an unknown pair with an error, a pair without open orders with an empty list. */
export const cancelOfSymbol = (
  engine: Engine,
  accountId: string,
  symbol: string,
  at: number
): Either.Either<ReadonlyArray<PaperOrder>, VenueRejection> =>
  Either.map(engine.market(symbol), () =>
    closeAll(
      engine,
      [...engine.ledger.account(accountId).open.values()].filter((each) => each.order.symbol === symbol),
      at
    )
  )

/** Closes orders and shows the books without them. */
export const closeAll = (
  engine: Engine,
  entries: ReadonlyArray<OrderEntry>,
  at: number,
  reason: string | null = null
): ReadonlyArray<PaperOrder> => {
  for (const entry of entries) close(engine, entry, at, reason)
  for (const symbol of new Set(entries.map((entry) => entry.order.symbol))) {
    const market = engine.markets.get(symbol)
    if (market !== undefined) engine.announce(market.takeBookEvents(at))
  }
  return entries.map((entry) => entry.order)
}
