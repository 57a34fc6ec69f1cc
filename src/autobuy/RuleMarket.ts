import { Context, Duration, Effect, Layer, Option, type Scope } from "effect"
import type * as Decimal from "../domain/Decimal.ts"
import type { Candle, SymbolInfo, SymbolName } from "../domain/Market.ts"
import type { WindowReading } from "../domain/RollingWindow.ts"
import type { MarketView } from "../domain/rule/decision/gates.ts"
import type { Instant } from "../domain/Time.ts"
import { Candles } from "../market/Candles.ts"
import { RollingHigh } from "../market/RollingHigh.ts"
import { Symbols } from "../market/Symbols.ts"
import { TickerHub } from "../market/TickerHub.ts"
import { MarketClock } from "../MarketClock.ts"

/** A trade's price and its market time. */
export interface PriceTick {
  readonly price: Decimal.Decimal
  readonly at: Instant
  /** Wall time at which it came; of one that is remembered it says nothing. */
  readonly receivedAt?: Instant | undefined
}

/** A window over the last prices: its highest, or the price at its start. */
export interface PriceWindow {
  readonly kind: "highOf" | "openOf"
  readonly length: Duration.Duration
}

interface ViewOptions {
  readonly withVolume: boolean
  readonly caughtUp: boolean
}

/** What rules see of the market, and nothing else. */
export class RuleMarket extends Context.Tag("dipper/autobuy/RuleMarket")<
  RuleMarket,
  {
    /** None when the venue does not list the symbol; null when it cannot be asked now. */
    readonly symbol: (symbol: SymbolName) => Effect.Effect<Option.Option<SymbolInfo> | null>
    /** Waits until the venue takes orders for the symbol, which it may not know yet. */
    readonly whenTradable: (symbol: SymbolName) => Effect.Effect<void>
    /** Calls the handler with every tick while the scope lives; the feed waits for it. */
    readonly onTick: (symbol: SymbolName, handler: (tick: PriceTick) => void) => Effect.Effect<void, never, Scope.Scope>
    /** The last price as it is known, without asking anybody. */
    readonly last: (symbol: SymbolName) => Effect.Effect<PriceTick | null>
    /** Wall milliseconds since the venue last confirmed the symbol. */
    readonly age: (symbol: SymbolName) => Effect.Effect<number>
    /**
     * The market now, read once more if older than `maxAge`; null when nothing is known. On demand with the
     * day's trade, and with best prices that are not behind the last trade: see `TickerHub.caughtUp`.
     */
    readonly view: (
      symbol: SymbolName,
      maxAge: Duration.Duration,
      options?: ViewOptions
    ) => Effect.Effect<MarketView | null>
    /** Keeps a window up to date while the scope lives. */
    readonly window: (
      symbol: SymbolName,
      window: PriceWindow
    ) => Effect.Effect<
      { readonly read: (now: Instant) => WindowReading; readonly ready: Effect.Effect<void> },
      never,
      Scope.Scope
    >
    /** One-minute candles of the last `length`, oldest first; empty when the venue cannot be asked. */
    readonly history: (symbol: SymbolName, length: Duration.Duration) => Effect.Effect<ReadonlyArray<Candle>>
  }
>() {
  static readonly layer = Layer.effect(
    RuleMarket,
    Effect.gen(function* () {
      const hub = yield* TickerHub
      const symbols = yield* Symbols
      const windows = yield* RollingHigh
      const candles = yield* Candles
      const clock = yield* MarketClock

      const symbol = Effect.fn("RuleMarket.symbol")((name: SymbolName) =>
        symbols.get(name).pipe(
          Effect.asSome,
          Effect.catchTag("SYMBOL_NOT_FOUND", () => Effect.succeedNone),
          // What cannot be known now is judged again at the next firing.
          Effect.catchAll(() => Effect.succeed(null))
        )
      )

      const view = Effect.fn("RuleMarket.view")(function* (
        name: SymbolName,
        maxAge: Duration.Duration,
        options?: ViewOptions
      ) {
        yield* hub.watch(name)
        const age = yield* hub.dataAge(name)
        if (age > Duration.toMillis(maxAge)) yield* Effect.ignoreLogged(hub.refresh(name))
        if (options?.caughtUp === true) yield* hub.caughtUp(name)
        const tick = yield* hub.current(name)
        if (tick === null) return null
        const { ask, bid, price, at } = tick
        const day = options?.withVolume === true ? yield* Effect.option(hub.latest(name)) : Option.none()
        const quoteVolume = Option.match(day, { onNone: () => null, onSome: (ticker) => ticker.quoteVolume })
        return { last: price, bid, ask, asOf: at, ageMs: yield* hub.dataAge(name), quoteVolume }
      }, Effect.scoped)

      const history = Effect.fn("RuleMarket.history")(function* (name: SymbolName, length: Duration.Duration) {
        const now = yield* clock.now
        const from = now - Duration.toMillis(length)
        const span = yield* Effect.option(candles.range({ symbol: name, interval: "1m", from, to: now + 1 }))
        return Option.match(span, { onNone: () => [], onSome: (found) => found.candles })
      })

      return RuleMarket.of({
        symbol,
        whenTradable: (name) => Effect.asVoid(symbols.whenTradable(name)),
        view,
        history,
        onTick: (name, handler) => hub.listen(name, handler),
        last: (name) => hub.current(name),
        age: hub.dataAge,
        window: (name, { kind, length }) =>
          kind === "highOf" ? windows.highOf(name, length) : windows.openOf(name, length)
      })
    })
  )
}
