import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, Effect, FiberRef, Layer, Option, Runtime } from "effect"
import { Api } from "../api/Api.ts"
import * as Account from "./Account.ts"
import { accessLog } from "./edge/accessLog.ts"
import { Authentication } from "./Authentication.ts"
import { boundary } from "./Boundary.ts"
import * as Docs from "./Docs.ts"
import { answerClientError, answerConnect } from "./edge/clientError.ts"
import { defaultStreams, EventStreams, type StreamSettings } from "./events/EventStreams.ts"
import { StreamTickets } from "./events/StreamTickets.ts"
import { makeListener, maxBodyBytes } from "./edge/Listener.ts"
import { type Address, Listening } from "./edge/Listening.ts"
import { type GateSettings, HttpGate } from "./HttpGate.ts"
import * as Market from "./Market.ts"
import * as Metrics from "./Metrics.ts"
import * as MetricsPort from "./metrics/MetricsPort.ts"
import * as Status from "./Status.ts"
import * as Trading from "./Trading.ts"
import { traced } from "./tracing.ts"

export interface ServerOptions extends GateSettings, Address {
  readonly version: string
  readonly venue: string
  readonly corsOrigins: ReadonlyArray<string>
  readonly trustProxy: number
  /** Whether somebody reads the spans of requests. */
  readonly traces?: boolean
  /** Of loopback, where the metrics need no key; none unless given. */
  readonly metricsPort?: number | null
  readonly streams?: Partial<StreamSettings>
}

/** Where the API is served; `port` is the real one where 0 was asked. */
export class HttpServer extends Context.Tag("dipper/http/HttpServer")<
  HttpServer,
  { readonly host: string; readonly port: number; readonly url: string }
>() {
  /** Accepts requests once built. When its scope closes, it drains first: what it serves must outlive it. */
  static readonly layer = (options: ServerOptions) =>
    Layer.scoped(HttpServer, make(options)).pipe(
      Layer.provide([
        handlers,
        Metrics.layer,
        Docs.layer(options.version),
        MetricsPort.layer(options.metricsPort ?? null)
      ]),
      Layer.provide(Metrics.Exposition.layer),
      Layer.provide(EventStreams.layer({ ...defaultStreams, ...options.streams })),
      Layer.provide(Authentication.layer),
      Layer.provide(StreamTickets.layer),
      Layer.provide(HttpGate.layer(options)),
      Layer.provide(HttpApiBuilder.Router.Live),
      Layer.provide(NodeHttpServer.layerContext)
    )
}

const handlers = HttpApiBuilder.api(Api).pipe(
  Layer.provide([Status.layer, Market.layer, Account.layer, Trading.layer]),
  Layer.provide(Authentication.middleware)
)

const make = Effect.fnUntraced(function* (options: ServerOptions) {
  // Only the handlers of the whole contract provide this: without one of them the program does not compile.
  yield* HttpApi.Api
  const { gate, routes } = yield* HttpGate
  const tls = options.tls !== null
  const clock = yield* Effect.clock
  const now = () => clock.unsafeCurrentTimeMillis()
  const fork = Runtime.runFork(yield* Effect.runtime())

  const router = yield* Effect.flatMap(HttpApiBuilder.Router, ({ router }) => router)
  const app = boundary(yield* HttpRouter.toHttpApp(router))
  const traces = options.traces === true
  // Set once for all requests: spans would cost each of them more than its routing. The platform's own would tell headers.
  const serve = yield* NodeHttpServer.makeHandler(traces ? traced(app) : app).pipe(
    Effect.locally(FiberRef.currentTracerEnabled, traces),
    HttpMiddleware.withTracerDisabledWhenEffect(() => true),
    Effect.provideService(HttpIncomingMessage.MaxBodySize, Option.some(FileSystem.Size(maxBodyBytes)))
  )
  const listener = makeListener({
    ...options,
    gate,
    routes,
    tls,
    now,
    serve,
    onLeave: (x, request, status, ms) => void fork(accessLog(x, request, status, ms))
  })

  /** For an answer to something that never became a request. */
  const unparsedId = () => {
    const x = gate.enter(undefined, "unknown", now())
    gate.leave(x, 400, now())
    return x.requestId
  }

  const port = yield* (yield* Listening).serve(options, gate, {
    request: listener,
    clientError: answerClientError(options.venue, tls, unparsedId),
    connect: answerConnect(options.venue, tls, unparsedId)
  })
  const host = options.host.includes(":") ? `[${options.host}]` : options.host
  return { host: options.host, port, url: `http${tls ? "s" : ""}://${host}:${port}` }
})
