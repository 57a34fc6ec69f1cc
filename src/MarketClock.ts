import { Clock, Context, Effect, Layer } from "effect"
import type { Instant } from "./domain/Time.ts"

/**
 * Market time: triggers, windows, cooldowns, day caps, candles, decisions and order times. It is wall time unless a
 * paper exchange runs at another speed. Timeouts, budgets, signatures, tokens and audit stay on the wall clock.
 */
export class MarketClock extends Context.Tag("dipper/MarketClock")<
  MarketClock,
  {
    readonly now: Effect.Effect<Instant>
    /** Returns at once when the instant has passed. */
    readonly sleepUntil: (at: Instant) => Effect.Effect<void>
    /** Market milliseconds per wall millisecond; 0 while time is stepped by hand. */
    readonly speed: Effect.Effect<number>
  }
>() {
  static readonly layer = Layer.succeed(MarketClock, {
    now: Clock.currentTimeMillis,
    sleepUntil: (at) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => (at > now ? Effect.sleep(at - now) : Effect.void)),
    speed: Effect.succeed(1)
  })
}
