import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { clients, stillExchange, type Json } from "../kit/SignedClient.ts"
import { connect, marketNow, toldServerUntil } from "../kit/streamKit.ts"

const depth = "spot@public.aggre.depth.v3.api.pb@100ms@BTCUSDT"

const quiet = Effect.gen(function* () {
  const { alice, port } = yield* clients
  yield* alice.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "50000", quantity: "0.25" })
  const get = (path: string) => Effect.map(alice.raw("GET", path), ({ body }): Json => body)
  return { alice, get, client: yield* connect(port) }
})

describe("a market in which nobody trades", () => {
  it.scopedLive("still sends thirty book messages within seconds, in one line with REST", () =>
    Effect.gen(function* () {
      const { alice, client, get } = yield* quiet
      const before = yield* get("/api/v3/depth?symbol=BTCUSDT&limit=5000")
      const journal = (yield* alice.raw("GET", "/paper/v1/journal")).body
      yield* client.subscribe(depth)
      const start = yield* get("/api/v3/depth?symbol=BTCUSDT&limit=5000")
      let version: number | null = null
      for (let i = 0; i < 30; i++) {
        const { asks, bids, fromVersion, toVersion } = (yield* client.frameOf(depth)).publicAggreDepths ?? assert.fail()
        if (version === null) assert.isAtMost(Number(fromVersion), start.lastUpdateId + 1)
        else assert.strictEqual(Number(fromVersion), version + 1)
        version = Number(toVersion)
        assert.isNotEmpty([...asks, ...bids])
        const levels = new Map([...start.bids, ...start.asks])
        for (const { price, quantity } of [...asks, ...bids]) assert.strictEqual(levels.get(price), quantity)
      }
      const after = yield* get("/api/v3/depth?symbol=BTCUSDT&limit=5000")
      assert.isAtLeast(after.lastUpdateId, version ?? 0)
      assert.deepStrictEqual([after.bids, after.asks], [before.bids, before.asks])
      assert.strictEqual((yield* get("/api/v3/ticker/price?symbol=BTCUSDT")).price, "50000")
      assert.lengthOf(yield* get("/api/v3/trades?symbol=BTCUSDT"), 1)
      assert.strictEqual((yield* alice.raw("GET", "/paper/v1/journal")).body, journal)
    }).pipe(Effect.provide(PaperExchange.layer(stillExchange)), Effect.timeout("10 seconds"))
  )

  it.scopedLive("still tells its candle, its best prices, the top of its book and its day", () =>
    Effect.gen(function* () {
      const { client } = yield* quiet
      const channels = [
        "spot@public.kline.v3.api.pb@BTCUSDT@Min1",
        "spot@public.kline.v3.api.pb@BTCUSDT@Hour8",
        "spot@public.aggre.bookTicker.v3.api.pb@100ms@BTCUSDT",
        "spot@public.bookTicker.batch.v3.api.pb@BTCUSDT",
        "spot@public.limit.depth.v3.api.pb@BTCUSDT@5",
        "spot@public.miniTicker.v3.api.pb@BTCUSDT@UTC+8",
        "spot@public.miniTickers.v3.api.pb@24H"
      ]
      yield* client.subscribe(...channels)
      const frames = new Map<string, Json>()
      while (frames.size < channels.length) {
        const frame = yield* client.frame
        frames.set(frame.channel, frame)
      }
      assert.strictEqual(frames.get(channels[0] ?? "").publicSpotKline.closingPrice, "50000")
      assert.strictEqual(frames.get(channels[5] ?? "").publicMiniTicker.price, "50000")
      assert.isAbove(frames.get(channels[6] ?? "").publicMiniTickers.items.length, 5)
      assert.lengthOf(frames.get(channels[4] ?? "").publicLimitDepths.bids, 5)
    }).pipe(Effect.provide(PaperExchange.layer(stillExchange)), Effect.timeout("10 seconds"))
  )

  it.scopedLive("says nothing by itself where time is stepped by hand", () =>
    Effect.gen(function* () {
      const { client } = yield* quiet
      yield* client.subscribe(depth, "spot@public.kline.v3.api.pb@BTCUSDT@Min1")
      yield* Effect.sleep("1500 millis")
      yield* client.say({ method: "PING" })
      assert.include(yield* client.answer, "PONG")
    }).pipe(Effect.provide(PaperExchange.layer({ ...stillExchange, speed: 0, startsAt: 1_772_000_000_000 })))
  )

  for (const [what, endsAt, breathes] of [
    ["stands still once its recording has ended, so that nobody takes it for alive", marketNow, false],
    ["breathes until its recording ends", marketNow + 1, true]
  ] as const)
    it.scopedLive(what, () =>
      Effect.gen(function* () {
        const { breaths, port } = yield* toldServerUntil(endsAt)
        const client = yield* connect(port)
        const top = "spot@public.limit.depth.v3.api.pb@BTCUSDT@5"
        yield* client.subscribe(depth, top)
        yield* Effect.sleep("3500 millis")
        assert.strictEqual(breaths() > 0, breathes)
        const heard = yield* client.heard.takeAll
        assert.lengthOf([...heard], breathes ? 1 : 0)
      })
    )
})
