import { Effect, Layer, Schedule } from "effect"
import { Exchange } from "../../Exchange.ts"
import { MarketSource } from "../../MarketSource.ts"

/** Lets the exchange's pairs change with the venue's. */
export const layer = Layer.scopedDiscard(
  Effect.gen(function* () {
    const exchange = yield* Exchange
    const { upstream } = yield* MarketSource
    if (upstream === undefined) return
    const look = Effect.flatMap(upstream.listingChanges, (changes) =>
      changes.length === 0 ? Effect.void : exchange.relist(changes)
    )
    yield* Effect.forkScoped(Effect.schedule(look, Schedule.spaced(upstream.listingPoll)))
  })
)
