import type { IncomingMessage, ServerResponse } from "node:http"
import { renderFailure } from "../../api/Envelope.ts"
import {
  type ApiError,
  LengthRequired,
  MethodNotAllowed,
  NotReady,
  Overloaded,
  PayloadTooLarge,
  RateLimited,
  RouteNotFound,
  ShuttingDown,
  UnsupportedMediaType,
  ValidationFailed
} from "../../api/Errors.ts"
import { cors } from "./cors.ts"
import type { Exchange, Gate } from "../gate/Gate.ts"
import { commonHeaders, failureHeaders, limitHeaders } from "./headers.ts"
import type { Routes } from "../gate/Routes.ts"

export interface ListenerOptions {
  readonly gate: Gate
  readonly routes: Routes
  readonly venue: string
  readonly corsOrigins: ReadonlyArray<string>
  /** Reverse proxies in front: that many last entries of `X-Forwarded-For` are believed. */
  readonly trustProxy: number
  readonly tls: boolean
  readonly now: () => number
  readonly serveHot: HotServe
  /** Where a request goes that may be served. */
  readonly serve: (request: IncomingMessage, response: ServerResponse) => void
  /** Told once per request, after its last byte or its abort. */
  readonly onLeave: (x: Exchange, request: IncomingMessage, status: number, ms: number) => void
}

/**
 * Answers at once what it can, headers included: true; false where `serve` has to, an error for what must be refused.
 * `dress` gives an answer its headers, for one that turns out to be a failure later.
 */
export type HotServe = (
  request: IncomingMessage,
  response: ServerResponse,
  x: Exchange,
  dress: () => void
) => boolean | ApiError

/** Largest body this API reads; a rule with everything in it is a twentieth of it. */
export const maxBodyBytes = 64 * 1024

/** The node connection was closed before the answer was complete; not sent, only counted. */
const clientClosed = 499

const changing = new NotReady({
  message: "This instance is changing its role; ask again in a moment.",
  retryable: true,
  retryAfterSeconds: 1
})

const exchanges = new WeakMap<IncomingMessage, Exchange>()

export const exchangeOf = (request: IncomingMessage): Exchange | undefined => exchanges.get(request)

/**
 * In front of the API builder: what can be refused by the head of a request is refused here, before a fiber exists.
 * Every answer gets its headers here, whoever writes it.
 */
export const makeListener = (options: ListenerOptions) => {
  const { gate, routes } = options
  const headers = commonHeaders(options.venue, options.tls)

  const dress = (response: ServerResponse, x: Exchange): void => {
    for (const [name, value] of headers) response.setHeader(name, value)
    response.setHeader("X-Request-Id", x.requestId)
  }

  return (request: IncomingMessage, response: ServerResponse): void => {
    const x = gate.enter(single(request.headers["x-request-id"]), addressOf(request, options.trustProxy), options.now())
    exchanges.set(request, x)
    response.once("close", () => {
      const now = options.now()
      const status = response.writableFinished ? response.statusCode : clientClosed
      gate.leave(x, status, now)
      options.onLeave(x, request, status, now - x.startedAt)
    })
    const refusal = admit(request, response, x)
    // Programs send no origin; a page's own rules are for the slow way.
    const isPlain = refusal === null && request.headers.origin === undefined && request.headers.expect === undefined
    const hot = isPlain && options.serveHot(request, response, x, () => dress(response, x))
    if (hot === true) return
    dress(response, x)
    if (hot !== false) return refuse(response, hot, x.requestId)
    if (cors(request, response, options.corsOrigins)) return
    if (refusal !== null) return refuse(response, refusal, x.requestId)
    if (request.headers.expect !== undefined) response.writeContinue()
    options.serve(request, response)
  }

  function admit(request: IncomingMessage, response: ServerResponse, x: Exchange): ApiError | null {
    if (gate.draining === "stopping") return new ShuttingDown({ message: "The service is stopping.", retryable: true })
    if (gate.draining === "changing") return changing
    if (gate.overloaded) return new Overloaded({ message: "Too many requests are under way.", retryable: true })
    if (request.headers.host === undefined && request.httpVersion === "1.1") {
      return new ValidationFailed({ message: "The request has no Host header." })
    }
    const path = pathOf(request.url)
    const match = routes.find(request.method ?? "", path)
    if (match.type === "none") return new RouteNotFound({ message: `There is no route ${show(path)}.` })
    if (match.type === "otherMethod") {
      response.setHeader("Allow", match.allow.join(", "))
      return new MethodNotAllowed({ message: `${show(path)} takes ${match.allow.join(", ")}.` })
    }
    x.route = match.route
    const { takesBody, takesQuery } = match.route
    return refusedBody(request, takesBody) ?? refusedQuery(request, takesQuery) ?? refusedRate(response, x)
  }

  /** Routes without a principal are limited by address; the others once they know who asks. */
  function refusedRate(response: ServerResponse, x: Exchange): ApiError | null {
    if (x.route?.scope !== null) return null
    const allowed = gate.limit(x, `address ${x.address}`)
    tellLimits(response, x)
    return allowed
      ? null
      : new RateLimited({ message: "Too many requests from this address.", retryAfterSeconds: x.resetSeconds })
  }
}

/** Also on an answer that has no other header yet. */
export const tellLimits = (response: ServerResponse, x: Exchange): void => {
  for (const [name, value] of limitHeaders(x)) response.setHeader(name, value)
}

/** A refused body is still read so far, so that its sender gets the answer and not a reset connection. */
const lingerBytes = 4 * 1024 * 1024

/** Answers without reading the request any further. */
export const refuse = (response: ServerResponse, error: ApiError, requestId: string): void => {
  const { status, body } = renderFailure(error, requestId)
  for (const [name, value] of failureHeaders(error, status)) response.setHeader(name, value)
  const unreadable = status === 411 || status === 413
  if (unreadable || status === 503) response.setHeader("Connection", "close")
  response.writeHead(status, { "Content-Length": Buffer.byteLength(body) })
  if (!unreadable) return void response.end(body)
  response.write(body)
  let left = lingerBytes
  response.req
    .on("data", (chunk: Buffer) => {
      left -= chunk.length
      if (left < 0) response.end()
    })
    .once("end", () => response.end())
}

const refusedBody = (request: IncomingMessage, takesBody: boolean): ApiError | null => {
  const declared = request.headers["content-length"]
  const length = declared === undefined ? 0 : Number(declared)
  if (length > maxBodyBytes) {
    return new PayloadTooLarge({ message: `The body may have at most ${maxBodyBytes} bytes.` })
  }
  // A body of unknown length could only be refused by cutting the connection while it is read.
  if (request.headers["transfer-encoding"] !== undefined || (takesBody && declared === undefined)) {
    return new LengthRequired({ message: "Send the body with a Content-Length, not chunked." })
  }
  if (!takesBody) {
    // Some clients send an empty object with every POST.
    return length <= 2 ? null : new ValidationFailed({ message: "This route takes no body." })
  }
  if (!isJson.test(request.headers["content-type"] ?? "") || request.headers["content-encoding"] !== undefined) {
    return new UnsupportedMediaType({ message: "The body must be application/json in UTF-8, not compressed." })
  }
  return null
}

/** A route with a query has a schema that knows its names. */
const refusedQuery = (request: IncomingMessage, takesQuery: boolean): ApiError | null => {
  const query = (request.url ?? "").split("?").slice(1).join("?")
  if (takesQuery || query === "") return null
  const names = [...new Set(new URLSearchParams(query).keys())].slice(0, 20).map(show)
  return new ValidationFailed({
    message: "This route takes no query parameters.",
    details: names.map((path) => ({ path, message: "is not known here" }))
  })
}

const isJson = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i

const single = (header: string | Array<string> | undefined): string | undefined =>
  typeof header === "string" ? header : undefined

const pathOf = (url = "/"): string => {
  const query = url.indexOf("?")
  return query === -1 ? url : url.slice(0, query)
}

/** A path in a sentence: what the client sent, without what could break a log line or a page. */
const show = (path: string): string => path.replace(/[^\x21-\x7e]|["<>]/g, "?").slice(0, 200)

/** The client's own address. Entries of `X-Forwarded-For` left of our proxies are the client's invention. */
const addressOf = (request: IncomingMessage, proxies: number): string => {
  const forwarded = proxies === 0 ? [] : (single(request.headers["x-forwarded-for"]) ?? "").split(",")
  const entry = forwarded[forwarded.length - proxies]?.trim()
  return (entry === undefined || entry === "" ? request.socket.remoteAddress : entry.slice(0, 64)) ?? "unknown"
}
