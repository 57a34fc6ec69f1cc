import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { request } from "node:https"
import type { IncomingMessage } from "node:http"
import { connect } from "node:tls"
import { HttpServer } from "../../src/http/HttpServer.ts"
import { raw, serve } from "./kit/server.ts"
import { testTls } from "./kit/tls.ts"

const running = <A, E>(test: (url: string, port: number) => Effect.Effect<A, E>) =>
  Effect.flatMap(HttpServer, ({ port, url }) => test(url, port)).pipe(Effect.provide(serve({}, { tls: testTls })))

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

describe("With a certificate the server", () => {
  it.live("speaks HTTPS only and tells browsers to keep to it", () =>
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

  it.live("refuses versions of TLS before 1.2", () =>
    running((_, port) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* handshake(port, "TLSv1.1"), "refused")
        assert.strictEqual(yield* handshake(port, "TLSv1.2"), "connected")
      })
    )
  )

  it.live("does not start when the certificate is none", () =>
    Effect.gen(function* () {
      const broken = serve({}, { tls: { cert: "not a certificate", key: "not a key" } })
      const fault = yield* Effect.flip(Effect.scoped(Layer.build(broken)))
      assert.strictEqual(fault._tag, "CannotListen")
    })
  )
})
