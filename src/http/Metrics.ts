import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { Context, Effect, Layer } from "effect"
import { Gauges } from "../service/Gauges.ts"
import { Authentication } from "./Authentication.ts"
import { HttpGate } from "./HttpGate.ts"
import { expositionType, printCounted, printFamily } from "./metrics/exposition.ts"

/** All metrics of this process as Prometheus text; the names are a contract (docs/monitoring.md). */
export class Exposition extends Context.Tag("dipper/http/Exposition")<
  Exposition,
  { readonly text: Effect.Effect<string> }
>() {
  static readonly layer = Layer.effect(
    Exposition,
    Effect.gen(function* () {
      const { gate } = yield* HttpGate
      const gauges = yield* Gauges
      const ours = Effect.sync(() => [
        { name: "dipper_http_active", help: "Requests under way.", value: gate.active },
        {
          name: "process_resident_memory_bytes",
          help: "Memory that this process holds.",
          value: process.memoryUsage.rss()
        }
      ])
      const text = Effect.zipWith(ours, gauges.read, (own, read) =>
        [
          ...own.flatMap(({ help, name, value }) =>
            printFamily({ name, help, type: "gauge", samples: [{ labels: {}, value }] })
          ),
          ...printFamily({
            name: "dipper_http_shed_total",
            help: "Requests refused because there was too much to do.",
            type: "counter",
            samples: [...gate.load.refused].map(([rank, value]) => ({ labels: { rank }, value }))
          }),
          ...read.flatMap(printFamily),
          ...printCounted(),
          ...gate.metrics.print(),
          ""
        ].join("\n")
      )
      return { text }
    })
  )
}

/** `/metrics` of the API, for a key that may read. */
export const layer = HttpApiBuilder.Router.use((router) =>
  Effect.gen(function* () {
    const { text } = yield* Exposition
    const { principal } = yield* Authentication
    yield* router.get(
      "/metrics",
      Effect.map(Effect.zipRight(principal, text), (body) =>
        HttpServerResponse.text(body, { contentType: expositionType })
      )
    )
  })
)
