import { connect } from "node:net"
import { assert, describe, layer } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { Permission } from "../../../src/paper/Requests.ts"
import { roomyExchange } from "../kit/ccxtClient.ts"
import { makeClient, sign } from "../kit/SignedClient.ts"

const secret = "secret"
const accessKey = "mx0habits"

const opened = Effect.gen(function* () {
  const { url } = yield* PaperExchange
  const client = makeClient(url, accessKey, secret)
  const balances = { USDT: "10000", BTC: "1" }
  yield* client.control("POST", "/paper/v1/accounts", {
    accessKey,
    secretKey: secret,
    balances,
    permissions: Permission.literals
  })
  return client
})

const limitOrder = { symbol: "BTCUSDT", side: "BUY", type: "LIMIT", quantity: "0.001", price: "50000" }

layer(PaperExchange.layer(roomyExchange), { excludeTestServices: true })("what other clients are used to", (it) => {
  describe("addresses", () => {
    it.effect("a base URL that ends with a slash, put before paths that begin with one", () =>
      Effect.gen(function* () {
        const { raw } = yield* opened
        const { body, status } = yield* raw("GET", "//api/v3/ping")
        assert.deepStrictEqual([status, body], [200, {}])
        const control = yield* raw("GET", "//paper/v1/clock")
        assert.strictEqual(control.status, 200)
      })
    )

    it.effect("HEAD where there is a GET, to see whether somebody is there", () =>
      Effect.gen(function* () {
        const { url } = yield* PaperExchange
        const answer = yield* Effect.promise(() => fetch(`${url}/api/v3/ping`, { method: "HEAD" }))
        assert.deepStrictEqual([answer.status, answer.headers.get("content-length")], [200, "2"])
      })
    )
  })

  describe("parameters", () => {
    it.effect("symbols as the official SDK writes a list", () =>
      Effect.gen(function* () {
        const { raw } = yield* opened
        const named = (symbols: string) =>
          Effect.map(raw("GET", `/api/v3/exchangeInfo?symbols=${encodeURIComponent(symbols)}`), ({ body }) =>
            body.symbols?.map((each: { symbol: string }) => each.symbol)
          )
        assert.deepStrictEqual(yield* named(`["BTCUSDT","ETHUSDT"]`), ["BTCUSDT", "ETHUSDT"])
        assert.deepStrictEqual(yield* named(`["ETHUSDT"]`), ["ETHUSDT"])
        assert.deepStrictEqual(yield* named("BTCUSDT,ETHUSDT"), ["BTCUSDT", "ETHUSDT"])
        assert.strictEqual(yield* named(`["BTCUSDT","NOPE"]`), undefined)
        assert.strictEqual(yield* named(`["BTCUSDT"`), undefined)
      })
    )

    it.effect("truth as Python writes it", () =>
      Effect.gen(function* () {
        const { signed } = yield* opened
        for (const [written, meant] of [
          ["True", true],
          ["False", false],
          ["TRUE", true],
          ["false", false]
        ] as const) {
          const { body } = yield* signed("POST", "/api/v3/mxDeduct/enable", { mxDeductEnable: written })
          assert.strictEqual(body.data?.mxDeductEnable, meant, written)
        }
        const { body } = yield* signed("POST", "/api/v3/mxDeduct/enable", { mxDeductEnable: "perhaps" })
        assert.strictEqual(body.code, 33333)
      })
    )

    it.effect("a quote amount that is a valid price times a valid quantity, with all its decimals", () =>
      Effect.gen(function* () {
        const { signed } = yield* opened
        const buy = (quoteOrderQty: string) =>
          signed("POST", "/api/v3/order/test", { symbol: "PEPEUSDT", side: "BUY", type: "MARKET", quoteOrderQty })
        assert.deepStrictEqual((yield* buy("12.3000001234")).body, {})
        assert.strictEqual((yield* buy("12.30000012345")).body.code, 10096)
        const inBtc = { symbol: "BTCUSDT", side: "BUY", type: "MARKET", quoteOrderQty: "12.123456789" }
        assert.strictEqual((yield* signed("POST", "/api/v3/order/test", inBtc)).body.code, 10096)
      })
    )

    it.effect("in a JSON body, signed as it was sent", () =>
      Effect.gen(function* () {
        const { raw, signed } = yield* opened
        const post = (method: string, path: string, content: unknown) =>
          Effect.flatMap(Clock.currentTimeMillis, (now) => {
            const [query, body] = [`timestamp=${now}`, JSON.stringify(content)]
            return raw(method, `${path}?${query}&signature=${sign(secret, query + body)}`, {
              headers: { "X-MEXC-APIKEY": accessKey, "Content-Type": "application/json" },
              body
            })
          })
        const placed = yield* post("POST", "/api/v3/order", {
          ...limitOrder,
          quantity: 0.001,
          newClientOrderId: "js-1"
        })
        assert.strictEqual(placed.status, 200, JSON.stringify(placed.body))
        assert.deepInclude(placed.body, { symbol: "BTCUSDT", price: "50000", origQty: "0.001" })
        const batch = yield* post("POST", "/api/v3/batchOrders", { batchOrders: [limitOrder, limitOrder] })
        assert.strictEqual(batch.body.length, 2, JSON.stringify(batch.body))
        const cancelled = yield* post("DELETE", "/api/v3/order", { symbol: "BTCUSDT", origClientOrderId: "js-1" })
        assert.strictEqual(cancelled.body.orderId, placed.body.orderId)
        const empty = yield* post("POST", "/api/v3/userDataStream", {})
        assert.match(empty.body.listenKey, /^[0-9a-f]{64}$/)
        yield* signed("DELETE", "/api/v3/order/all")
      })
    )

    it.effect("nothing that a JSON body holds may go unsigned, nor outdo the query", () =>
      Effect.gen(function* () {
        const { raw } = yield* opened
        const now = yield* Clock.currentTimeMillis
        const query = new URLSearchParams({ ...limitOrder, timestamp: String(now) }).toString()
        const headers = { "X-MEXC-APIKEY": accessKey, "Content-Type": "application/json" }
        const body = JSON.stringify({ price: "1" })
        const unsigned = yield* raw("POST", `/api/v3/order/test?${query}&signature=${sign(secret, query)}`, {
          headers,
          body
        })
        assert.strictEqual(unsigned.body.code, 700002)
        const both = yield* raw("POST", `/api/v3/order/test?${query}&signature=${sign(secret, query + body)}`, {
          headers,
          body
        })
        assert.deepStrictEqual(both.body, {}, "the query's price holds: a price of 1 is below the least value")
      })
    )
  })

  describe("every refusal carries a code", () => {
    /** All that comes back on a connection of its own for these bytes. */
    const answerTo = (port: number, text: string) =>
      Effect.async<string>((resume) => {
        let heard = ""
        const socket = connect(port, "127.0.0.1", () => socket.write(text))
        socket.on("data", (some) => (heard += some.toString()))
        socket.on("close", () => resume(Effect.succeed(heard)))
        socket.on("error", () => undefined)
      })
    const refusedWith = (answer: string) => {
      const [head = "", body = ""] = answer.split("\r\n\r\n")
      assert.include(head.toLowerCase(), "content-type: application/json")
      assert.include(head.toLowerCase(), `content-length: ${body.length}`)
      return { status: Number(head.split(" ")[1]), code: JSON.parse(body).code }
    }

    it.effect("also of what is no HTTP, of headers too long, and of a stream nobody serves", () =>
      Effect.gen(function* () {
        const { port } = yield* PaperExchange
        const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
        for (const [text, status] of [
          ["no http at all\r\n\r\n", 400],
          [`GET /api/v3/ping HTTP/1.1\r\nHost: x\r\nX-Long: ${"x".repeat(20_000)}\r\n\r\n`, 431],
          [`GET /elsewhere HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`, 404]
        ] as const) {
          assert.deepStrictEqual(refusedWith(yield* answerTo(port, text)), { status, code: status })
        }
      })
    )
  })

  describe("the wallet", () => {
    it.effect("money that came from nowhere came over a network the coin has, to the account's address there", () =>
      Effect.gen(function* () {
        const { signed } = yield* opened
        const { body: deposits } = yield* signed("GET", "/api/v3/capital/deposit/hisrec", { coin: "USDT" })
        const { body: addresses } = yield* signed("GET", "/api/v3/capital/deposit/address", { coin: "USDT" })
        const { address, coin, netWork } = deposits[0]
        assert.strictEqual(coin, "USDT")
        const offered = addresses.find((each: { netWork: string }) => each.netWork === netWork)
        assert.strictEqual(offered?.address, address, JSON.stringify({ deposits, addresses }))
      })
    )
  })
})
