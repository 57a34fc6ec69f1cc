import type { IncomingMessage, ServerResponse } from "node:http"
import { Cause, Clock, type Context, Effect, Either, Exit, FiberSet, Layer, Predicate } from "effect"
import { readWish, type OrderWish } from "../domain/order/PaperFault.ts"
import { Exchange } from "./Exchange.ts"
import { Faults, type Target } from "./faults/Faults.ts"
import { VenueFaults } from "./faults/VenueFaults.ts"
import { Listener } from "./Listener.ts"
import * as Refusals from "./Refusals.ts"
import { accountRoutes } from "./rest/AccountRoutes.ts"
import type { ApiRequest, SignedRequest } from "./rest/ApiRequest.ts"
import { authenticate } from "./rest/Authentication.ts"
import { controlRoutes } from "./rest/control/ControlRoutes.ts"
import { JsonLines } from "./rest/control/JsonLines.ts"
import { marketRoutes } from "./rest/MarketRoutes.ts"
import { Meter, type Limits } from "./rest/Meter.ts"
import { orderRoutes } from "./rest/OrderRoutes.ts"
import type { Route, Routes } from "./rest/Route.ts"
import { isControl, readRequest } from "./rest/serving/Incoming.ts"
import { json, overLimit, refusal, sendReply, type Reply } from "./rest/serving/Reply.ts"
import { RequestFaults } from "./rest/serving/RequestFaults.ts"
import { VenueRejection } from "./VenueRejection.ts"

export interface RestServerOptions {
  readonly limits: Limits
  /** Serves `/paper/v1/*` to callers on the same machine. */
  readonly control: boolean
}

/** The venue's REST protocol on the listener: every answer is JSON, every refusal carries code and msg. */
export const layer = (options: RestServerOptions) =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const { server } = yield* Listener
      const exchange = yield* Exchange
      const faults = yield* Faults
      const venueFaults = yield* VenueFaults
      const meter = new Meter(options.limits)
      const routes: Routes = {
        ...(yield* marketRoutes),
        ...(yield* accountRoutes),
        ...(yield* orderRoutes(meter)),
        ...(yield* controlRoutes(meter, options.control))
      }
      const answer = makeAnswer(exchange, meter, routes, faults, venueFaults)
      const run = yield* FiberSet.makeRuntime()
      const serve = (request: IncomingMessage, response: ServerResponse) => {
        run(handle(answer, request, response))
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => server.on("request", serve)),
        () => Effect.sync(() => server.off("request", serve))
      )
    })
  )

const handle = Effect.fnUntraced(function* (
  answer: (request: ApiRequest) => Effect.Effect<Reply>,
  incoming: IncomingMessage,
  response: ServerResponse
) {
  const exit = yield* readRequest(incoming).pipe(
    Effect.flatMap(answer),
    Effect.catchAll((refused) => Effect.succeed(refusal(refused))),
    Effect.exit
  )
  if (Exit.isSuccess(exit)) return sendReply(response, exit.value)
  if (Cause.isInterruptedOnly(exit.cause)) return
  yield* Effect.logError("the paper exchange failed at a request", exit.cause)
  sendReply(response, json(500, { code: 500, msg: "Internal error" }))
})

/** A request's way: what stands before the exchange, limits, authentication, the route, and back. */
const makeAnswer = (
  exchange: Context.Tag.Service<typeof Exchange>,
  meter: Meter,
  routes: Routes,
  faults: Context.Tag.Service<typeof Faults>,
  venueFaults: Context.Tag.Service<typeof VenueFaults>
) => {
  const planned = new RequestFaults(faults)

  const answerControl = (request: ApiRequest, route: Route | undefined) =>
    route === undefined || route.access === "signed" || (route.access === "local" && !isLoopback(request.ip))
      ? notFound(routes, request)
      : Effect.map(route.answer(request), rendered)

  const answerVenue = Effect.fnUntraced(function* (request: ApiRequest, route: Route | undefined, target: Target) {
    if (route === undefined || route.access === "local") return yield* notFound(routes, request)
    const now = yield* Clock.currentTimeMillis
    const over = countAddress(request, route, now)
    if (over !== null) return overLimit(over.status, over.waitMillis)
    if (route.access === "public") {
      const ended = yield* planned.before(target, null)
      const told = (answer: unknown) => shiftTime(answer, () => faults.clockShift(now, target))
      return ended ?? (yield* finished(target, null, told(yield* route.answer(request))))
    }
    const caller = yield* authenticate(exchange, request, route.permission, now + faults.clockShift(now, target))
    const overOwn = countAccount(caller, route, now)
    if (overOwn !== null) return overLimit(overOwn.status, overOwn.waitMillis)
    const wish = yield* wishOf(request)
    const ended = yield* planned.before(target, wish)
    if (ended !== null) return ended
    const atMost = planned.atMost(target, wish)
    const answer = yield* route.answer(atMost === null ? caller : { ...caller, atMost })
    if (atMost !== null) planned.limited(answer)
    return yield* finished(target, wish, yield* planned.shown(request, answer))
  })

  const countAddress = ({ ip, ...request }: ApiRequest, route: Exclude<Route, { access: "local" }>, now: number) =>
    meter.weigh(ip, route.weight, now) ??
    (route.access === "public" && route.limit !== null
      ? meter.countOwn(ip, endpointOf(request), ip, route.limit, now)
      : null)

  const countAccount = (caller: SignedRequest, route: Extract<Route, { access: "signed" }>, now: number) => {
    const { account, ip } = caller
    return (
      (route.orderOperation ? meter.countOrder(ip, account.id, now) : null) ??
      (route.limit === null ? null : meter.countOwn(ip, endpointOf(caller), account.id, route.limit, now)) ??
      (route.uidWeight === 0 ? null : meter.weighAccount(ip, account.id, route.uidWeight, now))
    )
  }

  const finished = (target: Target, wish: OrderWish | null, answer: unknown) =>
    Effect.map(planned.after(target, wish, answer), (reply) => reply ?? rendered(answer))

  return Effect.fnUntraced(function* (request: ApiRequest) {
    const route = routes[endpointOf(request)]
    const asReply = Effect.catchAll((refused: VenueRejection) => Effect.succeed(refusal(refused)))
    if (isControl(request.path)) return yield* asReply(answerControl(request, route))
    const target = targetOf(request)
    const turnedAway = (yield* planned.arrival(target)) ?? planned.atTheDoor(target)
    if (turnedAway !== null) return turnedAway
    yield* venueFaults.meet(target)
    const reply = yield* asReply(answerVenue(request, route, target))
    return yield* planned.onTheWay(target, reply)
  })
}

const endpointOf = ({ method, path }: Pick<ApiRequest, "method" | "path">): string => `${method} ${path}`

const targetOf = ({ apiKey, method, parameters, path }: ApiRequest): Target => ({
  method,
  path,
  account: apiKey,
  symbol: parameters.get("symbol") ?? null
})

const rendered = (answer: unknown): Reply =>
  answer instanceof JsonLines
    ? { kind: "body", status: 200, contentType: "application/x-ndjson", body: answer.text }
    : json(200, answer)

/** Only orders can have wishes; the header is looked at nowhere else. */
const wishOf = ({ method, path, wish }: ApiRequest): Either.Either<OrderWish | null, VenueRejection> =>
  wish === null || method !== "POST" || path !== "/api/v3/order"
    ? Either.right(null)
    : Either.mapLeft(readWish(wish), (why) => Refusals.inputWrong(`X-Paper-Fault: ${why}`))

/** exchangeInfo tells the time too. */
const shiftTime = (answer: unknown, shift: () => number): unknown =>
  Predicate.hasProperty(answer, "serverTime") && typeof answer.serverTime === "number"
    ? { ...answer, serverTime: answer.serverTime + shift() }
    : answer

const notFound = (routes: Routes, { method, path }: ApiRequest) => {
  const known = Object.keys(routes).some((route) => route.endsWith(` ${path}`))
  return known
    ? new VenueRejection({ code: 405, text: `Request method '${method}' not supported`, status: 405 })
    : new VenueRejection({ code: 404, text: "Not Found", status: 404 })
}

const isLoopback = (ip: string): boolean => ip === "::1" || /^(::ffff:)?127\./.test(ip)
