import { Clock, Duration, Effect } from "effect"
import type { Listing, ListingChange } from "../../MarketSource.ts"
import { changesBetween, readForApi, readListingsOf, type VenueListings } from "./Listings.ts"
import type { VenueReader } from "./venue/VenueReader.ts"

/**
 * One look at the venue's pairs. The short list of those that may be traded over the API is asked for each time; the
 * long one, of weight 25 and two million bytes, when the short one changed or the last reading is old.
 */
export const makeListingWatch = Effect.fnUntraced(function* (options: {
  readonly reader: VenueReader
  readonly start: VenueListings
  readonly rereadAfter: Duration.DurationInput
  readonly onRead: (listings: ReadonlyArray<Listing>) => void
}) {
  const { onRead, reader } = options
  const rereadMs = Duration.toMillis(options.rereadAfter)
  let seen = options.start
  let asked = seen.forApi
  let readAt = yield* Clock.currentTimeMillis

  const look = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const forApi = yield* readForApi(reader)
    if (isSame(forApi, asked) && now - readAt < rereadMs) return []
    const next = yield* readListingsOf(reader, forApi)
    asked = forApi
    readAt = now
    if (isBroken(next, seen)) {
      yield* Effect.logWarning("the mirror ignores a list of pairs that lacks most of them")
      return []
    }
    const changes = changesBetween(seen, next)
    seen = next
    onRead(next.listings)
    return changes
  }).pipe(
    Effect.catchTag("UpstreamFailed", ({ message }) =>
      Effect.as(Effect.logDebug(`the pairs of the mirror stay as they are: ${message}`), nothing)
    )
  )
  return { look }
})

const nothing: ReadonlyArray<ListingChange> = []

const isSame = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((symbol) => b.has(symbol))

/** No venue takes more than half of its pairs away at once. */
const isBroken = (next: VenueListings, seen: VenueListings): boolean =>
  next.listings.length * 2 < seen.listings.length || next.forApi.size * 2 < seen.forApi.size
