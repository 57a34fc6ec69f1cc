import { Context, type Duration, type Effect, type Option, type Scope } from "effect"
import type * as Decimal from "../domain/Decimal.ts"
import type { Candle, SymbolInfo, SymbolName } from "../domain/Market.ts"
import type { MarketView } from "../domain/rule/gates.ts"
import type { Instant } from "../domain/Time.ts"

/** A trade's price and its market time. */
export interface PriceTick {
  readonly price: Decimal.Decimal
  readonly at: Instant
}

/** A window over the last prices: its highest, or the price at its start. */
export interface PriceWindow {
  readonly kind: "highOf" | "openOf"
  readonly length: Duration.Duration
}

/** `value` is null until history covers the window; `have` of `need` minutes are known. */
export interface WindowReading {
  readonly value: Decimal.Decimal | null
  readonly need: number
  readonly have: number
}

/** What rules see of the market, and nothing else. */
export class RuleMarket extends Context.Tag("dipper/autobuy/RuleMarket")<
  RuleMarket,
  {
    /** None when the venue does not list the symbol; null when it cannot be asked now. */
    readonly symbol: (symbol: SymbolName) => Effect.Effect<Option.Option<SymbolInfo> | null>
    /** Calls the handler with every tick while the scope lives; the feed waits for it. */
    readonly onTick: (symbol: SymbolName, handler: (tick: PriceTick) => void) => Effect.Effect<void, never, Scope.Scope>
    /** The last price as it is known, without asking anybody. */
    readonly last: (symbol: SymbolName) => Effect.Effect<PriceTick | null>
    /** The market now, read once more if older than `maxAge`; null when nothing is known. */
    readonly view: (symbol: SymbolName, maxAge: Duration.Duration) => Effect.Effect<MarketView | null>
    /** Keeps a window up to date while the scope lives. */
    readonly window: (
      symbol: SymbolName,
      window: PriceWindow
    ) => Effect.Effect<Effect.Effect<WindowReading>, never, Scope.Scope>
    /** One-minute candles of the last `length`, oldest first; empty when the venue cannot be asked. */
    readonly history: (symbol: SymbolName, length: Duration.Duration) => Effect.Effect<ReadonlyArray<Candle>>
  }
>() {}
