import { Context, Duration, Effect, Layer, Schedule } from "effect"
import * as Decimal from "../domain/Decimal.ts"
import { SymbolName } from "../domain/Market.ts"
import type { Instant } from "../domain/Time.ts"
import { Candles } from "../market/Candles.ts"
import { Symbols } from "../market/Symbols.ts"
import { TickerHub } from "../market/TickerHub.ts"
import { MarketClock } from "../MarketClock.ts"
import { Ledger } from "./Ledger.ts"
import type { GivenPrice, WantedRow } from "./ledger/pricing.ts"

/** What was booked waits about this long for its value. */
const looking = Schedule.spaced("1 second")

/** So near to now, the last trade is the price of the moment. */
const presentMs = Duration.toMillis("30 seconds")
const minute = 60_000
/** Quiet pairs trade seldom: their last price is looked for so far back. */
const lookBackMs = 180 * minute

const lookupsAtOnce = 4

/** Tells the ledger what deposits, and fees in a third asset, were worth when they were booked. */
export class Valuations extends Context.Tag("dipper/portfolio/Valuations")<
  Valuations,
  {
    /** Looks up everything that waits now; what the venue does not answer for goes on waiting. */
    readonly run: Effect.Effect<void>
  }
>() {
  static readonly layer = Layer.scoped(
    Valuations,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const candles = yield* Candles
  const clock = yield* MarketClock
  const hub = yield* TickerHub
  const ledger = yield* Ledger
  const symbols = yield* Symbols

  /** The last trade of a pair at a moment; null when there was none, or there is no such pair. */
  const lastOf = Effect.fnUntraced(function* (base: string, quote: string, at: Instant) {
    const pair = (yield* symbols.all).find(({ baseAsset, quoteAsset }) => baseAsset === base && quoteAsset === quote)
    if (pair === undefined) return null
    const symbol = SymbolName.make(pair.symbol)
    if ((yield* clock.now) - at <= presentMs) return (yield* hub.latest(symbol)).last
    const span = yield* candles.range({ symbol, interval: "1m", from: at - lookBackMs, to: at })
    const before = span.candles.filter(({ openTime }) => openTime + minute <= at).at(-1)
    return before?.close ?? null
  })

  /** By the pair itself, or by what both are worth in USDT. */
  const priceOf = Effect.fnUntraced(function* ({ asset, at, quote }: WantedRow) {
    const direct = yield* lastOf(asset, quote, at)
    if (direct !== null || quote === "USDT") return direct
    const one = yield* lastOf(asset, "USDT", at)
    const other = yield* lastOf(quote, "USDT", at)
    return one === null || other === null || Decimal.isZero(other) ? null : Decimal.divide(one, other)
  })

  const run = Effect.gen(function* () {
    const found = yield* Effect.forEach(
      yield* ledger.pricesWanted,
      (wanted) => Effect.option(Effect.map(priceOf(wanted), (price): GivenPrice => ({ ...wanted, price }))),
      { concurrency: lookupsAtOnce }
    )
    const given = found.flatMap((one) => (one._tag === "Some" ? [one.value] : []))
    if (given.length > 0) yield* ledger.givePrices(given)
  }).pipe(
    Effect.catchAllCause((cause) => Effect.logWarning("What was booked could not be valued yet", cause)),
    Effect.withSpan("Valuations.run")
  )

  yield* Effect.forkScoped(Effect.schedule(run, looking))
  return Valuations.of({ run })
})
