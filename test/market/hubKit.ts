import { Clock, Effect, Layer, Ref, type Scope, TestClock } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import type { Ticker } from "../../src/domain/Market.ts"
import type { Tick } from "../../src/market/feed/Quote.ts"
import { TickerReader } from "../../src/market/feed/TickerReader.ts"
import { TickerHub } from "../../src/market/TickerHub.ts"
import { btc, eth, makeStream, makeVenue, settle, tickerAt, venueDown } from "./stubs.ts"

/** A venue whose REST side answers `last` at the present market time, or fails when told. */
export const makeMarket = Effect.gen(function* () {
  const stream = yield* makeStream
  const last = yield* Ref.make("90000")
  const isDown = yield* Ref.make(false)
  const takesSeconds = yield* Ref.make(0)
  const answer = <A>(make: (last: string, now: number) => A) =>
    Effect.flatMap(
      Effect.zipRight(
        Effect.flatMap(takesSeconds, (s) => Effect.sleep(s * 1_000)),
        isDown
      ),
      (down) =>
        down
          ? Effect.fail(venueDown)
          : Effect.map(Effect.all([last, Clock.currentTimeMillis]), ([price, now]) => make(price, now))
    )
  const venue = yield* makeVenue({
    ticker: (symbol) => answer((price, now) => tickerAt(symbol, price, now)),
    tickers: answer((price, now) => [btc, eth].map((symbol) => tickerAt(symbol, price, now)))
  })
  const layer = TickerHub.layer.pipe(Layer.provide([stream.layer, Layer.provide(TickerReader.layer, venue.layer)]))
  return { stream, venue, last, isDown, takesSeconds, layer }
})

export const withHub = <A, E>(
  test: (
    kit: Effect.Effect.Success<typeof makeMarket> & { readonly hub: typeof TickerHub.Service }
  ) => Effect.Effect<A, E, Scope.Scope>
) =>
  Effect.gen(function* () {
    const market = yield* makeMarket
    return yield* Effect.flatMap(TickerHub, (hub) => test({ ...market, hub })).pipe(Effect.provide(market.layer))
  })

/** Asks for something that needs a reading, and lets the gathering time pass. */
export const whileReading = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(effect)
    yield* settle
    yield* TestClock.adjust("20 millis")
    return yield* fiber
  })

export const shown = ({ last, source, stale }: Ticker) => `${Decimal.format(last)} ${source}${stale ? " stale" : ""}`
export const price = (tick: Tick) => Decimal.format(tick.price)
