import { Clock, type Context, Deferred, Effect, FiberId, Option, Predicate } from "effect"
import type { Decimal } from "../../../domain/Decimal.ts"
import type { OrderWish } from "../../../domain/order/PaperFault.ts"
import type { Target, Faults } from "../../faults/Faults.ts"
import * as Refusals from "../../Refusals.ts"
import { VenueRejection } from "../../VenueRejection.ts"
import type { ApiRequest } from "../ApiRequest.ts"
import { json, overLimit, type Reply } from "./Reply.ts"

type Service = Context.Tag.Service<typeof Faults>

const queriesOfOrders: ReadonlyArray<string> = ["/api/v3/openOrders", "/api/v3/allOrders", "/api/v3/myTrades"]

/** How planned faults bend requests, in the order a request meets them. */
export class RequestFaults {
  readonly #faults: Service
  readonly #held = new Map<number, Deferred.Deferred<void>>()

  constructor(faults: Service) {
    this.#faults = faults
  }

  /** A request on its way: null when it has arrived. */
  arrival(target: Target): Effect.Effect<Reply | null> {
    return this.#faults.isIdle() ? nothing : this.#arrival(target)
  }

  readonly #arrival = Effect.fnUntraced(function* (this: RequestFaults, target: Target) {
    const now = yield* Clock.currentTimeMillis
    const until = this.#faults.stalledUntil(now, target)
    if (until === null) return null
    yield* this.#heldUntil(until, now)
    // No network keeps anything while the machines sleep.
    return (yield* Clock.currentTimeMillis) > until + longestLag ? dropped : null
  })

  /** What was held together arrives in the order it was sent in: the first waits for the time, the others for the first. */
  #heldUntil(until: number, now: number): Effect.Effect<void> {
    const opened = this.#held.get(until)
    if (opened !== undefined) return Deferred.await(opened)
    const opens = Deferred.unsafeMake<void>(FiberId.none)
    this.#held.set(until, opens)
    return Effect.ensuring(
      Effect.sleep(until - now),
      Effect.suspend(() => {
        this.#held.delete(until)
        return Deferred.succeed(opens, undefined)
      })
    )
  }

  /** What stands before the exchange: network, firewall, bans. */
  atTheDoor(target: Target): Reply | null {
    const { fire } = this.#faults
    if (Option.isSome(fire("firewall", target))) return firewallPage
    const banned = fire("banned", target)
    if (Option.isSome(banned)) return overLimit(418, banned.value.seconds * 1_000)
    const limited = fire("rateLimited", target)
    if (Option.isSome(limited)) return overLimit(429, limited.value.seconds * 1_000)
    if (Option.isSome(fire("maintenance", target))) return maintenance
    return Option.isSome(fire("halfOpen", { ...target, when: "before" })) ? held : null
  }

  /** An authenticated request that has not taken effect yet: ends it here, refuses it, or lets it go on. */
  before(target: Target, wish: OrderWish | null): Effect.Effect<Reply | null, VenueRejection> {
    return this.#faults.isIdle() && wish === null ? nothing : this.#before(target, wish)
  }

  readonly #before = Effect.fnUntraced(function* (this: RequestFaults, target: Target, wish: OrderWish | null) {
    const { fire } = this.#faults
    const at: Target = { ...target, when: "before" }
    const delay = fire("delayAnswer", at)
    if (Option.isSome(delay)) yield* Effect.sleep(delay.value.delayMs)
    if (Option.isSome(fire("dropBeforeBooking", target))) return dropped
    const rejection = fire("rejectOrder", target)
    if (Option.isSome(rejection)) return yield* refused(rejection.value.code, rejection.value.text)
    if (wish?.type === "reject") {
      this.#faults.count("rejectOrder")
      return yield* refused(wish.code, "")
    }
    return this.#damaged(at, json(200, null))
  })

  /** The part of the order that may be filled at once, when a fault says so. */
  atMost(target: Target, wish: OrderWish | null): Decimal | null {
    const planned = this.#faults.take("partialFill", target)
    if (Option.isSome(planned)) return planned.value.fraction
    return wish?.type === "partial" ? wish.fraction : null
  }

  /** The answer to an order that was allowed only a part: one that was refused took none. */
  limited(answer: unknown): void {
    if (orderIdsOf(answer).length > 0) this.#faults.count("partialFill")
  }

  /** The answer of a request that has taken effect, as the exchange gives it. */
  after(target: Target, wish: OrderWish | null, answer: unknown): Effect.Effect<Reply | null> {
    return this.#faults.isIdle() && wish === null ? nothing : this.#after(target, wish, answer)
  }

  readonly #after = Effect.fnUntraced(function* (
    this: RequestFaults,
    target: Target,
    wish: OrderWish | null,
    answer: unknown
  ) {
    const { fire } = this.#faults
    const now = yield* Clock.currentTimeMillis
    const invisible = this.#faults.take("orderInvisible", target)
    if (Option.isSome(invisible)) this.#hide(orderIdsOf(answer), now, invisible.value.seconds)
    if (wish?.type === "timeoutAfterAccept") {
      this.#faults.count("halfOpen")
      return held
    }
    if (Option.isSome(fire("halfOpen", { ...target, when: "after" }))) return held
    return Option.isSome(fire("dropAfterBooking", target)) ? dropped : null
  })

  /** The bytes of an answer or a refusal on their way out. */
  onTheWay(target: Target, reply: Reply): Effect.Effect<Reply> {
    return this.#faults.isIdle() ? Effect.succeed(reply) : this.#onTheWay(target, reply)
  }

  readonly #onTheWay = Effect.fnUntraced(function* (this: RequestFaults, target: Target, reply: Reply) {
    const at: Target = { ...target, when: "after" }
    const delay = this.#faults.fire("delayAnswer", at)
    if (Option.isSome(delay)) yield* Effect.sleep(delay.value.delayMs)
    return this.#damaged(at, reply) ?? reply
  })

  /** What a query shows of an answer: neither orders that are invisible still nor their fills. */
  shown(request: ApiRequest, answer: unknown): Effect.Effect<unknown, VenueRejection> {
    return request.method !== "GET" || this.#faults.isIdle() ? Effect.succeed(answer) : this.#shown(request, answer)
  }

  readonly #shown = Effect.fnUntraced(function* (this: RequestFaults, { path }: ApiRequest, answer: unknown) {
    const now = yield* Clock.currentTimeMillis
    const isShown = (each: unknown) => !this.#faults.isHidden(orderIdOf(each) ?? "", now)
    if (path === "/api/v3/order") return isShown(answer) ? answer : yield* Refusals.unknownOrderOnQuery()
    return Array.isArray(answer) && queriesOfOrders.includes(path) ? answer.filter(isShown) : answer
  })

  #hide(ids: ReadonlyArray<string>, now: number, seconds: number): void {
    for (const id of ids) this.#faults.hideOrder(id, now + seconds * 1_000, now)
    if (ids.length > 0) this.#faults.count("orderInvisible")
  }

  #damaged(target: Target, reply: Reply): Reply | null {
    const { fire } = this.#faults
    const failing = fire("serverError", target)
    if (Option.isSome(failing))
      return json(failing.value.status, { code: failing.value.status, msg: "Internal error, please try again later" })
    const html = fire("htmlBody", target)
    if (Option.isSome(html)) return { kind: "body", ...errorPage, status: html.value.status }
    const huge = fire("hugeBody", target)
    if (Option.isSome(huge)) return { ...okJson, body: `"${"x".repeat(huge.value.bytes - 2)}"` }
    const truncated = fire("truncatedBody", target)
    if (Option.isNone(truncated) || reply.kind !== "body") return null
    const whole = Buffer.from(reply.body)
    const half = { ...reply, body: whole.subarray(0, Math.floor(whole.length / 2)) }
    return truncated.value.closed ? { ...half, promised: whole.length } : half
  }
}

/** A timer of a busy machine is later than asked, by much less. */
const longestLag = 5_000

const nothing = Effect.succeed(null)
const dropped: Reply = { kind: "dropped" }
const held: Reply = { kind: "held" }
const okJson = { kind: "body", status: 200, contentType: "application/json;charset=utf-8" } as const

const maintenance = json(500, {
  code: 500,
  message: "Under maintenance, please try again later",
  announcement: "https://www.mexc.com/support/articles/17827791510263"
})

const errorPage = {
  contentType: "text/html",
  body: "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"
}
const firewallPage: Reply = {
  kind: "body",
  status: 403,
  contentType: "text/html",
  body: "<html><head><title>Access Denied</title></head><body><h1>Access Denied</h1>You don't have permission to access this server.</body></html>"
}

const refused = (code: number, text: string) =>
  Effect.fail(new VenueRejection({ code, text: text === "" ? Refusals.wordingOf(code) : text }))

const orderIdOf = (value: unknown): string | null =>
  Predicate.hasProperty(value, "orderId") && typeof value.orderId === "string" ? value.orderId : null

/** Of an order's or a batch's acknowledgement. */
const orderIdsOf = (answer: unknown): ReadonlyArray<string> =>
  (Array.isArray(answer) ? answer : [answer]).flatMap((each) => orderIdOf(each) ?? [])
