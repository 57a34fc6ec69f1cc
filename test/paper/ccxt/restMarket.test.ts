import { assert, layer } from "@effect/vitest"
import ccxt from "ccxt"
import { Effect } from "effect"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { ask, ccxtAt, freshCcxt, refusal, roomyExchange } from "../kit/ccxtClient.ts"
import type { Json } from "../kit/SignedClient.ts"

const hour = 3_600_000

const exchange = PaperExchange.layer({
  ...roomyExchange,
  restrictions: { ETHUSDT: { apiTrading: false }, SOLUSDT: { status: "2" }, XRPUSDT: { marketOrders: false } }
})

layer(exchange, { excludeTestServices: true })("an independent client reads the market", (it) => {
  it.effect("loads markets and coins with a key, and markets without one", () =>
    Effect.gen(function* () {
      const { client, url } = yield* freshCcxt()
      const markets = yield* ask(() => client.loadMarkets())
      const btc = markets["BTC/USDT"]
      assert.deepInclude(btc, { id: "BTCUSDT", base: "BTC", quote: "USDT", type: "spot", spot: true, active: true })
      assert.deepInclude(btc, { maker: 0, taker: 0.0005 })
      assert.deepInclude(btc.precision, { amount: 0.000001, price: 0.01 })
      assert.strictEqual(btc.limits.amount.min, 0.000001)
      assert.strictEqual(btc.limits.cost.min, 1)
      assert.isFalse(markets["ETH/USDT"].active, "not open to the API")
      assert.isFalse(markets["SOL/USDT"].active, "paused")
      assert.deepStrictEqual(markets["XRP/USDT"].info.orderTypes, ["LIMIT", "LIMIT_MAKER"])
      assert.isEmpty(Object.values(markets).filter((each: Json) => each.swap))

      const usdt = client.currencies["USDT"]
      assert.strictEqual(usdt?.name, "Tether")
      assert.sameMembers(Object.keys(usdt?.networks ?? {}), ["ERC20", "TRC20", "BEP20"])
      assert.deepInclude(usdt?.networks["TRC20"], {
        id: "TRX",
        network: "TRC20",
        deposit: true,
        withdraw: true,
        fee: 1
      })
      assert.strictEqual(Number(client.currencies["BTC"]?.networks["BTC"]?.limits?.withdraw?.min), 0.0005)

      const anonymous = ccxtAt(url)
      const seen = yield* ask(() => anonymous.loadMarkets())
      assert.sameMembers(Object.keys(seen), Object.keys(markets))
      assert.deepStrictEqual(yield* ask(() => anonymous.fetchCurrencies()), {})
    })
  )

  it.effect("asks for the time and whether the venue is up", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt()
      const before = client.milliseconds()
      const time = yield* ask(() => client.fetchTime())
      assert.isAtLeast(time, before - 1)
      assert.isAtMost(time, client.milliseconds() + 1)
      assert.strictEqual((yield* ask(() => client.fetchStatus())).status, "ok")
      assert.strictEqual((yield* ask(() => client.fetchStatus({ type: "swap" }))).status, "ok")
    })
  )

  it.effect("reads tickers, of one pair, of some, of all", () =>
    Effect.gen(function* () {
      const { client, priced } = yield* freshCcxt()
      yield* priced("50500")
      const ticker = yield* ask(() => client.fetchTicker("BTC/USDT"))
      assert.deepInclude(ticker, { symbol: "BTC/USDT", last: 50500, close: 50500 })
      assert.isBelow(ticker.bid, ticker.ask)
      assert.isAbove(ticker.bidVolume, 0)
      assert.approximately(ticker.percentage, ((50500 - ticker.open) / ticker.open) * 100, 0.01)
      assert.approximately(ticker.change, 50500 - ticker.open, 0.01)
      assert.isAtLeast(ticker.high, ticker.low)

      const all = yield* ask(() => client.fetchTickers())
      assert.sameMembers(Object.keys(all), Object.keys(client.markets ?? {}))
      const some = yield* ask(() => client.fetchTickers(["BTC/USDT", "MX/USDT"]))
      assert.sameMembers(Object.keys(some), ["BTC/USDT", "MX/USDT"])
      assert.deepInclude((yield* ask(() => client.fetchTickers(["BTC/USDT"])))["BTC/USDT"], { last: 50500 })
      const best = (yield* ask(() => client.fetchBidsAsks()))["BTC/USDT"]
      assert.deepInclude(best, { bid: ticker.bid, ask: ticker.ask })
    })
  )

  it.effect("reads the book under a version, to the depth asked for", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt()
      const book = yield* ask(() => client.fetchOrderBook("BTC/USDT", 5))
      assert.lengthOf(book.bids, 5)
      assert.lengthOf(book.asks, 5)
      assert.isAbove(book.nonce, 2 ** 32, "as the venue's versions are")
      assert.isBelow(book.bids[0][0], book.asks[0][0])
      assert.isAbove(book.bids[0][0], book.bids[1][0])
      assert.isBelow(book.asks[0][0], book.asks[1][0])
      assert.isNumber(book.timestamp)
      yield* ask(() => client.createOrder("BTC/USDT", "limit", "buy", 0.01, 45000))
      const after = yield* ask(() => client.fetchOrderBook("BTC/USDT", 5000))
      assert.isAbove(after.nonce, book.nonce)
      assert.deepInclude(after.bids, [45000, 0.01])
    })
  )

  it.effect("reads public trades in every way it knows", () =>
    Effect.gen(function* () {
      const { client, hand } = yield* freshCcxt()
      const print = (price: string, quantity: string, takerSide: string) =>
        hand.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price, quantity, takerSide })
      yield* print("50010", "0.25", "buy")
      yield* print("50005", "0.5", "sell")
      for (const method of ["spotPublicGetAggTrades", "spotPublicGetHistoricalTrades", "spotPublicGetTrades"]) {
        const trades = yield* ask(() => client.fetchTrades("BTC/USDT", undefined, 50, { method }))
        const sold = trades.findLast((each: Json) => each.price === 50005)
        assert.deepInclude(sold, { symbol: "BTC/USDT", side: "sell", amount: 0.5, takerOrMaker: "taker" }, method)
        assert.approximately(sold.cost, 25002.5, 0.001)
        assert.deepInclude(
          trades.find((each: Json) => each.price === 50010),
          { side: "buy", amount: 0.25 }
        )
      }
      const now = client.milliseconds()
      const window = yield* ask(() => client.fetchTrades("BTC/USDT", now - 60_000, 100, { until: now + 1_000 }))
      assert.isAtLeast(window.length, 2)
      assert.isEmpty(yield* ask(() => client.fetchTrades("BTC/USDT", now - 2 * hour, 9, { until: now - hour })))
    })
  )

  it.effect("reads candles of every interval, from a time and to a time", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt()
      const now = client.milliseconds()
      for (const [timeframe, length] of [
        ["1m", 60_000],
        ["5m", 300_000],
        ["15m", 900_000],
        ["30m", 1_800_000],
        ["1h", hour],
        ["4h", 4 * hour],
        ["1d", 24 * hour]
      ] as const) {
        const candles = yield* ask(() => client.fetchOHLCV("BTC/USDT", timeframe, undefined, 3))
        assert.isAtLeast(candles.length, 2, timeframe)
        assert.isAtMost(candles.length, 3, timeframe)
        for (const [at, open, high, low, close] of candles) {
          assert.strictEqual(at % length, 0, timeframe)
          assert.isAtLeast(high, Math.max(open, close))
          assert.isAtMost(low, Math.min(open, close))
        }
        assert.isAtMost(candles.at(-1)[0], now + 1_000)
      }
      for (const timeframe of ["1w", "1M"]) {
        assert.isNotEmpty(yield* ask(() => client.fetchOHLCV("BTC/USDT", timeframe)))
      }
      const since = Math.floor(now / hour) * hour - 10 * hour
      const from = yield* ask(() => client.fetchOHLCV("BTC/USDT", "1h", since, 4))
      assert.deepStrictEqual(
        from.map((each: Json) => each[0]),
        [since, since + hour, since + 2 * hour, since + 3 * hour]
      )
      const until = yield* ask(() => client.fetchOHLCV("BTC/USDT", "1h", since, 100, { until: since + 2 * hour }))
      assert.deepStrictEqual(
        until.map((each: Json) => each[0]),
        [since, since + hour, since + 2 * hour]
      )
      assert.lengthOf(yield* ask(() => client.fetchOHLCV("BTC/USDT", "1m", undefined, 1000)), 500)
    })
  )

  it.effect("reads the lists that have no method of their own", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt()
      const defaults = yield* ask(() => client.spotPublicGetDefaultSymbols())
      assert.deepInclude(defaults, { code: 0, msg: "success" })
      assert.include(defaults.data, "BTCUSDT")
      assert.notInclude(defaults.data, "ETHUSDT")
      const offline = yield* ask(() => client.spotPublicGetSymbolOffline())
      assert.deepInclude(offline.data[0], { symbol: "SOLUSDT", state: 2 })
      assert.deepStrictEqual(
        yield* ask(() => client.spotPublicGetAvgPrice({ symbol: "MXUSDT" })).pipe(Effect.map((each) => each.mins)),
        5
      )
      assert.deepInclude(yield* ask(() => client.spotPublicGetTickerPrice({ symbol: "BTCUSDT" })), {
        symbol: "BTCUSDT"
      })
      assert.isAbove((yield* ask(() => client.spotPublicGetTickerPrice({ symbols: "BTCUSDT" }))).length, 1)
      assert.deepStrictEqual(yield* ask(() => client.spotPublicGetEtfInfo()), [])
      const { data } = yield* ask(() => client.spotPublicGetAnnouncements())
      assert.include(data[0].details[0].title, "paper exchange")
    })
  )

  it.effect("is told that a symbol is unknown, and what no client may ask", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt()
      yield* ask(() => client.loadMarkets())
      assert.instanceOf(yield* refusal(() => client.spotPublicGetDepth({ symbol: "NOPEUSDT" })), ccxt.BadSymbol)
      assert.instanceOf(yield* refusal(() => client.spotPublicGetDepth({ symbol: "btcusdt" })), ccxt.BadSymbol)
      assert.instanceOf(yield* refusal(() => client.spotPublicGetDepth()), ccxt.BadRequest)
      const half = () => client.spotPublicGetAggTrades({ symbol: "BTCUSDT", startTime: 1 })
      assert.instanceOf(yield* refusal(half), ccxt.BadRequest)
    })
  )

  it.effect("sees a pair that is halted, and one that is taken off, while it runs", () =>
    Effect.gen(function* () {
      const { client, hand } = yield* freshCcxt()
      const change = (symbol: string, what: object) => hand.control("POST", "/paper/v1/pairs", { symbol, ...what })
      yield* change("PEPEUSDT", { status: "2" })
      yield* change("BTCUSDC", { listed: false })
      const markets = yield* ask(() => client.loadMarkets())
      assert.isFalse(markets["PEPE/USDT"].active)
      assert.notProperty(markets, "BTC/USDC")
      assert.notProperty(yield* ask(() => client.fetchTickers()), "BTC/USDC")
      assert.instanceOf(yield* refusal(() => client.spotPublicGetDepth({ symbol: "BTCUSDC" })), ccxt.BadSymbol)
      const { data } = yield* ask(() => client.spotPublicGetSymbolOffline())
      const halted = data.find((each: Json) => each.symbol === "PEPEUSDT")
      assert.strictEqual(halted.state, 2)
      assert.isNumber(halted.offlineTime)
      yield* change("PEPEUSDT", { status: "1" })
      yield* change("BTCUSDC", { listed: true })
      const again = yield* ask(() => client.loadMarkets(true))
      assert.isTrue(again["PEPE/USDT"].active)
      assert.isTrue(again["BTC/USDC"].active)
    })
  )

  it.effect("has no futures here", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt()
      yield* ask(() => client.loadMarkets())
      assert.deepInclude(yield* ask(() => client.contractPublicGetDetail()), { success: true, code: 0, data: [] })
      assert.instanceOf(yield* refusal(() => client.fetchBalance({ type: "swap" })), ccxt.AuthenticationError)
      assert.instanceOf(yield* refusal(() => client.fetchPositions()), ccxt.AuthenticationError)
    })
  )
})
