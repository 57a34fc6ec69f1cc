import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpTraceContext from "@effect/platform/HttpTraceContext"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect, Option } from "effect"
import { exchangeOf } from "./edge/Listener.ts"
import { unknownExchange } from "./gate/Gate.ts"

/**
 * One span per request, under the caller's `traceparent`. The platform's own has every header and the whole address in it,
 * with tickets and cookies; this one has the route's pattern.
 */
export const traced = <R>(app: HttpApp.Default<never, R>): HttpApp.Default<never, R> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    const x = exchangeOf(NodeHttpServerRequest.toIncomingMessage(request)) ?? unknownExchange
    const route = x.route?.path ?? "none"
    return Effect.useSpan(
      `${request.method} ${route}`,
      {
        kind: "server",
        captureStackTrace: false,
        parent: Option.getOrUndefined(HttpTraceContext.w3c(request.headers)),
        attributes: { "http.request.method": request.method, "http.route": route, "dipper.request_id": x.requestId }
      },
      (span) => {
        x.span = span
        return Effect.tap(Effect.withParentSpan(app, span), ({ status }) =>
          Effect.sync(() => span.attribute("http.response.status_code", status))
        )
      }
    )
  })
