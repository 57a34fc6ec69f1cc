import { Clock, Context, Deferred, Duration, Effect, Layer, Metric, PubSub, Stream } from "effect"
import type { SymbolInfo, SymbolName } from "../domain/Market.ts"
import type { Instant } from "../domain/Time.ts"
import { ContractDrift } from "../mexc/ContractDrift.ts"
import { MexcClient } from "../mexc/MexcClient.ts"
import { makePace } from "../mexc/stream/Pacer.ts"
import {
  changesBetween,
  isTradabilityChange,
  noneTradable,
  type Pairs,
  sameNames,
  suspiciousLoss,
  type SymbolChange,
  withMissing
} from "./listing/listingDiff.ts"
import { type ExchangeError, exchangeError, type MarketError, symbolNotFound } from "./VenueErrors.ts"

/** Trading rules change rarely and cost 26 weight to read. */
const lifetime = Duration.toMillis("10 minutes")

/** How long a venue that failed to tell its rules, or told what cannot be believed, is left in peace. */
const retryAfter = Duration.toMillis("30 seconds")

/** A pair can be named long before it takes orders: while somebody waits for one, its rules are read this often. */
const awaitedEvery = Duration.toMillis("15 seconds")

/** A list that lost most of its pairs is believed when it has stayed so for this long. */
const believedAfter = Duration.toMillis("5 minutes")

/** Readings of all rules because the list of names changed: a list that flickers must not eat the budget. */
const readingsAtOnce = 3
const readingEveryMs = 10_000

/** Of more changes at once only the number is logged. */
const loggedAtMost = 20

const changesKept = 4_096

const changesTotal = Metric.counter("dipper_tradability_changes_total", {
  description: "Pairs that began or ceased to take orders at the venue",
  incremental: true
})

export interface SymbolsHealth {
  readonly pairs: number
  readonly tradable: number
  /** Wall time of the reading that is believed; null before the first. */
  readonly readAt: Instant | null
  /** Pairs that began or ceased to take orders since the start of the process. */
  readonly changes: number
  readonly lastChange: SymbolChange | null
  /** Why the last reading is not believed, or could not be had. */
  readonly problem: string | null
}

interface Listing {
  readonly all: ReadonlyArray<SymbolInfo>
  readonly byName: Pairs
  readonly readAt: Instant
}

/**
 * The venue's pairs and their trading rules. Once read they answer at once: the last good list stays while the venue
 * fails or tells what cannot be believed; each entry's `asOf` tells its age. The venue's short list of tradable names
 * is watched, and everything is read anew when it changes.
 */
export class Symbols extends Context.Tag("dipper/market/Symbols")<
  Symbols,
  {
    readonly all: Effect.Effect<ReadonlyArray<SymbolInfo>, ExchangeError>
    readonly get: (symbol: SymbolName) => Effect.Effect<SymbolInfo, MarketError>
    /** Tells without asking anybody, and without a fiber, what is in the list that is believed now: nothing before the first. */
    readonly isListed: Effect.Effect<(symbol: SymbolName) => boolean>
    /** Everything that changes from now on; a reader thousands of changes behind loses the oldest. */
    readonly changes: Stream.Stream<SymbolChange>
    /** Waits until the venue takes orders for the symbol, which it may not know yet. */
    readonly whenTradable: (symbol: SymbolName) => Effect.Effect<SymbolInfo>
    /** The venue refused an order for its pair: everything is read anew soon. */
    readonly recheck: Effect.Effect<void>
    readonly health: Effect.Effect<SymbolsHealth>
  }
>() {
  /** `poll`: how often the list of tradable names is looked at, for one weight. */
  static readonly layerWith = (options: {
    readonly poll: Duration.DurationInput
  }): Layer.Layer<Symbols, never, MexcClient | ContractDrift> =>
    Layer.scoped(
      Symbols,
      Effect.suspend(() => make(options.poll))
    )

  static readonly layer = Symbols.layerWith({ poll: "2 seconds" })
}

const make = Effect.fnUntraced(function* (poll: Duration.DurationInput) {
  const mexc = yield* MexcClient
  const drift = yield* ContractDrift
  const oneAtATime = yield* Effect.makeSemaphore(1)
  const published = yield* PubSub.sliding<SymbolChange>(changesKept)
  const pace = makePace(readingsAtOnce, readingEveryMs)
  let listing: Listing | null = null
  let listed: ReadonlySet<string> | null = null
  let isChanged = false
  const awaited: Array<SymbolName> = []
  let triedAt = Number.NEGATIVE_INFINITY
  let refreshAt = Number.POSITIVE_INFINITY
  let doubtedSince: number | null = null
  let problem: string | null = null
  let changes = 0
  let lastChange: SymbolChange | null = null
  let updated = yield* Deferred.make<void>()
  const isNeeded = yield* Deferred.make<void>()
  yield* Metric.incrementBy(changesTotal, 0)

  const tell = Effect.fnUntraced(function* (all: ReadonlyArray<SymbolChange>) {
    const flips = all.filter(isTradabilityChange)
    changes += flips.length
    lastChange = flips.at(-1) ?? lastChange
    yield* Metric.incrementBy(changesTotal, flips.length)
    if (flips.length > loggedAtMost) yield* Effect.logWarning("the venue changed many pairs", { pairs: flips.length })
    else
      for (const { after, before, symbol } of flips)
        yield* Effect.logInfo(after?.tradable ? "a pair is tradable now" : "a pair is not tradable any more", {
          symbol,
          why: after === null ? "no longer listed" : after.untradableReason,
          isNew: before === null
        })
    yield* PubSub.publishAll(published, all)
  })

  const believe = Effect.fnUntraced(function* (byName: Pairs, now: number) {
    const before = listing
    listing = { all: [...byName.values()], byName, readAt: now }
    refreshAt = now + lifetime
    doubtedSince = null
    problem = noneTradable(byName)
    if (problem !== null) yield* drift.note("body", `GET /exchangeInfo: ${problem}`)
    const wake = updated
    updated = yield* Deferred.make<void>()
    yield* Deferred.succeed(wake, undefined)
    yield* Deferred.succeed(isNeeded, undefined)
    if (before !== null) yield* tell(changesBetween(before.byName, byName, now))
    return listing
  })

  const load = Effect.gen(function* () {
    const all = yield* mexc.symbols
    const now = yield* Clock.currentTimeMillis
    const before = listing
    if (before === null) return yield* believe(new Map(all.map((info) => [info.symbol, info])), now)
    const byName = withMissing(before.byName, all, listed ?? new Set())
    const loss = suspiciousLoss(before.byName, byName)
    if (loss === null) return yield* believe(byName, now)
    problem = `the venue's list lost ${loss.lost} of ${loss.of} tradable pairs at once; the last good list stays`
    doubtedSince ??= now
    yield* drift.note("body", `GET /exchangeInfo: ${problem}`)
    if (now - doubtedSince >= believedAfter) {
      yield* Effect.logError("the venue's list has stayed without most of its pairs; it is believed now", loss)
      return yield* believe(byName, now)
    }
    refreshAt = now + retryAfter
    return before
  })

  const first = Effect.suspend(() => (listing === null ? load : Effect.succeed(listing))).pipe(
    oneAtATime.withPermits(1),
    Effect.mapError(exchangeError)
  )

  const current = Effect.suspend(() => (listing === null ? first : Effect.succeed(listing)))

  const refresh = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    triedAt = now
    return load
  }).pipe(
    oneAtATime.withPermits(1),
    Effect.tap(() => Effect.sync(() => (isChanged = false))),
    Effect.catchAll((failure) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        refreshAt = now + retryAfter
        problem = `the venue's list could not be read: ${failure.message}`
        return Effect.logWarning("symbols not refreshed, the last good list stays", failure)
      })
    )
  )

  /** The first names are compared with the pairs: they may have changed since those were read. */
  const isNews = (names: ReadonlySet<string>, { all }: Listing): boolean => {
    if (listed !== null) return !sameNames(names, listed)
    const known = new Set<string>(all.map(({ symbol }) => symbol))
    return (
      all.some(({ symbol, tradable }) => tradable && !names.has(symbol)) || [...names].some((one) => !known.has(one))
    )
  }

  const isDue = (now: number, { byName }: Listing): boolean =>
    now >= refreshAt ||
    (now - triedAt >= awaitedEvery &&
      awaited.some((symbol) => listed?.has(symbol) === true && byName.get(symbol)?.tradable !== true))

  const look = Effect.gen(function* () {
    const known = listing
    if (known === null) {
      yield* Effect.zipRight(pace, refresh)
      return
    }
    const names = yield* Effect.option(mexc.listedSymbols)
    if (names._tag === "Some") {
      isChanged ||= isNews(names.value, known)
      listed = names.value
    }
    if (isChanged) yield* Effect.zipRight(pace, refresh)
    else if (isDue(yield* Clock.currentTimeMillis, known)) yield* refresh
  })

  const lookSafely = Effect.catchAllCause(look, (cause) => Effect.logError("a look at the pairs failed", cause))

  // Nobody needs the pairs before the first has asked for one.
  yield* Effect.forkScoped(
    Effect.zipRight(Deferred.await(isNeeded), Effect.forever(Effect.zipRight(lookSafely, Effect.sleep(poll))))
  )

  // Without a span, which would cost many times what the look into the map does.
  const get = (symbol: SymbolName) =>
    Effect.flatMap(current, ({ byName }) => {
      const info = byName.get(symbol)
      return info === undefined ? Effect.fail(symbolNotFound(symbol)) : Effect.succeed(info)
    })

  const whenTradable = Effect.fn("Symbols.whenTradable")(function* (symbol: SymbolName) {
    yield* Deferred.succeed(isNeeded, undefined)
    yield* Effect.acquireRelease(
      Effect.sync(() => awaited.push(symbol)),
      () => Effect.sync(() => awaited.splice(awaited.indexOf(symbol), 1))
    )
    for (;;) {
      const next = updated
      const info = listing?.byName.get(symbol)
      if (info?.tradable === true) return info
      yield* Deferred.await(next)
    }
  }, Effect.scoped)

  const health = Effect.sync((): SymbolsHealth => ({
    pairs: listing?.all.length ?? 0,
    tradable: listing?.all.filter(({ tradable }) => tradable).length ?? 0,
    readAt: listing?.readAt ?? null,
    changes,
    lastChange,
    problem
  }))

  return {
    all: Effect.map(current, ({ all }) => all),
    get,
    isListed: Effect.succeed((symbol: SymbolName) => listing?.byName.has(symbol) === true),
    changes: Stream.fromPubSub(published),
    whenTradable,
    recheck: Effect.sync(() => void (isChanged = true)),
    health
  }
})
