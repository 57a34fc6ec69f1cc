import { Context, Data, Deferred, Duration, Effect, Layer, Queue, RcMap, Schedule, type Scope } from "effect"
import type { Candle, SymbolName } from "../domain/Market.ts"
import { coverage, type PricePoint, rollingHigh, rollingOpen, type WindowReading } from "../domain/RollingWindow.ts"
import type { Instant } from "../domain/Time.ts"
import { MarketClock } from "../MarketClock.ts"
import { Candles, type CandleSpan } from "./Candles.ts"
import { nextOpen } from "./candles/intervals.ts"
import { seedRanges } from "./candles/seedRanges.ts"
import { TickerHub } from "./TickerHub.ts"

/** A window nobody reads keeps following this long: an edited rule finds it again. */
const idleFor = "5 minutes"

/** The stream's first tick begins a window, because candles read before it would leave a gap; a silent one not for ever. */
const firstTickWithin = "3 seconds"

/** Each failure is logged; until history is there the rules of the window wait and say so. */
const historyRetry = Schedule.exponential("1 second").pipe(Schedule.union(Schedule.spaced("30 seconds")))

class WindowKey extends Data.Class<{
  readonly kind: "high" | "open"
  readonly symbol: SymbolName
  readonly lengthMs: number
}> {}

/** A sliding window that follows the market while its scope lives. */
export interface WindowView {
  /** At a market time that does not go back. */
  readonly read: (now: Instant) => WindowReading
  /** History has been read once, whether or not it covers the window. */
  readonly ready: Effect.Effect<void>
}

/**
 * What a drop is measured from: the highest of the minute candles and later ticks of a window, or the price at its
 * start. One window per symbol, kind and length for all rules.
 */
export class RollingHigh extends Context.Tag("dipper/market/RollingHigh")<
  RollingHigh,
  {
    readonly highOf: (symbol: SymbolName, window: Duration.Duration) => Effect.Effect<WindowView, never, Scope.Scope>
    readonly openOf: (symbol: SymbolName, window: Duration.Duration) => Effect.Effect<WindowView, never, Scope.Scope>
  }
>() {
  static readonly layer: Layer.Layer<RollingHigh, never, TickerHub | Candles | MarketClock> = Layer.scoped(
    RollingHigh,
    Effect.gen(function* () {
      const hub = yield* TickerHub
      const candles = yield* Candles
      const market = yield* MarketClock

      const history = Effect.fnUntraced(function* ({ symbol, lengthMs }: WindowKey) {
        const now = yield* market.now
        return yield* Effect.forEach(seedRanges(lengthMs, now), (range) =>
          candles.range({ symbol, ...range, to: range.to ?? now + 1, fresh: true })
        )
      })

      const follow = Effect.fnUntraced(function* (key: WindowKey) {
        const { kind, symbol, lengthMs } = key
        const make = kind === "high" ? rollingHigh : rollingOpen
        const gaps = yield* Queue.sliding<void>(1)
        const ready = yield* Deferred.make<void>()
        let window = make(lengthMs)
        let knownFrom: Instant | null = null

        yield* hub.listen(symbol, (tick) => {
          window.observe(tick)
          if (tick.afterGap) gaps.unsafeOffer(undefined)
        })

        const learn = Effect.gen(function* () {
          const spans = yield* history(key)
          const asOf = spans.at(-1)?.asOf ?? (yield* market.now)
          const learnt = make(lengthMs)
          for (const point of pointsOf[kind](spans)) learnt.observe(point)
          for (const point of window.points()) if (point.at > asOf) learnt.observe(point)
          window = learnt
          knownFrom = spans.flatMap((span) => span.candles)[0]?.openTime ?? asOf
          yield* Deferred.succeed(ready, undefined)
        }).pipe(
          Effect.tapError((failure) => Effect.logWarning("history of a price window not read", { symbol, failure })),
          Effect.retry(historyRetry)
        )

        yield* Queue.take(gaps).pipe(
          Effect.timeoutOption(firstTickWithin),
          Effect.zipRight(learn),
          Effect.zipRight(Effect.forever(Effect.zipRight(Queue.take(gaps), learn))),
          Effect.interruptible,
          Effect.forkScoped
        )

        const read = (now: Instant): WindowReading => {
          const known = coverage(lengthMs, knownFrom, now)
          return { ...known, value: known.have >= known.need ? window.read(now) : null }
        }
        return { read, ready: Deferred.await(ready) } satisfies WindowView
      })

      const windows = yield* RcMap.make({ lookup: follow, idleTimeToLive: idleFor })
      const view = (kind: WindowKey["kind"]) => (symbol: SymbolName, window: Duration.Duration) =>
        RcMap.get(windows, new WindowKey({ kind, symbol, lengthMs: Duration.toMillis(window) }))

      return { highOf: view("high"), openOf: view("open") }
    })
  )
}

const highs = ({ candles }: CandleSpan): ReadonlyArray<PricePoint> =>
  candles.map(({ openTime, high }) => ({ at: openTime, price: high }))

/** A candle knows two prices and when they were: its open, and its close just before the next one opens. */
const opens = ({ candles, interval, asOf }: CandleSpan): ReadonlyArray<PricePoint> =>
  candles.flatMap(({ openTime, open, close }: Candle) => [
    { at: openTime, price: open },
    { at: Math.min(asOf, nextOpen(interval, openTime) - 1), price: close }
  ])

const pointsOf = {
  high: (spans: ReadonlyArray<CandleSpan>) => spans.flatMap(highs),
  open: (spans: ReadonlyArray<CandleSpan>) => spans.flatMap(opens)
}
