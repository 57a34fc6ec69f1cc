import { assert, describe, it } from "@effect/vitest"
import { Chunk, Clock, Effect, Exit, Fiber, Layer, Logger, Ref, Scope, Stream, TestClock } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import type { Ticker } from "../../src/domain/Market.ts"
import { VenueRefused } from "../../src/mexc/VenueFailure.ts"
import type { Tick } from "../../src/market/feed/Quote.ts"
import { TickerReader } from "../../src/market/feed/TickerReader.ts"
import { TickerHub } from "../../src/market/TickerHub.ts"
import { btc, eth, makeStream, makeVenue, settle, sol, tickerAt, tradeAt, venueDown } from "./stubs.ts"

/** A venue whose REST side answers `last` at the present market time, or fails when told. */
const makeMarket = Effect.gen(function* () {
  const stream = yield* makeStream
  const last = yield* Ref.make("90000")
  const isDown = yield* Ref.make(false)
  const takesSeconds = yield* Ref.make(0)
  const answer = <A>(make: (last: string, now: number) => A) =>
    Effect.flatMap(
      Effect.zipRight(
        Effect.flatMap(takesSeconds, (s) => Effect.sleep(s * 1_000)),
        isDown
      ),
      (down) =>
        down
          ? Effect.fail(venueDown)
          : Effect.map(Effect.all([last, Clock.currentTimeMillis]), ([price, now]) => make(price, now))
    )
  const venue = yield* makeVenue({
    ticker: (symbol) => answer((price, now) => tickerAt(symbol, price, now)),
    tickers: answer((price, now) => [btc, eth].map((symbol) => tickerAt(symbol, price, now)))
  })
  const layer = TickerHub.layer.pipe(Layer.provide([stream.layer, Layer.provide(TickerReader.layer, venue.layer)]))
  return { stream, venue, last, isDown, takesSeconds, layer }
})

const withHub = <A, E>(
  test: (
    kit: Effect.Effect.Success<typeof makeMarket> & { readonly hub: typeof TickerHub.Service }
  ) => Effect.Effect<A, E, Scope.Scope>
) =>
  Effect.gen(function* () {
    const market = yield* makeMarket
    return yield* Effect.flatMap(TickerHub, (hub) => test({ ...market, hub })).pipe(Effect.provide(market.layer))
  })

/** Asks for something that needs a reading, and lets the gathering time pass. */
const whileReading = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(effect)
    yield* settle
    yield* TestClock.adjust("20 millis")
    return yield* fiber
  })

const shown = ({ last, source, stale }: Ticker) => `${Decimal.format(last)} ${source}${stale ? " stale" : ""}`
const price = (tick: Tick) => Decimal.format(tick.price)

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

  it.scoped("calls every handler for every tick, in order, until its scope ends", () =>
    withHub(({ hub, stream }) =>
      Effect.gen(function* () {
        const seen: Array<string> = []
        const scope = yield* Scope.make()
        const write = (who: string) => (tick: Tick) => Effect.sync(() => seen.push(`${who} ${price(tick)}`))
        yield* hub.onTick(btc, (tick) => Effect.zipRight(Effect.yieldNow(), write("slow")(tick)))
        yield* Scope.extend(hub.onTick(btc, write("fast")), scope)
        yield* settle
        yield* stream.best(btc, "99", "101")
        yield* stream.trade(btc, "100")
        yield* stream.trade(btc, "102")
        yield* settle
        assert.deepStrictEqual(seen, ["slow 100", "fast 100", "slow 102", "fast 102"])
        yield* Scope.close(scope, Exit.void)
        yield* stream.trade(btc, "103")
        yield* settle
        assert.deepStrictEqual(seen.slice(4), ["slow 103"])
      })
    )
  )

  it.scoped("tells a trade that comes late or in a muddle at no older price", () =>
    withHub(({ hub, stream }) =>
      Effect.gen(function* () {
        const seen: Array<string> = []
        yield* hub.onTick(btc, (tick) => Effect.sync(() => seen.push(price(tick))))
        yield* settle
        yield* TestClock.adjust("10 minutes")
        const now = yield* Clock.currentTimeMillis
        const trades = (...told: ReadonlyArray<readonly [at: number, price: string]>) =>
          stream.push({
            type: "trades",
            symbol: btc,
            trades: told.map(([at, price]) => tradeAt(at, price)),
            receivedAt: now
          })
        yield* stream.best(btc, "99", "101")
        seen.length = 0
        yield* trades([now - 10, "102"], [now - 30, "100"], [now - 20, "101"])
        assert.deepStrictEqual(seen, ["102", "102", "102"], "the latest by its time")
        yield* trades([now - 5_000, "90"])
        assert.deepStrictEqual(seen.slice(3), ["102"], "the price has moved on since")
        yield* trades([now - 10, "103"])
        // A clock that was wrong for once must not stop the price.
        yield* trades([now + 86_400_000, "104"], [now, "105"])
        assert.deepStrictEqual(seen.slice(4), ["103", "104", "105"])
      })
    )
  )

  it.scoped("survives a handler that fails", () =>
    withHub(({ hub, stream }) =>
      Effect.gen(function* () {
        const seen: Array<string> = []
        yield* hub.onTick(btc, () => Effect.dieMessage("a bug in a rule"))
        yield* hub.onTick(btc, (tick) => Effect.sync(() => seen.push(price(tick))))
        yield* settle
        yield* stream.best(btc, "99", "101")
        yield* stream.trade(btc, "100")
        yield* stream.trade(btc, "101")
        assert.deepStrictEqual(seen, ["100", "101"])
      })
    )
  )

  it.scoped("says after which tick prices were missed", () =>
    withHub(({ hub, stream }) =>
      Effect.gen(function* () {
        const seen: Array<string> = []
        yield* hub.onTick(btc, (tick) =>
          Effect.sync(() => seen.push(`${price(tick)}${tick.afterGap ? " after a gap" : ""}`))
        )
        yield* settle
        yield* stream.best(btc, "99", "101")
        yield* stream.trade(btc, "100")
        yield* stream.trade(btc, "101")
        yield* stream.signal("interrupted", btc)
        yield* stream.signal("subscribed", btc)
        yield* stream.trade(btc, "95")
        yield* stream.trade(btc, "96")
        assert.deepStrictEqual(seen, ["100 after a gap", "101", "95 after a gap", "96"])
      })
    )
  )

  it.scoped("shows each tick to every display", () =>
    withHub(({ hub, stream }) =>
      Effect.gen(function* () {
        const display = hub.ticks(btc).pipe(Stream.map(price), Stream.take(2), Stream.runCollect)
        const displays = yield* Effect.fork(Effect.all([display, display], { concurrency: 2 }))
        yield* settle
        yield* stream.best(btc, "99", "101")
        yield* stream.trade(btc, "100")
        yield* stream.trade(btc, "101")
        assert.deepStrictEqual((yield* Fiber.join(displays)).map(Chunk.toReadonlyArray), [
          ["100", "101"],
          ["100", "101"]
        ])
        assert.deepStrictEqual(yield* stream.subscriptions, ["BTCUSDT"])
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

  it.scoped("believes a trade that overtook the reading, and the reading for the day's figures", () =>
    withHub(({ hub, stream }) =>
      Effect.gen(function* () {
        const reading = yield* Effect.fork(hub.latest(btc))
        yield* settle
        yield* stream.best(btc, "95000", "95001")
        yield* stream.trade(btc, "95000")
        yield* TestClock.adjust("20 millis")
        const ticker = yield* reading
        assert.strictEqual(shown(ticker), "95000 ws")
        assert.deepStrictEqual([ticker.open, ticker.bid].map(Decimal.format), ["80000", "95000"])
      })
    )
  )

  it.scoped("believes the last trade of a reading although best prices overtook it", () =>
    withHub(({ hub, stream, last }) =>
      Effect.gen(function* () {
        yield* hub.watch(btc)
        yield* settle
        yield* stream.best(btc, "99", "101")
        yield* stream.trade(btc, "100")
        // The trade at 88000 fell into the gap; afterwards only the book moves.
        yield* stream.signal("interrupted", btc)
        yield* Ref.set(last, "88000")
        yield* TestClock.adjust("3 seconds")
        yield* stream.signal("subscribed", btc)
        const reading = yield* Effect.fork(hub.refresh(btc))
        yield* settle
        yield* stream.best(btc, "87999", "88001")
        yield* TestClock.adjust("20 millis")
        const ticker = yield* reading
        assert.deepStrictEqual([ticker.last, ticker.bid].map(Decimal.format), ["88000", "87999"])
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
