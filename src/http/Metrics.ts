import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { Effect, Metric, MetricState } from "effect"
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
      return [...gauges, ...counters(), ...gate.metrics.print(), ""].join("\n")
    })
    yield* router.get(
      "/metrics",
      Effect.map(Effect.zipRight(principal, text), (body) =>
        HttpServerResponse.text(body, { contentType: "text/plain; version=0.0.4; charset=utf-8" })
      )
    )
  })
)

const escaped = (text: string) => text.replace(/[\\"\n]/g, " ")

/** What the service counts and gauges, wherever in it. */
const counters = (): ReadonlyArray<string> => {
  const families = new Map<string, Array<string>>()
  for (const { metricKey, metricState } of Metric.unsafeSnapshot()) {
    const { description, name, tags } = metricKey
    const counted = MetricState.isCounterState(metricState) ? metricState.count : null
    const value = MetricState.isGaugeState(metricState) ? metricState.value : counted
    if (!name.startsWith("dipper_") || value === null) continue
    const head = [`# TYPE ${name} ${counted === null ? "gauge" : "counter"}`]
    if (description._tag === "Some") head.unshift(`# HELP ${name} ${escaped(description.value)}`)
    const family = families.get(name) ?? head
    families.set(name, family)
    const labels = tags.map(({ key, value }) => `${key}="${escaped(value)}"`).join(",")
    family.push(`${name}${labels === "" ? "" : `{${labels}}`} ${value}`)
  }
  return [...families.values()].flat()
}
