import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { PushFrame } from "../../../src/mexc/wire/Stream.ts"
import { PaperExchange, type PaperExchangeOptions } from "../../../src/paper/PaperExchange.ts"
import { clients, type Json } from "../kit/SignedClient.ts"
import { connect } from "../kit/streamKit.ts"

/** Half an hour into an eight-hour candle whose first four-hour half is over. */
const startsAt = Date.parse("2026-03-02T12:30:00.000Z")

const stepped: PaperExchangeOptions = {
  host: "127.0.0.1",
  port: 0,
  market: "synthetic",
  speed: 0,
  seed: 9,
  accounts: [],
  control: true,
  dataDir: null,
  startsAt,
  synthetic: { symbols: ["BTCUSDT", "MXUSDT"] }
}

const steppedExchange = Effect.gen(function* () {
  const { alice, port } = yield* clients
  const get = (path: string) => Effect.map(alice.raw("GET", path), ({ body }): Json => body)
  const advance = (ms: number) => alice.control("POST", "/paper/v1/advance", { ms })
  const trade = (price: number) =>
    alice.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: String(price), quantity: "0.5" })
  return { client: yield* connect(port), get, advance, trade }
})

const minute = 60_000
const hour = 60 * minute

/** All that a client hears until nothing more comes: a slow machine may push in the middle of a step. */
const untilQuiet = (client: Effect.Effect.Success<ReturnType<typeof connect>>, silence: number) =>
  Effect.gen(function* () {
    const frames: Array<PushFrame> = []
    while (true) {
      yield* Effect.sleep(silence)
      const heard = [...(yield* client.heard.takeAll)]
      if (heard.length === 0 && frames.length > 0) return frames
      for (const each of heard) if ("frame" in each) frames.push(each.frame)
    }
  })

const isMarketTime = (at: number | undefined) => at !== undefined && at > startsAt && at < startsAt + hour

/** The candle of `path`'s interval that opened at `openTime`, as REST answers it. */
const numbers = (kline: ReadonlyArray<Json>) => [0, 1, 2, 3, 4, 5, 7].map((index) => Number(kline[index]))

describe("the stream tells what REST answers", () => {
  it.scopedLive("of every candle interval, and of eight hours, which REST has not", () =>
    Effect.gen(function* () {
      const { advance, client, get, trade } = yield* steppedExchange
      const channels = ["Min1", "Min5", "Min15", "Min30", "Min60", "Hour4", "Hour8", "Day1", "Week1", "Month1"]
      const twins = ["1m", "5m", "15m", "30m", "60m", "4h", null, "1d", "1W", "1M"]
      for (const interval of channels) yield* client.subscribe(`spot@public.kline.v3.api.pb@BTCUSDT@${interval}`)
      yield* advance(30_000)
      for (const price of [150_000, 50_000]) yield* trade(price)
      yield* advance(60_000)
      const told = new Map<string, ReadonlyArray<number>>()
      for (const { createTime, publicSpotKline: candle, sendTime, symbol } of yield* untilQuiet(client, 1_500)) {
        if (candle === undefined) return assert.fail()
        assert.strictEqual(symbol, "BTCUSDT")
        assert.isTrue(isMarketTime(createTime) && isMarketTime(sendTime))
        assert.isAbove(candle.windowEnd, candle.windowStart)
        const { amount, closingPrice, highestPrice, lowestPrice, openingPrice, volume, windowStart } = candle
        const values = [windowStart * 1_000, openingPrice, highestPrice, lowestPrice, closingPrice, volume, amount]
        told.set(candle.interval, values.map(Number))
      }
      for (const [index, twin] of twins.entries()) {
        if (twin === null) continue
        const [newest] = (yield* get(`/api/v3/klines?symbol=BTCUSDT&interval=${twin}&limit=1`)).slice(-1)
        assert.deepStrictEqual(told.get(channels[index] ?? ""), numbers(newest), twin)
      }
      const halves: ReadonlyArray<ReadonlyArray<number>> = (yield* get(
        "/api/v3/klines?symbol=BTCUSDT&interval=4h&limit=2"
      )).map(numbers)
      const [first = [], second = []] = halves
      const eight = told.get("Hour8") ?? []
      assert.strictEqual(eight[0], Date.parse("2026-03-02T08:00:00.000Z"))
      assert.deepStrictEqual(eight.slice(1, 5), [first[1], 150_000, 50_000, second[4]])
      assert.closeTo(eight[5] ?? 0, (first[5] ?? 0) + (second[5] ?? 0), 1e-6)
    }).pipe(Effect.provide(PaperExchange.layer(stepped)))
  )

  it.scopedLive("of a candle that closed between two pushes, before the one that follows it", () =>
    Effect.gen(function* () {
      const { advance, client, get } = yield* steppedExchange
      const kline = "spot@public.kline.v3.api.pb@BTCUSDT@Min1"
      yield* client.subscribe(kline)
      yield* advance(30_000)
      yield* untilQuiet(client, 1_500)
      yield* advance(3 * minute)
      const told = new Map<number, Json>()
      let last = 0
      for (const { publicSpotKline: candle } of yield* untilQuiet(client, 1_500)) {
        if (candle === undefined) return assert.fail()
        assert.isAtLeast(candle.windowStart, last)
        last = candle.windowStart
        told.set(candle.windowStart - startsAt / 1_000, candle)
      }
      assert.deepStrictEqual([...told.keys()], [0, 60, 120, 180])
      const closed = [...told.values()]
      const klines = yield* get(`/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime=${startsAt}&limit=4`)
      assert.deepStrictEqual(
        closed.map(({ closingPrice, volume }) => [Number(closingPrice), Number(volume)]),
        klines.map((kline: Json) => [Number(kline[4]), Number(kline[5])])
      )
    }).pipe(Effect.provide(PaperExchange.layer(stepped)))
  )

  it.scopedLive("of the day of one pair and of all pairs, with turnover and volume the other way round", () =>
    Effect.gen(function* () {
      const { advance, client, get } = yield* steppedExchange
      const one = "spot@public.miniTicker.v3.api.pb@BTCUSDT@24H"
      const all = "spot@public.miniTickers.v3.api.pb@UTC+8"
      const elsewhere = "spot@public.miniTicker.v3.api.pb@BTCUSDT@UTC+12:45"
      yield* client.subscribe(one, all, elsewhere)
      yield* advance(minute)
      const frames = new Map<string, Json>()
      for (const frame of yield* untilQuiet(client, 3_500)) frames.set(frame.channel, frame)
      const ticker = yield* get("/api/v3/ticker/24hr?symbol=BTCUSDT")
      const { publicMiniTicker: told, sendTime, symbol } = frames.get(one)
      assert.strictEqual(symbol, "BTCUSDT")
      assert.isTrue(isMarketTime(sendTime))
      assert.deepInclude(told, {
        symbol: "BTCUSDT",
        price: ticker.lastPrice,
        high: ticker.highPrice,
        low: ticker.lowPrice,
        volume: ticker.quoteVolume,
        quantity: ticker.volume
      })
      assert.isAbove(Number(told.volume), Number(told.quantity))

      const changeSince = (at: string) =>
        Effect.map(
          get(`/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime=${Date.parse(at)}&limit=1`),
          ([first]: Json) => (Number(ticker.lastPrice) - Number(first[1])) / Number(first[1])
        )
      // Midnight at UTC+8 was 16:00 the day before; at UTC+12:45 it was 11:15.
      assert.closeTo(Number(told.rate), yield* changeSince("2026-03-01T16:00:00Z"), 1e-4)
      assert.closeTo(Number(told.zonedRate), yield* changeSince("2026-03-01T12:31:00Z"), 1e-4)
      const zoned = frames.get(elsewhere).publicMiniTicker
      assert.closeTo(Number(zoned.zonedRate), yield* changeSince("2026-03-02T11:15:00Z"), 1e-4)
      assert.strictEqual(zoned.rate, told.rate)

      const { publicMiniTickers, symbol: none } = frames.get(all)
      assert.isUndefined(none)
      assert.sameMembers(
        publicMiniTickers.items.map((item: Json) => item.symbol),
        ["BTCUSDT", "MXUSDT"]
      )
      assert.strictEqual(publicMiniTickers.items.find((item: Json) => item.symbol === "BTCUSDT").rate, told.rate)
    }).pipe(Effect.provide(PaperExchange.layer(stepped)))
  )

  it.scopedLive("of the best prices and the top of the book", () =>
    Effect.gen(function* () {
      const { advance, client, get } = yield* steppedExchange
      const best = "spot@public.aggre.bookTicker.v3.api.pb@100ms@BTCUSDT"
      const listed = "spot@public.bookTicker.batch.v3.api.pb@BTCUSDT"
      const top = "spot@public.limit.depth.v3.api.pb@BTCUSDT@10"
      yield* client.subscribe(best, listed, top)
      yield* advance(20_000)
      const depth = yield* get("/api/v3/depth?symbol=BTCUSDT&limit=10")
      const version = String(depth.lastUpdateId)
      const frames = new Map<string, Json>()
      while (frames.size < 3) {
        const frame = yield* client.frame
        const body: Json = frame.publicAggreBookTicker ?? frame.publicBookTickerBatch ?? frame.publicLimitDepths
        assert.strictEqual(frame.symbol, "BTCUSDT")
        assert.isTrue(isMarketTime(frame.sendTime))
        if (body.version === version) frames.set(frame.channel, body)
      }
      const [[bidPrice, bidQuantity], [askPrice, askQuantity]] = [depth.bids[0], depth.asks[0]]
      assert.deepInclude(frames.get(best), { bidPrice, bidQuantity, askPrice, askQuantity })
      assert.deepStrictEqual(frames.get(listed).items, [{ bidPrice, bidQuantity, askPrice, askQuantity }])
      const pairs = (side: ReadonlyArray<Json>) => side.map(({ price, quantity }) => [price, quantity])
      assert.deepStrictEqual([pairs(frames.get(top).bids), pairs(frames.get(top).asks)], [depth.bids, depth.asks])
    }).pipe(Effect.provide(PaperExchange.layer(stepped)))
  )

  it.scopedLive("of every change of the book by itself, five in a frame, none left out", () =>
    Effect.gen(function* () {
      const { advance, client, get } = yield* steppedExchange
      const unmerged = "spot@public.increase.depth.batch.v3.api.pb@BTCUSDT"
      yield* client.subscribe(unmerged)
      let version = (yield* get("/api/v3/depth?symbol=BTCUSDT")).lastUpdateId
      yield* advance(10 * minute)
      const last = (yield* get("/api/v3/depth?symbol=BTCUSDT")).lastUpdateId
      while (version < last) {
        const { eventType, items } = (yield* client.frameOf(unmerged)).publicIncreaseDepthsBatch ?? { items: [] }
        assert.strictEqual(eventType, "spot@public.increase.depth.batch.v3.api.pb")
        assert.isAtMost(items.length, 5)
        for (const item of items) {
          assert.strictEqual(Number(item.version), ++version)
          assert.isNotEmpty([...item.asks, ...item.bids])
        }
      }
      assert.strictEqual(version, last)
    }).pipe(Effect.provide(PaperExchange.layer(stepped)))
  )
})
