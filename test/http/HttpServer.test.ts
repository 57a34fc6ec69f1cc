import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Logger, Option } from "effect"
import { PortTaken } from "../../src/http/edge/Listening.ts"
import { HttpServer, type ServerOptions } from "../../src/http/HttpServer.ts"
import { ask, bearer, raw, serve, type Stubs } from "./kit/server.ts"

const stubs: Stubs = { orders: { list: () => Effect.succeed({ items: [], nextCursor: null }) } }

const running = <A, E>(
  test: (url: string, port: number) => Effect.Effect<A, E>,
  options: Partial<ServerOptions> = {},
  given: Stubs = stubs
) => Effect.flatMap(HttpServer, ({ url, port }) => test(url, port)).pipe(Effect.provide(serve(given, options)))

const live = "/api/v1/status/live"
const orders = "/api/v1/trading/orders"
const ann = { headers: bearer("ann:read") }

describe("Every answer", () => {
  it.live("carries the headers that keep browsers and caches out, and says whose venue it is", () =>
    running((url) =>
      Effect.forEach([live, "/nothing", orders], (path) =>
        Effect.map(ask(url + path), ({ headers }) => {
          assert.strictEqual(headers.get("x-content-type-options"), "nosniff")
          assert.strictEqual(headers.get("cache-control"), "no-store")
          assert.strictEqual(headers.get("content-security-policy"), "default-src 'none'; frame-ancestors 'none'")
          assert.strictEqual(headers.get("referrer-policy"), "no-referrer")
          assert.strictEqual(headers.get("cross-origin-resource-policy"), "same-origin")
          assert.strictEqual(headers.get("x-dipper-venue"), "paper")
          assert.strictEqual(headers.get("strict-transport-security"), null)
          assert.strictEqual(headers.get("server") ?? headers.get("x-powered-by"), null)
        })
      )
    )
  )

  it.live("keeps the request id that was given, unless it is no id", () =>
    running((url) =>
      Effect.gen(function* () {
        const idFor = (given: string) =>
          Effect.map(ask(url + live, { headers: { "x-request-id": given } }), ({ headers }) =>
            headers.get("x-request-id")
          )
        assert.strictEqual(yield* idFor("my-request.1"), "my-request.1")
        for (const bad of ["a b", "x".repeat(65), `"><script>`]) assert.notStrictEqual(yield* idFor(bad), bad)
        assert.notStrictEqual(yield* idFor("?"), yield* idFor("?"))
      })
    )
  )

  it.live("can be asked for by HEAD, without its body", () =>
    running((url) =>
      Effect.gen(function* () {
        const known = yield* ask(url + live, { method: "HEAD" })
        assert.deepStrictEqual([known.status, known.body], [200, ""])
        assert.strictEqual((yield* ask(`${url}/nothing`, { method: "HEAD" })).status, 404)
      })
    )
  )
})

describe("A user's quota", () => {
  it.live("is told with every answer, and its end is 429 with the time to wait", () =>
    running(
      (url) =>
        Effect.gen(function* () {
          const first = yield* ask(url + orders, ann)
          assert.strictEqual(first.headers.get("ratelimit-policy"), `"default";q=2;w=60, "account";q=60;w=6`)
          assert.strictEqual(first.headers.get("ratelimit"), `"default";r=1;t=30, "account";r=59;t=1`)
          yield* ask(url + orders, ann)
          const third = yield* ask(url + orders, ann)
          assert.deepStrictEqual([third.status, third.code], [429, "RATE_LIMITED"])
          assert.match(third.headers.get("retry-after") ?? "", /^(29|30)$/)
          assert.strictEqual((yield* ask(url + orders, { headers: bearer("bob:read") })).status, 200)
        }),
      { ratePerMinute: 2 }
    )
  )

  it.live(
    "L05: does not help who guesses: after twenty refused credentials the address waits, others at it do not",
    () =>
      running((url) =>
        Effect.gen(function* () {
          const guess = ask(url + orders, { headers: bearer("guess") })
          for (let i = 0; i < 20; i++) assert.strictEqual((yield* guess).code, "UNAUTHENTICATED")
          const blocked = yield* guess
          assert.strictEqual(blocked.code, "RATE_LIMITED")
          assert.strictEqual(blocked.headers.get("retry-after"), "60")
          assert.strictEqual((yield* ask(url + orders, ann)).status, 200)
        })
      )
  )

  it.live("believes a forwarded address only behind a proxy, and then only the proxy's own entry", () =>
    Effect.gen(function* () {
      const hundred = (trustProxy: number) =>
        running(
          (url) =>
            Effect.forEach(["10.0.0.1", "10.0.0.2", "10.0.0.3"], (address) =>
              Effect.map(
                ask(url + live, { headers: { "x-forwarded-for": `1.2.3.4, ${address}` } }),
                ({ status }) => status
              )
            ),
          { trustProxy, ratePerMinute: 2 }
        )
      assert.deepStrictEqual(yield* hundred(0), [200, 200, 429])
      assert.deepStrictEqual(yield* hundred(1), [200, 200, 200])
    })
  )
})

describe("A key that is bound to addresses", () => {
  it.live("L04: lets in from there alone, by the word of a proxy that is ours and of nobody else", () =>
    Effect.gen(function* () {
      const from = (address: string, trustProxy: number) =>
        running(
          (url) =>
            Effect.map(
              ask(url + orders, {
                headers: { ...bearer("ann:read:203.0.113.7"), "x-forwarded-for": address }
              }),
              ({ body, status }) => `${status} ${/FORBIDDEN|success":true/.exec(JSON.stringify(body))?.[0]}`
            ),
          { trustProxy }
        )
      assert.strictEqual(yield* from("203.0.113.7", 1), '200 success":true')
      assert.strictEqual(yield* from("203.0.113.8", 1), "403 FORBIDDEN")
      assert.strictEqual(yield* from("203.0.113.7", 0), "403 FORBIDDEN")
    })
  )
})

describe("The server", () => {
  it.live("refuses a port that is taken in one line that says which setting to change", () =>
    running((_, port) =>
      Effect.gen(function* () {
        const fault = yield* Effect.flip(Effect.scoped(Layer.build(serve(stubs, { port }))))
        assert.instanceOf(fault, PortTaken)
        assert.match(fault.message, /^PORT: \d+ on 127\.0\.0\.1 is already in use;[^\n]+PORT=\d+$/)
      })
    )
  )

  it.live("refuses an address that is not its own", () =>
    Effect.gen(function* () {
      const fault = yield* Effect.flip(Effect.scoped(Layer.build(serve(stubs, { host: "192.0.2.1" }))))
      assert.strictEqual(fault._tag, "CannotListen")
      assert.match(fault.message, /^HOST: cannot listen on 192\.0\.2\.1/)
    })
  )

  it.live("finishes what is under way when it stops, and tells others so", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const release = yield* Deferred.make<void>()
      const slow: Stubs = {
        orders: {
          list: () =>
            Effect.zipRight(Deferred.succeed(begun, undefined), Deferred.await(release)).pipe(
              Effect.as({ items: [], nextCursor: null })
            )
        }
      }
      const url = yield* Deferred.make<string>()
      const stop = yield* Deferred.make<void>()
      const server = yield* Effect.fork(
        running(
          (at) => Effect.zipRight(Deferred.succeed(url, at), Deferred.await(stop)),
          { timeouts: { announceMs: 400 } },
          slow
        )
      )
      const at = yield* Deferred.await(url)
      const underWay = yield* Effect.fork(ask(at + orders, ann))
      yield* Deferred.await(begun)
      yield* Deferred.succeed(stop, undefined)
      yield* Effect.sleep("50 millis")

      const late = yield* ask(at + orders, ann)
      assert.deepStrictEqual([late.status, late.code], [503, "SHUTTING_DOWN"])
      assert.strictEqual(late.headers.get("retry-after"), "1")
      assert.strictEqual(late.headers.get("connection"), "close")

      yield* Deferred.succeed(release, undefined)
      assert.strictEqual((yield* Fiber.join(underWay)).status, 200)
      yield* Fiber.join(server)
    })
  )

  it.live("finishes what is under way also when a signal stops it", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const release = yield* Deferred.make<void>()
      const slow: Stubs = {
        orders: {
          list: () =>
            Effect.zipRight(Deferred.succeed(begun, undefined), Deferred.await(release)).pipe(
              Effect.as({ items: [], nextCursor: null })
            )
        }
      }
      const url = yield* Deferred.make<string>()
      const server = yield* Effect.fork(
        running((at) => Effect.zipRight(Deferred.succeed(url, at), Effect.never), {}, slow)
      )
      const underWay = yield* Effect.fork(ask((yield* Deferred.await(url)) + orders, ann))
      yield* Deferred.await(begun)
      yield* Fiber.interruptFork(server)
      yield* Effect.sleep("100 millis")
      yield* Deferred.succeed(release, undefined)
      assert.strictEqual((yield* Fiber.join(underWay)).status, 200)
      const ended = yield* Effect.timeoutOption(Fiber.await(server), "1 second")
      assert.isTrue(Option.isSome(ended))
    })
  )

  it.live("does not wait for ever for what never ends", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const stuck: Stubs = { orders: { list: () => Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never) } }
      const cut = yield* running(
        (_, port) => {
          const request = `GET ${orders} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ann:read\r\n\r\n`
          return Effect.zipLeft(Effect.fork(raw(port, [request])), Deferred.await(begun))
        },
        { timeouts: { announceMs: 0, drainMs: 100 } },
        stuck
      )
      assert.strictEqual(yield* Fiber.join(cut), "")
    })
  )

  it.live("answers 503 when more requests are under way than it can serve", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const stuck: Stubs = { orders: { list: () => Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never) } }
      yield* running(
        (url) =>
          Effect.gen(function* () {
            yield* Effect.fork(ask(url + orders, ann))
            yield* Deferred.await(begun)
            const second = yield* ask(url + orders, { headers: bearer("bob:read") })
            assert.deepStrictEqual([second.status, second.code], [503, "OVERLOADED"])
            assert.strictEqual(second.headers.get("retry-after"), "1")
            assert.notStrictEqual(second.headers.get("connection"), "close")
            // Who looks after the service must not take it for dead.
            assert.strictEqual((yield* ask(url + live)).status, 200)
          }),
        { maxActive: 1, timeouts: { drainMs: 50 } },
        stuck
      )
    })
  )
})

describe("A browser", () => {
  it.live("is let in from a listed origin only", () =>
    running(
      (url) =>
        Effect.gen(function* () {
          const preflight = (origin: string) =>
            ask(url + orders, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } })
          const good = yield* preflight("https://app.example.com")
          assert.strictEqual(good.status, 204)
          assert.strictEqual(good.headers.get("access-control-allow-origin"), "https://app.example.com")
          assert.include(good.headers.get("access-control-allow-headers"), "Idempotency-Key")
          assert.strictEqual(good.headers.get("access-control-allow-credentials"), null)
          const bad = yield* preflight("https://evil.example.com")
          assert.strictEqual(bad.headers.get("access-control-allow-origin"), null)
          assert.strictEqual(bad.headers.get("vary"), "Origin")
          const failed = yield* ask(url + orders, { headers: { origin: "https://app.example.com" } })
          assert.strictEqual(failed.status, 401)
          assert.strictEqual(failed.headers.get("access-control-allow-origin"), "https://app.example.com")
        }),
      { corsOrigins: ["https://app.example.com"] }
    )
  )
})

describe("The log", () => {
  it.live("has one line per request with the route, the user and the time it took, and never a token or a query", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const logger = Logger.map(Logger.jsonLogger, (line) => void lines.push(line))
      yield* running((url) =>
        Effect.gen(function* () {
          const trace = "0af7651916cd43dd8448eb211c80319c"
          yield* ask(`${url}${orders}?cursor=private`, {
            headers: { ...bearer("ann:read"), "x-request-id": "r1", traceparent: `00-${trace}-b7ad6b7169203331-01` }
          })
          yield* ask(`${url}/nothing/secret-path`)
          yield* ask(`${url}${orders}`, { headers: bearer("guess-this-token") })
        })
      ).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
      const [first, second, third] = lines.map((line): Record<string, unknown> => JSON.parse(line).annotations)
      assert.strictEqual(lines.length, 3)
      assert.isNumber(first?.["ms"])
      delete first?.["ms"]
      assert.deepStrictEqual(first, {
        method: "GET",
        route: orders,
        status: 200,
        requestId: "r1",
        userId: "local_ann",
        credentialId: "key-of-ann",
        traceId: "0af7651916cd43dd8448eb211c80319c"
      })
      assert.deepStrictEqual([second?.["route"], second?.["status"]], ["none", 404])
      assert.deepStrictEqual([third?.["status"], third?.["userId"]], [401, undefined])
      for (const secret of ["ann:read", "private", "secret-path", "guess-this-token"]) {
        assert.isFalse(
          lines.some((line) => line.includes(secret)),
          secret
        )
      }
    })
  )
})

describe("Beside the contract", () => {
  it.live("the document and its page are served without a network and without a key", () =>
    running((url) =>
      Effect.gen(function* () {
        const document = yield* ask(`${url}/openapi.json`)
        assert.strictEqual(document.status, 200)
        assert.propertyVal(document.body, "openapi", "3.1.0")
        const page = yield* ask(`${url}/docs`)
        assert.strictEqual(page.status, 200)
        assert.match(page.headers.get("content-type") ?? "", /^text\/html/)
        assert.include(page.headers.get("content-security-policy"), "connect-src 'self'")
        assert.include(String(page.body), `"operationId":"placeOrder"`)
        assert.notMatch(String(page.body).replace(/<script[\s\S]*?<\/script>/g, ""), /(src|href)="https?:/)
        assert.strictEqual((yield* ask(`${url}/docs`)).status, 200)
      })
    )
  )

  it.live("the metrics are for a key that may read", () =>
    running((url) =>
      Effect.gen(function* () {
        yield* ask(url + orders, ann)
        yield* ask(`${url}/nothing`)
        assert.strictEqual((yield* ask(`${url}/metrics`)).code, "UNAUTHENTICATED")
        assert.strictEqual((yield* ask(`${url}/metrics`, { headers: bearer("ann:trade") })).code, "FORBIDDEN")
        const { body, headers } = yield* ask(`${url}/metrics`, ann)
        assert.match(headers.get("content-type") ?? "", /^text\/plain/)
        assert.include(String(body), `dipper_http_requests_total{method="GET",route="${orders}",status="2xx"} 1\n`)
        assert.include(String(body), `dipper_http_requests_total{method="",route="none",status="4xx"} 1\n`)
        assert.include(String(body), `dipper_http_request_seconds_count{method="GET",route="${orders}"} 1\n`)
        assert.include(String(body), "dipper_http_active 1\n")
      })
    )
  )
})
