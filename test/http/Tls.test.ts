import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Stream } from "effect"
import { request } from "node:https"
import type { IncomingMessage } from "node:http"
import { connect } from "node:tls"
import { HttpServer } from "../../src/http/HttpServer.ts"
import type { ServerOptions } from "../../src/http/HttpServer.ts"
import { raw, serve } from "./kit/server.ts"
import { renewedTls, testTls } from "./kit/tls.ts"

const running = <A, E>(
  test: (url: string, port: number) => Effect.Effect<A, E>,
  options: Partial<ServerOptions> = {}
) =>
  Effect.flatMap(HttpServer, ({ port, url }) => test(url, port)).pipe(
    Effect.provide(serve({}, { tls: testTls, ...options }))
  )

const get = (url: string): Effect.Effect<IncomingMessage> =>
  Effect.async((resume) => {
    request(url, { rejectUnauthorized: false, agent: false }, (response) => {
      response.resume()
      resume(Effect.succeed(response))
    }).end()
  })

const handshake = (port: number, maxVersion: "TLSv1.1" | "TLSv1.2") =>
  Effect.async<string>((resume) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, minVersion: "TLSv1", maxVersion })
    socket.on("secureConnect", () => {
      resume(Effect.succeed("connected"))
      socket.destroy()
    })
    socket.on("error", () => resume(Effect.succeed("refused")))
  })

/** Whose certificate the server shows. */
const subject = (port: number) =>
  Effect.async<string>((resume) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      resume(Effect.succeed(String(socket.getPeerCertificate().subject.CN)))
      socket.destroy()
    })
  })

describe("With a certificate the server", () => {
  it.live("H13: speaks HTTPS only and tells browsers to keep to it", () =>
    running((url, port) =>
      Effect.gen(function* () {
        assert.match(url, /^https:/)
        const response = yield* get(`${url}/api/v1/status/live`)
        assert.strictEqual(response.statusCode, 200)
        assert.strictEqual(response.headers["strict-transport-security"], "max-age=31536000; includeSubDomains")
        const plain = yield* raw(port, ["GET /api/v1/status/live HTTP/1.1\r\nHost: x\r\n\r\n"])
        assert.notMatch(plain, /success/)
      })
    )
  )

  it.live("H13: refuses versions of TLS before 1.2", () =>
    running((_, port) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* handshake(port, "TLSv1.1"), "refused")
        assert.strictEqual(yield* handshake(port, "TLSv1.2"), "connected")
      })
    )
  )

  it.live("H12: cuts off who connects and never begins to speak TLS", () =>
    running((_, port) => Effect.map(raw(port, []), (answer) => assert.strictEqual(answer, "")), {
      timeouts: { handshakeMs: 100, headersMs: 60_000, requestMs: 60_000, stalledMs: 60_000 }
    })
  )

  it.live("H12: stops although somebody is connected who has not begun to speak TLS", () =>
    Effect.gen(function* () {
      const answer = yield* running(
        (_, port) =>
          Effect.gen(function* () {
            const silent = yield* Effect.fork(raw(port, []))
            // The second connection is in after the first.
            assert.strictEqual(yield* subject(port), "localhost")
            return silent
          }),
        { timeouts: { handshakeMs: 3_600_000, headersMs: 3_600_000, requestMs: 3_600_000, stalledMs: 3_600_000 } }
      )
      assert.strictEqual(yield* Fiber.join(answer), "")
    })
  )

  it.live("shows a renewed one to whoever connects next, and keeps the one it has when the new one is broken", () =>
    Effect.gen(function* () {
      const renew = yield* Deferred.make<void>()
      const renewed = yield* Deferred.make<void>()
      const renewals = Stream.fromEffect(Deferred.await(renew)).pipe(
        Stream.flatMap(() =>
          Stream.make(renewedTls, { cert: testTls.cert, key: renewedTls.key }, { cert: "", key: "x" })
        ),
        Stream.concat(Stream.execute(Deferred.succeed(renewed, undefined)))
      )
      yield* running(
        (_, port) =>
          Effect.gen(function* () {
            assert.strictEqual(yield* subject(port), "localhost")
            yield* Deferred.succeed(renew, undefined)
            yield* Deferred.await(renewed)
            assert.strictEqual(yield* subject(port), "renewed.localhost")
            assert.strictEqual(yield* handshake(port, "TLSv1.1"), "refused")
          }),
        { tls: { ...testTls, renewals } }
      )
    })
  )

  it.live("R04: does not start when the certificate is none, or the key that of another", () =>
    Effect.gen(function* () {
      const bad = [
        { cert: "not a certificate", key: "not a key" },
        { cert: testTls.cert, key: renewedTls.key },
        { cert: testTls.key, key: testTls.key },
        { cert: testTls.cert, key: "" }
      ]
      for (const tls of bad) {
        const fault = yield* Effect.flip(Effect.scoped(Layer.build(serve({}, { tls }))))
        assert.match(
          fault.message,
          /^TLS_CERT_FILE: .*TLS_KEY_FILE do not work together: [^\n]+ Example: TLS_CERT_FILE=\S+$/
        )
        assert.notInclude(fault.message, "BEGIN")
      }
    })
  )
})
