import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { HttpServer } from "../../src/http/HttpServer.ts"
import { raw, serve } from "./kit/server.ts"

/** Short limits, so that an attack fails within a second. */
const timeouts = { headersMs: 300, requestMs: 600, checkEveryMs: 50 }

const running = <A, E>(test: (port: number) => Effect.Effect<A, E>) =>
  Effect.flatMap(HttpServer, ({ port }) => test(port)).pipe(Effect.provide(serve({}, { timeouts })))

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0)
const codeOf = (answer: string) =>
  /\r\n\r\n\{"success":false,"error":\{"code":"([A-Z_]+)","message":"[^"]+"/.exec(answer)?.[1]

const post = "POST /api/v1/trading/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
const key = "Idempotency-Key: 0123456789abcdef\r\nAuthorization: Bearer ann:trade\r\n"

const expectAnswer = (chunks: ReadonlyArray<string>, status: number, code: string, everyMs = 0) =>
  running((port) =>
    Effect.map(raw(port, chunks, everyMs), (answer) => {
      assert.strictEqual(statusOf(answer), status, answer)
      assert.strictEqual(codeOf(answer), code, answer)
      assert.match(answer, /^connection: close\r$/im)
      assert.match(answer, /^x-request-id: [\w.-]+\r$/im)
      assert.match(answer, /^x-content-type-options: nosniff\r$/im)
    })
  )

describe("An attacker on a raw socket", () => {
  it.live("H01 who stays silent, or sends headers byte by byte, gets 408 and is cut off", () =>
    Effect.gen(function* () {
      yield* expectAnswer([], 408, "REQUEST_TIMEOUT")
      yield* expectAnswer(
        [...("GET /api/v1/status HTTP/1.1\r\nHost: x\r\nX-A: " + "a".repeat(100))],
        408,
        "REQUEST_TIMEOUT",
        20
      )
    })
  )

  it.live("H02 who sends a body byte by byte gets 408 and is cut off", () =>
    expectAnswer([`${post}${key}Content-Length: 1000\r\n\r\n`, ..."{".repeat(200)], 408, "REQUEST_TIMEOUT", 20)
  )

  it.live("H03 who sends 20 KiB of headers gets 431", () =>
    expectAnswer(
      [`GET /api/v1/status HTTP/1.1\r\nHost: x\r\nX-A: ${"a".repeat(20_480)}\r\n\r\n`],
      431,
      "HEADERS_TOO_LARGE"
    )
  )

  it.live("H04 who smuggles a second request gets 400, whatever the trick", () =>
    Effect.forEach(
      [
        `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef`,
        `${post}Content-Length: +5\r\n\r\nabcde`,
        `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
        "GET /api/v1/status HTTP/1.1\nHost: x\n\n",
        "GET /api/v1/status HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
        "GET /api/v1/status HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET /api/v1/status HTTP/9.9\r\nHost: x\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
      ],
      (bytes) => expectAnswer([bytes], 400, "VALIDATION_FAILED")
    )
  )

  it.live("H04 who names no host gets 400", () =>
    running((port) =>
      Effect.map(raw(port, ["GET /api/v1/status HTTP/1.1\r\nConnection: close\r\n\r\n"]), (answer) => {
        assert.strictEqual(statusOf(answer), 400)
        assert.strictEqual(codeOf(answer), "VALIDATION_FAILED")
      })
    )
  )

  it.live("H05 who declares 1 MiB gets 413 before the body is read", () =>
    expectAnswer([`${post}${key}Content-Length: 1048576\r\n\r\n`, "x".repeat(1_048_576)], 413, "PAYLOAD_TOO_LARGE")
  )

  it.live("H06 who sends chunks without end gets 411 and is cut off", () =>
    Effect.gen(function* () {
      const chunk = `${(65_536).toString(16)}\r\n${"x".repeat(65_536)}\r\n`
      const before = process.memoryUsage().rss
      yield* expectAnswer(
        [`${post}${key}Transfer-Encoding: chunked\r\n\r\n`, ...Array<string>(2_000).fill(chunk)],
        411,
        "LENGTH_REQUIRED"
      )
      assert.isBelow(process.memoryUsage().rss - before, 200e6)
    })
  )

  it.live("H10 who uses another verb gets 405 or 404, or 400 for one that does not exist", () =>
    Effect.gen(function* () {
      const ask = (line: string) => `${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`
      yield* expectAnswer([ask("TRACE /api/v1/status")], 405, "METHOD_NOT_ALLOWED")
      yield* expectAnswer([ask("PROPFIND /api/v1/status")], 405, "METHOD_NOT_ALLOWED")
      yield* expectAnswer([ask("CONNECT example.com:443")], 405, "METHOD_NOT_ALLOWED")
      yield* expectAnswer([ask("GET http://example.com/api/v1/status")], 404, "ROUTE_NOT_FOUND")
      yield* expectAnswer([ask("GET /../../etc/passwd")], 404, "ROUTE_NOT_FOUND")
      yield* expectAnswer([ask("FROB /api/v1/status")], 400, "VALIDATION_FAILED")
    })
  )

  it.live("H11 who puts line breaks and zero bytes into headers, paths and ids gets 400 or nothing for it", () =>
    Effect.gen(function* () {
      yield* expectAnswer(
        ["GET /api/v1/status HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\0b\r\n\r\n"],
        400,
        "VALIDATION_FAILED"
      )
      const lines =
        "GET /api/v1/market/tickers/A%0d%0aSet-Cookie:%20x%00 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ann:read\r\nConnection: close\r\n\r\n"
      const answer = yield* running((port) => raw(port, [lines]))
      assert.strictEqual(codeOf(answer), "SYMBOL_NOT_FOUND")
      assert.notMatch(answer, /set-cookie/i)
    })
  )

  it.live("who presents two credentials is nobody", () =>
    Effect.forEach(
      [
        "Authorization: Bearer ann:read\r\nAuthorization: Bearer bob:read\r\n",
        "Authorization: Bearer ann:read, Bearer bob:read\r\n",
        "Authorization: Bearer  \r\n"
      ],
      (header) =>
        running((port) =>
          Effect.map(
            raw(port, [`GET /api/v1/trading/orders HTTP/1.1\r\nHost: x\r\n${header}Connection: close\r\n\r\n`]),
            (answer) => assert.strictEqual(codeOf(answer), "UNAUTHENTICATED", header)
          )
        )
    )
  )

  it.live("who expects a 100 for a body that is too large is told so without one", () =>
    Effect.gen(function* () {
      const head = `${post}${key}Expect: 100-continue\r\nContent-Length: 1048576\r\n\r\n`
      const answer = yield* running((port) => raw(port, [head]))
      assert.strictEqual(statusOf(answer), 413, answer)
    })
  )
})
