import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Queue, Schema } from "effect"
import { WebSocket } from "ws"
import { decodeFrame, type PushFrame } from "../../src/mexc/wire/Stream.ts"
import { PaperExchange } from "../../src/paper/PaperExchange.ts"

const depth = "spot@public.aggre.depth.v3.api.pb@10ms@BTCUSDT"
const deals = "spot@public.aggre.deals.v3.api.pb@10ms@BTCUSDT"
const kline = "spot@public.kline.v3.api.pb@BTCUSDT@Min1"
const startsAt = Date.parse("2026-03-01T09:00:00.000Z")

const exchange = PaperExchange.layer({
  host: "127.0.0.1",
  port: 0,
  market: "synthetic",
  speed: 0,
  seed: 5,
  accounts: [],
  control: true,
  dataDir: null,
  startsAt,
  synthetic: { symbols: ["BTCUSDT"] }
})

const Level = Schema.Tuple(Schema.String, Schema.String)
const Depth = Schema.Struct({ lastUpdateId: Schema.Int, bids: Schema.Array(Level), asks: Schema.Array(Level) })
const Klines = Schema.Array(Schema.Array(Schema.Union(Schema.String, Schema.Number)))

const setUp = Effect.gen(function* () {
  const { url, wsUrl } = yield* PaperExchange
  const frames = yield* Queue.unbounded<PushFrame>()
  const socket = yield* Effect.acquireRelease(
    Effect.sync(() => new WebSocket(wsUrl)),
    (open) => Effect.sync(() => open.terminate())
  )
  yield* Effect.async<void>((resume) => {
    socket.once("open", () => socket.send(JSON.stringify({ method: "SUBSCRIPTION", params: [depth, deals, kline] })))
    socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) Queue.unsafeOffer(frames, Either.getOrThrow(decodeFrame(data)))
      else resume(Effect.void)
    })
  })
  const get = <A, I>(path: string, schema: Schema.Schema<A, I>) =>
    Effect.flatMap(
      Effect.promise(() => fetch(`${url}${path}`).then((answer) => answer.json())),
      Schema.decodeUnknown(schema)
    )
  const advance = (ms: number) =>
    Effect.promise(() =>
      fetch(`${url}/paper/v1/advance`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ms })
      })
    )
  const nextOf = (channel: string) => Effect.repeat(Queue.take(frames), { until: (frame) => frame.channel === channel })
  return { get, advance, nextOf }
})

const apply = (
  side: Map<string, string>,
  changes: ReadonlyArray<{ readonly price: string; readonly quantity: string }>
) => {
  for (const { price, quantity } of changes) {
    if (Number(quantity) === 0) side.delete(price)
    else side.set(price, quantity)
  }
}

const plain = (levels: Iterable<readonly [string, string]>) =>
  [...levels].map(([price, quantity]) => `${Number(price)} ${Number(quantity)}`).sort()

describe("a client of the paper exchange", () => {
  it.scopedLive("keeps a local book by the venue's procedure that equals the one of REST", () =>
    Effect.gen(function* () {
      const { advance, get, nextOf } = yield* setUp
      const start = yield* get("/api/v3/depth?symbol=BTCUSDT&limit=5000", Depth)
      const book = { bids: new Map(start.bids), asks: new Map(start.asks) }
      let version = BigInt(start.lastUpdateId)
      for (let round = 0; round < 20; round++) {
        yield* advance(7_000)
        const now = yield* get("/api/v3/depth?symbol=BTCUSDT&limit=5000", Depth)
        while (version < BigInt(now.lastUpdateId)) {
          const delta = (yield* nextOf(depth)).publicAggreDepths
          assert.strictEqual(delta?.fromVersion, (version + 1n).toString())
          apply(book.bids, delta?.bids ?? [])
          apply(book.asks, delta?.asks ?? [])
          version = BigInt(delta?.toVersion ?? "0")
        }
        assert.strictEqual(version, BigInt(now.lastUpdateId))
        assert.deepStrictEqual(plain(book.bids), plain(now.bids))
        assert.deepStrictEqual(plain(book.asks), plain(now.asks))
      }
    }).pipe(Effect.provide(exchange))
  )

  it.scopedLive("sees the trades of a minute and the candle they make, in market time", () =>
    Effect.gen(function* () {
      const { advance, get, nextOf } = yield* setUp
      yield* advance(60_000)
      const pushed = yield* nextOf(deals)
      const prices = pushed.publicAggreDeals?.deals ?? []
      assert.isTrue(prices.every(({ time }) => time > startsAt && time <= startsAt + 60_000))
      const running = (yield* nextOf(kline)).publicSpotKline
      assert.deepStrictEqual([running?.windowStart, running?.windowEnd], [startsAt / 1_000, startsAt / 1_000 + 60])
      const klines = yield* get("/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=2", Klines)
      const last = klines.at(-1)
      assert.deepStrictEqual(
        [last?.[0], last?.[1], last?.[2], last?.[3], last?.[4], last?.[5]].map(Number),
        [
          startsAt,
          running?.openingPrice,
          running?.highestPrice,
          running?.lowestPrice,
          running?.closingPrice,
          running?.volume
        ].map(Number)
      )
      assert.strictEqual(klines[0]?.[0] ?? 0, startsAt - 60_000)
    }).pipe(Effect.provide(exchange))
  )
})
