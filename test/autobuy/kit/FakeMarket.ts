import { Context, Deferred, Duration, Effect, Layer, Option } from "effect"
import { type PriceTick, RuleMarket } from "../../../src/autobuy/RuleMarket.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import { btc, d, symbolInfo } from "../../domain/rule/fixtures.ts"
import { settleDown } from "./time.ts"

/** A market whose prices the test sets; bid and ask stand one tick beside the last price. */
export class FakeMarket extends Context.Tag("test/FakeMarket")<
  FakeMarket,
  {
    readonly tick: (price: string | number) => Effect.Effect<void>
    /** Nobody sells any more, or buys. */
    readonly lose: (side: "bid" | "ask") => Effect.Effect<void>
    readonly setAge: (ms: number) => Effect.Effect<void>
    /** What the venue answers when a price that has grown old is read again; null while it does not answer. */
    readonly setReading: (price: string | null) => Effect.Effect<void>
    readonly setHigh: (price: string | null) => Effect.Effect<void>
    readonly setVolume: (amount: string | null) => Effect.Effect<void>
    /** The venue does not know the symbol yet, until it is listed. */
    readonly unlist: Effect.Effect<void>
    readonly list: Effect.Effect<void>
    readonly followers: Effect.Effect<number>
  }
>() {}

export const market = Layer.effectContext(
  Effect.gen(function* () {
    const clock = yield* MarketClock
    const handlers = new Set<(tick: PriceTick) => void>()
    let last: PriceTick | null = null
    let lost: "bid" | "ask" | null = null
    let ageMs = 0
    let reading: string | null = null
    let high: string | null = null
    let volume: string | null = null
    let listed = true
    const listing = yield* Deferred.make<void>()
    const fake = FakeMarket.of({
      tick: (price) =>
        Effect.gen(function* () {
          const tick = { price: d(String(price)), at: yield* clock.now }
          last = tick
          for (const handler of handlers) handler(tick)
          // Whatever the tick woke runs before the test goes on.
          yield* settleDown
        }),
      lose: (side) => Effect.sync(() => void (lost = side)),
      setAge: (ms) => Effect.sync(() => void (ageMs = ms)),
      setReading: (price) => Effect.sync(() => void (reading = price)),
      setHigh: (price) => Effect.sync(() => void (high = price)),
      setVolume: (amount) => Effect.sync(() => void (volume = amount)),
      unlist: Effect.sync(() => void (listed = false)),
      list: Effect.suspend(() => {
        listed = true
        return Effect.zipRight(Deferred.succeed(listing, undefined), settleDown)
      }),
      followers: Effect.sync(() => handlers.size)
    })
    const real = RuleMarket.of({
      symbol: (name) => Effect.sync(() => (name === btc && listed ? Option.some(symbolInfo) : Option.none())),
      whenTradable: () => Effect.suspend(() => (listed ? Effect.void : Deferred.await(listing))),
      onTick: (_, handler) =>
        Effect.acquireRelease(
          Effect.sync(() => handlers.add(handler)),
          () => Effect.sync(() => handlers.delete(handler))
        ),
      last: () => Effect.sync(() => last),
      age: () => Effect.sync(() => ageMs),
      view: (_, maxAge) =>
        Effect.gen(function* () {
          if (reading !== null && ageMs > Duration.toMillis(maxAge)) {
            last = { price: d(reading), at: yield* clock.now }
            ageMs = 0
            for (const handler of handlers) handler(last)
          }
          return last === null
            ? null
            : {
                last: last.price,
                bid: lost === "bid" ? null : Decimal.subtract(last.price, d("0.1")),
                ask: lost === "ask" ? null : Decimal.add(last.price, d("0.1")),
                asOf: last.at,
                ageMs,
                quoteVolume: volume === null ? null : d(volume)
              }
        }),
      window: () =>
        Effect.succeed({
          read: () => ({ value: high === null ? null : d(high), need: 60, have: high === null ? 10 : 60 }),
          ready: Effect.void
        }),
      history: () => Effect.succeed([])
    })
    return Context.make(FakeMarket, fake).pipe(Context.add(RuleMarket, real))
  })
)
