import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Schema, Scope, Stream } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { SymbolName } from "../../../src/domain/Market.ts"
import { ContractDrift } from "../../../src/mexc/ContractDrift.ts"
import type { CandleEvent, LimitDepthEvent } from "../../../src/mexc/stream/Events.ts"
import {
  bookTickerChannel,
  dealsChannel,
  depthChannel,
  klineChannel,
  limitDepthChannel,
  miniTickersChannel
} from "../../../src/mexc/wire/Channels.ts"
import type { PushFrameInput } from "../../../src/mexc/wire/Stream.ts"
import { eventually, settle } from "../kit/streamServer.ts"
import { listen, withStream } from "../kit/withStream.ts"

const abc = Schema.decodeSync(SymbolName)("ABCUSDT")
const text = Decimal.format

const kline = (windowStart: number, close: string, more: object = {}) => ({
  channel: klineChannel("ABCUSDT", "1m"),
  symbol: "ABCUSDT",
  publicSpotKline: {
    interval: "Min1",
    windowStart,
    windowEnd: windowStart + 60,
    openingPrice: "10",
    closingPrice: close,
    highestPrice: "12",
    lowestPrice: "9",
    volume: "3",
    amount: "30",
    ...more
  }
})

const candles = (events: ReadonlyArray<CandleEvent>) =>
  events.flatMap((event) =>
    event.type === "candle"
      ? [`${event.candle.openTime} ${text(event.candle.close)}${event.candle.closed ? " closed" : ""}`]
      : [event.type]
  )

describe("candles of the stream", () => {
  it.effect("run until the next one begins, which closes them; their window is in seconds", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const heard = yield* listen(stream.klines(abc, "1m"))
        yield* eventually(() => heard.types() === "subscribed", "subscribed")
        const [peer] = server.peers
        for (const frame of [kline(60, "10"), kline(60, "11"), kline(120, "11.5"), kline(60, "99")]) peer?.push(frame)
        peer?.push(kline(180, "12"))
        yield* eventually(() => heard.events.length >= 7, "the candles")
        assert.deepStrictEqual(candles(heard.events), [
          "subscribed",
          "60000 10",
          "60000 11",
          "60000 11 closed",
          "120000 11.5",
          "120000 11.5 closed",
          "180000 12"
        ])
      })
    )
  )

  it.effect("are not called closed when their end may have been missed", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const heard = yield* listen(stream.klines(abc, "1m"))
        yield* eventually(() => heard.types() === "subscribed", "subscribed")
        server.peers[0]?.push(kline(60, "10"))
        yield* eventually(() => heard.events.length === 2, "a candle")
        server.behaviour.talks = false
        server.peers[0]?.socket.terminate()
        yield* eventually(() => heard.events.length === 3, "interrupted")
        assert.deepStrictEqual(candles(heard.events), ["subscribed", "60000 10", "interrupted"])
      })
    )
  )
})

describe("books of the stream", () => {
  it.effect("come as changes with both versions, which may exceed what a number holds", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const heard = yield* listen(stream.depth(abc))
        yield* eventually(() => heard.types() === "subscribed", "subscribed")
        server.peers[0]?.push({
          channel: depthChannel("ABCUSDT"),
          symbol: "ABCUSDT",
          sendTime: 99,
          publicAggreDepths: {
            asks: [{ price: "11", quantity: "0.00000000" }],
            bids: [{ price: "10.50", quantity: "2" }],
            fromVersion: "90071992547409930",
            toVersion: "90071992547409937"
          }
        })
        yield* eventually(() => heard.events.length === 2, "the change")
        const [, event] = heard.events
        if (event?.type !== "depth") return assert.fail("no change")
        const { asks, at, bids, fromVersion, toVersion } = event.delta
        assert.deepStrictEqual([fromVersion, toVersion, at], [90071992547409930n, 90071992547409937n, 99])
        assert.deepStrictEqual(
          [...bids, ...asks].map((level) => level.map(text).join("x")),
          ["10.5x2", "11x0"]
        )
      })
    )
  )

  it.effect("come as best levels, of which a slow reader gets the latest", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const scope = yield* Effect.scope
        const pull = yield* Stream.toPull(stream.limitDepth(abc, 5)).pipe(Scope.extend(scope))
        assert.strictEqual(Chunk.unsafeHead(yield* pull).type, "subscribed")
        const [peer] = server.peers
        for (let i = 1; i <= 500; i++)
          peer?.push({
            channel: limitDepthChannel("ABCUSDT", 5),
            symbol: "ABCUSDT",
            publicLimitDepths: {
              asks: [{ price: "11", quantity: "1" }],
              bids: [{ price: "10", quantity: String(i) }],
              version: String(i)
            }
          })
        yield* Effect.repeatN(settle, 40)
        const seen: Array<LimitDepthEvent> = [...(yield* pull)]
        const versions = seen.map((event) => (event.type === "book" ? event.book.version : event.type))
        assert.deepStrictEqual(versions, ["500"])
      })
    )
  )
})

describe("the figures of all pairs", () => {
  it.effect("name base and quote volume the right way round, and keep the latest of each pair", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const scope = yield* Effect.scope
        const pull = yield* Stream.toPull(stream.miniTickers("UTC+8")).pipe(Scope.extend(scope))
        yield* pull
        const [peer] = server.peers
        assert.deepStrictEqual([...(peer?.channels ?? [])], ["spot@public.miniTickers.v3.api.pb@UTC+8"])
        const item = (symbol: string, price: string) => ({
          symbol,
          price,
          zonedRate: "0.0125",
          high: "12",
          low: "8",
          volume: "200000",
          quantity: "20000"
        })
        const push = (...items: ReadonlyArray<ReturnType<typeof item>>) =>
          peer?.push({ channel: miniTickersChannel("UTC+8"), sendTime: 5, publicMiniTickers: { items } })
        push(item("ABCUSDT", "10"), item("XYZUSDT", "1"))
        push(item("ABCUSDT", "10.5"), item("lower", "1"))
        yield* Effect.repeatN(settle, 20)
        const [event] = [...(yield* pull)]
        if (event?.type !== "miniTickers") return assert.fail("no figures")
        const ticker = event.tickers.get(abc)
        assert.deepStrictEqual([...event.tickers.keys()].map(String).sort(), ["ABCUSDT", "XYZUSDT"])
        assert.deepStrictEqual(
          ticker === undefined
            ? []
            : [text(ticker.last), text(ticker.volume), text(ticker.quoteVolume), ticker.changePercent],
          ["10.5", "20000", "200000", 1.25]
        )
      })
    )
  )
})

describe("best prices", () => {
  it.effect("replace each other for a slow reader, and no trade is lost to them", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const scope = yield* Effect.scope
        const pull = yield* Stream.toPull(stream.market(abc)).pipe(Scope.extend(scope))
        yield* pull
        const [peer] = server.peers
        for (let i = 1; i <= 3_000; i++) {
          peer?.push({
            channel: bookTickerChannel("ABCUSDT"),
            symbol: "ABCUSDT",
            publicAggreBookTicker: { bidPrice: String(i), bidQuantity: "1", askPrice: "5000", askQuantity: "3" }
          })
          if (i % 1_000 === 0)
            peer?.push({
              channel: dealsChannel("ABCUSDT"),
              symbol: "ABCUSDT",
              publicAggreDeals: { deals: [{ price: String(i), quantity: "1", tradeType: 1, time: 7 }] }
            })
        }
        yield* Effect.repeatN(settle, 60)
        const seen = [...(yield* pull)].map((event) =>
          event.type === "trades"
            ? `trade ${event.trades.map(({ price }) => text(price)).join()}`
            : event.type === "bookTicker"
              ? `bid ${text(event.bid)}`
              : event.type
        )
        assert.deepStrictEqual(seen, ["bid 3000", "trade 1000", "trade 2000", "trade 3000"])
      })
    )
  )
})

describe("what nobody understands", () => {
  it.effect("is counted and left out, and the stream goes on", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const heard = yield* listen(stream.market(abc))
        yield* eventually(() => heard.types() === "subscribed", "subscribed")
        const [peer] = server.peers
        peer?.socket.send("what is this")
        peer?.socket.send(JSON.stringify({ id: 3, code: 0, msg: "maintenance at noon" }))
        peer?.socket.send(JSON.stringify(["a", "list"]))
        peer?.socket.send(Buffer.from([255, 255, 255, 255]))
        peer?.push({ channel: "spot@public.new.thing.v9.api.pb@ABCUSDT" })
        peer?.push({ channel: dealsChannel("ABCUSDT"), symbol: "ABCUSDT" })
        peer?.push({
          channel: dealsChannel("ABCUSDT"),
          symbol: "ABCUSDT",
          publicAggreDeals: { deals: [{ price: "many", quantity: "1", tradeType: 1, time: 7 }] }
        })
        peer?.push({
          channel: dealsChannel("ABCUSDT"),
          symbol: "ABCUSDT",
          publicAggreDeals: { deals: [{ price: "10", quantity: "1", tradeType: 1, time: 7 }] }
        })
        yield* eventually(() => heard.types() === "subscribed trades", "the trade after all that")
        const counters = yield* Effect.flatMap(ContractDrift, (drift) => drift.counters)
        assert.strictEqual(counters.find(({ kind }) => kind === "frame")?.count, 7)
        assert.strictEqual(server.opened(), 1)
      })
    )
  )
})

describe("a market with one side", () => {
  it.effect("is told as such, newest last, and is nothing unknown", () =>
    withStream((stream, server) =>
      Effect.gen(function* () {
        const heard = yield* listen(stream.market(abc))
        yield* eventually(() => heard.types() === "subscribed", "subscribed")
        const best = (publicAggreBookTicker: PushFrameInput["publicAggreBookTicker"]) =>
          server.peers[0]?.push({ channel: bookTickerChannel("ABCUSDT"), symbol: "ABCUSDT", publicAggreBookTicker })
        const expected = [
          [{ bidPrice: "9", bidQuantity: "1", askPrice: "10", askQuantity: "3" }, "bookTicker", "9", "10"],
          [{ bidPrice: "9", bidQuantity: "1", version: "8" }, "oneSided", "9", null],
          [{ askPrice: "10", askQuantity: "1", bidPrice: "0", bidQuantity: "0" }, "oneSided", null, "10"],
          [{ version: "9" }, "oneSided", null, null]
        ] as const
        for (const [index, [frame, type, ...sides]] of expected.entries()) {
          best(frame)
          yield* eventually(() => heard.events.length === index + 2, "the pushed sides")
          const event = heard.events.at(-1)
          assert.strictEqual(event?.type, type)
          if (event?.type !== "bookTicker" && event?.type !== "oneSided") continue
          assert.deepStrictEqual(
            [event.bid, event.ask].map((price) => price && Decimal.format(price)),
            sides
          )
        }
        const drifted = Effect.map(
          Effect.flatMap(ContractDrift, (drift) => drift.counters),
          (counters) => counters.find(({ kind }) => kind === "frame")?.count
        )
        assert.strictEqual(yield* drifted, 0)
        best({ bidPrice: "-9", bidQuantity: "1", askPrice: "10", askQuantity: "1" })
        // A frame in which nothing is known any more is of another layout.
        best({})
        best({ bidPrice: "9", bidQuantity: "1", askPrice: "10", askQuantity: "3" })
        yield* eventually(() => heard.events.length === 6, "the sides after those")
        assert.strictEqual(yield* drifted, 2)
      })
    )
  )
})
