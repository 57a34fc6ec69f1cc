import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, Deferred, Effect, Fiber, FiberRef, Layer, Option, Runtime, Schema } from "effect"
import { createServer as createPlainServer, type Server as NodeServer } from "node:http"
import { createServer as createTlsServer } from "node:https"
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
import type { Gate } from "./gate/Gate.ts"
import { type GateSettings, HttpGate } from "./HttpGate.ts"
import * as Market from "./Market.ts"
import * as Metrics from "./Metrics.ts"
import * as Status from "./Status.ts"
import * as Trading from "./Trading.ts"

/** Another program, or another instance, listens there. */
export class PortTaken extends Schema.TaggedError<PortTaken>()("PortTaken", {
  host: Schema.String,
  port: Schema.Int
}) {
  override get message() {
    return `PORT: ${this.port} on ${this.host} is already in use; stop the other program or choose another. Example: PORT=${this.port + 1}`
  }
}

/** The address cannot be listened on: not ours, not allowed, or a certificate that does not work. */
export class CannotListen extends Schema.TaggedError<CannotListen>()("CannotListen", {
  host: Schema.String,
  port: Schema.Int,
  problem: Schema.String
}) {
  override get message() {
    return `HOST: cannot listen on ${this.host}:${this.port}: ${this.problem}. Example: HOST=127.0.0.1`
  }
}

export interface ServerOptions extends GateSettings {
  readonly version: string
  readonly host: string
  readonly port: number
  readonly venue: string
  readonly corsOrigins: ReadonlyArray<string>
  readonly trustProxy: number
  /** PEM texts. */
  readonly tls: { readonly cert: string; readonly key: string } | null
  readonly timeouts?: Partial<typeof defaultTimeouts>
  readonly streams?: Partial<StreamSettings>
}

/** Node's own defaults would let a silent client hold a connection for minutes. */
const defaultTimeouts = {
  headersMs: 5_000,
  requestMs: 15_000,
  keepAliveMs: 10_000,
  idleMs: 30_000,
  checkEveryMs: 1_000,
  /** Stopping: how long new requests are still told so, and how long those under way may take. */
  announceMs: 300,
  drainMs: 2_000
}

/** Where the API is served; `port` is the real one where 0 was asked. */
export class HttpServer extends Context.Tag("dipper/http/HttpServer")<
  HttpServer,
  { readonly host: string; readonly port: number; readonly url: string }
>() {
  /** Accepts requests once built. When its scope closes, it drains first: what it serves must outlive it. */
  static readonly layer = (options: ServerOptions) =>
    Layer.scoped(HttpServer, make(options)).pipe(
      Layer.provide([handlers, Metrics.layer, Docs.layer(options.version)]),
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
  const timeouts = { ...defaultTimeouts, ...options.timeouts }
  const tls = options.tls !== null
  const clock = yield* Effect.clock
  const now = () => clock.unsafeCurrentTimeMillis()
  const fork = Runtime.runFork(yield* Effect.runtime())

  const router = yield* Effect.flatMap(HttpApiBuilder.Router, ({ router }) => router)
  // Set once for all requests: spans would cost each of them more than its routing.
  const serve = yield* NodeHttpServer.makeHandler(boundary(yield* HttpRouter.toHttpApp(router))).pipe(
    Effect.locally(FiberRef.currentTracerEnabled, false),
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

  const server = yield* listen(options, timeouts)
  server.on("request", listener).on("checkContinue", listener).on("checkExpectation", listener)
  server.on("clientError", answerClientError(options.venue, tls, unparsedId))
  server.on("connect", answerConnect(options.venue, tls, unparsedId))
  yield* Effect.addFinalizer(() => drain(gate, server, timeouts))

  const port = portOf(server) ?? options.port
  const host = options.host.includes(":") ? `[${options.host}]` : options.host
  return { host: options.host, port, url: `http${tls ? "s" : ""}://${host}:${port}` }
})

const portOf = (server: NodeServer): number | null => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : null
}

const createServer = (tls: ServerOptions["tls"], timeouts: typeof defaultTimeouts): NodeServer => {
  const settings = {
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: timeouts.keepAliveMs,
    connectionsCheckingInterval: timeouts.checkEveryMs,
    maxHeaderSize: 16_384,
    // Node would answer a missing Host with an empty body; the listener answers it.
    requireHostHeader: false
  }
  const server =
    tls === null
      ? createPlainServer(settings)
      : createTlsServer({ ...settings, ...tls, minVersion: "TLSv1.2", handshakeTimeout: 5_000 })
  server.maxConnections = 2_000
  server.maxRequestsPerSocket = 10_000
  return server.setTimeout(timeouts.idleMs)
}

const listen = (options: ServerOptions, timeouts: typeof defaultTimeouts) =>
  Effect.gen(function* () {
    const { host, port } = options
    const refuse = (fault: unknown) =>
      new CannotListen({ host, port, problem: fault instanceof Error ? fault.message : String(fault) })
    // A certificate or key that is none throws here.
    const server = yield* Effect.try({ try: () => createServer(options.tls, timeouts), catch: refuse })
    yield* Effect.async<void, PortTaken | CannotListen>((resume) => {
      server.once("error", (fault: NodeJS.ErrnoException) =>
        resume(Effect.fail(fault.code === "EADDRINUSE" ? new PortTaken({ host, port }) : refuse(fault)))
      )
      server.listen({ host, port }, () => resume(Effect.void))
    })
    return server
  })

/**
 * Requests are told that the service stops, those under way are finished, then connections are cut. Accepting goes on
 * for a moment: a client whose connection was just opened gets an answer and not a reset.
 */
const drain = (gate: Gate, server: NodeServer, timeouts: typeof defaultTimeouts) =>
  Effect.gen(function* () {
    const idle = yield* Deferred.make<void>()
    gate.drain(() => Deferred.unsafeDone(idle, Effect.void))
    yield* Effect.sleep(timeouts.announceMs)
    const closed = yield* Effect.async<void>((resume) => void server.close(() => resume(Effect.void))).pipe(Effect.fork)
    server.closeIdleConnections()
    // In a fiber of its own: a stop by signal runs this in one that is interrupted, where any wait would end at once.
    const waiting = yield* Effect.forkDaemon(
      Effect.interruptible(Effect.timeoutOption(Deferred.await(idle), timeouts.drainMs))
    )
    yield* Fiber.await(waiting)
    server.closeAllConnections()
    yield* closed
  })
