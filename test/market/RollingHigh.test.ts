import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Layer, Ref, type Scope, TestClock } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import type { Candle } from "../../src/domain/Market.ts"
import type { WindowReading } from "../../src/domain/RollingWindow.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { Candles } from "../../src/market/Candles.ts"
import { seedRanges } from "../../src/market/candles/seedRanges.ts"
import { TickerReader } from "../../src/market/feed/TickerReader.ts"
import { RollingHigh } from "../../src/market/RollingHigh.ts"
import { TickerHub } from "../../src/market/TickerHub.ts"
import { Cache } from "../../src/store/Cache.ts"
import { btc, dec, flatCandle, makeStream, makeVenue, settle, tickerAt, venueDown } from "./stubs.ts"

const minute = 60_000
const hour = 60 * minute
const start = Date.UTC(2026, 2, 1)
const now = start + 100 * hour + 30_000

type Path = (openTime: number) => Partial<Candle> & { readonly price: string }

const makeKit = Effect.gen(function* () {
  yield* TestClock.setTime(now)
  const stream = yield* makeStream
  const isDown = yield* Ref.make(false)
  const path = yield* Ref.make<Path>(() => ({ price: "100" }))
  const listedAt = yield* Ref.make(start)
  const slowness = yield* Ref.make(Duration.zero)
  const venue = yield* makeVenue({
    ticker: (symbol) => Effect.map(Clock.currentTimeMillis, (at) => tickerAt(symbol, "90", at)),
    candles: ({ interval, from, to }) =>
      Effect.gen(function* () {
        if (yield* isDown) return yield* Effect.fail(venueDown)
        const { length, first, of } = {
          length: interval === "1m" ? minute : hour,
          first: yield* listedAt,
          of: yield* path
        }
        const candles: Array<Candle> = []
        const market = yield* Clock.currentTimeMillis
        yield* Effect.sleep(yield* slowness)
        for (let at = Math.max(first, Math.ceil(from / length) * length); at < to && at <= market; at += length) {
          const { price, ...more } = of(at)
          candles.push(flatCandle(at, price, more))
        }
        return candles
      })
  })
  const base = Layer.mergeAll(stream.layer, venue.layer, MarketClock.layer, Cache.layerMemory)
  const hub = Layer.provideMerge(TickerHub.layer, Layer.provideMerge(TickerReader.layer, base))
  const layer = Layer.provideMerge(RollingHigh.layer, Layer.provideMerge(Candles.layer, hub))
  return { stream, venue, isDown, path, listedAt, slowness, layer }
})

const withWindows = <A, E>(
  test: (
    kit: Effect.Effect.Success<typeof makeKit> & {
      readonly windows: typeof RollingHigh.Service
      readonly at: Effect.Effect<number>
      readonly begin: Effect.Effect<void>
    }
  ) => Effect.Effect<A, E, Scope.Scope>
) =>
  Effect.gen(function* () {
    const kit = yield* makeKit
    const begin = Effect.gen(function* () {
      yield* settle
      yield* kit.stream.signal("subscribed", btc)
      yield* TestClock.adjust("1 second")
    })
    return yield* Effect.flatMap(RollingHigh, (windows) =>
      test({ ...kit, windows, begin, at: Clock.currentTimeMillis })
    ).pipe(Effect.provide(kit.layer))
  })

const shown = ({ value, have, need }: WindowReading) =>
  value === null ? `${have} of ${need} minutes` : Decimal.format(value)

describe("RollingHigh", () => {
  it.scoped("is the highest candle of the window until a tick is higher, and until that has left", () =>
    withWindows(({ windows, path, stream, at, begin }) =>
      Effect.gen(function* () {
        const peak = now - 30_000 - 20 * minute
        yield* Ref.set(path, (open) => ({ price: "100", high: dec(open === peak ? "120" : "101") }))
        const { read, ready } = yield* windows.highOf(btc, Duration.hours(1))
        yield* begin
        yield* ready
        assert.strictEqual(shown(read(yield* at)), "120")
        yield* stream.trade(btc, "125")
        assert.strictEqual(shown(read(yield* at)), "125")
        const ticked = yield* at
        yield* TestClock.adjust("1 minute")
        yield* stream.trade(btc, "110")
        assert.strictEqual(shown(read(ticked + hour)), "125")
        assert.strictEqual(shown(read(ticked + hour + 1)), "110")
      })
    )
  )

  it.scoped("does not count a high that is older than the window", () =>
    withWindows(({ windows, path, at, begin }) =>
      Effect.gen(function* () {
        yield* Ref.set(path, (open) => ({ price: "100", high: dec(open < now - hour ? "999" : "101") }))
        const { read, ready } = yield* windows.highOf(btc, Duration.hours(1))
        yield* begin
        yield* ready
        assert.strictEqual(shown(read(yield* at)), "101")
      })
    )
  )

  it.scoped("counts what the running minute has seen before the first tick", () =>
    withWindows(({ windows, path, at, begin }) =>
      Effect.gen(function* () {
        yield* Ref.set(path, (open) => ({ price: "100", high: dec(open === now - 30_000 ? "130" : "101") }))
        const { read, ready } = yield* windows.highOf(btc, Duration.hours(24))
        yield* begin
        yield* ready
        assert.strictEqual(shown(read(yield* at)), "130")
      })
    )
  )

  it.scoped("keeps the ticks that come while history is being read", () =>
    withWindows(({ windows, slowness, stream, at, begin }) =>
      Effect.gen(function* () {
        yield* Ref.set(slowness, Duration.seconds(5))
        const { read, ready } = yield* windows.highOf(btc, Duration.hours(1))
        yield* begin
        yield* TestClock.adjust("1 second")
        yield* stream.trade(btc, "150")
        yield* TestClock.adjust("1 minute")
        yield* ready
        assert.strictEqual(shown(read(yield* at)), "150")
      })
    )
  )

  it.scoped("says how much of the window is known, and answers once it is covered", () =>
    withWindows(({ windows, listedAt, stream, at, begin }) =>
      Effect.gen(function* () {
        yield* Ref.set(listedAt, now - 30_000 - 40 * minute)
        const { read, ready } = yield* windows.highOf(btc, Duration.hours(1))
        assert.strictEqual(shown(read(yield* at)), "0 of 60 minutes")
        yield* begin
        yield* ready
        assert.strictEqual(shown(read(yield* at)), "41 of 60 minutes")
        for (let passed = 0; passed < 19; passed++) {
          yield* stream.trade(btc, "95")
          yield* TestClock.adjust("1 minute")
        }
        assert.strictEqual(shown(read(yield* at)), "100")
      })
    )
  )

  it.scoped("is one window for all rules of the same length", () =>
    withWindows(({ windows, venue, at, begin }) =>
      Effect.gen(function* () {
        const views = yield* Effect.all(Array.from({ length: 50 }, () => windows.highOf(btc, Duration.hours(6))))
        yield* begin
        yield* Effect.forEach(views, ({ ready }) => ready)
        const time = yield* at
        assert.deepStrictEqual(new Set(views.map(({ read }) => shown(read(time)))), new Set(["100"]))
        const requests = (yield* venue.take).filter((asked) => asked.startsWith("candles"))
        assert.isAtMost(requests.length, 3)
      })
    )
  )

  it.scoped("reads again what a broken stream has missed", () =>
    withWindows(({ windows, path, stream, at, begin }) =>
      Effect.gen(function* () {
        const { read, ready } = yield* windows.highOf(btc, Duration.hours(1))
        yield* begin
        yield* ready
        yield* stream.signal("interrupted", btc)
        const missed = now - 30_000 + 5 * minute
        yield* Ref.set(path, (open) => ({ price: "100", high: dec(open === missed ? "140" : "101") }))
        yield* TestClock.adjust("10 minutes")
        yield* stream.signal("subscribed", btc)
        yield* stream.trade(btc, "99")
        yield* TestClock.adjust("1 second")
        assert.strictEqual(shown(read(yield* at)), "140")
      })
    )
  )

  it.scoped("waits for history while the venue fails, and goes on when it answers", () =>
    withWindows(({ windows, isDown, at, begin }) =>
      Effect.gen(function* () {
        yield* Ref.set(isDown, true)
        const { read, ready } = yield* windows.highOf(btc, Duration.hours(1))
        yield* begin
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(shown(read(yield* at)), "0 of 60 minutes")
        yield* Ref.set(isDown, false)
        yield* TestClock.adjust("30 seconds")
        yield* ready
        assert.strictEqual(shown(read(yield* at)), "100")
      })
    )
  )

  it.scoped("begins without a tick when the symbol is silent", () =>
    withWindows(({ windows, at }) =>
      Effect.gen(function* () {
        const { read, ready } = yield* windows.highOf(btc, Duration.hours(1))
        yield* settle
        yield* TestClock.adjust("3 seconds")
        yield* ready
        assert.strictEqual(shown(read(yield* at)), "100")
      })
    )
  )

  it.scoped("knows the price at the window's start, which moves on with time", () =>
    withWindows(({ windows, path, at, begin }) =>
      Effect.gen(function* () {
        const first = now - 30_000 - hour
        yield* Ref.set(path, (open) => {
          const number = (open - first) / minute
          return { price: "0", open: dec(String(1_000 + number)), close: dec(String(1_000 + number)) }
        })
        const { read, ready } = yield* windows.openOf(btc, Duration.hours(1))
        yield* begin
        yield* ready
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(shown(read(yield* at)), "1010")
        yield* TestClock.adjust("5 minutes")
        assert.strictEqual(shown(read(yield* at)), "1015")
      })
    )
  )
})

describe("what a window begins with", () => {
  const time = Date.UTC(2026, 2, 10, 10, 30, 30)
  it("is minutes, up to a day", () => {
    const from = Date.UTC(2026, 2, 9, 10, 31)
    assert.deepStrictEqual(seedRanges(24 * hour, time), [{ interval: "1m", from, to: null }])
  })
  it("is whole hours for what is older, without a hole and without an overlap", () => {
    const ranges = seedRanges(7 * 24 * hour, time)
    assert.deepStrictEqual(
      ranges.map(({ interval }) => interval),
      ["1m", "60m", "1m"]
    )
    assert.strictEqual(ranges[0]?.from, Date.UTC(2026, 2, 3, 10, 31))
    for (const [i, { to }] of ranges.entries()) assert.strictEqual(to, ranges[i + 1]?.from ?? null)
    assert.isTrue(
      ranges
        .filter(({ interval }) => interval === "60m")
        .every(({ from, to }) => from % hour === 0 && (to ?? 0) % hour === 0)
    )
  })
})
