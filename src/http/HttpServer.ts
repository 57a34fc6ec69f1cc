import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpPlatform from "@effect/platform/HttpPlatform"
import * as Etag from "@effect/platform/Etag"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, Effect, FiberRef, FiberSet, Layer, LogLevel, Option, Runtime } from "effect"
import { Api } from "../api/Api.ts"
import * as Account from "./Account.ts"
import { accessLog } from "./edge/accessLog.ts"
import { Authentication } from "./Authentication.ts"
import { boundary, sentWhole } from "./Boundary.ts"
import * as Docs from "./Docs.ts"
import { answerClientError, answerConnect } from "./edge/clientError.ts"
import { defaultStreams, EventStreams, type StreamSettings } from "./events/EventStreams.ts"
import { StreamTickets } from "./events/StreamTickets.ts"
import { makeHoldBack } from "./edge/holdBack.ts"
import { makeListener } from "./edge/Listener.ts"
import { type Address, Listening } from "./edge/Listening.ts"
import { makeHotListener } from "./hot/HotListener.ts"
import { HotReads } from "./hot/HotReads.ts"
import { maxBodyBytes } from "./gate/Routes.ts"
import { followLoopDelay } from "./edge/loopDelay.ts"
import { serveProbes } from "./Probes.ts"
import { type GateSettings, HttpGate } from "./HttpGate.ts"
import * as Market from "./Market.ts"
import * as Metrics from "./Metrics.ts"
import { RefusedCredentials, tellingAccess } from "./RefusedCredentials.ts"
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
  readonly streams?: Partial<StreamSettings>
  /** For metrics and probes without a key, on loopback; none when absent. */
  readonly metricsPort?: number | null
}

/** Where the API is served; `port` is the real one where 0 was asked. */
export class HttpServer extends Context.Tag("dipper/http/HttpServer")<
  HttpServer,
  {
    readonly host: string
    readonly port: number
    readonly url: string
    readonly metricsPort: number | null
  }
>() {
  /** Accepts requests once built. When its scope closes, it drains first: what it serves must outlive it. */
  static readonly layer = (options: ServerOptions) =>
    Layer.scoped(HttpServer, make(options)).pipe(
      Layer.provide([handlers, Metrics.layer, Docs.layer(options.version)]),
      Layer.provide(Metrics.Exposition.layer),
      Layer.provide(EventStreams.layer({ ...defaultStreams, ...options.streams })),
      Layer.provide(HotReads.layer),
      Layer.provide(Authentication.layer),
      Layer.provide(RefusedCredentials.layer),
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
  // A fiber for a line that nobody wants would cost as much as many an answer.
  const isLogged = LogLevel.lessThanEqual(yield* FiberRef.get(FiberRef.currentMinimumLogLevel), LogLevel.Info)

  const router = yield* Effect.flatMap(HttpApiBuilder.Router, ({ router }) => router)
  const { noteAccess } = yield* RefusedCredentials
  const app = sentWhole(boundary(yield* HttpRouter.toHttpApp(router), tellingAccess(noteAccess)))
  const traces = options.traces === true
  // Set once for all requests: spans would cost each of them more than its routing. The platform's own would tell headers.
  const serve = yield* NodeHttpServer.makeHandler(traces ? traced(app) : app).pipe(
    Effect.locally(FiberRef.currentTracerEnabled, traces),
    HttpMiddleware.withTracerDisabledWhenEffect(() => true),
    Effect.provideService(HttpIncomingMessage.MaxBodySize, Option.some(FileSystem.Size(maxBodyBytes))),
    // Each request copies several times what it runs with: that must not be all services of the process.
    Effect.mapInputContext((all: Context.Context<HttpRouter.HttpRouter.DefaultServices>) =>
      Context.pick(HttpPlatform.HttpPlatform, Etag.Generator, FileSystem.FileSystem, Path.Path)(all)
    )
  )
  const serveHot = yield* makeHotListener.pipe(Effect.locally(FiberRef.currentTracerEnabled, false))
  const listener = makeListener({
    ...options,
    gate,
    routes,
    tls,
    now,
    serveHot,
    serve,
    holdBack: makeHoldBack(yield* FiberSet.makeRuntime<never>()),
    onLeave: (x, request, status, ms) => {
      if (isLogged) fork(accessLog(x, request, status, ms))
    }
  })

  const unparsedId = () => gate.unparsed(now())

  yield* followLoopDelay((ms) => gate.load.observe(ms))
  const { metricsPort: asked = null } = options
  // Opened first, so that it closes last: while the API drains, its probes still tell that it does.
  const metricsPort = asked === null ? null : yield* serveProbes({ ...options, port: asked })
  const port = yield* (yield* Listening).serve(options, gate, {
    request: listener,
    clientError: answerClientError(options.venue, tls, unparsedId),
    connect: answerConnect(options.venue, tls, unparsedId)
  })
  const host = options.host.includes(":") ? `[${options.host}]` : options.host
  return { host: options.host, port, metricsPort, url: `http${tls ? "s" : ""}://${host}:${port}` }
})
