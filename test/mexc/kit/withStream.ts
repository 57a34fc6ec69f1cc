import { Effect, Layer, type Scope, Stream, TestClock } from "effect"
import type { ContractDrift } from "../../../src/mexc/ContractDrift.ts"
import { MexcStream, type StreamTiming } from "../../../src/mexc/MexcStream.ts"
import { publicPulse } from "../../../src/mexc/stream/Pulse.ts"
import { MexcEndpoint } from "../../../src/mexc/wire/Endpoint.ts"
import { settle, streamServer } from "./streamServer.ts"
import { type Asked, type Answer, clientLayer, scriptedVenue } from "./venueServer.ts"

/** A venue that gives listen keys `key1`, `key2` and so on. */
export const keys = () => {
  let made = 0
  return (asked: Asked): Answer => {
    if (asked.path === "/time") return { json: { serverTime: 1_767_211_150_479 } }
    if (asked.method === "POST") return { json: { listenKey: `key${++made}` } }
    return { json: { listenKey: asked.query.get("listenKey") } }
  }
}

type Server = Effect.Effect.Success<typeof streamServer>
type Venue = Effect.Effect.Success<ReturnType<typeof scriptedVenue>>

/** Nothing is suspicious, and accounts are asked as seldom as everything else, unless the test says so. */
export const withStream = <A, E>(
  test: (
    stream: typeof MexcStream.Service,
    server: Server,
    venue: Venue
  ) => Effect.Effect<A, E, Scope.Scope | ContractDrift>,
  rest: (asked: Asked) => Answer = keys(),
  timing: Partial<StreamTiming> = {}
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const server = yield* streamServer
      const venue = yield* scriptedVenue(rest)
      const layer = MexcStream.layerWith({ suspiciousAfter: "1 day", accountPulse: publicPulse, ...timing }).pipe(
        Layer.provide(MexcEndpoint.layer(venue.url, server.url)),
        Layer.provideMerge(clientLayer(venue.url))
      )
      return yield* Effect.gen(function* () {
        return yield* test(yield* MexcStream, server, venue)
      }).pipe(Effect.provide(layer))
    })
  )

/** Collects what a stream says; `types` shows the order of events. */
export const listen = <A extends { readonly type: string }, E>(stream: Stream.Stream<A, E>) =>
  Effect.gen(function* () {
    const events: Array<A> = []
    const fiber = yield* Effect.forkScoped(Stream.runForEach(stream, (event) => Effect.sync(() => events.push(event))))
    return { events, fiber, types: () => events.map(({ type }) => type).join(" ") }
  })

/** Long stretches in steps short enough for pongs to arrive on a real socket. */
export const pass = (minutes: number) =>
  Effect.repeatN(Effect.zipRight(TestClock.adjust("10 seconds"), settle), minutes * 6 - 1)
