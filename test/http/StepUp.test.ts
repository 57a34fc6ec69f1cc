import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { StepUp } from "../../src/accounts/StepUp.ts"
import { Routes } from "../../src/http/gate/Routes.ts"
import { HttpServer } from "../../src/http/HttpServer.ts"
import { ask, bearer, serve } from "./kit/server.ts"

const guarded = new Routes().all.filter(({ stepUp }) => stepUp)

describe("a route that a stolen key must not be enough for", () => {
  it("is each that gives somebody lasting power", () =>
    assert.deepStrictEqual(guarded.map(({ operation }) => operation).sort(), [
      "createKey",
      "deleteAccount",
      "deleteCredentials",
      "rotateCredentials",
      "rotateKey",
      "setCredentials",
      "unfreezeCredentials"
    ]))

  const answers = (token: string) =>
    Effect.flatMap(HttpServer, ({ url }) =>
      Effect.forEach(guarded, ({ method, path }) =>
        ask(url + path.replace(":id", "x"), {
          method,
          headers: { ...bearer(token), "content-type": "application/json" },
          ...(method === "DELETE" ? {} : { body: "{}" })
        })
      )
    )

  it.live("L03: refuses keys where people sign in, before it looks at the body", () =>
    Effect.gen(function* () {
      for (const { body, status } of yield* answers("ann:read+trade+manage")) {
        assert.strictEqual(status, 403)
        assert.include(JSON.stringify(body), "a key cannot do it")
      }
    }).pipe(Effect.provide(serve({ stepUp: StepUp.layerClerk })))
  )

  it.live("L03: needs the scope manage all the same", () =>
    Effect.gen(function* () {
      for (const { body, status } of yield* answers("ann:read+trade")) {
        assert.strictEqual(status, 403)
        assert.include(JSON.stringify(body), "manage")
      }
    }).pipe(Effect.provide(serve()))
  )
})
