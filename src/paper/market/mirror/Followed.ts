import { Clock, Effect, Exit, Option, Schedule, Scope } from "effect"
import type { Listing } from "../../MarketSource.ts"
import * as Refusals from "../../Refusals.ts"
import type { Emissions } from "./Emissions.ts"
import { type Counters, makeMirroredPair, type MirroredPair } from "./MirroredPair.ts"
import type { VenueReader } from "./venue/VenueReader.ts"
import type { VenueStreams } from "./venue/VenueStreams.ts"

/** Four connections with two channels a pair. */
const maxPairs = 60
/** Interest in a subscribed pair, or one with orders, is renewed more often than this. */
const wantedMs = 60_000
/** What nobody asks for any more is followed on for a while: whoever comes back finds it. */
const keptMs = 600_000
const sweepEvery = "30 seconds"

interface Member {
  readonly pair: MirroredPair
  readonly scope: Scope.CloseableScope
  usedAt: number
}

/** The pairs that are followed now: they come when somebody asks, and go when nobody has for a while. */
export const makeFollowed = Effect.fnUntraced(function* (options: {
  readonly listings: ReadonlyArray<Listing>
  readonly reader: VenueReader
  readonly streams: VenueStreams
  readonly emissions: Emissions
}) {
  const { emissions, reader, streams } = options
  const own = yield* Effect.scope
  const bySymbol = (listings: ReadonlyArray<Listing>) => new Map(listings.map((listing) => [listing.symbol, listing]))
  let listings = bySymbol(options.listings)
  const members = new Map<string, Member>()
  const counters: Counters = { gaps: 0, snapshots: 0 }
  const changing = yield* Effect.makeSemaphore(1)

  const drop = Effect.fnUntraced(function* (symbol: string, member: Member) {
    members.delete(symbol)
    yield* Scope.close(member.scope, Exit.void)
    yield* member.pair.withdraw
  })

  /** The pair that was asked for longest ago, if nobody waits for it. */
  const makeRoom = Effect.fnUntraced(function* (now: number) {
    const oldest = [...members].reduce<readonly [string, Member] | null>(
      (found, each) => (found === null || each[1].usedAt < found[1].usedAt ? each : found),
      null
    )
    if (oldest === null || now - oldest[1].usedAt < wantedMs) return yield* Refusals.tooManyPairs(maxPairs)
    yield* drop(...oldest)
  })

  const enter = (listing: Listing, now: number) =>
    Effect.gen(function* () {
      const known = members.get(listing.symbol)
      if (known !== undefined) return known
      if (members.size >= maxPairs) yield* makeRoom(now)
      const scope = yield* Scope.fork(own, own.strategy)
      const pair = yield* Scope.extend(makeMirroredPair(listing, reader, emissions, counters), scope)
      const member = { pair, scope, usedAt: now }
      members.set(listing.symbol, member)
      yield* Scope.extend(streams.join(pair), scope)
      return member
    }).pipe(changing.withPermits(1), Effect.uninterruptible)

  const follow = Effect.fn("Mirror.follow")(function* (symbol: string) {
    const listing = listings.get(symbol)
    if (listing === undefined) return yield* Refusals.invalidSymbol()
    const now = yield* Clock.currentTimeMillis
    const member = members.get(symbol) ?? (yield* enter(listing, now))
    member.usedAt = now
    if (member.pair.isLive()) return
    const shown = yield* Effect.timeoutOption(member.pair.awaitLive, member.pair.patience())
    if (Option.isNone(shown)) return yield* Refusals.upstreamAway()
  })

  const sweep = Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.forEach(
      [...members].filter(([, { usedAt }]) => now - usedAt > keptMs),
      ([symbol, member]) => drop(symbol, member),
      { discard: true }
    ).pipe(changing.withPermits(1))
  )
  yield* Effect.forkScoped(Effect.repeat(Effect.interruptible(sweep), Schedule.spaced(sweepEvery)))

  return {
    follow,
    /** A pair that is gone is asked for no more; it leaves with those nobody asks for. */
    relist: (now: ReadonlyArray<Listing>) => void (listings = bySymbol(now)),
    pair: (symbol: string): MirroredPair | undefined => members.get(symbol)?.pair,
    pairs: (): ReadonlyMap<string, { readonly pair: MirroredPair }> => members,
    counters
  }
})
