import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Exit, Layer } from "effect"
import { WebSocket } from "ws"
import { decodeFrame, type PushFrame } from "../../../../src/mexc/wire/Stream.ts"
import { PaperExchange } from "../../../../src/paper/PaperExchange.ts"
import { temporaryFolder } from "../../../kit/Process.ts"
import { type Json } from "../../kit/SignedClient.ts"
import {
  bookOf,
  connected,
  eventually,
  get,
  limitOrder,
  mirrorOptions,
  orderOf,
  sameBook,
  startMirror,
  startUpstream,
  wireTo
} from "./mirrorKit.ts"

const report = (client: Parameters<typeof get>[0]) => get(client, "/paper/v1/mirror")

/** The depth frames of a mirror. */
const depthFrames = (wsUrl: string) =>
  Effect.gen(function* () {
    const frames: Array<NonNullable<PushFrame["publicAggreDepths"]>> = []
    const socket = yield* Effect.acquireRelease(
      Effect.sync(() => new WebSocket(wsUrl)),
      (open) => Effect.sync(() => open.terminate())
    )
    yield* Effect.async<void>((resume) => {
      const params = ["spot@public.aggre.depth.v3.api.pb@10ms@BTCUSDT"]
      socket.once("open", () => socket.send(JSON.stringify({ method: "SUBSCRIPTION", params })))
      socket.on("message", (data: Buffer, isBinary) => {
        if (!isBinary) return resume(Effect.void)
        const { publicAggreDepths } = Either.getOrThrow(decodeFrame(data))
        if (publicAggreDepths !== undefined) frames.push(publicAggreDepths)
      })
    })
    return frames
  })

describe("a mirror whose upstream fails it", () => {
  it.scopedLive("loads the book again when a delta is missing, counts it, and goes on", () =>
    Effect.gen(function* () {
      const { mirror, upstream } = yield* connected
      yield* sameBook(mirror.alice, upstream.client)
      const fault = { type: "missingPush", count: 1, channel: "spot@public.aggre.depth.v3.api.pb@100ms@BTCUSDT" }
      yield* upstream.client.control("POST", "/paper/v1/faults", { faults: [fault] })
      const missed = Effect.map(get(upstream.client, "/paper/v1/faults"), ({ faults }) => faults)
      yield* upstream.price("50100")
      yield* eventually(missed, (faults) =>
        faults.some((each: Json) => each.type === "missingPush" && each.fired === 1)
      )
      yield* upstream.price("50200")
      yield* sameBook(mirror.alice, upstream.client)
      const found = yield* report(mirror.alice)
      assert.isAtLeast(found.gaps, 1)
      assert.isAtLeast(found.snapshots, 2)
      assert.strictEqual(found.reconnects, 0)
      yield* upstream.price("50300")
      yield* sameBook(mirror.alice, upstream.client)
    })
  )

  it.scopedLive("halts while the upstream is gone, then shows its book again and fills what it reached", () =>
    Effect.gen(function* () {
      const { mirror, upstream, wire } = yield* connected
      yield* sameBook(mirror.alice, upstream.client)
      const frames = yield* depthFrames(mirror.wsUrl)
      const resting = (yield* limitOrder(mirror.alice, "BUY", "49000", "1")).body.orderId
      const doomed = (yield* limitOrder(mirror.alice, "BUY", "48000", "1")).body.orderId

      wire.cut()
      const gone = yield* eventually(
        mirror.alice.raw("GET", "/api/v3/depth?symbol=BTCUSDT"),
        ({ status }) => status === 503
      )
      assert.strictEqual(gone.body.code, 503)
      const quietFrom = frames.length
      assert.strictEqual((yield* mirror.alice.raw("GET", "/api/v3/ticker/24hr?symbol=BTCUSDT")).status, 503)
      for (const order of [
        { type: "MARKET", quantity: "0.1" },
        { type: "LIMIT", price: "50500", quantity: "0.1" }
      ]) {
        const refused = yield* mirror.alice.signed("POST", "/api/v3/order", {
          symbol: "BTCUSDT",
          side: "BUY",
          ...order
        })
        assert.deepInclude(refused, { status: 400 })
        assert.strictEqual(refused.body.code, 30010)
      }
      const cancelled = yield* mirror.alice.signed("DELETE", "/api/v3/order", { symbol: "BTCUSDT", orderId: doomed })
      assert.strictEqual(cancelled.status, 200, "cancelling needs no price")
      yield* upstream.price("48500", { quantity: "5", takerSide: "sell" })
      yield* Effect.sleep("300 millis")
      assert.strictEqual((yield* orderOf(mirror.alice, resting)).status, "NEW")
      // The cancelled order left the book; nothing else was told of it.
      assert.isAtMost(frames.length - quietFrom, 1)

      wire.mend()
      const filled = yield* eventually(orderOf(mirror.alice, resting), ({ status }) => status === "FILLED")
      assert.deepInclude(filled, { executedQty: "1", cummulativeQuoteQty: "49000" })
      const found = yield* report(mirror.alice)
      assert.isAtLeast(found.reconnects, 1)
      const trades: ReadonlyArray<Json> = yield* get(mirror.alice, "/api/v3/trades?symbol=BTCUSDT")
      assert.isTrue(
        trades.some(({ price, qty }) => price === "48500" && qty === "5"),
        "what was traded meanwhile is known"
      )
      yield* upstream.price("48600")
      yield* sameBook(mirror.alice, upstream.client)
      for (const [i, frame] of frames.entries()) {
        const before = frames[i - 1]
        if (before !== undefined) assert.strictEqual(BigInt(frame.fromVersion), BigInt(before.toVersion) + 1n)
      }
    })
  )

  it.scopedLive("never sends a key, a signature or a listen key upstream", () =>
    Effect.gen(function* () {
      const { mirror, upstream, wire } = yield* connected
      yield* sameBook(mirror.alice, upstream.client)
      yield* limitOrder(mirror.alice, "BUY", "49000", "1")
      yield* mirror.alice.signed("GET", "/api/v3/account")
      yield* mirror.alice.signed("POST", "/api/v3/userDataStream")
      yield* get(mirror.alice, "/api/v3/klines?symbol=BTCUSDT&interval=1d")
      const heard = wire.heard()
      const lines = heard.split("\r\n").filter((line) => /^(GET|POST|PUT|DELETE) /.test(line))
      assert.isAbove(lines.length, 8)
      for (const line of lines)
        assert.match(line, /^GET \/(ws|api\/v3\/(exchangeInfo|defaultSymbols|depth|trades|klines))[ ?]/)
      assert.notMatch(heard, /mx0|apikey|signature|listenkey|authorization|traceparent|cookie/i)
    })
  )

  it.scopedLive("follows the pairs of open orders from the start on, without anybody asking", () =>
    Effect.gen(function* () {
      const upstream = yield* startUpstream
      yield* upstream.price("50000")
      const dataDir = yield* temporaryFolder
      const resting = yield* Effect.scoped(
        Effect.gen(function* () {
          const mirror = yield* startMirror(upstream.url, upstream.wsUrl, { dataDir })
          yield* sameBook(mirror.alice, upstream.client)
          return (yield* limitOrder(mirror.alice, "BUY", "49000", "1")).body.orderId
        })
      )
      const mirror = yield* startMirror(upstream.url, upstream.wsUrl, { dataDir })
      yield* eventually(report(mirror.alice), ({ followed }) => followed.some((each: Json) => each.live))
      yield* upstream.price("48000", { quantity: "3", takerSide: "sell" })
      yield* eventually(orderOf(mirror.alice, resting), ({ status }) => status === "FILLED")
      assert.isAbove((yield* bookOf(mirror.alice)).bids.length, 0)
    })
  )

  it.scopedLive("does not start without it, and says which address does not answer", () =>
    Effect.gen(function* () {
      const upstream = yield* startUpstream
      const wire = yield* wireTo(upstream.port)
      wire.cut()
      const start = (rest: string, stream: string) =>
        Effect.scoped(Layer.build(PaperExchange.layer(mirrorOptions(rest, stream)))).pipe(Effect.flip, Effect.exit)
      const dead = `127.0.0.1:${wire.port}`
      for (const [which, rest, stream] of [
        ["rest", `http://${dead}`, upstream.wsUrl],
        ["rest", `${upstream.url}/nothing`, upstream.wsUrl],
        ["stream", upstream.url, `ws://${dead}/ws`],
        ["stream", upstream.url, upstream.wsUrl.replace("/ws", "/other")]
      ] as const) {
        const failure = yield* start(rest, stream)
        assert.isTrue(Exit.isSuccess(failure), `${rest} ${stream}`)
        if (Exit.isSuccess(failure)) assert.deepInclude(failure.value, { _tag: "MirrorUnavailable", which })
      }
    })
  )
})
