import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { Clock, Duration, Effect, Layer, Schema, Stream } from "effect"
import { SymbolName } from "../../../src/domain/Market.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import { ContractDrift } from "../../../src/mexc/ContractDrift.ts"
import { MexcClient } from "../../../src/mexc/MexcClient.ts"
import { RateBudget } from "../../../src/mexc/RateBudget.ts"
import { MexcEndpoint } from "../../../src/mexc/wire/Endpoint.ts"

export const symbolOf = Schema.decodeSync(SymbolName)

export interface MemoryAnswer {
  readonly status?: number
  readonly body: string
  readonly headers?: Record<string, string>
}

export interface MemoryAsked {
  readonly endpoint: string
  readonly query: URLSearchParams
}

/** Retries do not wait, and no time-out ever comes. */
const impatient = Effect.map(Effect.clock, (clock): Clock.Clock => ({
  [Clock.ClockTypeId]: Clock.ClockTypeId,
  unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis(),
  unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
  currentTimeMillis: clock.currentTimeMillis,
  currentTimeNanos: clock.currentTimeNanos,
  sleep: (duration) => (Duration.toMillis(duration) < 2_000 ? Effect.yieldNow() : Effect.never)
}))

/**
 * The real client before a venue without sockets or limits, for many thousand answers in some seconds. `/time` answers
 * by itself unless the test does.
 */
export const withMemoryVenue = <A, E>(
  answer: (asked: MemoryAsked) => MemoryAnswer | undefined,
  test: (venue: {
    readonly client: typeof MexcClient.Service
    readonly drift: typeof ContractDrift.Service
    readonly asked: Array<MemoryAsked>
    readonly pauses: Array<number>
  }) => Effect.Effect<A, E>
) =>
  Effect.gen(function* () {
    const asked: Array<MemoryAsked> = []
    const pauses: Array<number> = []
    const http = HttpClient.make((request, url) =>
      Effect.sync(() => {
        const seen = { endpoint: `${request.method} ${url.pathname.replace("/api/v3", "")}`, query: url.searchParams }
        asked.push(seen)
        const { body, headers, status } = answer(seen) ?? { body: JSON.stringify({ serverTime: Date.now() }) }
        const bare = new Response(null, { status: status ?? 200, headers: headers ?? {} })
        // A web stream of one chunk costs more than the client.
        const stream = Stream.succeed(Buffer.from(body))
        return Object.defineProperty(HttpClientResponse.fromWeb(request, bare), "stream", { value: stream })
      })
    )
    const layer = MexcClient.layer.pipe(
      Layer.provideMerge(ContractDrift.layer),
      Layer.provide([
        Layer.succeed(HttpClient.HttpClient, http),
        Layer.mock(RateBudget, {
          withPermits: () => (effect) => effect,
          pause: (ms) => Effect.sync(() => void pauses.push(ms))
        }),
        MarketClock.layer,
        MexcEndpoint.layer("http://venue.test", "ws://venue.test/ws")
      ])
    )
    const clock = yield* impatient
    return yield* Effect.gen(function* () {
      return yield* test({ client: yield* MexcClient, drift: yield* ContractDrift, asked, pauses })
    }).pipe(Effect.provide(layer), Effect.withClock(clock), Effect.scoped)
  })

/** Answers one endpoint, and lets the clock answer by itself. */
export const only =
  (endpoint: string, body: unknown, status = 200) =>
  (asked: MemoryAsked): MemoryAnswer | undefined =>
    asked.endpoint === endpoint
      ? { status, body: JSON.stringify(body) }
      : asked.endpoint === "GET /time"
        ? undefined
        : { status: 500, body: "" }

export const driftOf = (drift: typeof ContractDrift.Service) =>
  Effect.map(drift.counters, (all) =>
    Object.fromEntries(all.filter(({ count }) => count > 0).map(({ count, kind }) => [kind, count]))
  )
