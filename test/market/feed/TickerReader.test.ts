import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, TestClock } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import type { SymbolName, Ticker } from "../../../src/domain/Market.ts"
import type { VenueFailure } from "../../../src/mexc/VenueFailure.ts"
import { TickerReader } from "../../../src/market/feed/TickerReader.ts"
import { btc, eth, makeVenue, settle, sol, tickerAt } from "../stubs.ts"

const withReader = <A, E>(
  all: Effect.Effect<ReadonlyArray<Ticker>, VenueFailure>,
  test: (kit: {
    readonly read: (symbol: SymbolName) => Effect.Effect<Ticker, VenueFailure>
    readonly taken: Effect.Effect<ReadonlyArray<string>>
  }) => Effect.Effect<A, E>
) =>
  Effect.flatMap(
    makeVenue({ ticker: (symbol) => Effect.succeed(tickerAt(symbol, "1", 0)), tickers: all }),
    ({ layer, take }) =>
      Effect.flatMap(TickerReader, ({ read }) => test({ read, taken: take })).pipe(
        Effect.provide(Layer.provide(TickerReader.layer, layer))
      )
  )

const both = Effect.succeed([tickerAt(btc, "2", 0), tickerAt(eth, "3", 0)])

describe("TickerReader", () => {
  it.effect("asks for one ticker when one is wanted", () =>
    withReader(both, ({ read, taken }) =>
      Effect.gen(function* () {
        const readers = yield* Effect.fork(Effect.all([read(btc), read(btc)], { concurrency: 2 }))
        yield* settle
        yield* TestClock.adjust("20 millis")
        assert.deepStrictEqual(
          (yield* Fiber.join(readers)).map(({ last }) => Decimal.format(last)),
          ["1", "1"]
        )
        assert.deepStrictEqual(yield* taken, ["ticker BTCUSDT"])
      })
    )
  )

  it.effect("asks for all tickers once when several are wanted, for the same weight", () =>
    withReader(both, ({ read, taken }) =>
      Effect.gen(function* () {
        const readers = yield* Effect.fork(
          Effect.all([read(btc), read(eth), Effect.flip(read(sol))], { concurrency: 3 })
        )
        yield* settle
        yield* TestClock.adjust("20 millis")
        const [first, second, failure] = yield* Fiber.join(readers)
        assert.deepStrictEqual(
          [first, second].map(({ last }) => Decimal.format(last)),
          ["2", "3"]
        )
        assert.propertyVal(failure, "code", -1121)
        assert.deepStrictEqual(yield* taken, ["tickers"])
      })
    )
  )

  it.effect("answers the others when the first who asked goes away", () =>
    Effect.gen(function* () {
      const answer = yield* Deferred.make<ReadonlyArray<Ticker>>()
      yield* withReader(Deferred.await(answer), ({ read }) =>
        Effect.gen(function* () {
          const first = yield* Effect.fork(read(btc))
          yield* settle
          const second = yield* Effect.fork(read(eth))
          yield* settle
          yield* Fiber.interrupt(first)
          yield* TestClock.adjust("20 millis")
          yield* Deferred.succeed(answer, [tickerAt(eth, "3", 0)])
          assert.strictEqual(Decimal.format((yield* Fiber.join(second)).last), "3")
        })
      )
    })
  )

  it.effect("tells everybody that the venue failed", () =>
    Effect.gen(function* () {
      const venue = yield* makeVenue({})
      yield* Effect.gen(function* () {
        const { read } = yield* TickerReader
        const readers = yield* Effect.fork(
          Effect.all([Effect.exit(read(btc)), Effect.exit(read(eth))], { concurrency: 2 })
        )
        yield* settle
        yield* TestClock.adjust("20 millis")
        assert.isTrue((yield* Fiber.join(readers)).every(Exit.isFailure))
        assert.deepStrictEqual(yield* venue.take, ["tickers"])
      }).pipe(Effect.provide(Layer.provide(TickerReader.layer, venue.layer)))
    })
  )
})
