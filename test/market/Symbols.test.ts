import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber, Layer, Ref, TestClock } from "effect"
import type { SymbolInfo, SymbolName } from "../../src/domain/Market.ts"
import { VenueRateLimited } from "../../src/mexc/VenueFailure.ts"
import { Symbols } from "../../src/market/Symbols.ts"
import { btc, dec, eth, makeVenue, settle, sol, venueDown } from "./stubs.ts"

const listed = (symbol: SymbolName, asOf: number): SymbolInfo => ({
  symbol,
  baseAsset: symbol.slice(0, -4),
  quoteAsset: "USDT",
  tradable: true,
  untradableReason: null,
  orderTypes: ["limit", "market"],
  priceTick: dec("0.01"),
  quantityStep: dec("0.000001"),
  minQuantity: null,
  minNotional: dec("1"),
  maxNotional: null,
  marketMinNotional: dec("1"),
  marketMaxNotional: null,
  makerFeeRate: dec("0"),
  takerFeeRate: dec("0.0005"),
  asOf
})

const listing = Effect.map(Clock.currentTimeMillis, (now) => [listed(btc, now), listed(eth, now)])

const withSymbols = <A, E>(
  answer: Effect.Effect<ReadonlyArray<SymbolInfo>, typeof venueDown | VenueRateLimited>,
  test: (kit: {
    readonly symbols: typeof Symbols.Service
    readonly taken: Effect.Effect<ReadonlyArray<string>>
  }) => Effect.Effect<A, E>
) =>
  Effect.flatMap(makeVenue({ symbols: answer }), ({ layer, take }) =>
    Effect.flatMap(Symbols, (symbols) => test({ symbols, taken: take })).pipe(
      Effect.provide(Layer.provide(Symbols.layer, layer))
    )
  )

describe("Symbols", () => {
  it.effect("reads the venue's list once for all who ask, and keeps it for ten minutes", () =>
    withSymbols(Effect.delay(listing, "1 second"), ({ symbols, taken }) =>
      Effect.gen(function* () {
        const readers = yield* Effect.fork(
          Effect.all([symbols.get(btc), symbols.get(eth), symbols.all], { concurrency: 3 })
        )
        yield* settle
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(readers))[1].baseAsset, "ETH")
        yield* TestClock.adjust("9 minutes")
        yield* symbols.get(btc)
        assert.deepStrictEqual(yield* taken, ["symbols"])
      })
    )
  )

  it.effect("refreshes an old list behind the answer", () =>
    withSymbols(Effect.delay(listing, "1 second"), ({ symbols, taken }) =>
      Effect.gen(function* () {
        const first = yield* Effect.fork(symbols.get(btc))
        yield* settle
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(first)).asOf, 1_000)
        yield* TestClock.adjust("11 minutes")
        // Answers at once, although the venue takes a second.
        assert.strictEqual((yield* symbols.get(btc)).asOf, 1_000)
        yield* symbols.get(eth)
        yield* settle
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* symbols.get(btc)).asOf, 662_000)
        assert.deepStrictEqual(yield* taken, ["symbols", "symbols"])
      })
    )
  )

  it.effect("keeps the last good list while the venue fails, and leaves the venue in peace for half a minute", () =>
    Effect.gen(function* () {
      const isDown = yield* Ref.make(false)
      const answer = Effect.flatMap(isDown, (down) => (down ? Effect.fail(venueDown) : listing))
      yield* withSymbols(answer, ({ symbols, taken }) =>
        Effect.gen(function* () {
          yield* symbols.all
          yield* Ref.set(isDown, true)
          yield* TestClock.adjust("11 minutes")
          yield* Effect.repeatN(Effect.zipRight(symbols.get(btc), settle), 5)
          assert.strictEqual((yield* symbols.get(btc)).asOf, 0)
          assert.deepStrictEqual(yield* taken, ["symbols", "symbols"])
          yield* Ref.set(isDown, false)
          yield* TestClock.adjust("30 seconds")
          yield* symbols.get(btc)
          yield* settle
          assert.strictEqual((yield* symbols.get(btc)).asOf, 690_000)
        })
      )
    })
  )

  it.effect("does not know a symbol the venue does not list", () =>
    withSymbols(listing, ({ symbols }) =>
      Effect.gen(function* () {
        const failure = yield* Effect.flip(symbols.get(sol))
        assert.strictEqual(failure._tag, "SYMBOL_NOT_FOUND")
        assert.include(failure.message, "SOLUSDT")
      })
    )
  )

  it.effect("fails while it has never heard the list, and tells how long to wait", () =>
    withSymbols(Effect.fail(new VenueRateLimited({ message: "429", retryAfterMs: 2_500 })), ({ symbols }) =>
      Effect.gen(function* () {
        const failure = yield* Effect.flip(symbols.all)
        assert.strictEqual(failure._tag, "EXCHANGE_RATE_LIMITED")
        assert.strictEqual(failure.retryAfterSeconds, 3)
      })
    )
  )

  it.effect("loads for the others when the first who asked goes away", () =>
    Effect.gen(function* () {
      const answer = yield* Deferred.make<ReadonlyArray<SymbolInfo>>()
      yield* withSymbols(Deferred.await(answer), ({ symbols }) =>
        Effect.gen(function* () {
          const first = yield* Effect.fork(symbols.get(btc))
          yield* settle
          const second = yield* Effect.fork(symbols.get(btc))
          yield* settle
          yield* Fiber.interrupt(first)
          yield* Deferred.succeed(answer, [listed(btc, 7)])
          assert.strictEqual((yield* Fiber.join(second)).asOf, 7)
        })
      )
    })
  )
})
