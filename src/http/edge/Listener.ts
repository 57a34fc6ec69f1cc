import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { renderFailure } from "../../api/Envelope.ts"
import {
  type ApiError,
  HttpsRequired,
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
import type { Principal } from "../../domain/Principal.ts"
import { addressKey } from "../gate/addressKey.ts"
import type { Exchange, Gate } from "../gate/Gate.ts"
import type { Route, Routes } from "../gate/Routes.ts"
import { answerPreflight, cors, varies } from "./cors.ts"
import { forwardedAddress, forwardedProtocol } from "./forwarded.ts"
import { commonHeaders, failureHeaders, headList, limitHeaders, strictTransport } from "./headers.ts"

export interface ListenerOptions {
  readonly gate: Gate
  readonly routes: Routes
  readonly venue: string
  readonly corsOrigins: ReadonlyArray<string>
  /** Reverse proxies in front: that many last entries of `X-Forwarded-For` and `X-Forwarded-Proto` are believed. */
  readonly trustProxy: number
  readonly tls: boolean
  readonly now: () => number
  readonly serveHot: HotServe
  /** See `makeHoldBack`. */
  readonly holdBack: (socket: Socket) => void
  /** Where a request goes that may be served. */
  readonly serve: (request: IncomingMessage, response: ServerResponse) => void
  /** Told once per request, after its last byte or its abort. */
  readonly onLeave: (x: Exchange, request: IncomingMessage, status: number, ms: number) => void
}

/**
 * Answers at once what it can, or says false: then `serve` has to. `head` are the headers of such an answer, all in one;
 * `dress` sets them for one that turns out to be a failure.
 */
export type HotServe = (
  request: IncomingMessage,
  response: ServerResponse,
  x: Exchange,
  head: ReadonlyArray<string>,
  dress: () => void
) => boolean

/** The node connection was closed before the answer was complete; not sent, only counted. */
const clientClosed = 499

const changing = new NotReady({
  message: "This instance is changing its role; ask again in a moment.",
  retryable: true,
  retryAfterSeconds: 1
})

const overloaded = new Overloaded({
  message: "The service has too much to do; what reads waits for what trades. Ask again in a moment.",
  retryable: true
})

const exchanges = new WeakMap<IncomingMessage, Exchange>()

export const exchangeOf = (request: IncomingMessage): Exchange | undefined => exchanges.get(request)

/**
 * In front of the API builder: what can be refused by the head of a request is refused here, before a fiber exists.
 * Every answer gets its headers here, whoever writes it.
 */
export const makeListener = (options: ListenerOptions) => {
  const { corsOrigins, gate, routes, trustProxy } = options
  const headers = commonHeaders(options.venue, options.tls)
  const head = headList([...headers, ...(corsOrigins.length === 0 ? [] : [varies])])
  const strictHead = [...head, ...strictTransport]

  return (request: IncomingMessage, response: ServerResponse): void => {
    const address = forwardedAddress(request.headers, trustProxy) ?? request.socket.remoteAddress ?? "unknown"
    const x = gate.enter(single(request.headers["x-request-id"]), address, options.now())
    exchanges.set(request, x)
    const leave = (status: number) => {
      if (x.left) return
      const now = options.now()
      gate.leave(x, status, now)
      options.onLeave(x, request, status, now - x.startedAt)
      if (status === 429) holdBack(request)
    }
    response.once("close", () => leave(response.writableFinished ? response.statusCode : clientClosed))
    const protocol = forwardedProtocol(request.headers, trustProxy)
    const dress = () => {
      for (const [name, value] of headers) response.setHeader(name, value)
      response.setHeader("X-Request-Id", x.requestId)
      if (protocol === "https") response.setHeader(...strictTransport)
      return cors(request, response, corsOrigins)
    }
    // A page's own question comes first; programs name no origin.
    const isPage = request.headers.origin !== undefined
    if (isPage && dress()) return preflight(response, x)

    const refusal = protocol === "http" ? notEncrypted : admit(request, response, x)
    if (!isPage) {
      const isPlain = refusal === null && request.headers.expect === undefined
      if (isPlain && options.serveHot(request, response, x, protocol === "https" ? strictHead : head, dress)) return
      dress()
    }
    if (refusal === null || isTooOften(refusal)) tellLimits(response, x)
    if (refusal === null) {
      return gate.line.enter(x.route?.rank ?? null, () => {
        if (response.destroyed) return
        if (request.headers.expect !== undefined) response.writeContinue()
        options.serve(request, response)
      })
    }
    if (refusal._tag === "OVERLOADED") holdBack(request)
    const { lingers, status } = refuse(response, refusal, x.requestId)
    // Who sends a body that nobody wants takes nobody's place with it.
    if (lingers) leave(status)
  }

  /** Behind a proxy, a connection belongs to many. */
  function holdBack(request: IncomingMessage): void {
    if (trustProxy === 0) options.holdBack(request.socket)
  }

  /** It names nobody, whoever is signed in at the page: what follows it is counted on the quota of its user. */
  function preflight(response: ServerResponse, x: Exchange): void {
    gate.limitPreflight(x)
    tellLimits(response, x)
    const refusal = refusedQuota(x, "this address")
    if (refusal === null) answerPreflight(response)
    else refuse(response, refusal, x.requestId)
  }

  function admit(request: IncomingMessage, response: ServerResponse, x: Exchange): ApiError | null {
    if (gate.draining === "stopping") return new ShuttingDown({ message: "The service is stopping.", retryable: true })
    if (gate.draining === "changing") return changing
    const refusal = refusedHead(request, response, x)
    // What is wrong costs its sender as much as what is right: it may be repeated as fast.
    if (refusal !== null && refusal._tag !== "OVERLOADED" && !gate.limitAddress(x)) {
      return refusedQuota(x, "this address")
    }
    return refusal ?? (x.route?.scope === null ? refusedAddress(x) : refusedKnown(request, x))
  }

  function refusedHead(request: IncomingMessage, response: ServerResponse, x: Exchange): ApiError | null {
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
    if (gate.overloaded(x)) return overloaded
    return refusedBody(request, match.route) ?? refusedQuery(request, match.route.takesQuery)
  }

  /** Routes that ask nobody who they are: by address. */
  function refusedAddress(x: Exchange): ApiError | null {
    gate.limitAddress(x)
    const refusal = refusedQuota(x, "this address")
    return refusal ?? (gate.hold(x, `address ${addressKey(x.address)}`) ? null : tooManyUnderWay)
  }

  /** Somebody who was let in a moment ago is refused as cheaply; whoever is not known yet is looked at later. */
  function refusedKnown(request: IncomingMessage, x: Exchange): ApiError | null {
    const known = gate.authenticate(authorizationOf(request), x.startedAt)
    if (typeof known !== "object" || known.allows?.(x.address) === false) return null
    x.principal = known
    return refusedUser(gate, x, known)
  }
}

/** The quotas and places of a user, in this order: a refused place costs a request of the quota as well. */
export const refusedUser = (gate: Gate, x: Exchange, { userId }: Principal): RateLimited | Overloaded | null => {
  gate.limitUser(x, userId)
  return refusedQuota(x, "this user") ?? (gate.hold(x, userId) ? null : tooManyUnderWay)
}

const isTooOften = ({ _tag }: ApiError): boolean => _tag === "RATE_LIMITED" || _tag === "OVERLOADED"

const tooManyUnderWay = new Overloaded({
  message: "Too many of your requests are under way; wait for their answers.",
  retryable: true
})

/** How the quotas stand that the request was counted on. */
export const tellLimits = (response: ServerResponse, x: Exchange): void => {
  for (const [name, value] of limitHeaders(x)) response.setHeader(name, value)
}

/** Refuses by the name of the quota that is used up; of several, the one to wait for. */
const refusedQuota = (x: Exchange, whose: string): RateLimited | null => {
  if (x.standings.every(({ allowed }) => allowed)) return null
  const [used] = x.standings.filter(({ allowed }) => !allowed).sort((a, b) => b.resetSeconds - a.resetSeconds)
  if (used === undefined) return null
  const { name, requests, windowSeconds } = used.quota
  return new RateLimited({
    message: `The quota "${name}" of ${whose} is used up: ${requests} requests at once, and as many again within ${windowSeconds} s.`,
    retryable: true,
    retryAfterSeconds: used.resetSeconds
  })
}

const notEncrypted = new HttpsRequired({
  message: "This request came without TLS, and its credential with it: ask https://, and replace the key that was sent."
})

/** A refused body is still read so far, so that its sender gets the answer and not a reset connection. */
const lingerBytes = 4 * 1024 * 1024

/** Answers without reading the request any further; one that lingers waits for the rest of a body only to drop it. */
export const refuse = (
  response: ServerResponse,
  error: ApiError,
  requestId: string
): { readonly status: number; readonly lingers: boolean } => {
  const { status, body } = renderFailure(error, requestId)
  for (const [name, value] of failureHeaders(error, status)) response.setHeader(name, value)
  const lingers = status === 411 || status === 413
  // Who is to go elsewhere goes at once; who is to come back in a second keeps the connection, a new one costs more.
  if (lingers || (status === 503 && error._tag !== "OVERLOADED")) response.setHeader("Connection", "close")
  response.writeHead(status, { "Content-Length": Buffer.byteLength(body) })
  if (!lingers) {
    response.end(body)
    return { status, lingers }
  }
  response.write(body)
  let left = lingerBytes
  response.req
    .on("data", (chunk: Buffer) => {
      left -= chunk.length
      if (left < 0) response.end()
    })
    .once("end", () => response.end())
  return { status, lingers }
}

const refusedBody = (request: IncomingMessage, { maxBodyBytes, takesBody }: Route): ApiError | null => {
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

/** Two headers are two opinions about who asks: none counts. */
export const authorizationOf = ({ headers, rawHeaders }: IncomingMessage): string | undefined => {
  // Node keeps the first of several; its list of all of every header would only be made for this.
  let given = 0
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]?.length === authorization.length && rawHeaders[i]?.toLowerCase() === authorization) given++
  return given === 1 ? headers.authorization : undefined
}

const authorization = "authorization"
