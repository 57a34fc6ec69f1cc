import { assert, describe, layer } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { alice, clients, makeClient, sign, stillExchange, type Answer } from "../kit/SignedClient.ts"

const exchange = PaperExchange.layer({
  ...stillExchange,
  limits: { ipWeight: 100_000, uidWeight: 100_000, ordersPerSecond: 100_000 }
})

const refused = (answer: Answer, code: number, about?: RegExp) => {
  assert.strictEqual(answer.status, 400, JSON.stringify(answer.body))
  assert.strictEqual(answer.body.code, code, JSON.stringify(answer.body))
  if (about !== undefined) assert.match(answer.body.msg, about)
}

/** Sends bytes as they stand, signed by RFC 3986 as `text` unless another text is signed. */
const send = (
  method: string,
  path: string,
  parts: {
    readonly query?: string
    readonly body?: string
    readonly signed?: string
    readonly headers?: Record<string, string>
    readonly secret?: string
    readonly signature?: (hex: string) => string
  }
) =>
  Effect.flatMap(clients, ({ alice: client }) => {
    const { body = "", query = "", secret = alice.secretKey, signature = (hex) => hex } = parts
    const hex = signature(sign(secret, parts.signed ?? query + body))
    const headers = { "X-MEXC-APIKEY": alice.accessKey, "Content-Type": "application/json", ...parts.headers }
    const target = body === "" ? `${path}?${query}&signature=${hex}` : `${path}?${query}`
    return client.raw(method, target, { headers, ...(body === "" ? {} : { body: `${body}&signature=${hex}` }) })
  })

const now = Effect.map(Clock.currentTimeMillis, String)

layer(exchange, { excludeTestServices: true })("authentication at the paper exchange", (it) => {
  describe("takes what was signed as it was sent:", () => {
    /** A client id and what the exchange makes of it when the signature fits: it may be illegal, never badly signed. */
    const awkward: ReadonlyArray<readonly [name: string, encoded: string, code: number | null]> = [
      ["a space", "a%20b", 700008],
      ["a plus sign", "a%2Bb", 700008],
      ["a bare plus sign", "a+b", 700008],
      ["a percent sign", "a%25b", 700008],
      ["a comma", "a%2Cb", 700008],
      ["a bare comma", "a,b", 700008],
      ["parentheses", "%28a%29", 700008],
      ["UTF-8", "%C3%BCber%E4%BD%A0", 700008],
      ["unreserved characters that were escaped", "a%2Db%5Fc", null],
      ["lower-case escapes, signed as sent", "a%2db%5fc", null]
    ]
    for (const [name, encoded, code] of awkward) {
      it.effect(name, () =>
        Effect.gen(function* () {
          const text = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=0.001&price=1"
          yield* (yield* clients).alice.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price: "50000" })
          const query = `${text}&newClientOrderId=${encoded}&timestamp=${yield* now}`
          const answer = yield* send("POST", "/api/v3/order/test", { query })
          if (code === null) assert.notInclude([700002, 700008], answer.body.code, JSON.stringify(answer.body))
          else refused(answer, code)
        })
      )
    }

    it.effect("other bytes than the signed ones are refused, though they mean the same", () =>
      Effect.gen(function* () {
        const at = yield* now
        const sent = `symbol=BTCUSDT&newClientOrderId=a%2Cb&timestamp=${at}`
        const variants = [sent.replace("%2C", "%2c"), sent.replace("%2C", ","), `timestamp=${at}&${sent}`]
        for (const signed of variants) refused(yield* send("GET", "/api/v3/order", { query: sent, signed }), 700002)
      })
    )

    for (const [method, path] of [
      ["POST", "/api/v3/userDataStream"],
      ["PUT", "/api/v3/userDataStream"],
      ["DELETE", "/api/v3/userDataStream"]
    ] as const) {
      it.effect(`parameters of a ${method} in the query, in the body, or in both without & between`, () =>
        Effect.gen(function* () {
          const create = yield* send("POST", "/api/v3/userDataStream", { query: `timestamp=${yield* now}` })
          const key = `listenKey=${create.body.listenKey}`
          const at = `timestamp=${yield* now}`
          const ways = [{ query: `${key}&${at}` }, { body: `${key}&${at}` }, { query: key, body: at }]
          for (const way of method === "DELETE" ? ways.slice(-1) : ways) {
            assert.strictEqual((yield* send(method, path, way)).status, 200, JSON.stringify(way))
          }
          refused(yield* send(method, path, { query: key, body: at, signed: `${key}&${at}` }), 700002)
        })
      )
    }
  })

  describe("refuses", () => {
    it.effect("a request without a key, with a malformed and with an unknown one", () =>
      Effect.gen(function* () {
        const { alice: client, url } = yield* clients
        refused(yield* client.raw("GET", "/api/v3/account?timestamp=1&signature=x"), 400, /key/)
        refused(yield* makeClient(url, "bad key", "x").signed("GET", "/api/v3/account"), 700001)
        refused(yield* makeClient(url, "mx0nobody", "x").signed("GET", "/api/v3/account"), 10072)
      })
    )

    it.effect("a signature that is missing, empty, upper case, cut, or of another secret", () =>
      Effect.gen(function* () {
        const query = `timestamp=${yield* now}`
        const { alice: client } = yield* clients
        const headers = { "X-MEXC-APIKEY": alice.accessKey }
        refused(yield* client.raw("GET", `/api/v3/account?${query}`, { headers }), 700004, /'signature'/)
        refused(yield* client.raw("GET", `/api/v3/account?${query}&signature=`, { headers }), 700004, /'signature'/)
        const upper = (hex: string) => hex.toUpperCase()
        refused(yield* send("GET", "/api/v3/account", { query, signature: upper }), 700002)
        refused(yield* send("GET", "/api/v3/account", { query, signature: (hex) => hex.slice(1) }), 700002)
        refused(yield* send("GET", "/api/v3/account", { query, secret: "another" }), 700002)
        assert.strictEqual((yield* send("GET", "/api/v3/account", { query })).status, 200)
      })
    )

    it.effect("a time outside of the window on either side, a window too wide, and no time", () =>
      Effect.gen(function* () {
        const at = Number(yield* now)
        const asked = (query: string) => send("GET", "/api/v3/account", { query })
        refused(yield* asked(`timestamp=${at - 6_000}`), 700003)
        refused(yield* asked(`timestamp=${at + 1_500}`), 700003)
        refused(yield* asked(`recvWindow=1000&timestamp=${at - 2_000}`), 700003)
        refused(yield* asked(`recvWindow=60001&timestamp=${at}`), 700005)
        refused(yield* asked("recvWindow=5000"), 700004, /'timestamp'/)
        refused(yield* asked("timestamp=soon"), 700004, /'timestamp'/)
        assert.strictEqual((yield* asked(`recvWindow=60000&timestamp=${at - 30_000}`)).status, 200)
      })
    )

    it.effect("a key from an address that is not on its list", () =>
      Effect.gen(function* () {
        const { alice: client, url } = yield* clients
        for (const [accessKey, ips] of [
          ["mx0elsewhere", ["203.0.113.7"]],
          ["mx0here", ["203.0.113.7", "127.0.0.1"]]
        ] as const) {
          yield* client.control("POST", "/paper/v1/accounts", { accessKey, secretKey: "s", ips })
        }
        refused(yield* makeClient(url, "mx0elsewhere", "s").signed("GET", "/api/v3/account"), 700006, /127\.0\.0\.1/)
        assert.strictEqual((yield* makeClient(url, "mx0here", "s").signed("GET", "/api/v3/account")).status, 200)
      })
    )

    it.effect("what the key has no permission for, and a wrong content type", () =>
      Effect.gen(function* () {
        const query = `timestamp=${yield* now}`
        refused(yield* send("DELETE", "/api/v3/capital/withdraw", { query: `id=1&${query}` }), 700007)
        const asText = { query, headers: { "Content-Type": "text/plain" } }
        refused(yield* send("GET", "/api/v3/account", asText), 700013)
        refused(yield* send("POST", "/api/v3/userDataStream", asText), 700013)
      })
    )

    it.effect("in this order: key, signature, time, permission, address", () =>
      Effect.gen(function* () {
        const { alice: client, url } = yield* clients
        yield* client.control("POST", "/paper/v1/accounts", {
          accessKey: "mx0nothing",
          secretKey: "s",
          permissions: [],
          ips: ["203.0.113.7"]
        })
        const ask = (key: string, secret: string, timestamp: number) => {
          const query = `timestamp=${timestamp}`
          return makeClient(url, key, secret).raw("GET", `/api/v3/account?${query}&signature=${sign(secret, query)}`, {
            headers: { "X-MEXC-APIKEY": key }
          })
        }
        refused(yield* ask("mx0nobody", "wrong", 1), 10072)
        refused(yield* ask("mx0nothing", "wrong", 1), 700002)
        refused(yield* ask("mx0nothing", "s", 1), 700003)
        refused(yield* ask("mx0nothing", "s", Number(yield* now)), 700007)
      })
    )
  })
})
