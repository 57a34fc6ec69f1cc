import { Clock, Context, Effect, Exit, Layer, Metric, Scope } from "effect"
import type { OrderBook, SymbolName } from "../domain/Market.ts"
import type { Instant } from "../domain/Time.ts"
import { MexcClient } from "../mexc/MexcClient.ts"
import { MexcStream } from "../mexc/MexcStream.ts"
import { type BookFeed, makeBookFeed } from "./book/BookFeed.ts"

/** Who asks a second time within this time will ask again. */
const askedAgainWithinMs = 10_000

/** A followed book nobody asks for any more costs a subscription and memory. */
const droppedAfterMs = 60_000

/** Of a thousand levels each side a book takes about 400 kB. */
const followedAtMost = 20

const lookEvery = "1 second"

const resyncsTotal = Metric.counter("dipper_order_book_resyncs_total", {
  description: "Order books lost by a gap in the stream and read anew",
  incremental: true
})

interface Followed {
  readonly feed: BookFeed
  readonly scope: Scope.CloseableScope
  usedAt: number
}

export interface BooksHealth {
  readonly followed: number
  readonly resyncing: number
  /** Since the start of the process. */
  readonly resyncs: number
}

/** A look into memory at wall time `now`. */
export type BookPeek = (symbol: SymbolName, depth: number, now: Instant) => OrderBook | null

/** Order books of the pairs that are asked for again and again, kept by the venue's stream. */
export class OrderBooks extends Context.Tag("dipper/market/OrderBooks")<
  OrderBooks,
  {
    /**
     * The book as it is kept, the same object until it changes; null where the venue has to be asked. Asking twice within
     * ten seconds begins to keep it.
     */
    readonly read: (symbol: SymbolName, depth: number) => Effect.Effect<OrderBook | null>
    /** Tells the same without a fiber, and keeps no other book for it. */
    readonly kept: Effect.Effect<BookPeek>
    readonly health: Effect.Effect<BooksHealth>
  }
>() {
  static readonly layer: Layer.Layer<OrderBooks, never, MexcClient | MexcStream> = Layer.scoped(
    OrderBooks,
    Effect.gen(function* () {
      const mexc = yield* MexcClient
      const stream = yield* MexcStream
      const scope = yield* Effect.scope
      const followed = new Map<SymbolName, Followed>()
      const askedAt = new Map<SymbolName, number>()
      let resyncs = 0
      yield* Metric.incrementBy(resyncsTotal, 0)

      const onResync = Effect.zipRight(
        Effect.sync(() => void resyncs++),
        Metric.increment(resyncsTotal)
      )

      const follow = Effect.fnUntraced(function* (symbol: SymbolName, now: number) {
        const own = yield* Scope.fork(scope, scope.strategy)
        const feed = yield* makeBookFeed(symbol, {
          events: stream.depth(symbol),
          snapshot: (levels) => mexc.orderBook(symbol, levels),
          onResync
        }).pipe(Scope.extend(own))
        followed.set(symbol, { feed, scope: own, usedAt: now })
      })

      const drop = (symbol: SymbolName, { scope }: Followed) => {
        followed.delete(symbol)
        return Scope.close(scope, Exit.void)
      }

      /** Room for one more, by leaving the one whose readers have been away longest. */
      const makeRoom = Effect.fnUntraced(function* (now: number) {
        if (followed.size < followedAtMost) return true
        const [idlest] = [...followed].sort(([, a], [, b]) => a.usedAt - b.usedAt)
        if (idlest === undefined || now - idlest[1].usedAt < askedAgainWithinMs) return false
        yield* drop(...idlest)
        return true
      })

      const kept: BookPeek = (symbol, depth, now) => {
        const known = followed.get(symbol)
        if (known === undefined) return null
        known.usedAt = now
        return known.feed.read(depth, now)
      }

      const read = (symbol: SymbolName, depth: number) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          followed.has(symbol) ? Effect.succeed(kept(symbol, depth, now)) : noteQuestion(symbol, now)
        )

      const noteQuestion = Effect.fnUntraced(function* (symbol: SymbolName, now: number) {
        const isSecond = now - (askedAt.get(symbol) ?? Number.NEGATIVE_INFINITY) <= askedAgainWithinMs
        askedAt.set(symbol, now)
        if (isSecond && (yield* makeRoom(now))) yield* Effect.uninterruptible(follow(symbol, now))
        return null
      })

      const look = Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        for (const [symbol, at] of askedAt) if (now - at > askedAgainWithinMs) askedAt.delete(symbol)
        for (const [symbol, one] of [...followed]) {
          const unusedMs = now - one.usedAt
          if (unusedMs >= droppedAfterMs) yield* drop(symbol, one)
          // Nobody asks at the moment: whoever does gets it from the venue.
          else if (unusedMs < askedAgainWithinMs && one.feed.isSilent(now))
            yield* Effect.forkIn(one.feed.confirm, one.scope)
        }
      }).pipe(Effect.catchAllCause((cause) => Effect.logError("a look at the order books failed", cause)))
      yield* Effect.forkScoped(Effect.forever(Effect.delay(look, lookEvery)))

      const health = Effect.sync((): BooksHealth => {
        const feeds = [...followed.values()].map(({ feed }) => feed)
        return { followed: feeds.length, resyncing: feeds.filter((feed) => !feed.isLive()).length, resyncs }
      })

      return { read, kept: Effect.succeed(kept), health }
    })
  )
}
