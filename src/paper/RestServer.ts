import type { IncomingMessage, ServerResponse } from "node:http"
import { Cause, Clock, Context, Effect, Exit, FiberSet, Layer } from "effect"
import type { Restriction } from "./engine/Checks.ts"
import { Exchange } from "./Exchange.ts"
import { Listener } from "./Listener.ts"
import { accountRoutes } from "./rest/AccountRoutes.ts"
import { parseParameters, type ApiRequest } from "./rest/ApiRequest.ts"
import { authenticate } from "./rest/Authentication.ts"
import { controlRoutes, JsonLines } from "./rest/ControlRoutes.ts"
import { Faults } from "./rest/Faults.ts"
import { marketRoutes } from "./rest/MarketRoutes.ts"
import { Meter, type Limits } from "./rest/Meter.ts"
import { orderRoutes } from "./rest/OrderRoutes.ts"
import { ConnectionDropped, type Route, type Routes } from "./rest/Route.ts"
import { VenueRejection } from "./VenueRejection.ts"

export interface RestServerOptions {
  readonly limits: Limits
  readonly restrictions: Readonly<Record<string, Restriction>>
  /** Serves `/paper/v1/*` to callers on the same machine. */
  readonly control: boolean
}

/** No request of this protocol comes near it. */
const maxBodyBytes = 64 * 1024

/** Too much was asked; the venue answers 429 with the seconds to wait. */
class OverLimit {
  readonly waitMillis: number

  constructor(waitMillis: number) {
    this.waitMillis = waitMillis
  }
}

/** The venue's REST protocol on the listener: every answer is JSON, every refusal carries code and msg. */
export const layer = (options: RestServerOptions) =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const { server } = yield* Listener
      const exchange = yield* Exchange
      const faults = new Faults()
      const meter = new Meter(options.limits)
      const routes: Routes = {
        ...(yield* marketRoutes(options.restrictions)),
        ...(yield* accountRoutes(options.restrictions)),
        ...(yield* orderRoutes(faults, meter)),
        ...(yield* controlRoutes(faults, meter, options.control))
      }
      const run = yield* FiberSet.makeRuntime()
      const serve = (request: IncomingMessage, response: ServerResponse) => {
        run(handle(exchange, meter, routes, request, response))
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => server.on("request", serve)),
        () => Effect.sync(() => server.off("request", serve))
      )
    })
  )

const handle = Effect.fnUntraced(function* (
  exchange: Context.Tag.Service<typeof Exchange>,
  meter: Meter,
  routes: Routes,
  incoming: IncomingMessage,
  response: ServerResponse
) {
  const exit = yield* Effect.exit(
    Effect.flatMap(readRequest(incoming), (request) => respond(exchange, meter, routes, request))
  )
  if (Exit.isSuccess(exit)) {
    const { value } = exit
    if (value instanceof OverLimit) return sendOverLimit(response, value)
    return value instanceof JsonLines ? sendText(response, value.text) : send(response, 200, value)
  }
  const failure = Cause.failureOption(exit.cause)
  if (failure._tag === "None") {
    yield* Effect.logError("the paper exchange failed at a request", exit.cause)
    return send(response, 500, { code: 500, msg: "Internal error" })
  }
  if (failure.value instanceof ConnectionDropped) incoming.socket.destroy()
  else send(response, failure.value.status, { code: failure.value.code, msg: failure.value.text })
})

const respond = Effect.fnUntraced(function* (
  exchange: Context.Tag.Service<typeof Exchange>,
  meter: Meter,
  routes: Routes,
  request: ApiRequest
) {
  const route = routes[`${request.method} ${request.path}`]
  if (route === undefined || (route.access === "local" && !isLoopback(request.ip))) {
    return yield* notFound(routes, request)
  }
  const now = yield* Clock.currentTimeMillis
  const wait = route.weight === 0 ? 0 : meter.weigh(request.ip, route.weight, now)
  if (wait > 0) return new OverLimit(wait)
  return yield* answer(exchange, meter, route, request, now)
})

const answer = Effect.fnUntraced(function* (
  exchange: Context.Tag.Service<typeof Exchange>,
  meter: Meter,
  route: Route,
  request: ApiRequest,
  now: number
) {
  if (route.access !== "signed") return yield* route.answer(request)
  const caller = yield* authenticate(exchange, request, route.permission)
  if (request.body !== "" && !acceptedBody.test(request.contentType)) {
    return yield* new VenueRejection({ code: 700013, text: "Invalid content Type." })
  }
  const wait = route.orderOperation ? meter.countOrder(caller.account.id, now) : 0
  return wait > 0 ? new OverLimit(wait) : yield* route.answer(caller)
})

const acceptedBody = /^application\/(json|x-www-form-urlencoded)\b/i

const notFound = (routes: Routes, { method, path }: ApiRequest) => {
  const known = Object.keys(routes).some((route) => route.endsWith(` ${path}`))
  return known
    ? new VenueRejection({ code: 405, text: `Request method '${method}' not supported`, status: 405 })
    : new VenueRejection({ code: 404, text: "Not Found", status: 404 })
}

const isLoopback = (ip: string): boolean => ip === "::1" || /^(::ffff:)?127\./.test(ip)

const readRequest = (incoming: IncomingMessage) =>
  Effect.map(readBody(incoming), (body): ApiRequest => {
    const url = incoming.url ?? "/"
    const at = url.indexOf("?")
    const query = at === -1 ? "" : url.slice(at + 1)
    const key = incoming.headers["x-mexc-apikey"]
    const path = at === -1 ? url : url.slice(0, at)
    const isForm = !path.startsWith("/paper/")
    return {
      method: incoming.method ?? "GET",
      path,
      query,
      body,
      contentType: incoming.headers["content-type"] ?? "",
      apiKey: typeof key === "string" ? key : null,
      ip: incoming.socket.remoteAddress ?? "",
      parameters: parseParameters(query, isForm ? body : "")
    }
  })

const readBody = (incoming: IncomingMessage) =>
  Effect.async<string, VenueRejection>((resume) => {
    const chunks: Array<Buffer> = []
    let size = 0
    incoming.on("data", (chunk: Buffer) => {
      size += chunk.length
      if (size <= maxBodyBytes) chunks.push(chunk)
    })
    incoming.once("end", () =>
      resume(
        size <= maxBodyBytes
          ? Effect.succeed(Buffer.concat(chunks).toString("utf8"))
          : Effect.fail(new VenueRejection({ code: 413, text: "request body too large", status: 413 }))
      )
    )
    incoming.once("error", () => resume(Effect.interrupt))
    incoming.once("aborted", () => resume(Effect.interrupt))
  })

const send = (response: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}): void => {
  const body = JSON.stringify(value)
  response.writeHead(status, {
    "content-type": "application/json;charset=utf-8",
    "content-length": Buffer.byteLength(body),
    ...headers
  })
  response.end(body)
}

const sendText = (response: ServerResponse, text: string): void => {
  response.writeHead(200, { "content-type": "application/x-ndjson", "content-length": Buffer.byteLength(text) })
  response.end(text)
}

const sendOverLimit = (response: ServerResponse, { waitMillis }: OverLimit): void =>
  send(
    response,
    429,
    { code: 429, msg: "Too many requests" },
    { "retry-after": String(Math.max(1, Math.ceil(waitMillis / 1_000))) }
  )
