import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { connect } from "node:net"
import { HttpServer } from "../../src/http/HttpServer.ts"
import { ask, bearer, raw, serve, type Stubs } from "./kit/server.ts"

const lists: Stubs = { orders: { list: () => Effect.succeed({ items: [], nextCursor: null }) } }

/** Short limits, so that an attack fails within a second. */
const timeouts = { headersMs: 300, requestMs: 600, checkEveryMs: 50, lingerMs: 100 }

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

/** Waits for the first bytes of an answer, and keeps the connection open after it. */
const answered = (port: number, head: string) =>
  Effect.flatMap(
    Effect.acquireRelease(
      Effect.sync(() => connect({ host: "127.0.0.1", port })),
      (socket) => Effect.sync(() => socket.destroy())
    ),
    (socket) =>
      Effect.async<void>((resume) => {
        socket.once("data", () => resume(Effect.void))
        socket.write(head)
      })
  )

/** Says a byte every few milliseconds whatever it is told, until it is cut off. */
const deaf = (port: number, head: string) =>
  Effect.async<void>((resume) => {
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true })
    const drip = setInterval(() => socket.write("x"), 20)
    socket
      .on("connect", () => socket.write(head))
      .on("error", () => undefined)
      .on("close", () => {
        clearInterval(drip)
        resume(Effect.void)
      })
      .resume()
    return Effect.sync(() => socket.destroy())
  })

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

  it.live("H01 who goes on sending after the answer is cut off as well", () =>
    running((port) =>
      Effect.forEach(
        [
          "GET /api/v1/status HTTP/1.1\r\nHost: x\r\nX-Slow: ",
          "GET /api/v1/status HTTP/9.9\r\n\r\n",
          "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n"
        ],
        (head) => deaf(port, head),
        { concurrency: "unbounded" }
      )
    )
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

  it.scopedLive("H06 who sends a body, slowly, that nobody wants keeps nobody else waiting", () =>
    Effect.gen(function* () {
      const { port, url } = yield* HttpServer
      const head = `${post}${key}Content-Length: 1048576\r\n\r\nx`
      yield* Effect.forEach(Array.from({ length: 30 }), () => answered(port, head), { concurrency: "unbounded" })
      const answer = yield* ask(`${url}/api/v1/trading/orders`, { headers: bearer("ann:read") })
      assert.strictEqual(answer.status, 200)
    }).pipe(Effect.provide(serve(lists, { maxActive: 10, timeouts })))
  )

  it.live("H05 who is not known may send a signal of 4 KiB, and no more", () =>
    Effect.gen(function* () {
      const signal = `POST /api/v1/trading/signals/rule_01hzy3v7k2m4n6p8q0r2s4t6w8 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`
      yield* expectAnswer([`${signal}Content-Length: 4097\r\n\r\n`, "x".repeat(4_097)], 413, "PAYLOAD_TOO_LARGE")
      const small = yield* running((port) =>
        raw(port, [`${signal}Content-Length: 4096\r\nConnection: close\r\n\r\n`, "x".repeat(4_096)])
      )
      assert.strictEqual(codeOf(small), "MALFORMED_JSON")
    })
  )

  it.live("H09 who sends JSON that parsers choke on, or disagree about, gets 400", () =>
    Effect.gen(function* () {
      const { url } = yield* HttpServer
      const order = `"symbol":"BTCUSDT","side":"buy","type":"limit","quantity":"1","price":"100"`
      const bodies = [
        "[".repeat(20_000) + "]".repeat(20_000),
        `{"a":`.repeat(5_000) + "1" + "}".repeat(5_000),
        `{${order},"price":"101"}`,
        `{${order},"pr\\u0069ce":"101"}`,
        `{${order},"__proto__":{"admin":true}}`,
        `{${order},"constructor":{"prototype":{}}}`,
        `{${order},"waitMs":1e400}`,
        `{${order},"waitMs":-1e400}`,
        `{${order},"waitMs":NaN}`,
        `{${order},"waitMs":Infinity}`,
        `{${order},"waitMs":9007199254740993}`,
        `{${order},"note":"\\ud800"}`,
        `{${order},"note":"\\udc00\\ud800"}`,
        `{${order},"note":"\\u0000"}`,
        `{${Array.from({ length: 5_000 }, (_, i) => `"f${i}":1`).join()}}`,
        `{${order},}`,
        `{${order}}{}`,
        "null",
        "[]"
      ]
      for (const body of bodies) {
        const { code, status } = yield* ask(`${url}/api/v1/trading/orders`, {
          method: "POST",
          headers: {
            ...bearer("ann:trade"),
            "content-type": "application/json",
            "idempotency-key": "0123456789abcdef"
          },
          body
        })
        assert.strictEqual(status, 400, body.slice(0, 200))
        assert.include(["VALIDATION_FAILED", "MALFORMED_JSON"], code)
      }
      assert.isUndefined(Reflect.get({}, "admin"))
    }).pipe(Effect.provide(serve({ orders: { place: () => Effect.dieMessage("it was let through") } })))
  )

  it.live("H10 who sends another type of content gets 415", () =>
    Effect.forEach(
      ["text/plain", "application/xml", "application/json; charset=utf-16", "multipart/form-data; boundary=x", ""],
      (type) =>
        expectAnswer(
          [
            `${post.replace(/Content-Type: \S+/, `Content-Type: ${type}`)}${key}Connection: close\r\nContent-Length: 2\r\n\r\n{}`
          ],
          415,
          "UNSUPPORTED_MEDIA_TYPE"
        )
    )
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

  it.live("H11 and writes no line of the log", () =>
    Effect.gen(function* () {
      const written: Array<string> = []
      const logger = Logger.map(Logger.jsonLogger, (line) => void written.push(line))
      const forged = `{"level":"ERROR"}`
      const lines = `GET /api/v1/trading/orders/%0a${encodeURIComponent(forged)}?x=%0d%0a HTTP/1.1\r\nHost: x\r\nX-Request-Id: ${forged}\r\nAuthorization: Bearer ann:read\r\ntraceparent: 00-\t${forged}-01\r\nConnection: close\r\n\r\n`
      yield* running((port) => raw(port, [lines])).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
      assert.strictEqual(written.length, 1)
      for (const line of written) {
        assert.notInclude(line, "\n")
        assert.notInclude(line, "ERROR")
        assert.isObject(JSON.parse(line))
      }
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
