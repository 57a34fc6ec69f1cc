import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { roomyExchange } from "../kit/ccxtClient.ts"
import { makeClient, type Answer, type Json } from "../kit/SignedClient.ts"

let opened = 0
/** Each test has an account of its own: two batches a second are all that one may send. */
const batchOf = Effect.gen(function* () {
  const { url } = yield* PaperExchange
  const accessKey = `mx0batch${++opened}`
  const client = makeClient(url, accessKey, "secret")
  yield* client.control("POST", "/paper/v1/accounts", {
    accessKey,
    secretKey: "secret",
    balances: { USDT: "1000", BTC: "1" }
  })
  yield* client.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "50000" })
  const text = (batchOrders: string) => client.signed("POST", "/api/v3/batchOrders", { batchOrders })
  return { client, text, batch: (orders: ReadonlyArray<unknown>) => text(JSON.stringify(orders)) }
})

const buy = (more: object = {}) => ({
  symbol: "BTCUSDT",
  side: "BUY",
  type: "LIMIT",
  quantity: "0.001",
  price: "49000",
  ...more
})

const refusedWhole = (answer: Answer, code: number) => {
  assert.strictEqual(answer.status, 400, JSON.stringify(answer.body))
  assert.strictEqual(answer.body.code, code, JSON.stringify(answer.body))
}

layer(PaperExchange.layer(roomyExchange), { excludeTestServices: true })("a batch of orders", (it) => {
  it.effect("is answered in its order, good and bad, and a refused order does not stop the next", () =>
    Effect.gen(function* () {
      const { batch, client } = yield* batchOf
      const { body, status } = yield* batch([
        buy({ newClientOrderId: "good-1" }),
        buy({ quantity: "0.00001", newClientOrderId: "small" }),
        buy({ side: "?" }),
        buy({ quantity: "1", newClientOrderId: "poor" }),
        buy({ newClientOrderId: "good-1" }),
        buy({ newClientOrderId: "good-2" })
      ])
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(
        body.map((each: Json) => each.code ?? each.newClientOrderId),
        ["good-1", 30002, 33333, 10101, 603, "good-2"]
      )
      assert.deepInclude(body[0], { symbol: "BTCUSDT", orderListId: -1, price: "49000", origQty: "0.001", side: "BUY" })
      assert.deepInclude(body[1], { newClientOrderId: "small" })
      assert.isString(body[1].msg)
      assert.notProperty(body[2], "newClientOrderId")
      const open = (yield* client.signed("GET", "/api/v3/openOrders")).body
      assert.sameMembers(
        open.map((each: Json) => each.orderId),
        [body[0].orderId, body[5].orderId]
      )
    })
  )

  it.effect("spends what the orders before left over", () =>
    Effect.gen(function* () {
      const { batch } = yield* batchOf
      const { body } = yield* batch([
        buy({ quantity: "0.015" }),
        buy({ quantity: "0.015" }),
        buy({ quantity: "0.004" })
      ])
      assert.deepStrictEqual(
        body.map((each: Json) => each.code ?? "placed"),
        ["placed", 10101, "placed"]
      )
    })
  )

  it.effect("may write numbers as numbers and the type as the documentation's sample does", () =>
    Effect.gen(function* () {
      const { batch, client } = yield* batchOf
      const numbers = { quantity: 0.001, price: 48000, newClientOrderId: 1002 }
      const { body } = yield* batch([buy({ ...numbers, type: "LIMIT_ORDER" })])
      assert.deepInclude(body[0], { price: "48000", origQty: "0.001", type: "LIMIT", newClientOrderId: "1002" })
      const named = { symbol: "BTCUSDT", origClientOrderId: "1002" }
      assert.strictEqual((yield* client.signed("GET", "/api/v3/order", named)).body.price, "48000")
    })
  )

  it.effect("has twenty orders at most", () =>
    Effect.gen(function* () {
      const { batch, client } = yield* batchOf
      const orders = (count: number) => Array.from({ length: count }, () => buy({ price: "45000" }))
      refusedWhole(yield* batch(orders(21)), 400)
      assert.lengthOf((yield* client.signed("GET", "/api/v3/openOrders")).body, 0)
      assert.lengthOf((yield* batch(orders(20))).body, 20)
      assert.lengthOf((yield* client.signed("GET", "/api/v3/openOrders")).body, 20)
    })
  )

  it.effect("is of one symbol, that is known", () =>
    Effect.gen(function* () {
      const { batch, client } = yield* batchOf
      refusedWhole(yield* batch([buy(), buy({ symbol: "MXUSDT" })]), 400)
      assert.lengthOf((yield* client.signed("GET", "/api/v3/openOrders")).body, 0)
      const { body } = yield* batch([buy({ symbol: "NOPE" })])
      assert.strictEqual(body[0].code, -1121)
    })
  )

  it.effect("must be a list of orders", () =>
    Effect.gen(function* () {
      for (const text of ["[", "{}", "[1]", "null"]) refusedWhole(yield* (yield* batchOf).text(text), 33333)
      refusedWhole(yield* (yield* batchOf).text("[]"), 700004)
      const { client } = yield* batchOf
      refusedWhole(yield* client.signed("POST", "/api/v3/batchOrders"), 700004)
    })
  )

  it.effect("is sent twice a second at most", () =>
    Effect.gen(function* () {
      const { batch, client } = yield* batchOf
      assert.strictEqual((yield* batch([buy()])).status, 200)
      assert.strictEqual((yield* batch([buy()])).status, 200)
      const third = yield* batch([buy()])
      assert.strictEqual(third.status, 429)
      assert.isAtLeast(Number(third.headers.get("retry-after")), 1)
      assert.lengthOf((yield* client.signed("GET", "/api/v3/openOrders")).body, 2)
    })
  )
})
