import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Json } from "../../kit/SignedClient.ts"
import {
  bookOf,
  type Client,
  connected,
  eventually,
  get,
  limitOrder,
  orderOf,
  sameBook,
  startMirror,
  startUpstream
} from "./mirrorKit.ts"

const pick = (rows: ReadonlyArray<Json>, ...names: ReadonlyArray<string>) =>
  rows.map((row) => names.map((name) => row[name]))

describe("a mirror of an exchange", () => {
  it.scopedLive("lists its pairs with their filters, precisions, fees and switches", () =>
    Effect.gen(function* () {
      const upstream = yield* startUpstream
      const changes = {
        ...{ basePrecision: 3, minNotional: "7", maxNotional: "70000", marketMaxNotional: "700", priceBand: "0.05" },
        ...{ takerFeeRate: "0.0007", makerFeeRate: "0.0001", tradeSideType: 2, marketOrders: false }
      }
      yield* upstream.client.control("POST", "/paper/v1/pairs", { symbol: "XRPUSDT", ...changes })
      yield* upstream.client.control("POST", "/paper/v1/pairs", { symbol: "SOLUSDT", apiTrading: false })
      const mirror = yield* startMirror(upstream.url, upstream.wsUrl)
      for (const path of ["/api/v3/exchangeInfo", "/api/v3/defaultSymbols"]) {
        const { data, symbols } = yield* get(mirror.alice, path)
        const wanted = yield* get(upstream.client, path)
        assert.deepStrictEqual({ data, symbols }, { data: wanted.data, symbols: wanted.symbols })
      }
    })
  )

  it.scopedLive("shows its book, move by move", () =>
    Effect.gen(function* () {
      const { mirror, upstream } = yield* connected
      yield* sameBook(mirror.alice, upstream.client)
      for (const price of ["50100", "49900.5", "51000", "48000", "48000.01"]) {
        yield* upstream.price(price)
        const { lastUpdateId } = yield* sameBook(mirror.alice, upstream.client)
        assert.isAbove(lastUpdateId, 0)
      }
      const report = yield* get(mirror.alice, "/paper/v1/mirror")
      assert.deepInclude(report, { gaps: 0, snapshots: 1, connections: 1, reconnects: 0, failedRequests: 0 })
      assert.deepStrictEqual(report.followed, [{ symbol: "BTCUSDT", live: true }])
    })
  )

  it.scopedLive("follows trades, candles and tickers", () =>
    Effect.gen(function* () {
      const { mirror, upstream } = yield* connected
      yield* upstream.price("50010", { quantity: "0.25", takerSide: "sell" })
      const tradesOf = (client: Client) =>
        Effect.map(get(client, "/api/v3/trades?symbol=BTCUSDT"), (rows: ReadonlyArray<Json>) =>
          pick(rows, "price", "qty", "quoteQty", "time", "tradeType")
        )
      const sameTrades = Effect.flatMap(tradesOf(upstream.client), (wanted) =>
        eventually(tradesOf(mirror.alice), (found) => JSON.stringify(found) === JSON.stringify(wanted))
      )
      assert.strictEqual((yield* sameTrades).length, 2)
      yield* upstream.price("50020", { quantity: "0.125" })
      yield* upstream.price("50005", { quantity: "0.5", takerSide: "sell" })
      assert.strictEqual((yield* sameTrades).length, 4)

      for (const interval of ["1m", "60m", "1d", "1W"]) {
        const path = `/api/v3/klines?symbol=BTCUSDT&interval=${interval}&limit=30`
        const wanted = yield* get(upstream.client, path)
        const found = yield* get(mirror.alice, path)
        assert.isAbove(found.length, 0)
        assert.deepStrictEqual(found, wanted, interval)
      }
      const older = `/api/v3/klines?symbol=BTCUSDT&interval=1m&endTime=${Date.now() - 30 * 3_600_000}&limit=500`
      assert.deepStrictEqual(yield* get(mirror.alice, older), yield* get(upstream.client, older))

      const ticker = (client: Client) =>
        Effect.map(get(client, "/api/v3/ticker/24hr?symbol=BTCUSDT"), ({ closeTime, openTime, ...rest }: Json) => rest)
      assert.deepStrictEqual(yield* ticker(mirror.alice), yield* ticker(upstream.client))
    })
  )

  it.scopedLive("tells the tickers of all pairs without following them", () =>
    Effect.gen(function* () {
      const { mirror, upstream } = yield* connected
      yield* upstream.client.control("POST", "/paper/v1/price", { symbol: "ETHUSDT", price: "3000", quantity: "2" })
      for (const path of ["/api/v3/ticker/price", "/api/v3/ticker/bookTicker"]) {
        const found: ReadonlyArray<Json> = yield* get(mirror.alice, path)
        assert.deepStrictEqual(found, yield* get(upstream.client, path))
      }
      const all: ReadonlyArray<Json> = yield* get(mirror.alice, "/api/v3/ticker/24hr")
      const wanted: ReadonlyArray<Json> = yield* get(upstream.client, "/api/v3/ticker/24hr")
      assert.deepStrictEqual(pick(all, "symbol", "lastPrice", "volume"), pick(wanted, "symbol", "lastPrice", "volume"))
      const report = yield* get(mirror.alice, "/paper/v1/mirror")
      assert.deepStrictEqual(report.followed, [])
      assert.strictEqual(report.requests, 3, "exchangeInfo, defaultSymbols and one ticker/24hr")
    })
  )

  it.scopedLive("fills a resting order when the upstream trades through it, for no more than it traded", () =>
    Effect.gen(function* () {
      const { mirror, upstream } = yield* connected
      yield* sameBook(mirror.alice, upstream.client)
      const resting = yield* limitOrder(mirror.alice, "BUY", "49000", "2")
      assert.strictEqual(resting.status, 200, JSON.stringify(resting.body))
      const { orderId } = resting.body
      assert.strictEqual((yield* orderOf(mirror.alice, orderId)).status, "NEW")
      const seen = yield* bookOf(mirror.alice)
      assert.deepInclude(seen.bids, ["49000", "2"], "everybody sees it in the mirror's book")

      // The seller came down to 49,000, with less than is wanted there; nobody asks for so little.
      yield* upstream.price("49000", { quantity: "0.5", takerSide: "sell" })
      const part = yield* eventually(orderOf(mirror.alice, orderId), ({ executedQty }) => executedQty !== "0")
      assert.deepInclude(part, { status: "PARTIALLY_FILLED", executedQty: "0.5", cummulativeQuoteQty: "24500" })

      yield* upstream.price("48900", { quantity: "0" })
      const rest = yield* eventually(orderOf(mirror.alice, orderId), ({ status }) => status === "FILLED")
      assert.deepInclude(rest, { executedQty: "2", cummulativeQuoteQty: "98000" })
      const upstreamBook = yield* bookOf(upstream.client)
      assert.notDeepInclude(upstreamBook.bids, ["49000", "2"])
    })
  )

  it.scopedLive("gives a market order the mirrored levels, and each only once until it changes upstream", () =>
    Effect.gen(function* () {
      const { mirror, upstream } = yield* connected
      const { asks } = yield* sameBook(mirror.alice, upstream.client)
      const [[price1, quantity1], [price2, quantity2]] = asks
      const wanted = (Number(quantity1) + 0.001).toFixed(6)
      const placed = yield* mirror.alice.signed("POST", "/api/v3/order", {
        symbol: "BTCUSDT",
        side: "BUY",
        type: "MARKET",
        quantity: wanted
      })
      assert.strictEqual(placed.status, 200, JSON.stringify(placed.body))
      const { body: fills } = yield* mirror.alice.signed("GET", "/api/v3/myTrades", { symbol: "BTCUSDT" })
      const got = pick(fills, "price", "qty").sort((a, b) => Number(a[0]) - Number(b[0]))
      assert.deepStrictEqual(got, [
        [price1, quantity1],
        [price2, "0.001"]
      ])
      assert.strictEqual((yield* bookOf(mirror.alice)).asks[0][0], price2, "the best level is used up here")
      assert.strictEqual((yield* bookOf(upstream.client)).asks[0][0], price1, "and only here")

      // Somebody bids far away on the upstream: nothing of that gives the asks back.
      yield* limitOrder(upstream.client, "BUY", "45000", "0.777")
      const later = yield* eventually(bookOf(mirror.alice), ({ bids }) =>
        bids.some(([price, quantity]: Json) => price === "45000" && quantity === "0.777")
      )
      assert.strictEqual(later.asks[0][0], price2)
      assert.strictEqual(later.asks[0][1], (Number(quantity2) - 0.001).toFixed(6).replace(/0+$/, ""))

      yield* upstream.price("50500")
      yield* upstream.price("50000")
      const again = yield* sameBook(mirror.alice, upstream.client)
      assert.strictEqual(again.asks[0][0], price1)
    })
  )

  it.scopedLive("matches its accounts with each other, the better price first, then the older order", () =>
    Effect.gen(function* () {
      const { mirror, upstream } = yield* connected
      yield* sameBook(mirror.alice, upstream.client)
      // Inside the mirrored spread, where nobody but them trades.
      const first = (yield* limitOrder(mirror.alice, "SELL", "50000", "0.1")).body.orderId
      const second = (yield* limitOrder(mirror.bob, "SELL", "50000", "0.1")).body.orderId
      const better = (yield* limitOrder(mirror.bob, "SELL", "49999", "0.1")).body.orderId
      const taker = yield* limitOrder(mirror.alice, "BUY", "50000", "0.25")
      assert.strictEqual((yield* orderOf(mirror.alice, taker.body.orderId)).status, "FILLED")
      assert.strictEqual((yield* orderOf(mirror.bob, better)).status, "FILLED")
      assert.strictEqual((yield* orderOf(mirror.alice, first)).status, "FILLED")
      assert.strictEqual((yield* orderOf(mirror.bob, second)).executedQty, "0.05")
    })
  )
})
