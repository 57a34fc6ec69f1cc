import type * as HttpClient from "@effect/platform/HttpClient"
import { Clock, Duration, Effect, Either, Exit, Fiber, Predicate, PubSub, Schedule, Schema } from "effect"
import type { UserId } from "../domain/Ids.ts"
import type { Instant } from "../domain/Time.ts"
import type { BudgetClass, BudgetRequest } from "./budget/Pools.ts"
import { asUnknown, isClockFault, mayBeReadAgain, noReplyToRead, noReplyToWrite } from "./classify.ts"
import type { ContractDrift } from "./ContractDrift.ts"
import type { Credentials } from "./Credentials.ts"
import { makeHttpExchange, NoReply } from "./HttpExchange.ts"
import type { RateBudget } from "./RateBudget.ts"
import { readReply, type Reply } from "./Reply.ts"
import { encodeQuery, type Parameters, signedQuery } from "./signing/Signature.ts"
import { makeVenueClock, type Timed, timed } from "./signing/VenueClock.ts"
import { type OutcomeUnknown, type VenueFailure, VenueRefused, VenueUnavailable } from "./VenueFailure.ts"
import { isDocumented, isSuccessCode } from "./wire/Codes.ts"
import type { MexcEndpoint } from "./wire/Endpoint.ts"
import { problemPath } from "./wire/rest/problemPath.ts"
import { ServerTime } from "./wire/rest/RestMarket.ts"
import { type Endpoint, isOrderOperation, isTwicePerSecond, methodOf, pathOf, weights } from "./wire/Weights.ts"

/** The venue refused a request of this user for the key's address (700006) or its permissions (700007). */
export interface KeyRefusal {
  readonly userId: UserId
  readonly code: number
}

export interface Call<A, I> {
  readonly endpoint: Endpoint
  readonly parameters?: Parameters
  readonly class: BudgetClass
  /** Present on signed calls. */
  readonly credentials?: Credentials
  readonly answer: Schema.Schema<A, I>
  /** Lists of all pairs take longer. */
  readonly slow?: boolean
  /** Whether the key may do this is what is asked: a refusal is an answer, and no news of the key. */
  readonly asksPermission?: true
  /** Besides the ones every signed call has. */
  readonly headers?: Readonly<Record<string, string>>
}

/** How long a reply may take. The budget's grace covers the longest. */
export const readTimeout = Duration.seconds(5)
/** Giving up on a write early only makes its outcome unknown more often. */
export const longTimeout = Duration.seconds(10)

const recvWindowMs = 5_000

/** Two more attempts of a read, each with a fresh grant and a fresh signature. */
const readRetry = Schedule.exponential("200 millis").pipe(Schedule.jittered, Schedule.intersect(Schedule.recurs(2)))

/**
 * Some endpoints are limited by the second, and another program, our own command line among them, may use the account or the
 * address as well. The budget holds the next attempt back for as long as the venue says.
 */
const isOfASecond = (failure: VenueFailure): boolean =>
  failure._tag === "VenueRateLimited" && failure.retryAfterMs <= 2_000

/** The venue's address check and its permission check. */
const aboutPermission: ReadonlySet<number> = new Set([700006, 700007])

/** Of a key that may have ended: the venue never says "expired". */
const endedKey: ReadonlySet<number> = new Set([402, 10072, 700002])
const mayHaveEndedAfter = 75

const withItsAge = (credentials: Credentials | undefined, failure: VenueFailure): VenueFailure => {
  const days = credentials?.ageDays ?? 0
  if (!(failure instanceof VenueRefused) || days < mayHaveEndedAfter || !endedKey.has(failure.code ?? 0)) return failure
  const { code, httpStatus, kind } = failure
  return new VenueRefused({
    kind,
    ...(code === undefined ? {} : { code }),
    ...(httpStatus === undefined ? {} : { httpStatus }),
    message: `${failure.message} (expired? The key is ${days} days old, and one without a bound address ends after 90.)`
  })
}

const scrubber = (credentials: Credentials | undefined) => (text: string) => {
  const withoutSignature = text.replace(/signature=[0-9a-z%]*/gi, "signature=…")
  return credentials === undefined || credentials.accessKey === ""
    ? withoutSignature
    : withoutSignature.replaceAll(credentials.accessKey, "…")
}

type AnyCall = Omit<Call<unknown, unknown>, "answer">

const budgetRequest = ({ class: budgetClass, credentials, endpoint }: AnyCall): BudgetRequest => ({
  cost: weights[endpoint],
  class: budgetClass,
  ...(credentials === undefined ? {} : { user: credentials.userId }),
  orderOperation: isOrderOperation(endpoint),
  ...(isTwicePerSecond(endpoint) ? { twicePerSecond: endpoint } : {})
})

/** Wrapped successes carry their content under `data`; now and then a bare answer is wrapped, too. */
const contentOf = (body: unknown): unknown =>
  Predicate.isRecord(body) && typeof body["code"] === "number" && isSuccessCode(body["code"]) ? body["data"] : undefined

/** Sends calls inside the budget, signs them by the venue's clock and says what the answers mean. */
export const makeTransport = Effect.fnUntraced(function* (
  endpoint: typeof MexcEndpoint.Service,
  client: HttpClient.HttpClient,
  budget: typeof RateBudget.Service,
  drift: typeof ContractDrift.Service,
  refusedKeys: PubSub.PubSub<KeyRefusal>
) {
  const exchange = makeHttpExchange(client)
  const clock = yield* makeVenueClock
  const scope = yield* Effect.scope
  const measuring = yield* Effect.makeSemaphore(1)

  const address = ({ credentials, endpoint: called, parameters = [] }: AnyCall, now: Instant): string => {
    const base = `${endpoint.rest}/api/v3${pathOf(called)}`
    if (credentials !== undefined) {
      const timed: Parameters = [...parameters, ["recvWindow", `${recvWindowMs}`], ["timestamp", `${now}`]]
      return `${base}?${signedQuery(credentials.secretKey, timed)}`
    }
    return parameters.length === 0 ? base : `${base}?${encodeQuery(parameters)}`
  }

  /** A limit the venue reports stops everybody before the grant of this call is given back. */
  const understand = (call: AnyCall, reply: Reply) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => readReply(reply, scrubber(call.credentials), now)).pipe(
      Effect.tapError((failure) =>
        "code" in failure && failure.code !== undefined && !isDocumented(failure.code)
          ? drift.note("errorCode", `${failure.code} to ${call.endpoint}`)
          : Effect.void
      ),
      Effect.tapErrorTag("VenueRateLimited", ({ retryAfterMs }) => budget.pause(retryAfterMs)),
      Effect.tapErrorTag("VenueRefused", ({ code = 0 }) => {
        const { asksPermission = false, credentials } = call
        return credentials === undefined || asksPermission || !aboutPermission.has(code)
          ? Effect.void
          : PubSub.publish(refusedKeys, { userId: credentials.userId, code })
      }),
      Effect.mapError((failure) => withItsAge(call.credentials, failure))
    )

  const exchangeAt = (call: AnyCall, now: Instant): Effect.Effect<Reply, NoReply> =>
    exchange({
      method: methodOf(call.endpoint),
      url: address(call, now),
      accessKey: call.credentials?.accessKey ?? null,
      headers: call.headers ?? {},
      timeout: methodOf(call.endpoint) === "GET" && call.slow !== true ? readTimeout : longTimeout
    })

  const exchangeNow = (call: AnyCall): Effect.Effect<Reply, NoReply> =>
    Effect.flatMap(clock.now, (now) => exchangeAt(call, now))

  /** The inner answer is a value, so that the budget knows the reply is in even when it refuses. */
  const answer = <A, I>(
    call: Call<A, I>,
    send: Effect.Effect<Reply, NoReply> = exchangeNow(call),
    waiting?: typeof Effect.interruptible
  ): Effect.Effect<Timed<A>, VenueFailure | NoReply> =>
    budget
      .withPermits(
        budgetRequest(call),
        waiting
      )(
        Effect.flatMap(timed(send), ({ value, ...times }) =>
          Effect.map(
            Effect.either(understand(call, value)),
            Either.map((body) => ({ ...times, body }))
          )
        )
      )
      .pipe(
        Effect.flatten,
        Effect.flatMap(({ body, ...times }) => Effect.map(decode(call, body), (value) => ({ ...times, value })))
      )

  const decode = <A, I>(call: Call<A, I>, body: unknown): Effect.Effect<A, VenueUnavailable> => {
    const read = Schema.decodeUnknownEither(call.answer)
    const content = contentOf(body)
    const found = content === undefined ? read(body) : Either.orElse(read(content), () => read(body))
    return Effect.catchAll(found, (problem) =>
      Effect.zipRight(
        drift.note("body", `${call.endpoint}: ${problemPath(problem)}`),
        new VenueUnavailable({
          message: `The venue's answer to ${call.endpoint} has an unknown form.`,
          httpStatus: 200
        })
      )
    )
  }

  const callTimed = <A, I>(request: Call<A, I>): Effect.Effect<Timed<A>, VenueFailure> =>
    Effect.catchTag(answer(request), "NoReply", (failure) => Effect.fail(noReplyToRead(failure)))

  const measureClock = (budgetClass: BudgetClass): Effect.Effect<Instant, VenueFailure> =>
    callTimed({ endpoint: "GET /time", class: budgetClass, answer: ServerTime }).pipe(
      Effect.map(({ value, ...times }) => ({ ...times, value: value.serverTime })),
      Effect.tap(clock.set),
      Effect.map(({ value }) => value)
    )

  /** Of many that find the clock wrong at once, one measures it. */
  const measureUnlessNewer = (budgetClass: BudgetClass, known: number) =>
    measuring.withPermits(1)(
      Effect.unlessEffect(
        measureClock(budgetClass),
        Effect.map(clock.measurements, (count) => count !== known)
      )
    )

  /** As an order, because orders wait for it. */
  const clockIsKnown = Effect.unlessEffect(
    Effect.retry(measureUnlessNewer("order", 0), { schedule: readRetry, while: mayBeReadAgain }),
    Effect.map(clock.measurements, (count) => count > 0)
  )

  /** A request refused for its time was refused before anything else: with the clock set right it is sent once more. */
  const resynchronised = <A, E extends VenueFailure | OutcomeUnknown>(
    budgetClass: BudgetClass,
    attempt: Effect.Effect<A, E>,
    again: Effect.Effect<A, E>
  ): Effect.Effect<A, E | VenueFailure> =>
    Effect.flatMap(Effect.zipRight(clockIsKnown, clock.measurements), (known) =>
      Effect.catchAll(attempt, (failure) =>
        isClockFault(failure)
          ? measureUnlessNewer(budgetClass, known).pipe(
              Effect.catchAllCause(() => Effect.fail(failure)),
              Effect.zipRight(again)
            )
          : Effect.fail(failure)
      )
    )

  /** Reads are retried where the code table allows it, and once after the limit of a second; writes never. */
  const call = <A, I>(request: Call<A, I>): Effect.Effect<A, VenueFailure> => {
    const once = Effect.map(callTimed(request), ({ value }) => value)
    const attempt =
      methodOf(request.endpoint) === "GET"
        ? Effect.retry(once, { schedule: readRetry, while: mayBeReadAgain }).pipe(
            Effect.catchIf(isOfASecond, () => once)
          )
        : once
    return request.credentials === undefined ? attempt : resynchronised(request.class, attempt, attempt)
  }

  /**
   * Runs in a fiber of the client: an interruption reaches the children of a fiber even where the fiber itself cannot
   * be interrupted, and a request with a timeout is such a child.
   */
  const detached = <A>(send: Effect.Effect<A, NoReply>): Effect.Effect<A, NoReply> =>
    Effect.forkIn(Effect.interruptible(send), scope).pipe(
      Effect.flatMap(Fiber.await),
      Effect.flatMap((exit) =>
        Exit.isInterrupted(exit)
          ? new NoReply({ message: "The service stopped while it waited for the answer.", neverSent: false })
          : exit
      )
    )

  const submitOnce = <A, I>(
    request: Call<A, I>,
    beforeSend: Effect.Effect<void>
  ): Effect.Effect<A, VenueFailure | OutcomeUnknown> =>
    // Signed as of before the note, so that the bytes of a process which stood still in between come too late to count.
    answer(
      request,
      Effect.flatMap(clock.now, (now) => Effect.zipRight(beforeSend, detached(exchangeAt(request, now)))),
      Effect.interruptible
    ).pipe(
      Effect.mapBoth({
        onSuccess: ({ value }) => value,
        onFailure: (failure) => (failure._tag === "NoReply" ? noReplyToWrite(failure) : asUnknown(failure))
      })
    )

  /**
   * Sends a signed write once; again only when it was refused for its time, and then `beforeSend` runs again, for the
   * caller may no longer want it. VenueUnavailable means that no byte has left, OutcomeUnknown that nothing is proven.
   * An interruption ends the waiting for clock and budget. Once the caller has noted that it sends, only the timeout may stop
   * the send, for the bytes may have left.
   */
  const submit = <A, I>(request: Call<A, I>, beforeSend: Effect.Effect<void>) => {
    const once = submitOnce(request, beforeSend)
    return Effect.uninterruptible(
      Effect.zipRight(Effect.interruptible(clockIsKnown), resynchronised(request.class, once, once))
    )
  }

  return { call, submit, scrubber, measureClock, clockOffset: clock.offset }
})

export type Transport = Effect.Effect.Success<ReturnType<typeof makeTransport>>
