import { Context, Effect, Layer } from "effect"
import { MarketClock } from "../MarketClock.ts"
import { RuleSupervisor } from "./RuleSupervisor.ts"
import { Timers } from "./Timers.ts"
import { TriggerIndex } from "./TriggerIndex.ts"

/** A timer that is due runs at once; later than this it never will. */
const dueWithin = "5 seconds"

/** Whether rules would still be woken: asked of the engine's own parts, by sending a timer through them. */
export class EnginePulse extends Context.Tag("dipper/autobuy/EnginePulse")<
  EnginePulse,
  {
    readonly isAlive: Effect.Effect<boolean>
    /** Ticks seen since the start, and rules that wait for a price now. */
    readonly stats: TriggerIndex["Type"]["stats"]
  }
>() {
  static readonly layer = Layer.effect(
    EnginePulse,
    Effect.gen(function* () {
      const supervisor = yield* RuleSupervisor
      const timers = yield* Timers
      const clock = yield* MarketClock
      const index = yield* TriggerIndex

      const woken = Effect.flatMap(clock.now, timers.sleepUntil).pipe(
        Effect.timeout(dueWithin),
        Effect.match({ onSuccess: () => true, onFailure: () => false })
      )
      return {
        isAlive: Effect.flatMap(supervisor.isRunning, (running) => (running ? woken : Effect.succeed(false))),
        stats: index.stats
      }
    })
  )
}
