import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Option, Ref, type Scope, TestClock } from "effect"
import type { SymbolInfo, SymbolName } from "../../src/domain/Market.ts"
import { ContractDrift } from "../../src/mexc/ContractDrift.ts"
import { Symbols } from "../../src/market/Symbols.ts"
import { btc, dec, eth, makeVenue, venueDown } from "./stubs.ts"

const pair = (symbol: SymbolName, tradable: boolean): SymbolInfo => ({
  symbol,
  baseAsset: symbol.slice(0, -4),
  quoteAsset: "USDT",
  tradable,
  untradableReason: tradable ? null : "not through the API",
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
  asOf: 0
})

/** A venue whose list of names and whose rules change at different times. */
const withVenue = <A, E>(
  test: (kit: {
    readonly symbols: typeof Symbols.Service
    /** Whether ETHUSDT takes orders, as its rules say it. */
    readonly open: Ref.Ref<boolean>
    readonly names: Ref.Ref<ReadonlyArray<string>>
    readonly isDown: Ref.Ref<boolean>
    /** How often all rules were read since the last time. */
    readonly readings: Effect.Effect<number>
  }) => Effect.Effect<A, E, Scope.Scope>
) =>
  Effect.gen(function* () {
    const open = yield* Ref.make(false)
    const isDown = yield* Ref.make(false)
    const names = yield* Ref.make<ReadonlyArray<string>>(["BTCUSDT", "ETHUSDT"])
    const rules = Effect.map(open, (tradable) => [pair(btc, true), pair(eth, tradable)])
    const { layer, take } = yield* makeVenue({
      symbols: Effect.flatMap(isDown, (down) => (down ? Effect.fail(venueDown) : rules)),
      listedSymbols: Effect.map(names, (all) => new Set(all))
    })
    const readings = Effect.map(take, (asked) => asked.filter((what) => what === "symbols").length)
    return yield* Effect.gen(function* () {
      const symbols = yield* Symbols
      yield* symbols.all
      return yield* test({ symbols, open, names, isDown, readings })
    }).pipe(Effect.scoped, Effect.provide(Layer.provide(Symbols.layer, Layer.merge(layer, ContractDrift.layer))))
  })

describe("a pair that is listed but takes no orders yet", () => {
  it.effect("is noticed within a quarter of a minute by those who wait for it", () =>
    withVenue(({ open, symbols }) =>
      Effect.gen(function* () {
        const waiting = yield* Effect.fork(Effect.zipRight(symbols.whenTradable(eth), Clock.currentTimeMillis))
        yield* TestClock.adjust("3 minutes")
        assert.isTrue(Option.isNone(yield* Fiber.poll(waiting)))
        const openedAt = yield* Clock.currentTimeMillis
        yield* Ref.set(open, true)
        yield* TestClock.adjust("20 seconds")
        assert.isAtMost((yield* Fiber.join(waiting)) - openedAt, 17_000)
      })
    )
  )

  it.effect("is noticed as soon when its name is listed before its rules open", () =>
    withVenue(({ names, open, symbols }) =>
      Effect.gen(function* () {
        yield* Ref.set(names, ["BTCUSDT"])
        const waiting = yield* Effect.fork(Effect.zipRight(symbols.whenTradable(eth), Clock.currentTimeMillis))
        yield* TestClock.adjust("1 minute")
        yield* Ref.set(names, ["BTCUSDT", "ETHUSDT"])
        yield* TestClock.adjust("90 seconds")
        assert.isTrue(Option.isNone(yield* Fiber.poll(waiting)))
        const openedAt = yield* Clock.currentTimeMillis
        yield* Ref.set(open, true)
        yield* TestClock.adjust("20 seconds")
        assert.isAtMost((yield* Fiber.join(waiting)) - openedAt, 17_000)
      })
    )
  )

  it.effect("costs a reading each quarter of a minute while somebody waits, and none else", () =>
    withVenue(({ isDown, names, readings, symbols }) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* readings, 1)
        const waiting = yield* Effect.forkAll([symbols.whenTradable(eth), symbols.whenTradable(eth)])
        yield* TestClock.adjust("1 minute")
        const asked = yield* readings
        assert.isAtLeast(asked, 3)
        assert.isAtMost(asked, 5)
        yield* Ref.set(isDown, true)
        yield* TestClock.adjust("1 minute")
        assert.isAtMost(yield* readings, 5)
        yield* Ref.set(isDown, false)
        yield* Ref.set(names, ["BTCUSDT"])
        yield* TestClock.adjust("20 seconds")
        yield* readings
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* readings, 0, "its name will tell")
        yield* Ref.set(names, ["BTCUSDT", "ETHUSDT"])
        yield* TestClock.adjust("20 seconds")
        yield* Fiber.interrupt(waiting)
        yield* readings
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* readings, 0)
      })
    )
  )
})

describe("a pair the venue refused an order for", () => {
  it.effect("is read again at the next look, and refusals without end do not eat the budget", () =>
    withVenue(({ open, readings, symbols }) =>
      Effect.gen(function* () {
        yield* Ref.set(open, true)
        yield* symbols.recheck
        yield* TestClock.adjust("2 seconds")
        assert.isTrue((yield* symbols.get(eth)).tradable)
        yield* readings
        for (let i = 0; i < 60; i++) {
          yield* symbols.recheck
          yield* TestClock.adjust("1 second")
        }
        assert.isAtMost(yield* readings, 9)
      })
    )
  )
})
