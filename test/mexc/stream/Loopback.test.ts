import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Option, Schedule, Schema, Stream } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { SymbolName, type Candle, type OrderBook } from "../../../src/domain/Market.ts"
import { OrderBooks } from "../../../src/market/OrderBooks.ts"
import { Symbols } from "../../../src/market/Symbols.ts"
import { TickerReader } from "../../../src/market/feed/TickerReader.ts"
import { TickerHub } from "../../../src/market/TickerHub.ts"
import { defaultLimits } from "../../../src/mexc/budget/Pools.ts"
import { MexcClient } from "../../../src/mexc/MexcClient.ts"
import { MexcStream } from "../../../src/mexc/MexcStream.ts"
import { MexcEndpoint } from "../../../src/mexc/wire/Endpoint.ts"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { alice, makeClient, stillExchange } from "../../paper/kit/SignedClient.ts"
import { clientLayer } from "../kit/venueServer.ts"

const named = Schema.decodeSync(SymbolName)
const btc = named("BTCUSDT")
const eth = named("ETHUSDT")

/** A market minute each second, on a venue that does not count. */
const paper = PaperExchange.layer({
  ...stillExchange,
  market: "synthetic",
  speed: 60,
  limits: { ipWeight: 1_000_000, uidWeight: 1_000_000 }
})

const venue = Layer.unwrapEffect(
  Effect.map(PaperExchange, ({ url, wsUrl }) =>
    Layer.mergeAll(OrderBooks.layer, Symbols.layerWith({ poll: "500 millis" }), TickerHub.layer).pipe(
      Layer.provide(TickerReader.layer),
      Layer.provideMerge(MexcStream.layer),
      Layer.provide(MexcEndpoint.layer(url, wsUrl)),
      Layer.provideMerge(clientLayer(url, { ...defaultLimits, ipWeight: 100_000, requestsPerSecond: 1_000 }))
    )
  )
).pipe(Layer.provideMerge(paper))

const control = (path: string, body: object) =>
  Effect.gen(function* () {
    const { url } = yield* PaperExchange
    const { status } = yield* makeClient(url, alice.accessKey, alice.secretKey).control("POST", path, body)
    assert.strictEqual(status, 200)
  })

/** Of a machine that does other things too. */
const patience = 90_000
const patiently = Schedule.spaced("30 millis").pipe(Schedule.upTo("60 seconds"))
const until = <A, E, R>(ask: Effect.Effect<A, E, R>, holds: (value: A) => boolean) =>
  ask.pipe(
    Effect.filterOrFail(holds, () => "it never happened"),
    Effect.retry(patiently)
  )

const shown = ({ asks, bids }: Pick<OrderBook, "asks" | "bids">) =>
  [bids, asks].map((side) => side.map((level) => level.map(Decimal.format).join("x")).join(" "))

/** Both are read until they have told the same five versions; of each they tell the same levels. */
const agree = Effect.gen(function* () {
  const books = yield* OrderBooks
  const client = yield* MexcClient
  const kept = new Map<string, OrderBook>()
  const told = new Map<string, OrderBook>()
  const look = Effect.gen(function* () {
    const book = yield* books.read(btc, 20)
    if (book !== null) kept.set(book.version, book)
    const snapshot = yield* client.orderBook(btc, 20)
    told.set(snapshot.version, snapshot)
    return [...kept.keys()].filter((version) => told.has(version))
  })
  for (const version of yield* until(look, (versions) => versions.length >= 5)) {
    const [ours, theirs] = [kept.get(version), told.get(version)]
    if (ours === undefined || theirs === undefined) return assert.fail("both have it")
    assert.deepStrictEqual(shown(ours), shown(theirs))
    assert.strictEqual(ours.source, "ws")
  }
})

const priceOf = ({ close, high, low, open }: Candle) => [open, high, low, close].map(Decimal.format)

layer(venue, { excludeTestServices: true })("our streams and the paper exchange:", (it) => {
  it.effect(
    "a book kept from the stream is the one REST tells, at every version both have seen",
    () =>
      Effect.gen(function* () {
        yield* agree
      }),
    patience
  )

  it.effect(
    "a missing change is noticed, counted and repaired",
    () =>
      Effect.gen(function* () {
        const books = yield* OrderBooks
        yield* until(books.read(btc, 5), (book) => book !== null)
        const { resyncs } = yield* books.health
        yield* control("/paper/v1/faults", {
          faults: [{ type: "missingPush", channel: "spot@public.aggre.depth", count: 3 }]
        })
        yield* until(Effect.zipRight(books.read(btc, 5), books.health), (health) => health.resyncs > resyncs)
        yield* until(books.read(btc, 20), (book) => book !== null)
        yield* agree
      }),
    patience
  )

  it.effect(
    "a candle is closed by the next one, and REST says the same of it",
    () =>
      Effect.gen(function* () {
        const stream = yield* MexcStream
        const client = yield* MexcClient
        const closed = yield* stream.klines(btc, "1m").pipe(
          Stream.filterMap((event) =>
            event.type === "candle" && event.candle.closed ? Option.some(event.candle) : Option.none()
          ),
          Stream.drop(1),
          Stream.take(2),
          Stream.runCollect,
          Effect.timeout("60 seconds")
        )
        for (const candle of closed) {
          const [told] = yield* client.candles({
            symbol: btc,
            interval: "1m",
            from: candle.openTime,
            to: candle.openTime + 60_000
          })
          assert.deepStrictEqual(told === undefined ? [] : priceOf(told), priceOf(candle))
        }
      }),
    patience
  )

  it.effect(
    "best levels and all pairs' figures come by themselves",
    () =>
      Effect.gen(function* () {
        const stream = yield* MexcStream
        const [book] = yield* Stream.runCollect(
          Stream.take(
            Stream.filter(stream.limitDepth(eth, 10), ({ type }) => type === "book"),
            1
          )
        )
        assert.isTrue(book?.type === "book" && book.book.bids.length === 10 && book.book.asks.length === 10)
        const [figures] = yield* Stream.runCollect(
          Stream.take(
            Stream.filter(stream.miniTickers(), ({ type }) => type === "miniTickers"),
            1
          )
        )
        const ticker = figures?.type === "miniTickers" ? figures.tickers.get(btc) : undefined
        if (ticker === undefined) return assert.fail("no figures of BTCUSDT")
        assert.isTrue(Decimal.greaterThan(ticker.quoteVolume, ticker.volume), "a bitcoin costs more than a dollar")
      }).pipe(Effect.timeout("60 seconds")),
    patience
  )

  it.effect(
    "a pair that the venue opens is seen within the poll, and one that it closes too",
    () =>
      Effect.gen(function* () {
        const symbols = yield* Symbols
        yield* symbols.all
        yield* control("/paper/v1/pairs", { symbol: eth, listed: false })
        yield* until(symbols.health, ({ lastChange }) => lastChange?.symbol === eth && lastChange.after === null)
        const waiting = yield* Effect.fork(Effect.zipRight(symbols.whenTradable(eth), Clock.currentTimeMillis))
        const openedAt = yield* Clock.currentTimeMillis
        yield* control("/paper/v1/pairs", { symbol: eth, listed: true })
        const seenAt = yield* Fiber.join(waiting)
        assert.isBelow(seenAt - openedAt, 2_000)
        yield* control("/paper/v1/pairs", { symbol: eth, apiTrading: false })
        yield* until(symbols.get(eth), ({ tradable }) => !tradable)
        yield* control("/paper/v1/pairs", { symbol: eth, apiTrading: true })
        assert.isTrue((yield* symbols.whenTradable(eth)).tradable)
      }).pipe(Effect.timeout("60 seconds")),
    patience
  )

  it.effect(
    "a stream that is connected and says nothing leads to readings within ten seconds",
    () =>
      Effect.gen(function* () {
        const hub = yield* TickerHub
        yield* hub.watch(btc)
        yield* until(hub.current(btc), (tick) => tick?.cause !== undefined)
        yield* control("/paper/v1/faults", {
          faults: [{ type: "silentStream", channel: "spot@public", seconds: 20, count: 50 }]
        })
        const from = yield* Clock.currentTimeMillis
        let oldest = 0
        while ((yield* Clock.currentTimeMillis) - from < 15_000) {
          oldest = Math.max(oldest, yield* hub.dataAge(btc))
          yield* Effect.sleep("50 millis")
        }
        assert.isAbove(oldest, 5_000, "the stream was silent")
        assert.isBelow(oldest, 10_000)
      }).pipe(Effect.scoped),
    patience
  )
})
