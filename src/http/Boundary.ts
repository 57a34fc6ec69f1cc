import { HttpApiDecodeError } from "@effect/platform/HttpApiError"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerError from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Cause, Effect } from "effect"
import { isApiError, renderFailure } from "../api/Envelope.ts"
import { type ApiError, Internal, MalformedJson, RouteNotFound } from "../api/Errors.ts"
import { type Acting, actsAs } from "../store/audit/acting.ts"
import { refusedInput } from "./input/refusedInput.ts"
import { failureHeaders, json } from "./edge/headers.ts"
import { type Exchange, unknownExchange } from "./gate/Gate.ts"
import { exchangeOf } from "./edge/Listener.ts"
import { parseJson } from "./input/parseJson.ts"

/** Sets a header of the answer under way, whatever the answer will be. */
export const setHeader = (name: string, value: string) =>
  Effect.map(HttpServerRequest.HttpServerRequest, (request) => {
    NodeHttpServerRequest.toServerResponse(request).setHeader(name, value)
  })

/** Hears of each failure, before it is answered. */
export type Hearing = (x: Exchange, error: ApiError) => Effect.Effect<void>

/** The outermost middleware: whatever goes wrong further in leaves as our envelope, with the request's id. */
export const boundary = <R>(
  app: HttpApp.Default<unknown, R>,
  hear: Hearing = () => Effect.void
): HttpApp.Default<never, R> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    const x = exchangeOf(NodeHttpServerRequest.toIncomingMessage(request)) ?? unknownExchange
    if (x.route?.takesBody === true) readStrictly(request)
    const answered = Effect.catchAllCause(app, (cause) =>
      Cause.isInterruptedOnly(cause)
        ? Effect.interrupt
        : Effect.map(
            Effect.tap(asApiError(cause, x), (error) => hear(x, error)),
            (error) => answer(error, x)
          )
    )
    return Effect.zipRight(
      actsAs(() => actingIn(x)),
      answered
    )
  })

/**
 * What is in memory leaves at once, and the platform finds it sent: it would keep the fiber until the last byte is written.
 * For the last one to touch an answer.
 */
export const sentWhole = <R>(app: HttpApp.Default<never, R>): HttpApp.Default<never, R> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Effect.map(app, (answer) => {
      const response = NodeHttpServerRequest.toServerResponse(request)
      const { body, headers, status } = answer
      if (body._tag === "Uint8Array" && !response.writableEnded) response.writeHead(status, headers).end(body.body)
      return answer
    })
  )

/** Whoever asks, once that is known: until then nobody. */
const actingIn = ({ address, principal, requestId }: Exchange): Acting => ({
  by:
    principal === null
      ? { via: "nobody", credentialId: null }
      : { via: principal.via, credentialId: principal.credentialId },
  requestId,
  address
})

/** The builder reads `request.json`; ours also refuses what JSON parsers disagree about. */
const readStrictly = (request: HttpServerRequest.HttpServerRequest): void => {
  const strictJson = Effect.flatMap(request.text, parseJson)
  Object.defineProperty(request, "json", { value: strictJson })
}

const answer = (error: ApiError, x: Exchange): HttpServerResponse.HttpServerResponse => {
  const { status, body } = renderFailure(error, x.requestId)
  return HttpServerResponse.text(body, { status, contentType: json, headers: failureHeaders(error, status) })
}

/** What the client is told of a failure; a defect is logged, and told as one. */
export const asApiError = (cause: Cause.Cause<unknown>, x: Exchange): Effect.Effect<ApiError> => {
  const failure = Cause.squash(cause)
  if (isApiError(failure)) return Effect.succeed(failure)
  if (failure instanceof HttpApiDecodeError) return Effect.succeed(refusedInput(failure.issues, x.route))
  if (failure instanceof HttpServerError.RouteNotFound) {
    return Effect.succeed(new RouteNotFound({ message: "There is no such route." }))
  }
  // Also a client that went away while its body was read; then nobody sees this answer.
  if (failure instanceof HttpServerError.RequestError) {
    return Effect.succeed(new MalformedJson({ message: "The body could not be read." }))
  }
  return Effect.logError("A request met a fault", cause).pipe(
    Effect.annotateLogs({ requestId: x.requestId, route: x.route?.operation ?? "none" }),
    Effect.as(new Internal({ message: "A fault of the service; its log has the cause under this request id." }))
  )
}
