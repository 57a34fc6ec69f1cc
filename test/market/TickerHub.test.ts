import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Layer, Logger, Ref, Scope, TestClock } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import type { Ticker } from "../../src/domain/Market.ts"
import { TickerReader } from "../../src/market/feed/TickerReader.ts"
import { TickerHub } from "../../src/market/TickerHub.ts"
import { VenueRefused } from "../../src/mexc/VenueFailure.ts"
import { makeMarket, price, shown, whileReading, withHub } from "./hubKit.ts"
import { btc, eth, makeStream, makeVenue, settle, sol, tickerAt } from "./stubs.ts"

describe("TickerHub", () => {
  it.scoped("subscribes a symbol once for all who watch it, and lets go a minute after the last", () =>
    withHub(({ hub, stream }) =>
      Effect.gen(function* () {
        const scopes = yield* Effect.forEach([1, 2, 3], () => Scope.make())
        yield* Effect.forEach(scopes, (scope) => Scope.extend(hub.watch(btc), scope))
        yield* settle
        assert.deepStrictEqual(yield* stream.subscriptions, ["BTCUSDT"])
        yield* Effect.forEach(scopes, (scope) => Scope.close(scope, Exit.void))
        yield* TestClock.adjust("59 seconds")
        assert.isTrue(yield* stream.isOpen(btc))
        yield* TestClock.adjust("2 seconds")
        assert.isFalse(yield* stream.isOpen(btc))
        assert.deepStrictEqual(yield* hub.watched, [])
      })
    )
  )

  it.scoped("answers from the stream once it has spoken, without asking the venue again", () =>
    withHub(({ hub, stream, venue }) =>
      Effect.gen(function* () {
        assert.strictEqual(shown(yield* whileReading(hub.latest(btc))), "90000 rest")
        yield* venue.take
        yield* TestClock.adjust("2 seconds")
        yield* stream.trade(btc, "101000.5", "2")
        yield* stream.best(btc, "101000", "101001")
        const ticker = yield* hub.latest(btc)
        assert.strictEqual(shown(ticker), "101000.5 ws")
        assert.deepStrictEqual([ticker.bid, ticker.ask, ticker.high, ticker.low, ticker.volume].map(Decimal.format), [
          "101000",
          "101001",
          "101000.5",
          "70000",
          "12"
        ])
        assert.strictEqual(ticker.changePercent, 26.2506)
        assert.deepStrictEqual(yield* venue.take, [])
      })
    )
  )

  it.scoped("reads a symbol whose stream is silent within ten seconds, again and again", () =>
    withHub(({ hub, stream, venue, last }) =>
      Effect.gen(function* () {
        yield* hub.watch(btc)
        yield* settle
        yield* stream.signal("subscribed", btc)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* venue.take, ["ticker BTCUSDT"])
        yield* Ref.set(last, "91000")
        yield* TestClock.adjust("7 seconds")
        assert.deepStrictEqual(yield* venue.take, [])
        yield* TestClock.adjust("2900 millis")
        assert.deepStrictEqual(yield* venue.take, ["ticker BTCUSDT"])
        assert.strictEqual(price((yield* hub.current(btc)) ?? assert.fail("no tick")), "91000")
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* venue.take, ["ticker BTCUSDT"])
      })
    )
  )

  it.scoped("tells once that a silent symbol could not be read, however long the venue takes to fail", () =>
    Effect.gen(function* () {
      const { isDown, layer, stream, takesSeconds } = yield* makeMarket
      let told = 0
      const counting = Logger.make(() => void (told += 1))
      yield* Effect.gen(function* () {
        yield* (yield* TickerHub).watch(btc)
        yield* settle
        yield* Ref.set(isDown, true)
        yield* Ref.set(takesSeconds, 15)
        yield* stream.signal("subscribed", btc)
        yield* TestClock.adjust("16 seconds")
        assert.strictEqual(told, 1)
      }).pipe(Effect.provide(Layer.provide(layer, Logger.replace(Logger.defaultLogger, counting))))
    })
  )

  it.scoped("reads symbols that fall silent one after the other together from then on", () =>
    withHub(({ hub, stream, venue }) =>
      Effect.gen(function* () {
        yield* hub.watch(btc)
        yield* hub.watch(eth)
        yield* settle
        yield* stream.signal("subscribed", btc)
        yield* stream.signal("subscribed", eth)
        yield* TestClock.adjust("1 second")
        yield* venue.take
        yield* TestClock.adjust("3 seconds")
        yield* stream.trade(eth, "90000")
        yield* TestClock.adjust("26 seconds")
        const asked = yield* venue.take
        assert.isAtMost(asked.length, 4, asked.join())
        assert.isAtLeast(asked.filter((what) => what === "tickers").length, 2)
      })
    )
  )

  it.scoped("reads the symbols of connections that come back one by one with few requests", () =>
    withHub(({ hub, stream, venue }) =>
      Effect.gen(function* () {
        yield* hub.watch(btc)
        yield* hub.watch(eth)
        yield* settle
        for (let i = 0; i < 20; i++) {
          yield* stream.signal("subscribed", i % 2 === 0 ? btc : eth)
          yield* stream.signal("subscribed", i % 2 === 0 ? eth : btc)
          yield* TestClock.adjust("500 millis")
        }
        assert.isAtMost((yield* venue.take).length, 6)
      })
    )
  )

  it.scoped("does not read a symbol that speaks", () =>
    withHub(({ hub, stream, venue }) =>
      Effect.gen(function* () {
        yield* hub.watch(btc)
        yield* settle
        yield* stream.signal("subscribed", btc)
        yield* TestClock.adjust("1 second")
        yield* venue.take
        for (let second = 0; second < 120; second += 5) {
          yield* stream.trade(btc, "90000")
          yield* TestClock.adjust("5 seconds")
        }
        assert.deepStrictEqual(yield* venue.take, [])
      })
    )
  )

  it.scoped("reads all silent symbols with one request", () =>
    withHub(({ hub, stream, venue }) =>
      Effect.gen(function* () {
        yield* hub.watch(btc)
        yield* hub.watch(eth)
        yield* settle
        yield* stream.signal("subscribed", btc)
        yield* stream.signal("subscribed", eth)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* venue.take, ["tickers"])
        assert.isNotNull(yield* hub.current(eth))
      })
    )
  )

  it.scoped("renews the day's figures once a minute, and only for those who ask for them", () =>
    withHub(({ hub, stream, venue }) =>
      Effect.gen(function* () {
        const keepTalking = Effect.zipRight(stream.trade(btc, "90000"), TestClock.adjust("5 seconds"))
        yield* hub.watch(btc)
        yield* whileReading(hub.latest(btc))
        yield* venue.take
        yield* Effect.repeatN(keepTalking, 24)
        assert.deepStrictEqual(yield* venue.take, [])
        yield* hub.latest(btc)
        yield* Effect.repeatN(keepTalking, 3)
        assert.deepStrictEqual(yield* venue.take, ["ticker BTCUSDT"])
      })
    )
  )

  it.scoped("tells how old the data is, and that it is stale when stream and venue are silent", () =>
    withHub(({ hub, stream, isDown }) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* hub.dataAge(btc), Number.POSITIVE_INFINITY)
        yield* whileReading(hub.latest(btc))
        yield* stream.trade(btc, "90001")
        yield* Ref.set(isDown, true)
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(yield* hub.dataAge(btc), 10_000)
        assert.strictEqual(shown(yield* hub.latest(btc)), "90001 ws")
        yield* TestClock.adjust("1 second")
        assert.strictEqual(shown(yield* whileReading(hub.latest(btc))), "90001 cache stale")
        assert.deepInclude(yield* hub.health, { watched: 1, stale: 1 })
      })
    )
  )

  it.scoped("takes a reading for no proof of life when the market has halted", () =>
    Effect.gen(function* () {
      const stream = yield* makeStream
      const venue = yield* makeVenue({ ticker: (symbol) => Effect.succeed(tickerAt(symbol, "90000", 1_000)) })
      yield* Effect.gen(function* () {
        const hub = yield* TickerHub
        assert.strictEqual(shown(yield* whileReading(hub.latest(btc))), "90000 rest")
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(shown(yield* whileReading(hub.latest(btc))), "90000 cache stale")
      }).pipe(
        Effect.provide(
          TickerHub.layer.pipe(Layer.provide([stream.layer, Layer.provide(TickerReader.layer, venue.layer)]))
        )
      )
    })
  )

  it.scoped("refreshes once for all who find the symbol stale", () =>
    withHub(({ hub, venue, last }) =>
      Effect.gen(function* () {
        const seen: Array<string> = []
        yield* hub.onTick(btc, (tick) => Effect.sync(() => seen.push(`${price(tick)} ${tick.cause}`)))
        yield* Ref.set(last, "88000")
        const tickers = yield* whileReading(
          Effect.all(
            Array.from({ length: 20 }, () => hub.refresh(btc)),
            { concurrency: 20 }
          )
        )
        assert.isTrue(tickers.every((ticker) => shown(ticker) === "88000 rest"))
        assert.deepStrictEqual(yield* venue.take, ["ticker BTCUSDT"])
        assert.deepStrictEqual(seen, ["88000 rest"])
        assert.strictEqual(yield* hub.dataAge(btc), 0)
      })
    )
  )

  it.scoped("fails only when it has never known the symbol", () =>
    withHub(({ hub, isDown }) =>
      Effect.gen(function* () {
        yield* Ref.set(isDown, true)
        assert.strictEqual((yield* Effect.flip(whileReading(hub.latest(btc))))._tag, "EXCHANGE_UNAVAILABLE")
      })
    )
  )

  it.scoped("says so when the venue does not list the symbol", () =>
    Effect.gen(function* () {
      const stream = yield* makeStream
      const invalid = new VenueRefused({ message: "Invalid symbol.", code: -1121, kind: "input" })
      const venue = yield* makeVenue({ ticker: () => Effect.fail(invalid), tickers: Effect.succeed([]) })
      yield* Effect.gen(function* () {
        const hub = yield* TickerHub
        assert.strictEqual((yield* Effect.flip(whileReading(hub.latest(sol))))._tag, "SYMBOL_NOT_FOUND")
      }).pipe(
        Effect.provide(
          TickerHub.layer.pipe(Layer.provide([stream.layer, Layer.provide(TickerReader.layer, venue.layer)]))
        )
      )
    })
  )

  it.scoped("begins again when the venue's stream ends by a fault", () =>
    withHub(({ hub, stream }) =>
      Effect.gen(function* () {
        yield* hub.watch(btc)
        yield* settle
        yield* stream.breakOff(btc)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* stream.subscriptions, ["BTCUSDT", "BTCUSDT"])
      })
    )
  )
})

describe("TickerHub.fresh", () => {
  const shownOrNull = (ticker: Ticker | null) => (ticker === null ? null : shown(ticker))
  const freshIn = (hub: typeof TickerHub.Service, symbol: typeof btc) =>
    Effect.zipWith(hub.fresh, Clock.currentTimeMillis, (fresh, now) => fresh(symbol, now))

  it.scoped("knows nothing of a symbol before somebody has asked for it", () =>
    withHub(({ hub, stream, venue }) =>
      Effect.gen(function* () {
        assert.isNull(yield* freshIn(hub, btc))
        // Who only watches asks for no ticker: `latest` has to say what it is.
        yield* hub.watch(btc)
        yield* whileReading(hub.refresh(btc))
        yield* stream.trade(btc, "90001")
        yield* venue.take
        assert.isNull(yield* freshIn(hub, btc))
        assert.isNull(yield* freshIn(hub, eth))
        assert.deepStrictEqual(yield* venue.take, [])
        assert.deepStrictEqual(yield* stream.subscriptions, ["BTCUSDT"])
      })
    )
  )

  it.scoped("is the same object until something changes, and asks nobody", () =>
    withHub(({ hub, stream, venue }) =>
      Effect.gen(function* () {
        yield* whileReading(hub.latest(btc))
        yield* venue.take
        const first = yield* freshIn(hub, btc)
        assert.strictEqual(shownOrNull(first), "90000 rest")
        assert.deepStrictEqual(first, yield* hub.latest(btc))
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual(yield* freshIn(hub, btc), first)
        yield* stream.trade(btc, "90001")
        const second = yield* freshIn(hub, btc)
        assert.strictEqual(shownOrNull(second), "90001 ws")
        assert.strictEqual(yield* freshIn(hub, btc), second)
        assert.deepStrictEqual(yield* venue.take, [])
      })
    )
  )

  it.scoped("is never stale, though it was given out before", () =>
    withHub(({ hub, isDown, stream }) =>
      Effect.gen(function* () {
        yield* whileReading(hub.latest(btc))
        yield* stream.trade(btc, "90001")
        yield* Ref.set(isDown, true)
        assert.strictEqual(shownOrNull(yield* freshIn(hub, btc)), "90001 ws")
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(shownOrNull(yield* freshIn(hub, btc)), "90001 ws")
        yield* TestClock.adjust("1 millis")
        assert.isNull(yield* freshIn(hub, btc))
        assert.isTrue((yield* whileReading(hub.latest(btc))).stale)
        assert.isNull(yield* freshIn(hub, btc))
        yield* stream.trade(btc, "90002")
        assert.strictEqual(shownOrNull(yield* freshIn(hub, btc)), "90002 ws")
      })
    )
  )

  it.scoped("is nothing while a side of the book is empty", () =>
    withHub(({ hub, stream }) =>
      Effect.gen(function* () {
        yield* whileReading(hub.latest(btc))
        const at = yield* Clock.currentTimeMillis
        const bid = Decimal.unsafe("89999")
        yield* stream.push({ type: "oneSided", symbol: btc, bid, ask: null, at, receivedAt: at })
        assert.isNull(yield* freshIn(hub, btc))
        yield* stream.best(btc, "89999", "90001")
        assert.strictEqual(shownOrNull(yield* freshIn(hub, btc)), "90000 ws")
      })
    )
  )

  it.scoped("has `latest` asked every 20 s, however alive the stream is", () =>
    withHub(({ hub, stream }) =>
      Effect.gen(function* () {
        yield* hub.watch(btc)
        yield* whileReading(hub.latest(btc))
        yield* hub.latest(btc)
        for (const round of [1, 2]) {
          for (let n = 0; n < 4; n++) {
            yield* TestClock.adjust("5 seconds")
            yield* stream.trade(btc, "90001")
          }
          assert.strictEqual(shownOrNull(yield* freshIn(hub, btc)), "90001 ws", `round ${round}`)
          yield* TestClock.adjust("1 millis")
          assert.isNull(yield* freshIn(hub, btc), `round ${round}`)
          yield* hub.latest(btc)
          assert.strictEqual(shownOrNull(yield* freshIn(hub, btc)), "90001 ws", `round ${round}`)
        }
      })
    )
  )

  it.scoped(
    "lets go of a symbol that nobody asks `latest` for, and keeps one that is asked where it says nothing",
    () =>
      withHub(({ hub, stream }) =>
        Effect.gen(function* () {
          yield* whileReading(hub.latest(btc))
          yield* whileReading(hub.latest(eth))
          for (let n = 0; n < 60; n++) {
            yield* TestClock.adjust("3 seconds")
            yield* stream.trade(btc, "90001")
            if (yield* stream.isOpen(eth)) yield* stream.trade(eth, "3000")
            if ((yield* freshIn(hub, btc)) === null) yield* hub.latest(btc)
            yield* freshIn(hub, eth)
          }
          assert.deepStrictEqual(yield* hub.watched, [btc])
          // Never lost in between.
          assert.deepStrictEqual(yield* stream.subscriptions, ["BTCUSDT", "ETHUSDT"])
        })
      )
  )

  it.scoped("counts as asking for the day's figures", () =>
    withHub(({ hub, stream, venue }) =>
      Effect.gen(function* () {
        const keepTalking = Effect.zipRight(stream.trade(btc, "90000"), TestClock.adjust("5 seconds"))
        yield* hub.watch(btc)
        yield* whileReading(hub.latest(btc))
        yield* venue.take
        yield* Effect.repeatN(keepTalking, 1)
        assert.isNotNull(yield* freshIn(hub, btc))
        yield* Effect.repeatN(keepTalking, 11)
        assert.deepStrictEqual(yield* venue.take, ["ticker BTCUSDT"])
      })
    )
  )
})
