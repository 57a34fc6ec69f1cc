import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { Effect } from "effect"
import { Authentication } from "./Authentication.ts"
import { HttpGate } from "./HttpGate.ts"

/** `/metrics` in Prometheus text, for a key that may read. */
export const layer = HttpApiBuilder.Router.use((router) =>
  Effect.gen(function* () {
    const { gate } = yield* HttpGate
    const { principal } = yield* Authentication
    const text = Effect.sync(() => {
      const gauges = [
        "# TYPE dipper_http_active gauge",
        `dipper_http_active ${gate.active}`,
        "# TYPE process_resident_memory_bytes gauge",
        `process_resident_memory_bytes ${process.memoryUsage.rss()}`
      ]
      return [...gauges, ...gate.metrics.print(), ""].join("\n")
    })
    yield* router.get(
      "/metrics",
      Effect.map(Effect.zipRight(principal, text), (body) =>
        HttpServerResponse.text(body, { contentType: "text/plain; version=0.0.4; charset=utf-8" })
      )
    )
  })
)
