import { Effect } from "effect"
import type { SymbolName } from "../../domain/Market.ts"
import { type VenueFailure, VenueRefused } from "../../mexc/VenueFailure.ts"

/** Refusals that would meet every question. */
const aboutTheKey = new Set<VenueRefused["kind"]>(["auth", "permission", "time"])

/** A pair the venue no longer answers for must not keep the user's other orders and balances from being known. */
export const passingOver = <A, E>(symbol: SymbolName, asking: Effect.Effect<A, E | VenueFailure>) =>
  Effect.catchIf(
    Effect.asVoid(asking),
    (failure): failure is VenueRefused => failure instanceof VenueRefused && !aboutTheKey.has(failure.kind),
    ({ message }) => Effect.logWarning("The venue refused to tell about a symbol", { symbol, message })
  )
