import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Ref, TestClock } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import type { Tick } from "../../../src/market/feed/Quote.ts"
import { TickerReader } from "../../../src/market/feed/TickerReader.ts"
import { TickerHub } from "../../../src/market/TickerHub.ts"
import { btc, makeStream, makeVenue, settle, tickerAt, venueDown } from "../stubs.ts"

const oneSided = (stream: Effect.Effect.Success<typeof makeStream>) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    stream.push({ type: "oneSided", symbol: btc, bid: Decimal.unsafe("89999"), ask: null, at: now, receivedAt: now })
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
  it.effect("keeps its other side and tells its trades, though not the price that is gone", () =>
    withFollowed(({ hub, stream }) =>
      Effect.gen(function* () {
        const heard: Array<string> = []
        const texts = (tick: Tick | null) => [tick?.price, tick?.bid, tick?.ask].map(String).join(" ")
        yield* hub.listen(btc, (tick) => void heard.push(texts(tick)))
        const told = (...prices: ReadonlyArray<string | null>) =>
          prices.map((price) => String(price === null ? null : Decimal.unsafe(price))).join(" ")
        yield* TestClock.adjust("1 second")
        yield* oneSided(stream)
        yield* stream.trade(btc, "50000")
        assert.strictEqual(texts(yield* hub.current(btc)), told("50000", "89999", null))
        assert.isNull(yield* hub.remembered(btc))
        yield* stream.best(btc, "49999", "50001")
        assert.deepStrictEqual(heard, [
          told("90000", "89999", null),
          told("50000", "89999", null),
          told("50000", "49999", "50001")
        ])
      }).pipe(Effect.scoped)
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
