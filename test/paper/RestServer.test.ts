import { assert, describe, layer } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { PaperExchange } from "../../src/paper/PaperExchange.ts"
import { alice, clients, makeClient, sign, stillExchange, type Answer, type Json } from "./kit/SignedClient.ts"

const restrictions = {
  ETHUSDT: { apiTrading: false },
  SOLUSDT: { status: "2" as const },
  DOGEUSDT: { status: "3" as const },
  XRPUSDT: { tradeSideType: 3 as const }
}
/** Wide limits: these tests share one address. */
const exchange = PaperExchange.layer({
  ...stillExchange,
  restrictions,
  limits: { ipWeight: 100_000, ordersPerSecond: 100_000 }
})

const refused = (answer: Answer, code: number, status = 400) => {
  assert.strictEqual(answer.status, status, JSON.stringify(answer.body))
  assert.strictEqual(answer.body.code, code, JSON.stringify(answer.body))
  assert.isString(answer.body.msg)
}

const limitBuy = (price: string, quantity: string) => ({
  symbol: "BTCUSDT",
  side: "BUY",
  type: "LIMIT",
  price,
  quantity
})

let opened = 0
/** A client of an account nobody else uses, with BTCUSDT standing at 50,000. */
const fresh = (balances: Record<string, string> = { USDT: "10000", BTC: "1" }) =>
  Effect.gen(function* () {
    const { url } = yield* PaperExchange
    const accessKey = `mx0test${++opened}`
    const client = makeClient(url, accessKey, "secret")
    yield* client.control("POST", "/paper/v1/accounts", { accessKey, secretKey: "secret", balances })
    yield* client.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "50000" })
    return client
  })

layer(exchange, { excludeTestServices: true })("the paper exchange's REST server", (it) => {
  describe("says who may call", () => {
    it.effect("a key must be there, well formed and known", () =>
      Effect.gen(function* () {
        const { alice: client, url } = yield* clients
        refused(yield* client.raw("GET", "/api/v3/account?timestamp=1&signature=x"), 400)
        refused(yield* makeClient(url, "bad key", "x").signed("GET", "/api/v3/account"), 700001)
        refused(yield* makeClient(url, "mx0nobody", "x").signed("GET", "/api/v3/account"), 10072)
      })
    )

    it.effect("a signature must be there and right, before the time is looked at", () =>
      Effect.gen(function* () {
        const { alice: client, url } = yield* clients
        const headers = { "X-MEXC-APIKEY": alice.accessKey }
        refused(yield* client.raw("GET", "/api/v3/account?timestamp=1", { headers }), 700004)
        refused(yield* client.raw("GET", "/api/v3/account?timestamp=1&signature=00", { headers }), 700002)
        refused(yield* makeClient(url, alice.accessKey, "wrong").signed("GET", "/api/v3/account"), 700002)
      })
    )

    it.effect("the time must lie in the window, on either side, and the window has a limit", () =>
      Effect.gen(function* () {
        const { alice: client } = yield* clients
        const now = yield* Clock.currentTimeMillis
        const at = (query: string) =>
          client.raw("GET", `/api/v3/account?${query}&signature=${sign(alice.secretKey, query)}`, {
            headers: { "X-MEXC-APIKEY": alice.accessKey }
          })
        refused(yield* at(`timestamp=${now - 6_000}`), 700003)
        refused(yield* at(`timestamp=${now + 1_500}`), 700003)
        refused(yield* at(`recvWindow=60001&timestamp=${now}`), 700005)
        refused(yield* at("recvWindow=5000"), 700004)
        assert.strictEqual((yield* at(`recvWindow=60000&timestamp=${now - 6_000}`)).status, 200)
      })
    )

    it.effect("a key without a permission is told so", () =>
      Effect.gen(function* () {
        const { alice: client, url } = yield* clients
        refused(yield* client.signed("DELETE", "/api/v3/capital/withdraw", { id: "1" }), 700007)
        yield* client.control("POST", "/paper/v1/accounts", {
          accessKey: "mx0reader",
          secretKey: "secret",
          permissions: ["SPOT_ACCOUNT_READ"]
        })
        const reader = makeClient(url, "mx0reader", "secret")
        assert.strictEqual((yield* reader.signed("GET", "/api/v3/account")).status, 200)
        refused(yield* reader.signed("POST", "/api/v3/order", limitBuy("50000", "0.001")), 700007)
      })
    )

    it.effect("a form body counts as parameters and is part of what was signed", () =>
      Effect.gen(function* () {
        const client = yield* fresh()
        const body = "symbol=BTCUSDT&side=BUY&type=LIMIT&price=49000&quantity=0.001"
        const query = `timestamp=${yield* Clock.currentTimeMillis}`
        const send = (contentType: string) =>
          client.raw("POST", `/api/v3/order?${query}&signature=${sign("secret", query + body)}`, {
            headers: { "X-MEXC-APIKEY": `mx0test${opened}`, "Content-Type": contentType },
            body
          })
        refused(yield* send("text/plain"), 700013)
        assert.strictEqual((yield* send("application/x-www-form-urlencoded")).status, 200)
      })
    )
  })

  describe("refuses an order", () => {
    const cases: ReadonlyArray<readonly [string, Record<string, string>, number]> = [
      ["of an unknown pair, before anything else", { symbol: "NOPE", side: "?", type: "?" }, -1121],
      ["of a pair that is not open to the API", { ...limitBuy("1000", "1"), symbol: "ETHUSDT" }, 10007],
      ["of a paused pair", { ...limitBuy("100", "1"), symbol: "SOLUSDT" }, 30000],
      ["of an offline pair", { ...limitBuy("1", "10"), symbol: "DOGEUSDT" }, 30016],
      ["on a side the pair does not allow", { ...limitBuy("1", "10"), symbol: "XRPUSDT" }, 30001],
      ["without its quantity", { symbol: "BTCUSDT", side: "BUY", type: "LIMIT", price: "50000" }, 700004],
      ["whose price is not a number", limitBuy("1e5", "1"), 33333],
      ["of nothing", limitBuy("50000", "0"), 10102],
      ["sized twice", { symbol: "BTCUSDT", side: "BUY", type: "MARKET", quantity: "1", quoteOrderQty: "5" }, -1128],
      ["with too many decimals in the price", limitBuy("50000.12345", "0.001"), 10096],
      ["with too many decimals in the quantity", limitBuy("50000", "0.000000000123"), 10096],
      ["below the minimum value", limitBuy("50000", "0.00001"), 30002],
      ["above the maximum value", limitBuy("50000", "100000"), 30029],
      ["priced far above the market", limitBuy("90000", "0.001"), 30087],
      ["priced far below the market to sell", { ...limitBuy("20000", "0.001"), side: "SELL" }, 30087],
      ["the account cannot pay", limitBuy("50000", "0.3"), 10101],
      ["of coins the account does not hold", { ...limitBuy("50000", "1.5"), side: "SELL" }, 30005],
      ["with an empty client id", { ...limitBuy("50000", "0.001"), newClientOrderId: "" }, 400],
      ["with a client id of 33 characters", { ...limitBuy("50000", "0.001"), newClientOrderId: "x".repeat(33) }, 400],
      ["with spaces in its client id", { ...limitBuy("50000", "0.001"), newClientOrderId: "a b" }, 700008]
    ]
    for (const [name, order, code] of cases) {
      it.effect(name, () =>
        Effect.gen(function* () {
          const client = yield* fresh()
          refused(yield* client.signed("POST", "/api/v3/order", order), code)
          refused(yield* client.signed("POST", "/api/v3/order/test", order), code)
          const account = yield* client.signed("GET", "/api/v3/account")
          assert.deepStrictEqual(
            account.body.balances.map((each: Json) => [each.asset, each.free, each.locked]).sort(),
            [
              ["BTC", "1", "0"],
              ["USDT", "10000", "0"]
            ]
          )
        })
      )
    }

    it.effect("under a client id that is taken", () =>
      Effect.gen(function* () {
        const client = yield* fresh()
        const order = { ...limitBuy("49000", "0.001"), newClientOrderId: "once" }
        assert.strictEqual((yield* client.signed("POST", "/api/v3/order", order)).status, 200)
        refused(yield* client.signed("POST", "/api/v3/order", order), 603)
        const orders = yield* client.signed("GET", "/api/v3/allOrders", { symbol: "BTCUSDT" })
        assert.strictEqual(orders.body.length, 1)
      })
    )
  })

  describe("keeps an order", () => {
    it.effect("resting until it is cancelled, with its money locked", () =>
      Effect.gen(function* () {
        const client = yield* fresh()
        const placed = yield* client.signed("POST", "/api/v3/order", limitBuy("49000", "0.1"))
        const { orderId } = placed.body
        const open = yield* client.signed("GET", "/api/v3/openOrders")
        assert.deepInclude(open.body[0], { orderId, status: "NEW", clientOrderId: "", updateTime: null })
        const locked = (yield* client.signed("GET", "/api/v3/account")).body.balances.find(
          (each: Json) => each.asset === "USDT"
        ).locked
        assert.isAtLeast(Number(locked), 4_900)

        const cancelled = yield* client.signed("DELETE", "/api/v3/order", { symbol: "BTCUSDT", orderId })
        assert.deepInclude(cancelled.body, { orderId, status: "CANCELED", executedQty: "0" })
        refused(yield* client.signed("DELETE", "/api/v3/order", { symbol: "BTCUSDT", orderId }), -2011)
        const after = (yield* client.signed("GET", "/api/v3/account")).body.balances
        assert.deepInclude(
          after.find((each: Json) => each.asset === "USDT"),
          { free: "10000", locked: "0" }
        )
      })
    )

    it.effect("until the price reaches it, and fills it as maker at its own price", () =>
      Effect.gen(function* () {
        const client = yield* fresh()
        const { body } = yield* client.signed("POST", "/api/v3/order", limitBuy("49000", "0.1"))
        yield* client.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "48900" })
        const order = yield* client.signed("GET", "/api/v3/order", { symbol: "BTCUSDT", orderId: body.orderId })
        assert.deepInclude(order.body, { status: "FILLED", executedQty: "0.1", cummulativeQuoteQty: "4900" })
        const [fill] = (yield* client.signed("GET", "/api/v3/myTrades", { symbol: "BTCUSDT" })).body
        assert.deepInclude(fill, { price: "49000", isMaker: true, isBuyer: true, isSelfTrade: false })
      })
    )

    it.effect("from nobody else: another account neither sees nor cancels it", () =>
      Effect.gen(function* () {
        const client = yield* fresh()
        const { body } = yield* client.signed("POST", "/api/v3/order", limitBuy("49000", "0.1"))
        const other = yield* fresh()
        const named = { symbol: "BTCUSDT", orderId: body.orderId }
        refused(yield* other.signed("GET", "/api/v3/order", named), -2013)
        refused(yield* other.signed("DELETE", "/api/v3/order", named), -2011)
        refused(yield* client.signed("GET", "/api/v3/order", { symbol: "BTCUSDT" }), 700004)
      })
    )
  })

  describe("answers market data", () => {
    it.effect("in the venue's mix of strings and numbers", () =>
      Effect.gen(function* () {
        const client = yield* fresh()
        const get = (path: string) => Effect.map(client.raw("GET", path), (answer) => answer.body)
        const book = yield* get("/api/v3/depth?symbol=BTCUSDT&limit=5")
        assert.isNumber(book.lastUpdateId)
        assert.lengthOf(book.bids, 5)
        assert.isString(book.bids[0][0])
        assert.isBelow(Number(book.bids[0][0]), Number(book.asks[0][0]))

        const ticker = yield* get("/api/v3/ticker/24hr?symbol=BTCUSDT")
        assert.strictEqual(ticker.lastPrice, "50000")
        assert.isNull(ticker.count)
        assert.isNumber(ticker.closeTime)
        assert.isArray(yield* get("/api/v3/ticker/24hr"))
        assert.deepStrictEqual(yield* get("/api/v3/ticker/price?symbol=BTCUSDT"), { symbol: "BTCUSDT", price: "50000" })
        assert.isString((yield* get("/api/v3/ticker/bookTicker?symbol=BTCUSDT")).bidQty)
        const symbols = yield* get("/api/v3/defaultSymbols")
        assert.include(symbols.data, "BTCUSDT")
        assert.notInclude(symbols.data, "ETHUSDT")
        const info = yield* get("/api/v3/exchangeInfo?symbols=BTCUSDT,ETHUSDT")
        assert.deepStrictEqual(
          info.symbols.map((each: Json) => each.isSpotTradingAllowed),
          [true, false]
        )
        refused(yield* client.raw("GET", "/api/v3/exchangeInfo?symbol=btcusdt"), -1121)
        refused(yield* client.raw("GET", "/api/v3/depth?symbol=NOPE"), -1121)
        refused(yield* client.raw("GET", "/api/v3/depth"), 700004)
      })
    )

    it.effect("as klines of eight fields that end where the next begins, end time exclusive", () =>
      Effect.gen(function* () {
        const client = yield* fresh()
        const klines = (query: string) =>
          Effect.map(client.raw("GET", `/api/v3/klines?symbol=BTCUSDT&${query}`), (answer) => answer.body)
        const hours = yield* klines("interval=60m&limit=10")
        assert.lengthOf(hours, 10)
        for (const [openTime, , , , , , closeTime] of hours) assert.strictEqual(closeTime, openTime + 3_600_000)
        assert.lengthOf(hours[0], 8)
        const [first, second, third] = hours.map((each: Json) => each[0])
        const window = yield* klines(`interval=60m&startTime=${first}&endTime=${third}`)
        assert.deepStrictEqual(
          window.map((each: Json) => each[0]),
          [first, second]
        )
        refused(yield* client.raw("GET", "/api/v3/klines?symbol=BTCUSDT&interval=1h"), 33333)
      })
    )
  })

  describe("answers everything as JSON", () => {
    it.effect("unknown paths and wrong methods too", () =>
      Effect.gen(function* () {
        const { alice: client } = yield* clients
        refused(yield* client.raw("GET", "/nowhere"), 404, 404)
        refused(yield* client.raw("DELETE", "/api/v3/ping"), 405, 405)
        refused(yield* client.raw("POST", "/paper/v1/accounts", { body: "{" }), 400)
        refused(yield* client.raw("POST", "/api/v3/order", { body: "x".repeat(70_000) }), 413, 413)
        refused(yield* client.raw("POST", "/paper/v1/accounts", { body: "x".repeat(1_100_000) }), 413, 413)
      })
    )
  })

  describe("manages listen keys", () => {
    it.effect("makes, lists, extends and removes them, at most sixty per account", () =>
      Effect.gen(function* () {
        const client = yield* fresh()
        const call = (method: string, parameters = {}) => client.signed(method, "/api/v3/userDataStream", parameters)
        const { listenKey } = (yield* call("POST")).body
        assert.match(listenKey, /^[0-9a-f]{64}$/)
        assert.deepStrictEqual((yield* call("GET")).body, { listenKey: [listenKey] })
        assert.deepStrictEqual((yield* call("PUT", { listenKey })).body, { listenKey })
        for (let i = 0; i < 59; i++) yield* call("POST")
        refused(yield* call("POST"), 400)
        assert.deepStrictEqual((yield* call("DELETE", { listenKey })).body, { listenKey })
        refused(yield* call("PUT", { listenKey }), 400)
      })
    )
  })
})

describe("its limits", () => {
  layer(PaperExchange.layer({ ...stillExchange, limits: { ipWeight: 30 } }), { excludeTestServices: true })((it) => {
    it.effect("answer 429 with the seconds to wait, and are counted", () =>
      Effect.gen(function* () {
        const { alice: client } = yield* clients
        assert.strictEqual((yield* client.raw("GET", "/api/v3/exchangeInfo")).status, 200)
        const over = yield* client.raw("GET", "/api/v3/exchangeInfo")
        refused(over, 429, 429)
        assert.isAtLeast(Number(over.headers.get("retry-after")), 1)
        const { body } = yield* client.raw("GET", "/paper/v1/counters")
        assert.deepInclude(body, { requests: 2, refusedByLimit: 1, maxIpWeight: 50 })
      })
    )
  })
})
