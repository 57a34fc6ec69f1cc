import { Cause, Clock, Deferred, Effect, Exit, PubSub, Schedule, type Scope } from "effect"
import type { SymbolName } from "../../domain/Market.ts"
import type { MarketEvent } from "../../mexc/stream/Events.ts"
import type { VenueFailure } from "../../mexc/VenueFailure.ts"
import { afterBest, afterReading, afterTrade, type Quote, type Tick, tickOf, unknownQuote } from "./Quote.ts"
import type { TickerReader } from "./TickerReader.ts"

/** Runs within the feed, one after the other, before the next tick: it must be short and must not wait for the hub. */
export type TickHandler = (tick: Tick) => Effect.Effect<void>

/** Called within the feed before the tick's handlers; it must be short and may not wait for anything. */
export type TickListener = (tick: Tick) => void

/** One symbol's subscription and what it has said; lives as long as somebody watches. */
export interface SymbolFeed {
  readonly symbol: SymbolName
  readonly quote: () => Quote
  readonly handlers: Set<TickHandler>
  readonly listeners: Set<TickListener>
  /** For displays; nothing is kept for them before the first. */
  readonly ticks: Effect.Effect<PubSub.PubSub<Tick>>
  /** Reads the symbol by REST; those who ask meanwhile share the reading. */
  readonly read: Effect.Effect<void, VenueFailure>
  /** Wall time from which a reading is wanted whatever the stream says: to begin, and after a gap. */
  readonly readDueAt: () => number
  readonly triedAt: () => number
  /** A reading is under way. */
  readonly isReading: () => boolean
  /** Wall time at which somebody last asked for it who keeps its subscription. */
  keptAliveAt: number
}

/** A slow reader of `ticks` loses the oldest ones; rules do not read them, they have handlers. */
const ticksKept = 256

/** The first reading waits this long for the stream, whose subscription asks for one anyway. */
const firstReadingAfterMs = 1_000

/** The venue's stream ends only by a bug of ours: begun again, with an error in the log each time. */
const restartPolicy = Schedule.exponential("1 second").pipe(Schedule.union(Schedule.spaced("30 seconds")))

const both = (a: Effect.Effect<void>, b: Effect.Effect<void>) =>
  b === Effect.void ? a : a === Effect.void ? b : Effect.zipRight(a, b)

/** What is left to do is to log those that failed. */
const tell = (listeners: ReadonlySet<TickListener>, tick: Tick): Effect.Effect<void> => {
  let failed: Effect.Effect<void> = Effect.void
  for (const listen of listeners)
    try {
      listen(tick)
    } catch (defect) {
      failed = both(failed, Effect.logError("a tick listener failed", Cause.die(defect)))
    }
  return failed
}

interface Dependencies {
  /** Subscribes and tells events one after the other; as the venue's stream has no end, neither has this. */
  readonly follow: (handle: (event: MarketEvent) => Effect.Effect<void>) => Effect.Effect<void>
  readonly reader: typeof TickerReader.Service
  /** A reading has become due. */
  readonly onDue: Effect.Effect<void>
}

export const makeSymbolFeed = Effect.fnUntraced(function* (
  symbol: SymbolName,
  { follow, reader, onDue }: Dependencies
): Effect.fn.Return<SymbolFeed, never, Scope.Scope> {
  const scope = yield* Effect.scope
  let shown: PubSub.PubSub<Tick> | null = null
  yield* Effect.addFinalizer(() => (shown === null ? Effect.void : PubSub.shutdown(shown)))
  const inOrder = yield* Effect.makeSemaphore(1)
  const handlers = new Set<TickHandler>()
  const listeners = new Set<TickListener>()
  /** Who is in `inOrder`, or waits for it. */
  let inside = 0
  let quote = unknownQuote(symbol)
  let afterGap = true
  let readDueAt = (yield* Clock.currentTimeMillis) + firstReadingAfterMs
  let subscribedAt = Number.NEGATIVE_INFINITY
  let triedAt = Number.NEGATIVE_INFINITY
  let reading: Deferred.Deferred<void, VenueFailure> | null = null

  const ticks = Effect.suspend(() =>
    shown === null
      ? Effect.tap(PubSub.sliding<Tick>(ticksKept), (made) => Effect.sync(() => (shown = made)))
      : Effect.succeed(shown)
  )

  /** Nobody is told who could take time: an event is over when it was published. */
  const isSilent = () => shown === null && handlers.size === 0

  const publish = (next: Quote, cause: Tick["cause"], receivedAt: number): Effect.Effect<void> => {
    quote = next
    const tick = tickOf(quote, cause, receivedAt, afterGap)
    if (tick === null) return Effect.void
    afterGap = false
    const failed = tell(listeners, tick)
    if (isSilent()) return failed
    const show = shown === null ? Effect.void : PubSub.publish(shown, tick)
    if (handlers.size === 0) return Effect.zipRight(failed, Effect.asVoid(show))
    const handled = Effect.forEach(
      [...handlers],
      (handle) => Effect.catchAllCause(handle(tick), (cause) => Effect.logError("a tick handler failed", cause)),
      { discard: true }
    )
    return Effect.zipRight(failed, Effect.zipRight(handled, show))
  }

  const onEvent = (event: MarketEvent): Effect.Effect<void> => {
    switch (event.type) {
      case "trades":
        if (isSilent()) {
          let failed: Effect.Effect<void> = Effect.void
          for (const trade of event.trades)
            failed = both(failed, publish(afterTrade(quote, trade, event.receivedAt), "trade", event.receivedAt))
          return failed
        }
        return Effect.forEach(
          event.trades,
          (trade) => publish(afterTrade(quote, trade, event.receivedAt), "trade", event.receivedAt),
          { discard: true }
        )
      case "bookTicker":
      case "oneSided":
        return publish(afterBest(quote, event), "book", event.receivedAt)
      case "interrupted":
        afterGap = true
        return Effect.void
      case "subscribed":
        afterGap = true
        subscribedAt = event.receivedAt
        readDueAt = event.receivedAt
        return onDue
    }
  }

  /** One event after the other; alone and with nobody who takes time it needs no turn. */
  const inTurn = (event: () => Effect.Effect<void>): Effect.Effect<void> =>
    Effect.suspend(() =>
      inside === 0 && isSilent()
        ? event()
        : Effect.acquireUseRelease(
            Effect.sync(() => void inside++),
            () => inOrder.withPermits(1)(Effect.suspend(event)),
            () => Effect.sync(() => void inside--)
          )
    )

  const apply = Effect.gen(function* () {
    const askedAt = yield* Clock.currentTimeMillis
    triedAt = askedAt
    const ticker = yield* reader.read(symbol)
    const now = yield* Clock.currentTimeMillis
    if (subscribedAt <= askedAt) readDueAt = Number.POSITIVE_INFINITY
    yield* inTurn(() => publish(afterReading(quote, ticker, askedAt, now), "rest", now))
  })

  const land = (exit: Exit.Exit<void, VenueFailure>, ours: Deferred.Deferred<void, VenueFailure>) => {
    reading = null
    return Deferred.done(ours, exit)
  }

  const read = Effect.gen(function* () {
    const ours = yield* Deferred.make<void, VenueFailure>()
    if (reading !== null) return yield* Deferred.await(reading)
    reading = ours
    yield* Effect.forkIn(Effect.interruptible(Effect.onExit(apply, (exit) => land(exit, ours))), scope)
    return yield* Deferred.await(ours)
  })

  const run = follow((event) => inTurn(() => onEvent(event))).pipe(
    Effect.zipRight(Effect.logError("a market stream ended", symbol)),
    Effect.catchAllCause((cause) => Effect.logError("a market stream failed", cause))
  )
  // A schedule's memory is made when it is needed: this is parked once for every symbol.
  yield* Effect.zipRight(run, Effect.schedule(run, restartPolicy)).pipe(
    // Whoever watches first may do so where interruption is off, which a forked fiber would inherit.
    Effect.interruptible,
    Effect.forkScoped
  )

  return {
    symbol,
    quote: () => quote,
    handlers,
    listeners,
    ticks,
    read,
    readDueAt: () => readDueAt,
    triedAt: () => triedAt,
    isReading: () => reading !== null,
    keptAliveAt: Number.NEGATIVE_INFINITY
  }
})
