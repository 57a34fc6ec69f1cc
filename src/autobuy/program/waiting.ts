import { Effect } from "effect"
import type { PriceBound } from "../../domain/rule/decision/levels.ts"
import type { Instant } from "../../domain/Time.ts"
import type { PriceTick } from "../RuleMarket.ts"
import type { Timers } from "../Timers.ts"
import type { Cancel, SymbolIndex } from "../TriggerIndex.ts"

const nothing: Cancel = () => undefined

/**
 * Parks a rule until a price or a time could change something: the tick that woke it, or null at the time. Both are
 * armed inside the registration, so that nothing can happen between arming and waiting.
 */
export const awaitMarket = (
  index: SymbolIndex,
  timers: Timers["Type"],
  bounds: ReadonlyArray<PriceBound>,
  until: Instant | null
): Effect.Effect<PriceTick | null> =>
  Effect.async<PriceTick | null>((resume) => {
    let timer = nothing
    let awake = false
    const price = index.arm(bounds, (tick) => {
      awake = true
      timer()
      resume(Effect.succeed(tick))
    })
    if (!awake && until !== null)
      timer = timers.schedule(until, () => {
        price()
        resume(Effect.succeed(null))
      })
    return Effect.sync(() => {
      price()
      timer()
    })
  })
