import { Clock, Duration, Effect, Either, FiberHandle, Schedule } from "effect"
import * as Decimal from "../../../domain/Decimal.ts"
import type { BookLevel, Trade } from "../../../domain/Market.ts"
import { dealsChannel, depthChannel } from "../../../mexc/wire/Channels.ts"
import {
  Depth,
  PriceTicker,
  type PublicTrade,
  PublicTrades,
  readPublicTrades
} from "../../../mexc/wire/rest/RestMarket.ts"
import type { PushFrame } from "../../../mexc/wire/Stream.ts"
import type { BookChange, Listing, PriceStep } from "../../MarketSource.ts"
import { BookCopy, type BookDelta, type BookSnapshot } from "./BookCopy.ts"
import type { Emissions } from "./Emissions.ts"
import { type Deal, readDeals, readDelta } from "./Frames.ts"
import type { Subscriber } from "./venue/VenueConnection.ts"
import { UpstreamFailed, type VenueReader } from "./venue/VenueReader.ts"

/** Over all pairs, since the start. */
export interface Counters {
  gaps: number
  snapshots: number
}

/** One pair of the venue as it is followed. */
export interface MirroredPair extends Subscriber {
  /** Its present book is shown. */
  readonly isLive: () => boolean
  /** Since when no trade was missed; null while trades are missed. */
  readonly completeSince: () => number | null
  /** How long it is worth waiting for it to be live. */
  readonly patience: () => Duration.Duration
  readonly awaitLive: Effect.Effect<void>
  /** From before `completeSince`, newest first. */
  readonly pastTrades: () => ReadonlyArray<Trade>
  /** Takes its book out of sight. */
  readonly withdraw: Effect.Effect<void>
}

/** Enough for every price an order may reach; each level costs at every step. */
const snapshotLevels = 1_000
const tradesAsked = 1_000
const firstPatience = Duration.seconds(5)
const repairPatience = Duration.seconds(2)
const nothing: BookChange = { bids: [], asks: [] }

/** Until it succeeds, with a warning each time; the pair's scope ends it. */
const askAgain = Schedule.exponential("250 millis").pipe(
  Schedule.union(Schedule.spaced("5 seconds")),
  Schedule.jittered
)

export const makeMirroredPair = Effect.fnUntraced(function* (
  { symbol }: Listing,
  reader: VenueReader,
  emissions: Emissions,
  counters: Counters
) {
  const book = new BookCopy()
  const latch = yield* Effect.makeLatch(false)
  const loading = yield* FiberHandle.make<void>()
  let state: "starting" | "away" | "loading" | "live" = "starting"
  let completeSince: number | null = null
  let last: Decimal.Decimal | null = null
  let past: ReadonlyArray<Trade> = []
  /** Trades that came before it was known which of them the venue's list already has. */
  let early: ReadonlyArray<Deal> = []
  let shown = 0
  let printed = 0

  const put = (at: number, more: Partial<PriceStep>, onApplied?: () => void) => {
    const quiet = { price: last ?? Decimal.zero, quantity: Decimal.zero, takerSide: "buy", book: nothing } as const
    const step: PriceStep = { symbol, at, ...quiet, ...more }
    emissions.put(onApplied === undefined ? { step } : { step, onApplied })
  }

  const halt = (next: "away" | "loading") => {
    state = state === "starting" ? state : next
    latch.unsafeClose()
  }

  const print = (deals: ReadonlyArray<Deal>, now: number) => {
    const known = past[0]?.at ?? 0
    for (const { at, price, quantity, takerSide } of deals) {
      if (at <= known) continue
      last = price
      put(Math.min(at, now), { price, quantity, takerSide, tradeId: `${at}M${printed++}` })
    }
  }

  /** Synchronous from the snapshot to the step that tells of it: no delta can come between. */
  const show = (snapshot: BookSnapshot, now: number): boolean => {
    const changes = book.load(snapshot)
    if (changes === null) return false
    const afterGap = completeSince === null
    if (afterGap) last = past[0]?.price ?? last
    last ??= book.anyPrice
    completeSince ??= now
    const mine = ++shown
    put(now, { book: changes, afterGap }, () => {
      // The book may be lost again before the exchange has taken this one.
      if (!book.isKnown || mine !== shown) return
      state = "live"
      latch.unsafeOpen()
    })
    print(early, now)
    early = []
    return true
  }

  const warned = <A>(ask: Effect.Effect<A, UpstreamFailed>) =>
    ask.pipe(
      Effect.tapError(({ message }) => Effect.logWarning(`the mirror of ${symbol} waits: ${message}`)),
      Effect.retry(askAgain),
      // The schedule has no end.
      Effect.orDie
    )
  const readTrades = Effect.map(reader.get("/trades", { symbol, limit: String(tradesAsked) }, PublicTrades), (answer) =>
    readPublicTrades(answer).rows.map(tradeOf)
  )
  const readBook = Effect.gen(function* () {
    counters.snapshots += 1
    const answer = yield* reader.get("/depth", { symbol, limit: String(snapshotLevels) }, Depth)
    const snapshot = {
      version: BigInt(answer.lastUpdateId),
      bids: (answer.bids ?? []).map(([price, quantity]): BookLevel => [price, quantity]),
      asks: (answer.asks ?? []).map(([price, quantity]): BookLevel => [price, quantity])
    }
    if (!show(snapshot, yield* Clock.currentTimeMillis))
      return yield* new UpstreamFailed({ message: "its snapshot is older than its changes" })
  })

  const readLast = Effect.map(reader.get("/ticker/price", { symbol }, PriceTicker), ({ price }) => price)

  /** Loads the book; after a time without the stream also what was traded in it. */
  const load = Effect.gen(function* () {
    if (completeSince === null) past = yield* warned(readTrades)
    // The list is short and forgetful; a pair that trades seldom has a last price all the same.
    if (past.length === 0 && last === null) last = yield* Effect.orElseSucceed(readLast, () => null)
    yield* warned(readBook)
  })

  const repair = Effect.suspend(() => {
    counters.gaps += 1
    halt("loading")
    return Effect.asVoid(FiberHandle.run(loading, load))
  })

  const onDelta = (delta: BookDelta, now: number): Effect.Effect<void> => {
    const change = book.take(delta)
    if (change === "gap") return repair
    if (change === "waiting" || (change.bids.length === 0 && change.asks.length === 0)) return Effect.void
    last ??= book.anyPrice
    put(now, { book: change })
    return emissions.room
  }

  const onDeals = (deals: ReadonlyArray<Deal>, now: number): Effect.Effect<void> => {
    if (completeSince === null) {
      early = [...early, ...deals].slice(-tradesAsked)
      return Effect.void
    }
    print(deals, now)
    return emissions.room
  }

  /** An unreadable delta is a missing one. */
  const unreadable = Effect.suspend(() => {
    book.forget()
    return repair
  })

  const onFrame = (frame: PushFrame): Effect.Effect<void> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const delta = readDelta(frame)
      if (delta !== null)
        return Either.match(delta, { onLeft: () => unreadable, onRight: (read) => onDelta(read, now) })
      const deals = readDeals(frame)
      return deals === null || Either.isLeft(deals) ? Effect.void : onDeals(deals.right, now)
    })

  return {
    channels: [depthChannel(symbol), dealsChannel(symbol)],
    onFrame,
    onUp: Effect.suspend(() => {
      halt("loading")
      return Effect.asVoid(FiberHandle.run(loading, load))
    }),
    onDown: Effect.suspend(() => {
      book.forget()
      completeSince = null
      early = []
      halt("away")
      return FiberHandle.clear(loading)
    }),
    isLive: () => state === "live",
    completeSince: () => completeSince,
    patience: () => (state === "starting" ? firstPatience : state === "loading" ? repairPatience : Duration.zero),
    awaitLive: latch.await,
    pastTrades: () => past,
    withdraw: Effect.flatMap(Clock.currentTimeMillis, (now) => {
      book.forget()
      halt("away")
      const empty = book.load({ version: 0n, ...nothing })
      book.forget()
      if (empty !== null && last !== null) put(now, { book: empty })
      return emissions.room
    })
  } satisfies MirroredPair
})

const tradeOf = (row: PublicTrade): Trade => ({
  price: row.price,
  quantity: row.qty,
  quoteQuantity: row.quoteQty ?? Decimal.multiply(row.price, row.qty),
  side: row.tradeType === "ASK" || (row.tradeType !== "BID" && row.isBuyerMaker) ? "sell" : "buy",
  at: row.time
})
