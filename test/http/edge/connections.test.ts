import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { request as plainRequest } from "node:http"
import { request as secureRequest } from "node:https"
import { HttpServer } from "../../../src/http/HttpServer.ts"
import { ask, serve } from "../kit/server.ts"
import { closed, forEver, sockets } from "../kit/sockets.ts"
import { testTls } from "../kit/tls.ts"

/** What somebody at another address of this machine is answered. */
const askFrom = (url: string, localAddress: string) =>
  Effect.async<number | "closed">((resume) => {
    const request = url.startsWith("https:") ? secureRequest : plainRequest
    request(url, { agent: false, localAddress, rejectUnauthorized: false }, (response) => {
      response.resume()
      resume(Effect.succeed(response.statusCode ?? 0))
    })
      .on("error", () => resume(Effect.succeed("closed")))
      .end()
  })

/** How many connections were refused, in all tests of this process. */
const refused = (metricsPort: number | null, limit: "address" | "all") =>
  Effect.map(ask(`http://127.0.0.1:${metricsPort}/metrics`), ({ body }) => {
    const line = new RegExp(`^dipper_http_connections_refused_total{limit="${limit}"} (\\d+)$`, "m")
    return Number(line.exec(String(body))?.[1])
  })

// Only Linux has all of 127.0.0.0/8 at hand.
describe.skipIf(process.platform !== "linux").each([
  ["plain HTTP", null],
  ["TLS", testTls]
])("Where %s is spoken, one address that opens every connection", (_, tls) => {
  const settings = { maxConnections: 200, metricsPort: 0, tls, timeouts: forEver }

  it.scopedLive("H15: has half of them and finds the others closed, and who else comes gets in", () =>
    Effect.gen(function* () {
      const { metricsPort, port, url } = yield* HttpServer
      const live = `${url}/api/v1/status/live`
      const before = yield* refused(metricsPort, "address")
      const all = yield* sockets(port, 300, () => "", "127.0.0.2")
      yield* closed(all, 200)
      const open = all.filter((socket) => !socket.destroyed)
      assert.strictEqual(open.length, 100)
      assert.strictEqual(yield* askFrom(live, "127.0.0.2"), "closed")
      assert.strictEqual((yield* refused(metricsPort, "address")) - before, 201)
      assert.strictEqual(yield* askFrom(live, "127.0.0.3"), 200)
    }).pipe(Effect.provide(serve({}, settings)))
  )

  it.scopedLive("H15: gets in again once it has closed one", () =>
    Effect.gen(function* () {
      const { port, url } = yield* HttpServer
      const all = yield* sockets(port, 101, () => "", "127.0.0.2")
      yield* closed(all, 1)
      all.find((socket) => !socket.destroyed)?.end()
      // The server notices in its own time.
      const answer = yield* askFrom(`${url}/api/v1/status/live`, "127.0.0.2").pipe(
        Effect.repeat({ until: (answer) => answer === 200, times: 1_000 })
      )
      assert.strictEqual(answer, 200)
    }).pipe(Effect.provide(serve({}, settings)))
  )

  it.scopedLive.each([
    ["it is our proxy", "127.0.0.2", 1],
    ["its connections are those of a tunnel or a proxy on this machine", "127.0.0.1", 0]
  ] as const)("H15: has all of them where %s", ([, address, trustProxy]) =>
    Effect.gen(function* () {
      const { metricsPort, port } = yield* HttpServer
      const before = yield* refused(metricsPort, "all")
      const all = yield* sockets(port, 250, () => "", address)
      yield* closed(all, 50)
      assert.strictEqual(all.filter((socket) => !socket.destroyed).length, 200)
      assert.strictEqual((yield* refused(metricsPort, "all")) - before, 50)
    }).pipe(Effect.provide(serve({}, { ...settings, trustProxy })))
  )
})
