import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber, Layer, Option, Ref, type Scope, Stream, TestClock } from "effect"
import { type SymbolInfo, SymbolName } from "../../src/domain/Market.ts"
import { ContractDrift } from "../../src/mexc/ContractDrift.ts"
import { type VenueFailure, VenueRateLimited } from "../../src/mexc/VenueFailure.ts"
import type { SymbolChange } from "../../src/market/listing/listingDiff.ts"
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

interface Kit {
  readonly symbols: typeof Symbols.Service
  readonly taken: Effect.Effect<ReadonlyArray<string>>
  readonly drift: typeof ContractDrift.Service
}

const withSymbols = <A, E>(
  answer: Effect.Effect<ReadonlyArray<SymbolInfo>, VenueFailure>,
  test: (kit: Kit) => Effect.Effect<A, E, Scope.Scope>,
  names: Effect.Effect<ReadonlySet<string>, VenueFailure> = Effect.succeed(new Set(["BTCUSDT", "ETHUSDT"]))
) =>
  Effect.flatMap(makeVenue({ symbols: answer, listedSymbols: names }), ({ layer, take }) =>
    Effect.flatMap(Effect.all([Symbols, ContractDrift]), ([symbols, drift]) =>
      test({ symbols, drift, taken: take })
    ).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(Symbols.layer, Layer.merge(layer, ContractDrift.layer))))
  )

/** A venue whose pairs a test changes; both lists are made of them. */
const changing = (initial: ReadonlyArray<SymbolInfo>) =>
  Effect.gen(function* () {
    const pairs = yield* Ref.make(initial)
    const isDown = yield* Ref.make(false)
    const up = <A>(answer: Effect.Effect<A>): Effect.Effect<A, VenueFailure> =>
      Effect.flatMap(isDown, (down) => (down ? Effect.fail(venueDown) : answer))
    const asOf = (all: ReadonlyArray<SymbolInfo>) =>
      Effect.map(Clock.currentTimeMillis, (now) => all.map((info) => ({ ...info, asOf: now })))
    return {
      pairs,
      isDown,
      answer: up(Effect.flatMap(pairs, asOf)),
      names: up(Effect.map(pairs, (all) => new Set<string>(all.flatMap((one) => (one.tradable ? [one.symbol] : [])))))
    }
  })

const halted = (info: SymbolInfo): SymbolInfo => ({ ...info, tradable: false, untradableReason: "paused" })

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

  it.effect("reads it again every ten minutes, and answers at once meanwhile", () =>
    withSymbols(Effect.delay(listing, "1 second"), ({ symbols, taken }) =>
      Effect.gen(function* () {
        const first = yield* Effect.fork(symbols.get(btc))
        yield* settle
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(first)).asOf, 1_000)
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual((yield* symbols.get(btc)).asOf, 1_000)
        yield* TestClock.adjust("3 seconds")
        assert.isAbove((yield* symbols.get(btc)).asOf, 600_000)
        assert.deepStrictEqual(yield* taken, ["symbols", "symbols"])
      })
    )
  )

  it.effect("goes on looking after a fault of our own", () =>
    Effect.gen(function* () {
      const venue = yield* changing([listed(btc, 0), listed(eth, 0)])
      const isBroken = yield* Ref.make(false)
      yield* withSymbols(
        venue.answer,
        ({ symbols }) =>
          Effect.gen(function* () {
            yield* symbols.all
            yield* Ref.set(isBroken, true)
            yield* TestClock.adjust("10 seconds")
            yield* Ref.set(isBroken, false)
            yield* Ref.set(venue.pairs, [listed(btc, 0), listed(eth, 0), listed(sol, 0)])
            yield* TestClock.adjust("10 seconds")
            assert.isTrue((yield* symbols.get(sol)).tradable)
          }),
        Effect.flatMap(isBroken, (broken) => (broken ? Effect.dieMessage("a bug") : venue.names))
      )
    })
  )

  it.effect("keeps the last good list while the venue fails, and leaves the venue in peace for half a minute", () =>
    Effect.gen(function* () {
      const venue = yield* changing([listed(btc, 0), listed(eth, 0)])
      yield* withSymbols(
        venue.answer,
        ({ symbols, taken }) =>
          Effect.gen(function* () {
            yield* symbols.all
            yield* Ref.set(venue.isDown, true)
            yield* TestClock.adjust("10 minutes")
            yield* TestClock.adjust("25 seconds")
            assert.strictEqual((yield* symbols.get(btc)).asOf, 0)
            assert.deepStrictEqual(yield* taken, ["symbols", "symbols"])
            assert.include((yield* symbols.health).problem ?? "", "could not be read")
            yield* Ref.set(venue.isDown, false)
            yield* TestClock.adjust("10 seconds")
            assert.isAbove((yield* symbols.get(btc)).asOf, 600_000)
            assert.isNull((yield* symbols.health).problem)
          }),
        venue.names
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

describe("what the venue changes", () => {
  it.effect("is seen within the poll, for one small request each time and a large one when there is news", () =>
    Effect.gen(function* () {
      const venue = yield* changing([listed(btc, 0), halted(listed(eth, 0))])
      yield* withSymbols(
        venue.answer,
        ({ symbols, taken }) =>
          Effect.gen(function* () {
            const seen: Array<SymbolChange> = []
            yield* Effect.forkScoped(
              Stream.runForEach(symbols.changes, (change) => Effect.sync(() => seen.push(change)))
            )
            yield* symbols.all
            yield* TestClock.adjust("1 minute")
            assert.deepStrictEqual(yield* taken, ["symbols"])
            yield* Ref.update(venue.pairs, (all) => [
              ...all.map((info) => ({ ...info, tradable: true })),
              listed(sol, 0)
            ])
            yield* TestClock.adjust("2 seconds")
            assert.isTrue((yield* symbols.get(sol)).tradable)
            assert.deepStrictEqual(yield* taken, ["symbols"])
            yield* Ref.update(venue.pairs, (all) => all.filter(({ symbol }) => symbol !== sol))
            yield* TestClock.adjust("2 seconds")
            assert.deepStrictEqual(
              seen.map(({ after, before, symbol }) => [symbol, before?.tradable ?? null, after?.tradable ?? null]),
              [
                [eth, false, true],
                [sol, null, true],
                [sol, true, null]
              ]
            )
            const { changes, lastChange, pairs } = yield* symbols.health
            assert.deepStrictEqual([changes, lastChange?.symbol, pairs], [3, sol, 2])
            assert.strictEqual((yield* Effect.flip(symbols.get(sol)))._tag, "SYMBOL_NOT_FOUND")
          }),
        venue.names
      )
    })
  )

  it.effect("wakes whoever waits for a listing, also of a pair the venue did not know", () =>
    Effect.gen(function* () {
      const venue = yield* changing([listed(btc, 0)])
      yield* withSymbols(
        venue.answer,
        ({ symbols }) =>
          Effect.gen(function* () {
            assert.strictEqual(
              (yield* Effect.fork(symbols.whenTradable(btc)).pipe(Effect.flatMap(Fiber.join))).symbol,
              btc
            )
            const waiting = yield* Effect.fork(symbols.whenTradable(sol))
            yield* TestClock.adjust("1 minute")
            assert.isNull(yield* Fiber.poll(waiting).pipe(Effect.map(Option.getOrNull)))
            yield* Ref.update(venue.pairs, (all) => [...all, halted(listed(sol, 0))])
            yield* TestClock.adjust("1 minute")
            assert.isNull(yield* Fiber.poll(waiting).pipe(Effect.map(Option.getOrNull)))
            yield* Ref.update(venue.pairs, (all) => all.map((info) => listed(info.symbol, 0)))
            const at = yield* Clock.currentTimeMillis
            yield* TestClock.adjust("2 seconds")
            const info = yield* Fiber.join(waiting)
            assert.isTrue(info.tradable)
            assert.isAtMost((yield* Clock.currentTimeMillis) - at, 2_000)
          }),
        venue.names
      )
    })
  )

  it.effect("is read again when the reading of the rules failed", () =>
    Effect.gen(function* () {
      const venue = yield* changing([listed(btc, 0)])
      const fails = yield* Ref.make(false)
      yield* withSymbols(
        Effect.flatMap(fails, (failing) => (failing ? Effect.fail(venueDown) : venue.answer)),
        ({ symbols }) =>
          Effect.gen(function* () {
            yield* symbols.all
            yield* TestClock.adjust("4 seconds")
            yield* Ref.set(fails, true)
            yield* Ref.update(venue.pairs, (all) => [...all, listed(sol, 0)])
            yield* TestClock.adjust("2 seconds")
            assert.strictEqual((yield* Effect.flip(symbols.get(sol)))._tag, "SYMBOL_NOT_FOUND")
            yield* Ref.set(fails, false)
            yield* TestClock.adjust("2 seconds")
            assert.isTrue((yield* symbols.get(sol)).tradable)
          }),
        venue.names
      )
    })
  )

  it.effect("does not eat the budget when the list flickers", () =>
    Effect.gen(function* () {
      const venue = yield* changing([listed(btc, 0), listed(eth, 0)])
      yield* withSymbols(
        venue.answer,
        ({ symbols, taken }) =>
          Effect.gen(function* () {
            yield* symbols.all
            for (let i = 0; i < 60; i++) {
              yield* Ref.set(venue.pairs, i % 2 === 0 ? [listed(btc, 0)] : [listed(btc, 0), listed(eth, 0)])
              yield* TestClock.adjust("2 seconds")
            }
            assert.isAtMost((yield* taken).length, 16)
          }),
        venue.names
      )
    })
  )
})

describe("pairs of which none is tradable", () => {
  it.effect("raise the alarm when already the first reading has nothing that is tradable", () =>
    withSymbols(Effect.succeed([halted(listed(btc, 0)), halted(listed(eth, 0))]), ({ drift, symbols }) =>
      Effect.gen(function* () {
        assert.lengthOf(yield* symbols.all, 2)
        assert.strictEqual((yield* symbols.health).problem, "not one of the venue's 2 pairs is tradable")
        const body = (yield* drift.counters).find(({ kind }) => kind === "body")
        assert.deepStrictEqual(
          [body?.count, body?.last],
          [1, "GET /exchangeInfo: not one of the venue's 2 pairs is tradable"]
        )
      })
    )
  )
})

describe("a list that lost most of its pairs at once", () => {
  const names = Array.from({ length: 20 }, (_, i) => SymbolName.make(`C${i}USDT`))
  const whole = names.map((name) => listed(name, 0))

  it.effect("is not believed, an alarm is counted, and the next whole one is taken at once", () =>
    Effect.gen(function* () {
      const venue = yield* changing(whole)
      yield* withSymbols(
        venue.answer,
        ({ drift, symbols }) =>
          Effect.gen(function* () {
            yield* symbols.all
            yield* TestClock.adjust("4 seconds")
            yield* Ref.set(
              venue.pairs,
              whole.map((info, i) => (i < 5 ? info : halted(info)))
            )
            yield* TestClock.adjust("2 minutes")
            assert.isTrue((yield* symbols.all).every(({ tradable }) => tradable))
            const { problem, tradable } = yield* symbols.health
            assert.strictEqual(tradable, 20)
            assert.include(problem ?? "", "15 of 20")
            assert.isAbove((yield* drift.counters).find(({ kind }) => kind === "body")?.count ?? 0, 0)
            yield* Ref.set(venue.pairs, [...whole, listed(sol, 0)])
            yield* TestClock.adjust("12 seconds")
            assert.strictEqual((yield* symbols.health).tradable, 21)
            assert.isNull((yield* symbols.health).problem)
          }),
        venue.names
      )
    })
  )

  it.effect("is believed when it has stayed so for five minutes", () =>
    Effect.gen(function* () {
      const venue = yield* changing(whole)
      yield* withSymbols(
        venue.answer,
        ({ symbols }) =>
          Effect.gen(function* () {
            yield* symbols.all
            yield* TestClock.adjust("4 seconds")
            yield* Ref.set(venue.pairs, whole.slice(0, 5))
            yield* TestClock.adjust("4 minutes")
            assert.strictEqual((yield* symbols.health).tradable, 20)
            yield* TestClock.adjust("2 minutes")
            assert.strictEqual((yield* symbols.health).tradable, 5)
          }),
        venue.names
      )
    })
  )

  it.effect("takes nothing away when it is emptied or broken", () =>
    Effect.gen(function* () {
      const venue = yield* changing(whole)
      const broken = yield* Ref.make(false)
      const orBroken = <A>(answer: Effect.Effect<A, VenueFailure>) =>
        Effect.flatMap(broken, (is) => (is ? Effect.fail(venueDown) : answer))
      yield* withSymbols(
        orBroken(venue.answer),
        ({ symbols }) =>
          Effect.gen(function* () {
            yield* symbols.all
            yield* Ref.set(broken, true)
            yield* TestClock.adjust("15 minutes")
            assert.strictEqual((yield* symbols.health).tradable, 20)
          }),
        orBroken(venue.names)
      )
    })
  )

  it.effect("keeps a pair whose row cannot be read while its name is still listed", () =>
    Effect.gen(function* () {
      const venue = yield* changing(whole)
      const unreadable = names[3]
      yield* withSymbols(
        Effect.map(venue.answer, (all) =>
          (all[0]?.asOf ?? 0) > 60_000 ? all.filter(({ symbol }) => symbol !== unreadable) : all
        ),
        ({ symbols }) =>
          Effect.gen(function* () {
            yield* symbols.all
            yield* TestClock.adjust("11 minutes")
            assert.strictEqual((yield* symbols.all).length, 20)
            assert.isAbove((yield* symbols.health).readAt ?? 0, 60_000)
          }),
        venue.names
      )
    })
  )
})
