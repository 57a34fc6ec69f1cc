import { assert, describe, it } from "@effect/vitest"
import { Routes } from "../../../src/http/gate/Routes.ts"

const routes = new Routes([{ path: "/metrics", operation: "metrics", scope: "read" }])

const operation = (method: string, path: string) => {
  const match = routes.find(method, path)
  return match.type === "route" ? match.route.operation : match.type
}

describe("The route table", () => {
  it("finds each route of the contract by its path", () => {
    assert.strictEqual(operation("GET", "/api/v1/status"), "getStatus")
    assert.strictEqual(operation("GET", "/api/v1/market/tickers/BTCUSDT"), "getTicker")
    assert.strictEqual(operation("GET", "/metrics"), "metrics")
    for (const route of routes.all) {
      assert.strictEqual(operation(route.method, route.path.replace(/:\w+/g, "some")), route.operation)
    }
  })

  it("prefers a name to a parameter", () => {
    assert.strictEqual(operation("POST", "/api/v1/trading/orders/preview"), "previewOrder")
    assert.strictEqual(operation("GET", "/api/v1/trading/orders/ord_1"), "getOrder")
  })

  it("tells an unknown path from a known one with another method", () => {
    assert.deepStrictEqual(routes.find("PATCH", "/api/v1/account/credentials"), {
      type: "otherMethod",
      allow: ["DELETE", "GET", "PUT"]
    })
    for (const path of ["/", "/api/v1", "/api/v1/status/", "/api/v1/nothing", "//", "/api/v1/market/tickers/"]) {
      assert.strictEqual(operation("GET", path), "none", path)
    }
  })

  it("asks every route but the public ones for a scope", () => {
    const open = routes.all.filter((route) => route.scope === null).map((route) => route.operation)
    assert.deepStrictEqual(open, ["getStatus", "getLiveness", "getReadiness", "receiveClerkWebhook", "receiveSignal"])
    for (const route of routes.all.filter(({ method, scope }) => method === "GET" && scope !== null)) {
      assert.strictEqual(route.scope, "read", route.operation)
    }
  })
})
