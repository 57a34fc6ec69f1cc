import { assert, layer } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { Permission } from "../../../src/paper/Requests.ts"
import { roomyExchange } from "../kit/ccxtClient.ts"
import { makeClient, sign, type Answer } from "../kit/SignedClient.ts"

const path = "/api/v3/order"

const refused = (answer: Answer, code: number, why: string) => {
  assert.strictEqual(answer.body.code, code, `${why}: ${JSON.stringify(answer.body)}`)
  assert.strictEqual(answer.status, 400, why)
  assert.isString(answer.body.msg, why)
}

/** Everything is wrong with this order, but its pair's name. */
const worst = {
  symbol: "ETHUSDT",
  side: "BUY",
  type: "MARKET",
  newClientOrderId: "not allowed",
  quantity: "0.1234567890123",
  quoteOrderQty: "0"
}

let opened = 0
const account = (balances: Record<string, string>, permissions: ReadonlyArray<string> = Permission.literals) =>
  Effect.gen(function* () {
    const { url } = yield* PaperExchange
    const accessKey = `mx0checks${++opened}`
    const client = makeClient(url, accessKey, "secret")
    yield* client.control("POST", "/paper/v1/accounts", { accessKey, secretKey: "secret", balances, permissions })
    return { ...client, accessKey, url }
  })

layer(PaperExchange.layer(roomyExchange), { excludeTestServices: true })("an order is judged", (it) => {
  it.effect("by its caller first: key, signature, time, permission, and only then the order", () =>
    Effect.gen(function* () {
      const { accessKey, raw, url } = yield* account({}, ["SPOT_ACCOUNT_READ"])
      const now = yield* Clock.currentTimeMillis
      const stale = `symbol=NOPE&timestamp=${now - 60_000}`
      const staleAndWide = `${stale}&recvWindow=60001`
      const fresh = `symbol=NOPE&timestamp=${now}`
      const send = (key: string | null, query: string, type = "text/plain") =>
        raw("POST", `${path}?${query}`, {
          headers: { ...(key === null ? {} : { "X-MEXC-APIKEY": key }), "Content-Type": type }
        })
      const signed = (query: string, secret = "secret") => `${query}&signature=${sign(secret, query)}`
      refused(yield* send(null, staleAndWide), 400, "no key")
      refused(yield* send("bad key", staleAndWide), 700001, "a key of the wrong form")
      refused(yield* send("mx0nobody", staleAndWide), 10072, "an unknown key")
      refused(yield* send(accessKey, staleAndWide), 700004, "no signature")
      refused(yield* send(accessKey, signed(staleAndWide, "other")), 700002, "another's signature")
      refused(yield* send(accessKey, signed(staleAndWide)), 700005, "too wide a window")
      refused(yield* send(accessKey, signed(stale)), 700003, "an old time")
      refused(yield* send(accessKey, signed(fresh)), 700007, "no permission")

      const trader = yield* account({})
      const query = signed(fresh)
      const sent = (type: string) =>
        raw("POST", `${path}?${query}`, { headers: { "X-MEXC-APIKEY": trader.accessKey, "Content-Type": type } })
      refused(yield* sent("text/plain"), 700013, "a wrong content type")
      refused(yield* sent("application/json"), -1121, "an unknown symbol")
      assert.isString(url)
    })
  )

  it.effect("then by its pair, its kind, its parameters, its size, its price and its money, in this order", () =>
    Effect.gen(function* () {
      const { control, signed } = yield* account({ USDT: "100", ETH: "0.5" })
      yield* control("POST", "/paper/v1/price", { symbol: "ETHUSDT", price: "3000" })
      const change = (what: object) => control("POST", "/paper/v1/pairs", { symbol: "ETHUSDT", ...what })
      const next = Effect.fnUntraced(function* (order: Record<string, string>, code: number, why: string) {
        refused(yield* signed("POST", path, order), code, why)
        refused(yield* signed("POST", `${path}/test`, order), code, `${why}, as a test`)
      })

      const closed = { apiTrading: false, status: "3", tradeSideType: 3, marketOrders: false, limitOrders: false }
      yield* change({ ...closed, listed: false })
      yield* next(worst, -1121, "a pair that is not listed")
      yield* change({ listed: true })
      yield* next(worst, 10007, "a pair that is off for the API")
      yield* next({ ...worst, side: "?", type: "?", price: "1e5" }, 10007, "the same with an unreadable order")
      yield* change({ apiTrading: true })
      yield* next(worst, 30016, "a pair that is offline")
      yield* change({ status: "2" })
      yield* next(worst, 30000, "a pair that is suspended")
      yield* change({ status: "1" })
      yield* next(worst, 30001, "a pair that takes the other side only")
      yield* change({ tradeSideType: 1 })
      yield* next(worst, 30019, "a pair without market orders")
      yield* next({ ...worst, type: "LIMIT" }, 30041, "a pair without limit orders")
      yield* change({ marketOrders: true, limitOrders: true, minNotional: "10", maxNotional: "20000" })

      yield* next(worst, 700008, "illegal characters in the client's id")
      yield* next({ ...worst, newClientOrderId: "x".repeat(33) }, 400, "a client's id that is too long")
      const { newClientOrderId: _id, ...unnamed } = worst
      yield* next(unnamed, -1128, "both a quantity and an amount")
      const { quantity: _quantity, quoteOrderQty: _amount, ...sizeless } = unnamed
      yield* next(sizeless, 700004, "neither a quantity nor an amount")
      const limit = { ...sizeless, type: "LIMIT", price: "9000.123", quantity: "0.0000001" }
      const { price: _price, ...priceless } = limit
      yield* next(priceless, 700004, "no price")
      yield* next({ ...limit, quantity: "0" }, 10102, "nothing")
      yield* next({ ...limit, quantity: "1e3" }, 33333, "no plain decimal")
      yield* next(limit, 10096, "too fine a quantity")
      yield* next({ ...limit, quantity: "0.0001" }, 10096, "too fine a price")
      yield* next({ ...limit, quantity: "0.0001", price: "9000" }, 30002, "below the minimum value")
      yield* next({ ...limit, quantity: "3", price: "9000" }, 30029, "above the maximum value")
      yield* next({ ...limit, quantity: "1", price: "9000" }, 30087, "outside the price range")
      yield* next({ ...limit, quantity: "1", price: "3000" }, 10101, "more than the account has")
      yield* next({ ...limit, side: "SELL", quantity: "1", price: "1000" }, 30087, "a sell outside the price range")
      yield* next({ ...limit, side: "SELL", quantity: "1", price: "3000" }, 30005, "more than the account holds")
      assert.strictEqual((yield* signed("POST", path, { ...limit, quantity: "0.01", price: "2900" })).status, 200)
    })
  )

  it.effect("a market order has limits of its own", () =>
    Effect.gen(function* () {
      const { control, signed } = yield* account({ USDT: "100000" })
      yield* control("POST", "/paper/v1/price", { symbol: "SOLUSDT", price: "200" })
      const limits = { marketMinNotional: "50", marketMaxNotional: "500" }
      yield* control("POST", "/paper/v1/pairs", { symbol: "SOLUSDT", ...limits })
      const buy = (quoteOrderQty: string) =>
        signed("POST", path, { symbol: "SOLUSDT", side: "BUY", type: "MARKET", quoteOrderQty })
      refused(yield* buy("49"), 30002, "below")
      refused(yield* buy("501"), 30029, "above")
      assert.strictEqual((yield* buy("50")).status, 200)
      const info = yield* signed("GET", "/api/v3/exchangeInfo", { symbol: "SOLUSDT" })
      assert.deepInclude(info.body.symbols[0], { quoteAmountPrecisionMarket: "50", maxQuoteAmountMarket: "500" })
    })
  )

  it.effect("an account has 500 open orders at most, counted before its money", () =>
    Effect.gen(function* () {
      const { control, signed } = yield* account({ USDT: "10000" })
      yield* control("POST", "/paper/v1/price", { symbol: "DOGEUSDT", price: "0.3" })
      const order = { symbol: "DOGEUSDT", side: "BUY", type: "LIMIT", price: "0.25", quantity: "10" }
      for (let i = 0; i < 500; i++) {
        const placed = yield* signed("POST", path, order)
        assert.strictEqual(placed.status, 200, JSON.stringify(placed.body))
      }
      const poor = { ...order, quantity: "1000000" }
      const over = yield* signed("POST", path, poor)
      refused(over, 400, "the 501st")
      assert.include(over.body.msg, "500")
      assert.lengthOf((yield* signed("GET", "/api/v3/openOrders")).body, 500)
      assert.lengthOf((yield* signed("DELETE", "/api/v3/openOrders", { symbol: "DOGEUSDT" })).body, 500)
      refused(yield* signed("POST", path, poor), 10101, "more than the account has")
    })
  )
})
