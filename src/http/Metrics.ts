import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { Effect, Metric, MetricState } from "effect"
import { Authentication } from "./Authentication.ts"
import type { Gate } from "./gate/Gate.ts"
import { HttpGate } from "./HttpGate.ts"

/** What this process counts, in Prometheus text. */
export const metricsOf = (gate: Gate): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.sync(() => {
    const gauges = [
      "# TYPE dipper_http_active gauge",
      `dipper_http_active ${gate.active}`,
      "# TYPE dipper_event_loop_delay_seconds gauge",
      `dipper_event_loop_delay_seconds ${gate.load.lateMs / 1_000}`,
      "# TYPE dipper_http_shed_total counter",
      ...[...gate.load.refused].map(([rank, count]) => `dipper_http_shed_total{rank="${rank}"} ${count}`),
      "# TYPE process_resident_memory_bytes gauge",
      `process_resident_memory_bytes ${process.memoryUsage.rss()}`
    ]
    const body = [...gauges, ...counters(), ...gate.metrics.print(), ""].join("\n")
    return HttpServerResponse.text(body, { contentType: "text/plain; version=0.0.4; charset=utf-8" })
  })

/** `/metrics`, for a key that may read. */
export const layer = HttpApiBuilder.Router.use((router) =>
  Effect.gen(function* () {
    const { gate } = yield* HttpGate
    const { principal } = yield* Authentication
    yield* router.get("/metrics", Effect.zipRight(principal, metricsOf(gate)))
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
