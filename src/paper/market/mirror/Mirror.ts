import { Clock, type Duration, Effect, Schema } from "effect"
import { MarketSource, type Upstream } from "../../MarketSource.ts"
import * as Refusals from "../../Refusals.ts"
import { Emissions } from "./Emissions.ts"
import { makeFollowed } from "./Followed.ts"
import { readListings } from "./Listings.ts"
import { makeListingWatch } from "./ListingWatch.ts"
import { isAnswered, withOlderCandles } from "./Older.ts"
import { makeVenuePast } from "./venue/VenuePast.ts"
import { makeVenueReader, type UpstreamFailed } from "./venue/VenueReader.ts"
import { openVenueSocket } from "./venue/VenueSocket.ts"
import { makeVenueStreams } from "./venue/VenueStreams.ts"

/** Where a MEXC-speaking venue answers: the origin of its REST API and the full address of its stream. */
export interface MirrorOptions {
  readonly rest: string
  readonly stream: string
  /** Between two looks at the pairs that may be traded over the API; 10 s unless given. */
  readonly listingPoll?: Duration.DurationInput
  /** After which everything about pairs is read again though those did not change; 5 min unless given. */
  readonly listingReread?: Duration.DurationInput
}

/** The venue to mirror does not answer as one, so there is nothing to start with. */
export class MirrorUnavailable extends Schema.TaggedError<MirrorUnavailable>()("MirrorUnavailable", {
  which: Schema.Literal("rest", "stream"),
  message: Schema.String
}) {}

const unavailable =
  (which: "rest" | "stream") =>
  ({ message }: UpstreamFailed) =>
    new MirrorUnavailable({ which, message })

/** A venue's public market, followed pair by pair; market time is wall time. */
export const makeMirror = Effect.fnUntraced(function* (options: MirrorOptions) {
  const base = options.rest.replace(/\/+$/, "")
  const reader = yield* makeVenueReader(base)
  const start = yield* Effect.mapError(readListings(reader), unavailable("rest"))
  const { listings, restrictions } = start
  // Only to find a wrong address at the start; the venue closes what has no subscription.
  yield* Effect.mapError(Effect.scoped(openVenueSocket(options.stream)), unavailable("stream"))
  const past = yield* makeVenuePast(reader)
  const streams = yield* makeVenueStreams(options.stream)
  const emissions = new Emissions()
  const followed = yield* makeFollowed({ listings, reader, streams, emissions })
  const listingWatch = yield* makeListingWatch({
    reader,
    start,
    rereadAfter: options.listingReread ?? "5 minutes",
    onRead: followed.relist
  })
  const startsAt = yield* Clock.currentTimeMillis
  /** The oldest minute that was handed out, by pair. */
  const coveredFrom = new Map<string, number>()

  /** Closed minutes are the venue's. The running one is too, unless all of its trades were seen here. */
  const history = Effect.fn("Mirror.history")(function* (symbol: string) {
    const minutes = yield* Effect.mapError(past.minutes(symbol), Refusals.upstreamAway)
    if (minutes[0] !== undefined) coveredFrom.set(symbol, minutes[0].openTime)
    const since = followed.pair(symbol)?.completeSince() ?? Number.POSITIVE_INFINITY
    return minutes.filter(({ closed, openTime }) => closed || openTime < since)
  })

  const withOlder: Upstream["withOlder"] = (query, known) => {
    const from = coveredFrom.get(query.symbol) ?? Number.POSITIVE_INFINITY
    if (isAnswered(query, known, from)) return Effect.succeed(known)
    return Effect.mapBoth(past.candles(query), {
      onFailure: Refusals.upstreamAway,
      onSuccess: (older) => withOlderCandles(query, older, known, from)
    })
  }

  return MarketSource.of({
    listings,
    startsAt,
    endsAt: null,
    priceAtStart: () => Effect.succeed(null),
    history,
    steps: () => emissions.steps,
    upstream: {
      restrictions,
      follow: followed.follow,
      halted: (symbol) => followed.pair(symbol)?.isLive() !== true,
      tickers: Effect.mapError(past.tickers, Refusals.upstreamAway),
      trades: (symbol) => Effect.sync(() => followed.pair(symbol)?.pastTrades() ?? []),
      withOlder,
      listingChanges: listingWatch.look,
      listingPoll: options.listingPoll ?? "10 seconds",
      describe: Effect.sync(() => ({
        rest: base,
        stream: options.stream,
        followed: [...followed.pairs()].map(([symbol, { pair }]) => ({ symbol, live: pair.isLive() })),
        ...streams.counts(),
        ...followed.counters,
        ...reader.counts()
      }))
    }
  })
})
