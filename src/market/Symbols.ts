import { Clock, Context, Duration, Effect, FiberHandle, Layer } from "effect"
import type { SymbolInfo, SymbolName } from "../domain/Market.ts"
import { MexcClient } from "../mexc/MexcClient.ts"
import { type ExchangeError, exchangeError, type MarketError, symbolNotFound } from "./VenueErrors.ts"

/** Trading rules change rarely and cost 26 weight to read. */
const lifetime = Duration.toMillis("10 minutes")

/** How long a venue that failed to tell its rules is left in peace. */
const retryAfter = Duration.toMillis("30 seconds")

interface Listing {
  readonly all: ReadonlyArray<SymbolInfo>
  readonly byName: ReadonlyMap<SymbolName, SymbolInfo>
  readonly refreshAt: number
}

/**
 * The venue's pairs and their trading rules. Once read they answer at once: an old list is refreshed behind the
 * answer, and kept while the venue fails; each entry's `asOf` tells its age.
 */
export class Symbols extends Context.Tag("dipper/market/Symbols")<
  Symbols,
  {
    readonly all: Effect.Effect<ReadonlyArray<SymbolInfo>, ExchangeError>
    readonly get: (symbol: SymbolName) => Effect.Effect<SymbolInfo, MarketError>
  }
>() {
  static readonly layer: Layer.Layer<Symbols, never, MexcClient> = Layer.scoped(
    Symbols,
    Effect.gen(function* () {
      const mexc = yield* MexcClient
      const background = yield* FiberHandle.make()
      const oneAtATime = yield* Effect.makeSemaphore(1)
      let listing: Listing | null = null

      const load = Effect.gen(function* () {
        const all = yield* mexc.symbols
        const now = yield* Clock.currentTimeMillis
        listing = { all, byName: new Map(all.map((info) => [info.symbol, info])), refreshAt: now + lifetime }
        return listing
      })

      const first = Effect.suspend(() => (listing === null ? load : Effect.succeed(listing))).pipe(
        oneAtATime.withPermits(1),
        Effect.mapError(exchangeError)
      )

      const refresh = Effect.fnUntraced(function* (old: Listing, now: number) {
        listing = { ...old, refreshAt: now + retryAfter }
        yield* load.pipe(
          Effect.interruptible,
          Effect.catchAll((failure) => Effect.logWarning("symbols not refreshed, the last good list stays", failure)),
          FiberHandle.run(background, { onlyIfMissing: true })
        )
      })

      const current = Effect.suspend(() => {
        const known = listing
        if (known === null) return first
        return Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Effect.as(now < known.refreshAt ? Effect.void : refresh(known, now), known)
        )
      })

      const get = Effect.fn("Symbols.get")(function* (symbol: SymbolName) {
        const { byName } = yield* current
        const info = byName.get(symbol)
        return info ?? (yield* symbolNotFound(symbol))
      })

      return { all: Effect.map(current, ({ all }) => all), get }
    })
  )
}
