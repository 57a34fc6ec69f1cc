import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Ref, TestClock } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { TickerReader } from "../../../src/market/feed/TickerReader.ts"
import { TickerHub } from "../../../src/market/TickerHub.ts"
import { btc, makeStream, makeVenue, settle, tickerAt, venueDown } from "../stubs.ts"

const oneSided = (stream: Effect.Effect.Success<typeof makeStream>) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    stream.push({ type: "oneSided", symbol: btc, at: now, receivedAt: now })
  )

const withFollowed = <A, E>(
  test: (kit: {
    readonly hub: typeof TickerHub.Service
    readonly stream: Effect.Effect.Success<typeof makeStream>
    readonly isDown: Ref.Ref<boolean>
  }) => Effect.Effect<A, E>
) =>
  Effect.gen(function* () {
    const stream = yield* makeStream
    const isDown = yield* Ref.make(false)
    const venue = yield* makeVenue({
      ticker: (symbol) =>
        Effect.flatMap(isDown, (down) =>
          down ? Effect.fail(venueDown) : Effect.map(Clock.currentTimeMillis, (now) => tickerAt(symbol, "90000", now))
        )
    })
    const layer = TickerHub.layer.pipe(Layer.provide([stream.layer, Layer.provide(TickerReader.layer, venue.layer)]))
    return yield* Effect.gen(function* () {
      const hub = yield* TickerHub
      yield* hub.watch(btc)
      yield* settle
      yield* stream.trade(btc, "90000")
      yield* stream.best(btc, "89999", "90001")
      const reading = yield* Effect.fork(hub.refresh(btc))
      yield* settle
      yield* TestClock.adjust("20 millis")
      yield* reading.await
      return yield* test({ hub, stream, isDown })
    }).pipe(Effect.provide(layer), Effect.scoped)
  })

describe("a book that lost a side", () => {
  it.effect("has no best prices any more, and no tick, until both are told again", () =>
    withFollowed(({ hub, stream }) =>
      Effect.gen(function* () {
        assert.isNotNull(yield* hub.current(btc))
        yield* TestClock.adjust("1 second")
        yield* oneSided(stream)
        assert.isNull(yield* hub.current(btc))
        assert.isNull(yield* hub.remembered(btc))
        yield* stream.trade(btc, "90005")
        assert.isNull(yield* hub.current(btc))
        yield* stream.best(btc, "90004", "90006")
        const tick = yield* hub.current(btc)
        assert.deepStrictEqual([tick?.price, tick?.bid, tick?.ask].map(String), [
          ...[Decimal.unsafe("90005"), Decimal.unsafe("90004"), Decimal.unsafe("90006")].map(String)
        ])
      })
    )
  )

  it.effect("is a market whose price cannot be had, not the price before, when the venue cannot be asked", () =>
    withFollowed(({ hub, isDown, stream }) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 second")
        yield* oneSided(stream)
        yield* Ref.set(isDown, true)
        const asked = yield* Effect.fork(Effect.flip(hub.latest(btc)))
        yield* settle
        yield* TestClock.adjust("20 millis")
        assert.strictEqual((yield* asked)._tag, "EXCHANGE_UNAVAILABLE")
      })
    )
  )

  it.effect("while it was read, has no price either", () =>
    withFollowed(({ hub, stream }) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 second")
        yield* oneSided(stream)
        const asked = yield* Effect.fork(Effect.flip(hub.refresh(btc)))
        yield* settle
        yield* TestClock.adjust("5 millis")
        yield* oneSided(stream)
        yield* TestClock.adjust("15 millis")
        assert.strictEqual((yield* asked)._tag, "EXCHANGE_UNAVAILABLE")
      })
    )
  )
})
