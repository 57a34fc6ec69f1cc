import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { Permission } from "../../../src/paper/Requests.ts"
import { roomyExchange } from "../kit/ccxtClient.ts"
import { makeClient, type Json } from "../kit/SignedClient.ts"

const hour = 3_600_000
const day = 24 * hour
const symbol = "BTCUSDT"

let opened = 0
/** An account on an exchange whose market time moves by hand only. */
const trader = Effect.gen(function* () {
  const { url } = yield* PaperExchange
  const accessKey = `mx0window${++opened}`
  const client = makeClient(url, accessKey, "secret")
  yield* client.control("POST", "/paper/v1/accounts", {
    accessKey,
    secretKey: "secret",
    balances: { USDT: "100000", BTC: "10" },
    permissions: Permission.literals
  })
  yield* client.control("POST", "/paper/v1/price", { symbol, price: "50000" })
  const now = Effect.map(client.control("GET", "/paper/v1/clock"), ({ body }): number => body.marketNow)
  const advance = (ms: number) => client.control("POST", "/paper/v1/advance", { ms })
  const place = (price: string) =>
    Effect.map(
      client.signed("POST", "/api/v3/order", { symbol, side: "BUY", type: "LIMIT", price, quantity: "0.001" }),
      ({ body }) => body.orderId
    )
  const get = (path: string, parameters: Record<string, string | number> = {}) =>
    Effect.map(
      client.signed(
        "GET",
        `/api/v3/${path}`,
        Object.fromEntries(Object.entries({ symbol, ...parameters }).map(([name, value]) => [name, String(value)]))
      ),
      ({ body }): Json => body
    )
  return { client, now, advance, place, get }
})

const ids = (orders: Json) => orders.map((each: Json) => each.orderId)

layer(PaperExchange.layer({ ...roomyExchange, speed: 0 }), { excludeTestServices: true })("a list", (it) => {
  it.effect("of all orders is of the last 24 hours, or of a window within seven days, newest first", () =>
    Effect.gen(function* () {
      const { advance, get, now, place } = yield* trader
      const first = yield* place("45000")
      const firstAt = yield* now
      yield* advance(25 * hour)
      const second = yield* place("45001")
      yield* advance(1_000)
      const third = yield* place("45002")
      const thirdAt = yield* now
      assert.deepStrictEqual(ids(yield* get("allOrders")), [third, second])
      assert.deepStrictEqual(ids(yield* get("allOrders", { startTime: firstAt })), [third, second, first])
      assert.deepStrictEqual(ids(yield* get("allOrders", { startTime: firstAt, endTime: thirdAt - 1 })), [
        second,
        first
      ])
      assert.deepStrictEqual(ids(yield* get("allOrders", { endTime: firstAt })), [first])
      assert.deepStrictEqual(ids(yield* get("allOrders", { startTime: firstAt, limit: 1 })), [third])
      assert.strictEqual((yield* get("allOrders", { startTime: thirdAt, endTime: firstAt })).code, 400)
      assert.strictEqual((yield* get("allOrders", { startTime: "yesterday" })).code, 33333)
      yield* advance(6 * day)
      assert.deepStrictEqual(ids(yield* get("allOrders", { startTime: 0 })), [third, second])
      yield* advance(day + 1)
      assert.deepStrictEqual(ids(yield* get("allOrders", { startTime: 0 })), [])
      assert.lengthOf(ids(yield* get("openOrders")), 3)
    })
  )

  it.effect("of own trades is of a month and of a hundred at most", () =>
    Effect.gen(function* () {
      const { advance, client, get, now } = yield* trader
      const buy = { symbol, side: "BUY", type: "MARKET", quantity: "0.0001" }
      const { body: early } = yield* client.signed("POST", "/api/v3/order", buy)
      const earlyAt = yield* now
      yield* advance(1_000)
      for (let i = 0; i < 100; i++) yield* client.signed("POST", "/api/v3/order", buy)
      assert.lengthOf(yield* get("myTrades"), 100)
      assert.lengthOf(yield* get("myTrades", { limit: 1_000 }), 100)
      assert.lengthOf(yield* get("myTrades", { limit: 7 }), 7)
      assert.deepStrictEqual(ids(yield* get("myTrades", { endTime: earlyAt })), [early.orderId])
      assert.deepStrictEqual(ids(yield* get("myTrades", { orderId: early.orderId })), [early.orderId])
      assert.deepStrictEqual(yield* get("myTrades", { orderId: "nowhere" }), [])
      yield* advance(30 * day)
      assert.deepStrictEqual(yield* get("myTrades", { orderId: early.orderId, startTime: 0 }), [])
      assert.lengthOf(yield* get("myTrades", { startTime: 0 }), 100)
    })
  )

  it.effect("of deposits and withdrawals is of a week, within ninety days", () =>
    Effect.gen(function* () {
      const { advance, get, now } = yield* trader
      const openedAt = yield* now
      yield* advance(8 * day)
      const at = yield* now
      assert.deepStrictEqual(yield* get("capital/deposit/hisrec"), [])
      const rows = yield* get("capital/deposit/hisrec", { startTime: openedAt - day })
      assert.sameMembers(
        rows.map((each: Json) => each.amount),
        ["100000", "10"]
      )
      const older = { startTime: openedAt - day, endTime: openedAt + hour }
      assert.lengthOf(yield* get("capital/deposit/hisrec", { ...older, coin: "BTC" }), 1)
      assert.lengthOf(yield* get("capital/deposit/hisrec", { ...older, coin: "USDT-ETH", status: 5 }), 1)
      assert.lengthOf(yield* get("capital/deposit/hisrec", { ...older, status: 4 }), 0)
      assert.lengthOf(yield* get("capital/deposit/hisrec", { ...older, limit: 1 }), 1)
      for (const path of ["capital/deposit/hisrec", "capital/withdraw/history"]) {
        const early = yield* get(path, { startTime: at - 91 * day })
        assert.deepStrictEqual(early, { code: 400, msg: "The start time cannot be earlier than 90 days" })
        assert.strictEqual((yield* get(path, { startTime: at - 8 * day, endTime: at })).code, 400)
      }
    })
  )

  it.effect("of candles has 500 at most and ends before its end time", () =>
    Effect.gen(function* () {
      const { get } = yield* trader
      const minutes = (more: Record<string, number> = {}) => get("klines", { interval: "1m", ...more })
      const past = yield* minutes()
      assert.lengthOf(past, 500)
      assert.lengthOf(yield* minutes({ limit: 1_000 }), 500)
      const at = past[2][0]
      const window = yield* minutes({ startTime: at, endTime: at + 180_000 })
      assert.deepStrictEqual(
        window.map((each: Json) => each[0]),
        [at, at + 60_000, at + 120_000]
      )
      assert.strictEqual((yield* minutes({ startTime: at, endTime: at + 180_001 })).length, 4)
      const before = yield* minutes({ endTime: at, limit: 2 })
      assert.deepStrictEqual(
        before.map((each: Json) => each[6]),
        [at - 60_000, at]
      )
      for (const interval of ["1h", "8h", "1w", "60M", ""]) {
        assert.isNumber((yield* get("klines", { interval })).code, interval)
      }
    })
  )

  it.effect("of aggregated trades is of whole seconds, between both of its times", () =>
    Effect.gen(function* () {
      const { advance, client, get, now } = yield* trader
      const print = (price: string) =>
        client.control("POST", "/paper/v1/price", { symbol, price, quantity: "0.5", takerSide: "sell" })
      const second = Math.ceil((yield* now) / 1_000) * 1_000 + 5_000
      yield* advance(second - (yield* now))
      yield* print("50001")
      yield* advance(300)
      yield* print("50001")
      yield* advance(300)
      yield* print("50002")
      yield* advance(5_000)
      yield* print("50003")
      const rows = yield* get("aggTrades", { startTime: second, endTime: second + 999 })
      assert.deepStrictEqual(
        rows.map((each: Json) => [each.p, each.q, each.T, each.m]),
        [
          ["50002", "0.5", second, true],
          ["50001", "1", second, true]
        ]
      )
      assert.lengthOf(yield* get("aggTrades", { limit: 1 }), 1)
      assert.strictEqual((yield* get("aggTrades", { endTime: second })).code, -1128)
    })
  )
})
