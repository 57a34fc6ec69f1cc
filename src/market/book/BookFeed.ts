import { Clock, Effect, Option, Queue, Schedule, type Scope, Stream } from "effect"
import type { OrderBook, SymbolName } from "../../domain/Market.ts"
import type { Instant } from "../../domain/Time.ts"
import { type DepthSnapshot, makeLocalBook } from "../../mexc/book/LocalBook.ts"
import { versionOf } from "../../mexc/map/StreamMapping.ts"
import type { DepthEvent } from "../../mexc/stream/Events.ts"
import { type VenueFailure, VenueUnavailable } from "../../mexc/VenueFailure.ts"
import { freshForMs } from "../feed/Quote.ts"

/** More than anybody asks for, so that a book that moves is not soon at the end of what is known. Weight 3 as any. */
const snapshotLevels = 2_000

/** A stream that says nothing for this long is not believed without asking. */
const silentForMs = 8_000

/** Snapshots of a book that cannot be brought together: half a second apart at first, half a minute in the end. */
const resnapshot = Schedule.exponential("500 millis").pipe(
  Schedule.union(Schedule.spaced("30 seconds")),
  Schedule.jittered
)
/** A book that held for so long has proved itself: its next loss is a first one. */
const provenAfterMs = 60_000

/** The venue's stream ends only by a bug of ours: begun again, with an error in the log each time. */
const restartPolicy = Schedule.exponential("1 second").pipe(Schedule.union(Schedule.spaced("30 seconds")))

/** One symbol's book, kept by the stream while its scope lives. */
export interface BookFeed {
  /**
   * Null while it is brought together, while nothing has confirmed it of late, and beyond its known levels. The same
   * object until the book changes.
   */
  readonly read: (depth: number, now: number) => OrderBook | null
  readonly isLive: () => boolean
  /** Nothing has confirmed the book for a while, and nobody asks the venue yet. */
  readonly isSilent: (now: number) => boolean
  /** Asks the venue whether the book is still as it is. */
  readonly confirm: Effect.Effect<void>
}

interface Dependencies {
  readonly events: Stream.Stream<DepthEvent>
  readonly snapshot: (levels: number) => Effect.Effect<OrderBook, VenueFailure>
  /** The book was lost and has to be brought together again. */
  readonly onResync: Effect.Effect<void>
}

export const makeBookFeed = Effect.fnUntraced(function* (
  symbol: SymbolName,
  { events, onResync, snapshot }: Dependencies
): Effect.fn.Return<BookFeed, never, Scope.Scope> {
  const book = makeLocalBook()
  const wanted = yield* Queue.sliding<void>(1)
  const backoff = yield* Schedule.driver(resnapshot)
  let isSubscribed = false
  let isLoss = false
  let isAsking = false
  let liveSince = Number.POSITIVE_INFINITY
  let confirmedAt = Number.NEGATIVE_INFINITY
  let asOf: Instant = 0
  /** By depth, of the version and time it begins with. */
  let shown: { readonly version: bigint; readonly asOf: Instant; readonly books: Map<number, OrderBook> } | null = null

  const booksOf = (version: bigint) => {
    if (shown?.version !== version || shown.asOf !== asOf) shown = { version, asOf, books: new Map() }
    return shown.books
  }

  const lost = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const isProven = now - liveSince >= provenAfterMs
    liveSince = Number.POSITIVE_INFINITY
    isLoss = true
    return Effect.all([onResync, isProven ? backoff.reset : Effect.void, wanted.offer(undefined)], { discard: true })
  })

  const ask = Effect.flatMap(snapshot(snapshotLevels), snapshotOf)

  const take = (answer: DepthSnapshot, now: number) => {
    const result = book.load(answer)
    if (result === "loaded" || result === "known") {
      confirmedAt = now
      asOf = Math.max(asOf, answer.at)
      liveSince = Math.min(liveSince, now)
    }
    return result
  }

  /** Snapshots until one fits the deltas; each but the first waits its turn. */
  const bringTogether = Effect.gen(function* () {
    while (isSubscribed && book.version() === null) {
      const answer = yield* Effect.exit(ask)
      if (answer._tag === "Failure")
        yield* Effect.logWarning("a snapshot of an order book failed", symbol, answer.cause)
      else if (isSubscribed && book.version() === null) {
        const result = take(answer.value, yield* Clock.currentTimeMillis)
        if (result === "gap") yield* onResync
      }
      if (book.version() === null) yield* Effect.ignore(backoff.next(undefined))
    }
  })

  const onEvent = (event: DepthEvent): Effect.Effect<void> => {
    switch (event.type) {
      case "subscribed":
        isSubscribed = true
        book.reset()
        return Effect.asVoid(wanted.offer(undefined))
      case "interrupted":
        isSubscribed = false
        book.reset()
        return Effect.void
      case "depth": {
        const result = book.apply(event.delta)
        if (result === "gap") return lost
        if (result === "applied") {
          confirmedAt = event.receivedAt
          asOf = Math.max(asOf, event.delta.at)
        }
        return Effect.void
      }
    }
  }

  yield* events.pipe(
    Stream.runForEach(onEvent),
    Effect.zipRight(Effect.logError("a stream of an order book ended", symbol)),
    Effect.catchAllCause((cause) => Effect.logError("a stream of an order book failed", cause)),
    Effect.repeat(restartPolicy),
    Effect.interruptible,
    Effect.forkScoped
  )

  const repair = Effect.gen(function* () {
    yield* wanted.take
    // A book that flaps must not eat the budget of the others.
    if (isLoss) yield* Effect.ignore(backoff.next(undefined))
    isLoss = false
    yield* bringTogether
  })
  yield* Effect.forkScoped(Effect.interruptible(Effect.forever(repair)))

  const confirm = Effect.gen(function* () {
    isAsking = true
    const before = book.version()
    const answer = yield* ask
    const version = book.version()
    if (version === null || before === null) return
    // The venue counts anew, and every delta would look like one of long ago.
    if (answer.version < version && version === before) {
      book.reset()
      yield* onResync
    }
    take(answer, yield* Clock.currentTimeMillis)
  }).pipe(
    Effect.catchAllCause((cause) => Effect.logWarning("a silent order book could not be read", symbol, cause)),
    Effect.ensuring(Effect.sync(() => (isAsking = false)))
  )

  return {
    read: (depth, now) => {
      const version = book.version()
      if (version === null || now - confirmedAt > freshForMs) return null
      const books = booksOf(version)
      const known = books.get(depth)
      if (known !== undefined) return known
      const levels = book.levels(depth)
      if (levels === null) return null
      const read: OrderBook = { symbol, ...levels, version: version.toString(), asOf, source: "ws", stale: false }
      books.set(depth, read)
      return read
    },
    isLive: () => book.version() !== null,
    isSilent: (now) => !isAsking && book.version() !== null && now - confirmedAt >= silentForMs,
    confirm
  }
})

const snapshotOf = ({ asOf, asks, bids, version }: OrderBook) =>
  Option.match(versionOf(version), {
    onNone: () => new VenueUnavailable({ message: "The venue's order book has no version." }),
    onSome: (number) =>
      Effect.succeed<DepthSnapshot>({
        version: number,
        bids,
        asks,
        at: asOf,
        truncated: bids.length >= snapshotLevels || asks.length >= snapshotLevels
      })
  })
