import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { NotFound } from "../../src/api/Errors.ts"
import { HttpServer } from "../../src/http/HttpServer.ts"
import { type Answer, ask, bearer, serve, type Stubs } from "./kit/server.ts"

const stubs: Stubs = {
  orders: {
    list: () => Effect.succeed({ items: [], nextCursor: null }),
    get: () => new NotFound({ message: "No such order." }),
    fills: () => Effect.die(new Error("the database password is hunter2")),
    preview: () => Effect.dieMessage("a refused body must not get here"),
    place: () => Effect.dieMessage("a refused body must not get here")
  }
}

const running = <A, E>(test: (base: string) => Effect.Effect<A, E>, given: Stubs = stubs) =>
  Effect.flatMap(HttpServer, ({ url }) => test(`${url}/api/v1`)).pipe(Effect.provide(serve(given)))

const ann = bearer("ann:read+trade")
const key = { "idempotency-key": "0123456789abcdef" }
const orderId = "ord_01hzy3v7k2m4n6p8q0r2s4t6w8"

const post = (body: string, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  headers: { ...ann, ...key, "content-type": "application/json", ...headers },
  body
})
const order = (changes: object) =>
  post(JSON.stringify({ symbol: "BTCUSDT", side: "buy", type: "limit", quantity: "1", price: "100", ...changes }))

const details = (answer: Answer): ReadonlyArray<string> => {
  const found = /"details":(\[.*?\])/.exec(JSON.stringify(answer.body))?.[1] ?? "[]"
  const list: ReadonlyArray<{ path: string; message: string }> = JSON.parse(found)
  return list.map(({ path, message }) => `${path}: ${message}`)
}

describe("Every answer is the envelope", () => {
  const cases: ReadonlyArray<readonly [what: string, path: string, init: RequestInit, status: number, code: string]> = [
    ["an unknown route", "/nothing", {}, 404, "ROUTE_NOT_FOUND"],
    ["an unknown route below a known one", "/status/live/more", {}, 404, "ROUTE_NOT_FOUND"],
    ["a known route by another method", "/trading/orders", { method: "PATCH" }, 405, "METHOD_NOT_ALLOWED"],
    ["OPTIONS without CORS", "/trading/orders", { method: "OPTIONS" }, 405, "METHOD_NOT_ALLOWED"],
    ["no credential", "/trading/orders", {}, 401, "UNAUTHENTICATED"],
    [
      "a credential without its scheme",
      "/trading/orders",
      { headers: { authorization: "ann:read" } },
      401,
      "UNAUTHENTICATED"
    ],
    ["another scheme", "/trading/orders", { headers: { authorization: "Xearer ann:read" } }, 401, "UNAUTHENTICATED"],
    [
      "a scope too few",
      `/trading/orders/${orderId}`,
      { method: "DELETE", headers: bearer("ann:read") },
      403,
      "FORBIDDEN"
    ],
    ["an object that is not there", `/trading/orders/${orderId}`, { headers: ann }, 404, "NOT_FOUND"],
    ["an id in another form", "/trading/orders/42", { headers: ann }, 404, "NOT_FOUND"],
    ["a fault of ours", `/trading/orders/${orderId}/fills`, { headers: ann }, 500, "INTERNAL"],
    ["broken JSON", "/trading/orders", post(`{"symbol":`), 400, "MALFORMED_JSON"],
    ["an empty body", "/trading/orders", post(""), 400, "MALFORMED_JSON"],
    ["JSON that is no object", "/trading/orders", post("[1,2]"), 400, "VALIDATION_FAILED"],
    [
      "a body that is not JSON",
      "/trading/orders",
      post("a=1", { "content-type": "text/plain" }),
      415,
      "UNSUPPORTED_MEDIA_TYPE"
    ],
    [
      "a form",
      "/trading/orders",
      post("a=1", { "content-type": "application/x-www-form-urlencoded" }),
      415,
      "UNSUPPORTED_MEDIA_TYPE"
    ],
    ["a compressed body", "/trading/orders", post("{}", { "content-encoding": "gzip" }), 415, "UNSUPPORTED_MEDIA_TYPE"],
    ["a body of 1 MB", "/trading/orders", post(" ".repeat(1_000_000)), 413, "PAYLOAD_TOO_LARGE"],
    [
      "a body where none belongs",
      `/trading/orders/${orderId}`,
      { ...post('{"a":1}'), method: "DELETE" },
      400,
      "VALIDATION_FAILED"
    ],
    [
      "20,000 levels of nesting",
      "/trading/orders",
      post("[".repeat(20_000) + "]".repeat(20_000)),
      400,
      "MALFORMED_JSON"
    ],
    [
      "no idempotency key",
      "/trading/orders",
      { ...order({}), headers: { ...ann, "content-type": "application/json" } },
      428,
      "IDEMPOTENCY_KEY_REQUIRED"
    ],
    [
      "a short idempotency key",
      "/trading/orders",
      { ...order({}), headers: { ...ann, "content-type": "application/json", "idempotency-key": "short" } },
      400,
      "VALIDATION_FAILED"
    ],
    ["a lower-case symbol in a URL", "/trading/positions/btcusdt", { headers: ann }, 404, "SYMBOL_NOT_FOUND"],
    ["a bad symbol in a query", "/trading/orders?symbol=btc-usdt", { headers: ann }, 404, "SYMBOL_NOT_FOUND"],
    ["a path that is no text", "/trading/orders/%ff", { headers: ann }, 404, "ROUTE_NOT_FOUND"]
  ]

  it.scopedLive("whatever goes wrong, with one log id, and never with internals", () =>
    running((base) =>
      Effect.forEach(cases, ([what, path, init, status, code]) =>
        Effect.map(ask(base + path, init), (answer) => {
          assert.strictEqual(answer.status, status, what)
          assert.strictEqual(answer.code, code, `${what}: ${JSON.stringify(answer.body)}`)
          assert.strictEqual(answer.headers.get("content-type"), "application/json; charset=utf-8", what)
          assert.include(JSON.stringify(answer.body), `"requestId":"${answer.headers.get("x-request-id")}"`, what)
          assert.notInclude(JSON.stringify(answer.body), "hunter2", what)
        })
      )
    )
  )

  it.scopedLive("and a wrong method is told which ones there are", () =>
    running((base) =>
      Effect.map(ask(`${base}/account/credentials`, { method: "PATCH" }), (answer) =>
        assert.strictEqual(answer.headers.get("allow"), "DELETE, GET, PUT")
      )
    )
  )

  it.scopedLive("and a refused credential is asked for a bearer", () =>
    running((base) =>
      Effect.map(ask(`${base}/trading/orders`), (answer) =>
        assert.strictEqual(answer.headers.get("www-authenticate"), `Bearer error="invalid_token"`)
      )
    )
  )
})

describe("A field or parameter the contract does not know", () => {
  const refused = (init: RequestInit, path = "/trading/orders") =>
    running((base) =>
      Effect.map(ask(base + path, init), (answer) => {
        assert.strictEqual(answer.status, 400, JSON.stringify(answer.body))
        assert.strictEqual(answer.code, "VALIDATION_FAILED")
        return details(answer)
      })
    )

  it.scopedLive("is refused with the closest known name", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* refused(order({ quoteAmout: "5" })), [
        `quoteAmout: is not known here; did you mean "quoteAmount"?`
      ])
      assert.deepStrictEqual(yield* refused({ headers: ann }, "/trading/orders?limt=5"), [
        `limt: is not known here; did you mean "limit"?`
      ])
      assert.deepStrictEqual(yield* refused({ headers: ann }, `/trading/orders/${orderId}?verbose=1`), [
        "verbose: is not known here"
      ])
      assert.deepStrictEqual(
        yield* refused(
          post(`{"__proto__":{"admin":true},"symbol":"BTCUSDT","side":"buy","type":"market","quoteAmount":"5"}`)
        ),
        ["__proto__: is not known here"]
      )
    })
  )

  it.scopedLive("is told together with every other fault", () =>
    Effect.gen(function* () {
      const told = yield* refused(
        post(`{"symbol":"btcusdt","side":"hold","type":"limit","quantity":5,"price":"1e5","x":1}`)
      )
      assert.deepStrictEqual(told.map((fault) => fault.split(":")[0]).sort(), [
        "price",
        "quantity",
        "side",
        "symbol",
        "x"
      ])
    })
  )

  it.scopedLive("costs a few lines when there are a thousand of them, and is not looked at when there are more", () =>
    running((base) =>
      Effect.gen(function* () {
        const many = (count: number) => order(Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, 1])))
        const told = yield* ask(`${base}/trading/orders`, many(900))
        assert.strictEqual(told.code, "VALIDATION_FAILED")
        assert.strictEqual(details(told).length, 20)
        assert.strictEqual((yield* ask(`${base}/trading/orders`, many(5_000))).code, "MALFORMED_JSON")
      })
    )
  )
})

describe("A price", () => {
  it.scopedLive("that is not a plain decimal string of at most 18 decimals is refused by its path", () =>
    running((base) =>
      Effect.forEach(
        ["", "1e5", "-1", "0.1234567890123456789", 5, null, "NaN", "Infinity", " 1", "1,5", "0x10"],
        (price) =>
          Effect.map(ask(`${base}/trading/orders`, order({ price })), (answer) => {
            assert.strictEqual(answer.status, 400, JSON.stringify(price))
            assert.match(details(answer)[0] ?? "", /^price: /, JSON.stringify(price))
          })
      )
    )
  )
})

describe("A list", () => {
  it.scopedLive("takes a limit from 1 to 500 and a cursor as it was given", () =>
    running((base) =>
      Effect.gen(function* () {
        for (const query of [
          "limit=0",
          "limit=501",
          "limit=-1",
          "limit=1.5",
          "limit=",
          "limit=1&limit=2",
          "cursor=%0a",
          "status=gone"
        ]) {
          const answer = yield* ask(`${base}/trading/orders?${query}`, { headers: ann })
          assert.strictEqual(answer.code, "VALIDATION_FAILED", query)
        }
        assert.strictEqual((yield* ask(`${base}/trading/orders?limit=500&cursor=b3Jk`, { headers: ann })).status, 200)
      })
    )
  )
})
