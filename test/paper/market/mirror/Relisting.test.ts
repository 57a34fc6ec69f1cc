import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { temporaryFolder } from "../../../kit/Process.ts"
import type { Json } from "../../kit/SignedClient.ts"
import {
  type Client,
  eventually,
  get,
  limitOrder,
  mirrorOptions,
  orderOf,
  sameBook,
  startMirror,
  startUpstream
} from "./mirrorKit.ts"

const quietly = (upstream: { readonly client: Client }, pair: Json) =>
  upstream.client.control("POST", "/paper/v1/pairs", pair)

/** Shows in the short list as well, so that the mirror reads the long one at once. */
const change = (upstream: { readonly client: Client }, pair: Json) =>
  Effect.gen(function* () {
    yield* quietly(upstream, pair)
    const { data } = yield* get(upstream.client, "/api/v3/defaultSymbols")
    yield* quietly(upstream, { symbol: "XRPUSDT", apiTrading: !data.includes("XRPUSDT") })
  })

const often = (rest: string, stream: string) => ({
  upstream: { rest, stream, listingPoll: "300 millis" } as const
})

const pairsOf = (client: Client) =>
  Effect.map(get(client, "/api/v3/exchangeInfo"), ({ symbols }): ReadonlyArray<Json> => symbols)
const pairOf = (client: Client, symbol: string) =>
  Effect.map(pairsOf(client), (pairs): Json => pairs.find((pair) => pair.symbol === symbol))

/** An upstream at 50,000 and a mirror that looks at its pairs often. */
const watching = Effect.gen(function* () {
  const upstream = yield* startUpstream
  yield* upstream.price("50000", { quantity: "0.5" })
  const mirror = yield* startMirror(upstream.url, upstream.wsUrl, often(upstream.url, upstream.wsUrl))
  yield* sameBook(mirror.alice, upstream.client)
  return { upstream, mirror }
})

// Each has a venue of its own and mostly waits for its mirror to look again.
describe.concurrent("a mirror whose upstream changes its pairs", () => {
  it.scopedLive("refuses orders of a pair that is halted, and takes them when it goes on", () =>
    Effect.gen(function* () {
      const { mirror, upstream } = yield* watching
      yield* change(upstream, { symbol: "BTCUSDT", status: "2" })
      yield* eventually(pairOf(mirror.alice, "BTCUSDT"), ({ status }) => status === "2")
      const refused = yield* limitOrder(mirror.alice, "BUY", "40000", "0.01")
      const wanted = yield* limitOrder(upstream.client, "BUY", "40000", "0.01")
      assert.deepStrictEqual([refused.status, refused.body], [wanted.status, wanted.body])
      yield* change(upstream, { symbol: "BTCUSDT", status: "1" })
      yield* eventually(pairOf(mirror.alice, "BTCUSDT"), ({ status }) => status === "1")
      assert.strictEqual((yield* limitOrder(mirror.alice, "BUY", "40000", "0.01")).status, 200)
    })
  )

  it.scopedLive("follows filters, fees and sides, and keeps what its own operator changed besides", () =>
    Effect.gen(function* () {
      const upstream = yield* startUpstream
      const { rest, stream } = { rest: upstream.url, stream: upstream.wsUrl }
      const mirror = yield* startMirror(rest, stream, {
        upstream: { rest, stream, listingPoll: "300 millis", listingReread: "2 seconds" }
      })
      yield* mirror.alice.control("POST", "/paper/v1/pairs", { symbol: "BTCUSDT", limitOrders: false })
      const changes = { minNotional: "9", takerFeeRate: "0.0008", tradeSideType: 3, basePrecision: 4, priceBand: "0.1" }
      yield* quietly(upstream, { symbol: "BTCUSDT", ...changes })
      const found = yield* eventually(pairOf(mirror.alice, "BTCUSDT"), (pair) => pair.takerCommission === "0.0008")
      const { orderTypes, ...others } = yield* pairOf(upstream.client, "BTCUSDT")
      assert.deepInclude(found, others)
      assert.notDeepEqual(found.orderTypes, orderTypes)
    })
  )

  it.scopedLive("sees in the short list that a pair is closed to the API, long before all is read again", () =>
    Effect.gen(function* () {
      const upstream = yield* startUpstream
      const { rest, stream } = { rest: upstream.url, stream: upstream.wsUrl }
      const mirror = yield* startMirror(rest, stream, often(rest, stream))
      const names = Effect.map(get(mirror.alice, "/api/v3/defaultSymbols"), ({ data }): ReadonlyArray<string> => data)
      assert.include(yield* names, "SOLUSDT")
      yield* quietly(upstream, { symbol: "SOLUSDT", apiTrading: false })
      yield* eventually(names, (found) => !found.includes("SOLUSDT"))
      yield* quietly(upstream, { symbol: "SOLUSDT", apiTrading: true })
      yield* eventually(names, (found) => found.includes("SOLUSDT"))
      const { requests } = yield* get(mirror.alice, "/paper/v1/mirror")
      yield* Effect.sleep("1200 millis")
      const later = (yield* get(mirror.alice, "/paper/v1/mirror")).requests
      assert.isAtMost(later - requests, 5, "only the short list is asked for while it stays the same")
    })
  )

  it.scopedLive("cancels the orders of a pair that leaves, and lists it again when it comes back", () =>
    Effect.gen(function* () {
      const { mirror, upstream } = yield* watching
      const { orderId } = (yield* limitOrder(mirror.alice, "BUY", "40000", "1")).body
      yield* change(upstream, { symbol: "BTCUSDT", listed: false })
      yield* eventually(pairOf(mirror.alice, "BTCUSDT"), (pair) => pair === undefined)
      const { body } = yield* mirror.alice.signed("GET", "/api/v3/account")
      assert.deepInclude(
        body.balances.find(({ asset }: Json) => asset === "USDT"),
        { free: "100000000", locked: "0" }
      )
      const gone = yield* mirror.alice.raw("GET", "/api/v3/depth?symbol=BTCUSDT")
      assert.strictEqual(gone.body.code, -1121)
      yield* change(upstream, { symbol: "BTCUSDT", listed: true, minNotional: "3" })
      yield* eventually(pairOf(mirror.alice, "BTCUSDT"), (pair) => pair?.quoteAmountPrecision === "3")
      yield* upstream.price("50100")
      yield* sameBook(mirror.alice, upstream.client)
      assert.strictEqual((yield* orderOf(mirror.alice, orderId)).status, "CANCELED")
    })
  )

  it.scopedLive("takes up a pair that was listed after its start, with book and orders", () =>
    Effect.gen(function* () {
      const upstream = yield* startUpstream
      yield* upstream.price("50000", { quantity: "0.5" })
      yield* change(upstream, { symbol: "BTCUSDT", listed: false })
      const mirror = yield* startMirror(upstream.url, upstream.wsUrl, often(upstream.url, upstream.wsUrl))
      assert.isUndefined(yield* pairOf(mirror.alice, "BTCUSDT"))
      yield* change(upstream, { symbol: "BTCUSDT", listed: true, minNotional: "4" })
      const found = yield* eventually(pairOf(mirror.alice, "BTCUSDT"), (pair) => pair !== undefined)
      assert.deepStrictEqual(found, yield* pairOf(upstream.client, "BTCUSDT"))
      yield* sameBook(mirror.alice, upstream.client)
      const { orderId } = (yield* limitOrder(mirror.alice, "BUY", "49000", "0.5")).body
      yield* upstream.price("48000", { quantity: "5", takerSide: "sell" })
      yield* eventually(orderOf(mirror.alice, orderId), ({ status }) => status === "FILLED")
    })
  )

  it.scopedLive("takes away no pairs when most of them are missing at once", () =>
    Effect.gen(function* () {
      const upstream = yield* startUpstream
      const { rest, stream } = { rest: upstream.url, stream: upstream.wsUrl }
      const mirror = yield* startMirror(rest, stream, { upstream: { rest, stream, listingPoll: "2 seconds" } })
      const symbols = (yield* pairsOf(upstream.client)).map(({ symbol }) => symbol)
      for (const symbol of symbols.slice(1)) yield* quietly(upstream, { symbol, listed: false })
      const { requests } = yield* get(mirror.alice, "/paper/v1/mirror")
      yield* eventually(get(mirror.alice, "/paper/v1/mirror"), (report) => report.requests >= requests + 3)
      assert.isAbove((yield* pairsOf(mirror.alice)).length, symbols.length / 2)
    })
  )

  it.scopedLive("goes by what the venue says at a restart, not by what it said before", () =>
    Effect.gen(function* () {
      const upstream = yield* startUpstream
      yield* upstream.price("50000", { quantity: "0.5" })
      const dataDir = yield* temporaryFolder
      const options = {
        ...mirrorOptions(upstream.url, upstream.wsUrl),
        ...often(upstream.url, upstream.wsUrl),
        dataDir
      }
      const first = yield* Scope.make()
      const mirror = yield* Scope.extend(startMirror(upstream.url, upstream.wsUrl, options), first)
      yield* sameBook(mirror.alice, upstream.client)
      const { orderId } = (yield* limitOrder(mirror.alice, "BUY", "40000", "1")).body
      yield* change(upstream, { symbol: "BTCUSDT", status: "2" })
      yield* eventually(pairOf(mirror.alice, "BTCUSDT"), ({ status }) => status === "2")
      yield* Scope.close(first, Exit.void)
      yield* change(upstream, { symbol: "BTCUSDT", status: "1" })
      const again = yield* startMirror(upstream.url, upstream.wsUrl, options)
      assert.strictEqual((yield* pairOf(again.alice, "BTCUSDT")).status, "1")
      assert.strictEqual((yield* orderOf(again.alice, orderId)).status, "NEW")
    })
  )
})
