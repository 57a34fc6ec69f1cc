import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Queue, Stream, TestClock } from "effect"
import { unsafe } from "../../../../src/domain/Decimal.ts"
import { depthChannel } from "../../../../src/mexc/wire/Channels.ts"
import { Emissions } from "../../../../src/paper/market/mirror/Emissions.ts"
import { makeFollowed } from "../../../../src/paper/market/mirror/Followed.ts"
import type { Subscriber } from "../../../../src/paper/market/mirror/venue/VenueConnection.ts"
import { UpstreamFailed, type VenueReader } from "../../../../src/paper/market/mirror/venue/VenueReader.ts"
import type { Listing } from "../../../../src/paper/MarketSource.ts"
import { Schema } from "effect"

const listings: ReadonlyArray<Listing> = Array.from({ length: 70 }, (_, i) => ({
  symbol: `C${i}USDT`,
  baseAsset: `C${i}`,
  quoteAsset: "USDT",
  fullName: `C${i}`,
  basePrecision: 2,
  quotePrecision: 2,
  minQuantity: unsafe("0"),
  minNotional: unsafe("1"),
  maxNotional: unsafe("1000"),
  makerFeeRate: unsafe("0"),
  takerFeeRate: unsafe("0"),
  priceBand: unsafe("0.2")
}))

const answers: Readonly<Record<string, unknown>> = {
  "/trades": [{ price: "2", qty: "1", time: 5, tradeType: "BID" }],
  "/depth": { lastUpdateId: 7, bids: [["1", "2"]], asks: [["3", "4"]], timestamp: 1 }
}

/** Pairs behind a venue that answers at once; what it is told to subscribe is kept. */
const setUp = Effect.gen(function* () {
  const joined = new Set<Subscriber>()
  const reader: VenueReader = {
    get: (path, _, schema) =>
      Effect.mapError(Schema.decodeUnknown(schema)(answers[path]), (error) => new UpstreamFailed(error)),
    counts: () => ({ requests: 0, failedRequests: 0 })
  }
  const streams = {
    join: (subscriber: Subscriber) =>
      Effect.acquireRelease(
        Effect.zipRight(
          Effect.sync(() => joined.add(subscriber)),
          subscriber.onUp
        ),
        () => Effect.sync(() => joined.delete(subscriber))
      ).pipe(Effect.asVoid),
    counts: () => ({ connections: 1, reconnects: 0 })
  }
  const emissions = new Emissions()
  const steps = yield* Queue.unbounded<unknown>()
  yield* Effect.forkScoped(Stream.runForEach(emissions.steps, (step) => Queue.offer(steps, step)))
  const followed = yield* makeFollowed({ listings, reader, streams, emissions })
  return { followed, joined }
})

describe("the pairs that a mirror follows", () => {
  it.scoped("are bounded: one nobody waits for makes room, one in use does not", () =>
    Effect.gen(function* () {
      const { followed, joined } = yield* setUp
      for (let i = 0; i < 60; i++) yield* followed.follow(`C${i}USDT`)
      assert.strictEqual(joined.size, 60)
      const refused = yield* Effect.flip(followed.follow("C60USDT"))
      assert.deepInclude(refused, { code: 503, status: 503 })
      assert.strictEqual(joined.size, 60)

      yield* TestClock.adjust("61 seconds")
      yield* followed.follow("C0USDT")
      yield* followed.follow("C60USDT")
      assert.strictEqual(joined.size, 60)
      const channels = [...joined].flatMap((subscriber) => subscriber.channels)
      assert.include(channels, depthChannel("C0USDT"), "asked for again just now")
      assert.notInclude(channels, depthChannel("C1USDT"), "asked for longest ago")
    })
  )

  it.scoped("go when nobody has asked for ten minutes", () =>
    Effect.gen(function* () {
      const { followed, joined } = yield* setUp
      yield* followed.follow("C0USDT")
      yield* followed.follow("C1USDT")
      yield* TestClock.adjust("9 minutes")
      yield* followed.follow("C1USDT")
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(
        [...joined].map(({ channels: [first] }) => first),
        [depthChannel("C1USDT")]
      )
      assert.isTrue(followed.pair("C1USDT")?.isLive())
      assert.isUndefined(followed.pair("C0USDT"))
    })
  )

  it.scoped("are refused for a while when the venue does not accept them", () =>
    Effect.gen(function* () {
      const { followed, joined } = yield* setUp
      yield* followed.follow("C0USDT")
      const [subscriber] = joined
      yield* subscriber?.onDown ?? Effect.void
      const refused = yield* Effect.flip(followed.follow("C0USDT"))
      assert.strictEqual(refused.status, 503)
      yield* subscriber?.onUp ?? Effect.void
      yield* followed.follow("C0USDT")
      assert.isTrue(Option.isSome(Option.fromNullable(followed.pair("C0USDT")?.completeSince())))
      assert.strictEqual((yield* Effect.flip(followed.follow("NOPEUSDT"))).code, -1121)
    })
  )
})
