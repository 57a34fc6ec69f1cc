import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Ref, TestClock } from "effect"
import { MarketClock } from "../../src/MarketClock.ts"
import * as VenueClock from "../../src/market/VenueClock.ts"
import { MexcEndpoint } from "../../src/mexc/wire/Endpoint.ts"
import { settle } from "./stubs.ts"

const begins = Date.UTC(2024, 11, 5, 18)

/** A paper exchange's clock at a speed, which can be stopped, set and taken away. */
const makeExchange = Effect.fnUntraced(function* (speed: number) {
  const clock = yield* Ref.make({ market: begins, wall: 0, speed })
  const isDown = yield* Ref.make(false)
  const asked = yield* Ref.make<ReadonlyArray<string>>([])
  const read = Effect.zipWith(clock, Clock.currentTimeMillis, ({ market, wall, speed }, now) => ({
    marketNow: market + (now - wall) * speed,
    speed,
    wallNow: now
  }))
  const client = HttpClient.make((request) =>
    Effect.gen(function* () {
      yield* Ref.update(asked, (all) => [...all, request.url])
      if (yield* isDown) return yield* new HttpClientError.RequestError({ request, reason: "Transport" })
      return HttpClientResponse.fromWeb(request, Response.json(yield* read))
    })
  )
  const turn = (next: { readonly speed?: number; readonly forwardMs?: number }) =>
    Effect.flatMap(read, ({ marketNow, speed, wallNow }) =>
      Ref.set(clock, { market: marketNow + (next.forwardMs ?? 0), wall: wallNow, speed: next.speed ?? speed })
    )
  const at = (rest: string) =>
    VenueClock.layer.pipe(
      Layer.provide([Layer.succeed(HttpClient.HttpClient, client), MexcEndpoint.layer(rest, "ws://127.0.0.1:1/ws")])
    )
  return { isDown, asked, turn, layer: at("http://127.0.0.1:3001"), at }
})

const withClock = <A, E>(
  speed: number,
  test: (
    kit: Effect.Effect.Success<ReturnType<typeof makeExchange>> & { readonly market: typeof MarketClock.Service }
  ) => Effect.Effect<A, E>
) =>
  Effect.gen(function* () {
    const exchange = yield* makeExchange(speed)
    return yield* Effect.flatMap(MarketClock, (market) => test({ ...exchange, market })).pipe(
      Effect.provide(exchange.layer)
    )
  })

const sleeping = (market: typeof MarketClock.Service, until: number) =>
  Effect.tap(Effect.fork(market.sleepUntil(until)), () => settle)

const isAwake = (fiber: Fiber.RuntimeFiber<void>) =>
  Effect.map(Effect.zipRight(settle, fiber.poll), (exit) => exit._tag === "Some")

describe("VenueClock", () => {
  it.effect("goes as fast as the exchange's clock, between the questions too", () =>
    withClock(300, ({ market, asked }) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* market.now, begins)
        yield* TestClock.adjust("100 millis")
        assert.strictEqual(yield* market.now, begins + 30_000)
        yield* TestClock.adjust("59900 millis")
        assert.strictEqual(yield* market.now, begins + 60_000 * 300)
        assert.strictEqual(yield* market.speed, 300)
        assert.deepStrictEqual(new Set(yield* asked), new Set(["http://127.0.0.1:3001/paper/v1/clock"]))
      })
    )
  )

  it.effect("wakes a sleeper when market time has come, not before", () =>
    withClock(60, ({ market }) =>
      Effect.gen(function* () {
        const fiber = yield* sleeping(market, begins + 3_600_000)
        yield* TestClock.adjust("59999 millis")
        assert.isFalse(yield* isAwake(fiber))
        yield* TestClock.adjust("1 millis")
        assert.isTrue(yield* isAwake(fiber))
        yield* market.sleepUntil(begins)
      })
    )
  )

  it.effect("stands still with a clock that is stepped, and wakes sleepers with the step", () =>
    withClock(0, ({ market, turn }) =>
      Effect.gen(function* () {
        const near = yield* sleeping(market, begins + 60_000)
        const far = yield* sleeping(market, begins + 120_000)
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(yield* market.now, begins)
        assert.isFalse(yield* isAwake(near))
        yield* turn({ forwardMs: 90_000 })
        yield* TestClock.adjust("50 millis")
        assert.strictEqual(yield* market.now, begins + 90_000)
        assert.isTrue(yield* isAwake(near))
        assert.isFalse(yield* isAwake(far))
      })
    )
  )

  it.effect("follows a change of speed within half a second", () =>
    withClock(100, ({ market, turn }) =>
      Effect.gen(function* () {
        const fiber = yield* sleeping(market, begins + 1_000_000)
        yield* TestClock.adjust("1 second")
        yield* turn({ speed: 1_000 })
        yield* TestClock.adjust("500 millis")
        assert.strictEqual(yield* market.speed, 1_000)
        yield* TestClock.adjust("400 millis")
        assert.strictEqual(yield* market.now, begins + 1_000_000)
        assert.isTrue(yield* isAwake(fiber))
      })
    )
  )

  it.effect("never goes back, though the exchange's clock turned out slower", () =>
    withClock(100, ({ market, turn }) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("500 millis")
        yield* turn({ speed: 1 })
        yield* TestClock.adjust("400 millis")
        const extrapolated = yield* market.now
        assert.strictEqual(extrapolated, begins + 90_000)
        yield* TestClock.adjust("200 millis")
        assert.strictEqual(yield* market.now, extrapolated)
      })
    )
  )

  it.effect("stops while the exchange is away, and goes on from there", () =>
    withClock(100, ({ market, isDown }) =>
      Effect.gen(function* () {
        yield* Ref.set(isDown, true)
        yield* TestClock.adjust("10 seconds")
        const stopped = yield* market.now
        assert.isAtMost(stopped, begins + 50_000)
        assert.strictEqual(yield* market.speed, 0)
        yield* Ref.set(isDown, false)
        yield* TestClock.adjust("50 millis")
        assert.isAtLeast(yield* market.now, begins + 1_000_000)
      })
    )
  )

  it.effect("waits ten seconds for the exchange to come up, then says what is missing", () =>
    Effect.gen(function* () {
      const exchange = yield* makeExchange(10)
      yield* Ref.set(exchange.isDown, true)
      const start = yield* Effect.fork(Effect.flip(Effect.scoped(Layer.build(exchange.layer))))
      yield* settle
      yield* TestClock.adjust("11 seconds")
      assert.include((yield* Fiber.join(start)).message, "http://127.0.0.1:3001/paper/v1/clock")
    })
  )

  it.effect("follows nobody but a neighbour on this machine", () =>
    Effect.gen(function* () {
      const exchange = yield* makeExchange(10)
      const failure = yield* Effect.flip(Effect.scoped(Layer.build(exchange.at("https://api.mexc.com"))))
      assert.include(failure.message, "loopback")
      assert.deepStrictEqual(yield* exchange.asked, [])
    })
  )
})
