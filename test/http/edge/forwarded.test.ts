import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { forwardedAddress, forwardedProtocol } from "../../../src/http/edge/forwarded.ts"
import { HttpServer } from "../../../src/http/HttpServer.ts"
import { ask, serve } from "../kit/server.ts"

describe("What proxies say of a client", () => {
  it.each([
    [0, "1.2.3.4", null],
    [1, "1.2.3.4", "1.2.3.4"],
    [1, "6.6.6.6, 1.2.3.4", "1.2.3.4"],
    [2, "6.6.6.6, 1.2.3.4, 10.0.0.1", "1.2.3.4"],
    // Came past one of them: what is there is the client's own word.
    [2, "6.6.6.6", null],
    [1, "", null],
    [1, " 1.2.3.4:5678 ", "1.2.3.4"],
    [1, "[2001:db8::1]:443", "2001:db8::1"],
    [1, "2001:db8::1", "2001:db8::1"],
    [1, "x".repeat(100), "x".repeat(64)]
  ])("behind %i: the address in %j is %j", (proxies, header, expected) => {
    assert.strictEqual(forwardedAddress({ "x-forwarded-for": header }, proxies), expected)
  })

  it.each([
    [0, "http", null],
    [1, undefined, null],
    [1, "HTTPS", "https"],
    [1, "https, http", "http"],
    [2, "https, http", "https"],
    [2, "http, https, http", "https"],
    [2, "http", "http"]
  ])("behind %i: the protocol in %j is %j", (proxies, header, expected) => {
    const headers = header === undefined ? {} : { "x-forwarded-proto": header }
    assert.strictEqual(forwardedProtocol(headers, proxies), expected)
  })
})

describe("A request that reached the proxy without TLS", () => {
  const asked = (forwarded: Record<string, string>, trustProxy: number, path = "/api/v1/status/live") =>
    Effect.gen(function* () {
      const { url } = yield* HttpServer
      const { code, headers, status } = yield* ask(url + path, { headers: forwarded })
      return [status, code, headers.get("strict-transport-security"), headers.get("location")]
    }).pipe(Effect.provide(serve({}, { trustProxy })))
  const hsts = "max-age=31536000; includeSubDomains"

  it.live("H14: is refused and not redirected, whatever it asks; with TLS it is told to keep to it", () =>
    Effect.gen(function* () {
      const plain = { "x-forwarded-proto": "http" }
      assert.deepStrictEqual(yield* asked(plain, 1), [403, "HTTPS_REQUIRED", null, null])
      assert.deepStrictEqual(yield* asked(plain, 1, "/nothing"), [403, "HTTPS_REQUIRED", null, null])
      assert.deepStrictEqual(yield* asked({ "x-forwarded-proto": "https" }, 1), [200, undefined, hsts, null])
      assert.deepStrictEqual(yield* asked({}, 1), [200, undefined, null, null])
    })
  )

  it.live(
    "H14: is nothing that a client could pretend where no proxy is trusted, or left of what the proxy wrote",
    () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* asked({ "x-forwarded-proto": "http" }, 0), [200, undefined, null, null])
        assert.deepStrictEqual(yield* asked({ "x-forwarded-proto": "https" }, 0), [200, undefined, null, null])
        assert.strictEqual((yield* asked({ "x-forwarded-proto": "https, http" }, 1))[1], "HTTPS_REQUIRED")
      })
  )
})
