import * as OtlpLogger from "@effect/opentelemetry/OtlpLogger"
import * as OtlpSerialization from "@effect/opentelemetry/OtlpSerialization"
import * as OtlpTracer from "@effect/opentelemetry/OtlpTracer"
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Layer, Logger, Option, Tracer } from "effect"

/** A collector that is away or hangs: what it did not take within this time is dropped, and nobody waits for it. */
const patience = "5 seconds"
const atTheEnd = "1 second"

/** What begins a trace besides a request: all else, as renewing the lease or reading prices, would drown them. */
const beginnings: ReadonlySet<string> = new Set(["RuleFiring.fire", "RuleFiring.begin", "RuleFiring.fireOrder"])

/**
 * Sends traces and logs to an OpenTelemetry collector; null: nothing. Log lines are those of the log on stderr, with the
 * ids of the trace they belong to. Nothing of the transport is in a span: no header, no query, no body.
 */
export const layer = (options: { readonly endpoint: string | null; readonly version: string }) =>
  options.endpoint === null ? Layer.empty : exporting(options.endpoint, options.version)

const exporting = (endpoint: string, version: string) => {
  const resource = { serviceName: "dipper", serviceVersion: version }
  const tracer = Layer.unwrapScoped(
    Effect.gen(function* () {
      const silent = yield* Effect.tracer
      const url = `${endpoint}/v1/traces`
      const exported = yield* OtlpTracer.make({ url, resource, exportInterval: "1 second", shutdownTimeout: atTheEnd })
      return Layer.setTracer(chosen(exported, silent))
    })
  )
  const logger = Logger.addScoped(
    OtlpLogger.make({ url: `${endpoint}/v1/logs`, resource, excludeLogSpans: true, shutdownTimeout: atTheEnd })
  )
  return Layer.merge(tracer, logger).pipe(
    Layer.provide([collector, OtlpSerialization.layerJson]),
    Layer.tap(() => Effect.logInfo("Traces and logs are sent to a collector", { endpoint: new URL(endpoint).host }))
  )
}

const collector = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(
    HttpClient.HttpClient,
    HttpClient.transformResponse((response) => Effect.orDie(Effect.timeout(response, patience)))
  )
).pipe(Layer.provide(NodeHttpClient.layerUndici))

/** Spans of a trace that nobody asked for are made, because code may ask for its span, and go nowhere. */
const chosen = (exported: Tracer.Tracer, silent: Tracer.Tracer): Tracer.Tracer => {
  const unheard = new WeakSet<Tracer.AnySpan>()

  const isHeard = (parent: Option.Option<Tracer.AnySpan>, kind: Tracer.SpanKind): boolean =>
    Option.match(parent, {
      onNone: () => kind === "server",
      // A caller may say that its trace is not sampled.
      onSome: (span) => (span._tag === "ExternalSpan" ? span.sampled : !unheard.has(span))
    })

  return Tracer.make({
    context: (run, fiber) => exported.context(run, fiber),
    span: (name, parent, context, links, startTime, kind, options) => {
      if (beginnings.has(name)) return exported.span(name, Option.none(), context, links, startTime, kind, options)
      if (isHeard(parent, kind)) return exported.span(name, parent, context, links, startTime, kind, options)
      const span = silent.span(name, parent, context, links, startTime, kind, options)
      unheard.add(span)
      return span
    }
  })
}
