import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Routes } from "../../src/http/gate/Routes.ts"
import { plainRoutes } from "../../src/http/HttpGate.ts"
import { HttpServer } from "../../src/http/HttpServer.ts"
import { ask, serve } from "./kit/server.ts"

const routes = new Routes(plainRoutes).all
const isOpen = ({ scope }: { readonly scope: unknown }) => scope === null
const without = (url: string, { method, path }: { readonly method: string; readonly path: string }) =>
  ask(url + path.replaceAll(/:\w+/g, "BTCUSDT"), {
    method,
    ...(method === "GET" || method === "DELETE" ? {} : { body: "{}", headers: { "content-type": "application/json" } })
  })

describe("Without a credential", () => {
  it("Z06: some doors are open, and no others", () =>
    assert.deepStrictEqual(
      routes
        .filter(isOpen)
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
      [
        "GET /api/v1/status",
        "GET /api/v1/status/live",
        "GET /api/v1/status/ready",
        "GET /docs",
        "GET /openapi.json",
        "POST /api/v1/account/webhooks/clerk",
        "POST /api/v1/trading/signals/:ruleId"
      ]
    ))

  it.live("Z06: every other route answers 401, whatever its method", () =>
    Effect.gen(function* () {
      const { url } = yield* HttpServer
      const guarded = routes.filter((route) => !isOpen(route))
      assert.isAtLeast(guarded.length, 40)
      for (const route of guarded) {
        const { body, status } = yield* without(url, route)
        // After twenty refusals a minute the address waits.
        assert.match(`${status} ${JSON.stringify(body)}`, /^401 .*UNAUTHENTICATED|^429 .*RATE_LIMITED/, route.path)
      }
    }).pipe(Effect.provide(serve()))
  )

  it.live("W03: a webhook of ten megabytes is refused before anything is read of it", () =>
    Effect.gen(function* () {
      const { url } = yield* HttpServer
      const { body, status } = yield* ask(`${url}/api/v1/account/webhooks/clerk`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ filler: "x".repeat(10 * 1024 * 1024) })
      })
      assert.strictEqual(status, 413)
      assert.include(JSON.stringify(body), "PAYLOAD_TOO_LARGE")
    }).pipe(Effect.provide(serve({ clerk: { receive: () => Effect.dieMessage("it was read") } })))
  )
})
