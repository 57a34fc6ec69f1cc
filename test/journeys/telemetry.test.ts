import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Redacted, Runtime, Schema } from "effect"
import { temporaryFolder } from "../kit/Process.ts"
import { buyBelow50000, client, createKey, eventually, paperExchange, service } from "../kit/Service.ts"
import { receiver } from "../notify/kit/hooks.ts"

const Value = Schema.Struct({ stringValue: Schema.optional(Schema.String), intValue: Schema.optional(Schema.Unknown) })
const Attributes = Schema.Array(Schema.Struct({ key: Schema.String, value: Value }))
const Span = Schema.Struct({
  traceId: Schema.String,
  spanId: Schema.String,
  parentSpanId: Schema.optional(Schema.String),
  name: Schema.String,
  attributes: Attributes
})
const LogRecord = Schema.Struct({ body: Value, traceId: Schema.optional(Schema.String), attributes: Attributes })
const spansOf = Schema.decodeUnknownSync(
  Schema.parseJson(
    Schema.Struct({
      resourceSpans: Schema.Array(
        Schema.Struct({ scopeSpans: Schema.Array(Schema.Struct({ spans: Schema.Array(Span) })) })
      )
    })
  )
)
const logsOf = Schema.decodeUnknownSync(
  Schema.parseJson(
    Schema.Struct({
      resourceLogs: Schema.Array(
        Schema.Struct({ scopeLogs: Schema.Array(Schema.Struct({ logRecords: Schema.Array(LogRecord) })) })
      )
    })
  )
)

/** A collector on loopback, and everything it got. */
const collector = Effect.gen(function* () {
  const bodies: Array<readonly [path: string, body: string]> = []
  const { port } = yield* receiver((request, response) => {
    let body = ""
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk))
    request.on("end", () => {
      bodies.push([request.url ?? "", body])
      response.writeHead(200, { "content-type": "application/json" }).end("{}")
    })
  }, false)
  const of = (path: string) => bodies.filter(([to]) => to === path).map(([, body]) => body)
  return {
    port,
    text: () => bodies.map(([, body]) => body).join("\n"),
    spans: () =>
      of("/v1/traces").flatMap((body) =>
        spansOf(body).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
      ),
    logs: () =>
      of("/v1/logs").flatMap((body) =>
        logsOf(body).resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords))
      )
  }
})

const ask = (url: string, token: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
  Effect.promise(() =>
    fetch(url, {
      ...init,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers }
    })
  )

describe("OTEL_EXPORTER_OTLP_ENDPOINT", () => {
  it.scopedLive(
    "gets the trace of a request under its traceparent, its log line, the trace of a firing, and no secret",
    () =>
      Effect.gen(function* () {
        const otlp = yield* collector
        const paper = yield* paperExchange
        yield* paper.price("BTCUSDT", "60000")
        const { command, url } = yield* service(yield* temporaryFolder, paper, {
          OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${otlp.port}`,
          LOG_LEVEL: "trace"
        })
        const key = yield* createKey(command)
        const token = Redacted.value(key)
        const trace = "0af7651916cd43dd8448eb211c80319c"
        const unsampled = "1bf7651916cd43dd8448eb211c80319c"
        yield* ask(`${url}/api/v1/account/wallet`, token, { traceparent: `00-${trace}-b7ad6b7169203331-01` })
        yield* ask(`${url}/api/v1/account/wallet`, token, { traceparent: `00-${unsampled}-b7ad6b7169203331-00` })
        yield* ask(`${url}/api/v1/account/events?ticket=canary-ticket`, token, { cookie: "session=canary-cookie" })
        yield* ask(`${url}/api/v1/account/wallet`, "bk_canary-of-a-key")
        yield* ask(
          `${url}/api/v1/account/credentials`,
          token,
          { "idempotency-key": "canary-idempotency" },
          { method: "PUT", body: JSON.stringify({ accessKey: "canary-access", secretKey: "canary-secret" }) }
        )
        const api = yield* client(url, key)
        yield* api.trading.createRule({
          payload: buyBelow50000,
          headers: { "idempotency-key": "a-rule-for-the-traces" }
        })
        yield* paper.price("BTCUSDT", "49990")

        const request = yield* eventually(
          "the span",
          Effect.sync(() => otlp.spans().find(({ name, traceId }) => traceId === trace && name.startsWith("GET "))),
          (span) => span !== undefined
        )
        assert.strictEqual(request?.name, "GET /api/v1/account/wallet")
        assert.strictEqual(request?.parentSpanId, "b7ad6b7169203331")
        const inner = otlp.spans().filter(({ traceId }) => traceId === trace)
        assert.isAbove(inner.length, 1)
        yield* eventually(
          "the log line",
          Effect.sync(() => otlp.logs()),
          (logs) => logs.some(({ body, traceId }) => traceId === trace && body.stringValue === "request")
        )
        yield* eventually(
          "the firing",
          Effect.sync(() => otlp.spans()),
          (spans) => spans.some(({ name, parentSpanId }) => name === "RuleFiring.fire" && parentSpanId === undefined)
        )
        assert.isEmpty(otlp.spans().filter(({ traceId }) => traceId === unsampled))
        // What runs in the background begins no trace.
        const beginnings = otlp.spans().filter(({ parentSpanId }) => parentSpanId === undefined)
        for (const { name } of beginnings) assert.match(name, /^(?:[A-Z]+ (?:\/|none)|RuleFiring\.)/)
        assert.notInclude(otlp.text(), token)
        assert.notInclude(otlp.text(), "canary")
      }),
    120_000
  )

  it.scopedLive.each([
    ["refuses connections", true],
    ["takes requests and never answers", false]
  ] as const)(
    "a collector that %s costs no request, and no time at the end",
    ([, refuses]) =>
      Effect.gen(function* () {
        const asked = yield* Deferred.make<void>()
        const run = Runtime.runFork(yield* Effect.runtime())
        const dead = yield* receiver((request) => {
          request.resume()
          run(Deferred.succeed(asked, undefined))
        }, false)
        if (refuses) dead.close()
        const paper = yield* paperExchange
        const { command, process, url } = yield* service(yield* temporaryFolder, paper, {
          OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${dead.port}`
        })
        const token = Redacted.value(yield* createKey(command))
        if (!refuses) yield* Deferred.await(asked)
        for (let n = 0; n < 50; n++) assert.strictEqual((yield* ask(`${url}/api/v1/account/wallet`, token)).status, 200)
        // It would be killed before: the drain of requests has ten seconds.
        const code = yield* process.stop("SIGTERM").pipe(Effect.timeout("10 seconds"))
        assert.strictEqual(code, 0)
      }),
    120_000
  )
})
