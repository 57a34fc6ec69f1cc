import { Effect, type Scope } from "effect"
import type { PriceBound } from "../../domain/rule/decision/levels.ts"
import type { Instant } from "../../domain/Time.ts"
import type { Finished, Stuck } from "../firing/records.ts"
import type { PriceTick } from "../RuleMarket.ts"
import type { Timers } from "../Timers.ts"
import type { Cancel, SymbolIndex } from "../TriggerIndex.ts"

/** What a rule does until it waits or has stopped by itself. */
export type Work = Effect.Effect<Step, Stuck>

/** What a rule holds as long as it runs. A scope of its own is more than most of them need. */
export interface Holder {
  /** Called when the run ends; for one thing at most. */
  readonly hold: (release: Cancel) => void
  readonly scope: Effect.Effect<Scope.Scope>
}

/**
 * A rule that waits holds no fiber: it leaves what it waits for, and how it goes on. `arm` calls `go` once, at once where
 * the wait is over already.
 */
export interface Wait {
  readonly arm: (go: (next: Work) => void) => Cancel
}

export type Step = Finished | Wait

export const isWait = (step: Step): step is Wait => "arm" in step

const nothing: Cancel = () => undefined

export const forEver: Wait = { arm: () => nothing }

export const untilTime = (timers: Timers["Type"], at: Instant, then: () => Work): Wait => ({
  arm: (go) => timers.schedule(at, () => go(then()))
})

/** Until a price or a time could change something: goes on with the tick, or null at the time. */
export const untilMarket = (
  index: SymbolIndex,
  timers: Timers["Type"],
  bounds: ReadonlyArray<PriceBound>,
  until: Instant | null,
  then: (tick: PriceTick | null) => Work
): Wait =>
  until === null
    ? { arm: (go) => index.arm(bounds, (tick) => go(then(tick))) }
    : { arm: (go) => armBoth(index, timers, bounds, until, (tick) => go(then(tick))) }

const armBoth = (
  index: SymbolIndex,
  timers: Timers["Type"],
  bounds: ReadonlyArray<PriceBound>,
  until: Instant,
  wake: (tick: PriceTick | null) => void
): Cancel => {
  let timer = nothing
  let awake = false
  const price = index.arm(bounds, (tick) => {
    awake = true
    timer()
    wake(tick)
  })
  if (awake) return nothing
  timer = timers.schedule(until, () => {
    price()
    wake(null)
  })
  return () => {
    price()
    timer()
  }
}

/**
 * Parks a fiber until a price or a time could change something: the tick that woke it, or null at the time. Both are
 * armed inside the registration, so that nothing can happen between arming and waiting.
 */
export const awaitMarket = (
  index: SymbolIndex,
  timers: Timers["Type"],
  bounds: ReadonlyArray<PriceBound>,
  until: Instant | null
): Effect.Effect<PriceTick | null> =>
  Effect.async<PriceTick | null>((resume) => {
    const wake = (tick: PriceTick | null) => resume(Effect.succeed(tick))
    return Effect.sync(until === null ? index.arm(bounds, wake) : armBoth(index, timers, bounds, until, wake))
  })
