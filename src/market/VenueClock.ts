import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { Clock, Deferred, Effect, Layer, Schedule, Schema } from "effect"
import type { Instant } from "../domain/Time.ts"
import { MarketClock } from "../MarketClock.ts"
import { MexcEndpoint } from "../mexc/wire/Endpoint.ts"

/** A paper exchange's clock is asked this often while it runs; in between its time is extrapolated. */
const askEvery = "5 seconds"

/** A fast clock is asked more often: at 300 times the speed five seconds are twenty-five minutes of market. */
const askFastEvery = "500 millis"

/** A clock stepped by hand moves at any moment. */
const askStoppedEvery = "50 millis"

const askTimeout = "2 seconds"

/** Ten seconds for the exchange to come up; without market time nothing can begin. */
const firstReading = Schedule.spaced("250 millis").pipe(Schedule.intersect(Schedule.recurs(40)))

const loopback = new Set(["127.0.0.1", "localhost", "[::1]"])

/** The paper exchange's clock cannot be followed; the start stops. */
export class VenueClockUnavailable extends Schema.TaggedError<VenueClockUnavailable>()("VenueClockUnavailable", {
  message: Schema.String
}) {}

const Reading = Schema.Struct({ marketNow: Schema.Number, speed: Schema.NonNegative, wallNow: Schema.Number })

interface Sample {
  readonly marketNow: Instant
  readonly speed: number
  /** Our wall clock when the reading was made. */
  readonly takenAt: number
}

const unreachable = (url: string, why: string) =>
  new VenueClockUnavailable({ message: `the paper exchange's clock at ${url} cannot be read: ${why}` })

/**
 * Follows the market time of a paper exchange that runs at its own speed. Time never goes back; it stands still while
 * the exchange cannot be asked, because in a market that is not there no time passes.
 */
export const layer: Layer.Layer<MarketClock, VenueClockUnavailable, MexcEndpoint | HttpClient.HttpClient> =
  Layer.scoped(
    MarketClock,
    Effect.gen(function* () {
      const { rest } = yield* MexcEndpoint
      const client = yield* HttpClient.HttpClient
      const url = `${rest}/paper/v1/clock`
      if (!loopback.has(new URL(rest).hostname)) return yield* unreachable(url, "only a loopback address is followed")

      const ask = Effect.gen(function* () {
        const before = yield* Clock.currentTimeMillis
        const { marketNow, speed } = yield* client.get(url).pipe(
          Effect.flatMap(HttpClientResponse.filterStatusOk),
          Effect.flatMap(HttpClientResponse.schemaBodyJson(Reading)),
          Effect.timeout(askTimeout),
          Effect.mapError((cause) => unreachable(url, cause._tag))
        )
        const after = yield* Clock.currentTimeMillis
        return { marketNow, speed, takenAt: (before + after) / 2 } satisfies Sample
      })

      let sample: Sample = yield* Effect.retry(ask, firstReading)
      let shown = Number.NEGATIVE_INFINITY
      let changed = yield* Deferred.make<void>()

      const now = Effect.map(Clock.currentTimeMillis, (wall) => {
        shown = Math.max(shown, Math.floor(sample.marketNow + (wall - sample.takenAt) * sample.speed))
        return shown
      })

      const take = Effect.fnUntraced(function* (next: Sample) {
        const woken = changed
        changed = yield* Deferred.make<void>()
        sample = next
        yield* Deferred.succeed(woken, undefined)
      })

      const stand = Effect.fnUntraced(function* (failure: VenueClockUnavailable) {
        if (sample.speed > 0) yield* Effect.logWarning("market time stands still", failure.message)
        yield* take({ marketNow: yield* now, speed: 0, takenAt: yield* Clock.currentTimeMillis })
      })

      const pause = Effect.suspend(() =>
        Effect.sleep(sample.speed === 0 ? askStoppedEvery : sample.speed > 1 ? askFastEvery : askEvery)
      )

      yield* pause.pipe(
        Effect.zipRight(Effect.matchEffect(ask, { onSuccess: take, onFailure: stand })),
        Effect.forever,
        Effect.forkScoped
      )

      const sleepUntil = Effect.fnUntraced(function* (at: Instant) {
        for (let current = yield* now; current < at; current = yield* now) {
          const { speed } = sample
          const moved = Deferred.await(changed)
          yield* speed === 0 ? moved : Effect.raceFirst(moved, Effect.sleep(Math.ceil((at - current) / speed)))
        }
      })

      return { now, sleepUntil, speed: Effect.sync(() => sample.speed) }
    })
  )
