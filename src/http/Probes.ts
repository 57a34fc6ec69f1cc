import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, FiberRef, type Schema } from "effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import { encodeSuccess } from "../api/Envelope.ts"
import { type ApiError, Forbidden, ShuttingDown } from "../api/Errors.ts"
import { UpOrDown } from "../api/Status.ts"
import { Readiness } from "../service/Readiness.ts"
import { boundary } from "./Boundary.ts"
import { answerClientError, answerConnect } from "./edge/clientError.ts"
import { json } from "./edge/headers.ts"
import { makeListener, refuse } from "./edge/Listener.ts"
import { servePort } from "./edge/Listening.ts"
import { Gate } from "./gate/Gate.ts"
import { Routes } from "./gate/Routes.ts"
import { HttpGate } from "./HttpGate.ts"
import { Exposition } from "./Metrics.ts"
import { expositionType } from "./metrics/exposition.ts"

/** What is asked by programs that watch this one. */
const paths = { metrics: "/metrics", live: "/api/v1/status/live", ready: "/api/v1/status/ready" } as const

const encode = encodeSuccess(UpOrDown)
const answer = (health: Schema.Schema.Type<typeof UpOrDown>) =>
  HttpServerResponse.text(encode(health), { contentType: json })

/**
 * A second door, on loopback and without a key, for metrics and probes: it opens also when every connection of the API
 * is taken, and tells while the API drains. It counts for itself, so that nobody's load and nobody's watching mix.
 */
export const serveProbes = Effect.fnUntraced(function* (options: { readonly port: number; readonly venue: string }) {
  const api = (yield* HttpGate).gate
  const readiness = yield* Readiness
  const { text } = yield* Exposition
  const clock = yield* Effect.clock
  const ready = Effect.suspend((): Effect.Effect<HttpServerResponse.HttpServerResponse, ApiError> =>
    api.draining === false
      ? Effect.map(readiness.ready, (status) => answer({ status }))
      : Effect.fail(new ShuttingDown({ message: "The service takes no requests now.", retryable: true }))
  )
  const routes = new Routes(
    Object.entries(paths).map(([operation, path]) => ({ operation, path, scope: null })),
    []
  )
  const gate = new Gate({
    routes: routes.all,
    ratePerMinute: 6_000,
    instance: "probe",
    authenticate: () => "unauthenticated"
  })
  const app = HttpRouter.empty.pipe(
    HttpRouter.get(
      paths.metrics,
      Effect.map(text, (body) => HttpServerResponse.text(body, { contentType: expositionType }))
    ),
    HttpRouter.get(paths.live, Effect.succeed(answer({ status: "up" }))),
    HttpRouter.get(paths.ready, ready)
  )
  const serve = yield* NodeHttpServer.makeHandler(boundary(yield* HttpRouter.toHttpApp(app))).pipe(
    Effect.locally(FiberRef.currentTracerEnabled, false)
  )
  const id = () => gate.unparsed(clock.unsafeCurrentTimeMillis())
  return yield* servePort(
    {
      host: "127.0.0.1",
      port: options.port,
      setting: "METRICS_PORT",
      tls: null,
      maxConnections: 50,
      timeouts: { announceMs: 0 }
    },
    gate,
    {
      request: forThisMachine(
        makeListener({
          gate,
          routes,
          venue: options.venue,
          corsOrigins: [],
          trustProxy: 0,
          tls: false,
          now: () => clock.unsafeCurrentTimeMillis(),
          serveHot: () => false,
          holdBack: () => undefined,
          serve,
          onLeave: () => undefined
        })
      ),
      clientError: answerClientError(options.venue, false, id),
      connect: answerConnect(options.venue, false, id)
    }
  )
})

/** A page of somebody else's must not read it through a browser on this machine, nor by a name that leads here. */
const forThisMachine =
  (listener: (request: IncomingMessage, response: ServerResponse) => void) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    if (request.headers.origin === undefined && isLocal(request.headers.host)) return listener(request, response)
    refuse(response, new Forbidden({ message: "This port answers programs of its own machine only." }), "probe")
  }

const isLocal = (name: string | undefined): boolean => /^(?:127\.0\.0\.1|localhost)(?::\d+)?$/.test(name ?? "")
