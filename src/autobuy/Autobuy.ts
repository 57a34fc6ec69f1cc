import { Effect, Layer, Schedule } from "effect"
import { Reconciler } from "../orders/Reconciler.ts"
import { Idempotency } from "../store/Idempotency.ts"
import { Ownership } from "../store/Ownership.ts"
import { CycleProgram } from "./cycle/CycleProgram.ts"
import { Cycles } from "./cycle/Cycles.ts"
import { CycleSignals } from "./record/cycle/CycleSignals.ts"
import { CyclesRepo } from "./record/cycle/CyclesRepo.ts"
import { EnginePulse } from "./EnginePulse.ts"
import { ExecutionsRepo } from "./ExecutionsRepo.ts"
import * as DecisionSweep from "./record/DecisionSweep.ts"
import { RuleFiring } from "./RuleFiring.ts"
import { RuleMarket } from "./RuleMarket.ts"
import { RuleProgram } from "./RuleProgram.ts"
import { RuleRecords } from "./RuleRecords.ts"
import { Rules } from "./Rules.ts"
import { RulesRepo } from "./RulesRepo.ts"
import { RuleSupervisor } from "./RuleSupervisor.ts"
import { Signals } from "./signal/Signals.ts"
import { Timers } from "./Timers.ts"
import { TriggerIndex } from "./TriggerIndex.ts"

/** An instance that does not own trading runs no rules; it asks this often whether it does now. */
const askingOwnership = Schedule.spaced("1 second")

/** Rules run only here, and only after every intent of an earlier run has been asked about. */
const running = Layer.scopedDiscard(
  Effect.gen(function* () {
    const reconciler = yield* Reconciler
    const ownership = yield* Ownership
    const supervisor = yield* RuleSupervisor
    const cycles = yield* Cycles
    const owned = Effect.repeat(ownership.isOwner, { schedule: askingOwnership, until: (owner) => owner })
    yield* reconciler.ready.pipe(
      Effect.zipRight(owned),
      Effect.zipRight(cycles.start),
      Effect.zipRight(supervisor.start),
      Effect.forkScoped
    )
  })
)

/** The whole of automated buying: `Rules`, `RuleRecords` and a running `RuleSupervisor`. */
export const layer = (options: { readonly maxRulesPerUser: number }) =>
  Layer.mergeAll(
    Rules.layer(options),
    RuleRecords.layer,
    Signals.layer,
    DecisionSweep.layer,
    EnginePulse.layer,
    running
  ).pipe(
    Layer.provideMerge(Cycles.layer),
    Layer.provide(CycleProgram.layer),
    Layer.provideMerge(RuleSupervisor.layer),
    Layer.provide(RuleProgram.layer),
    Layer.provide(RuleFiring.layer),
    Layer.provide([TriggerIndex.layer, Timers.layer]),
    Layer.provide(RuleMarket.layer),
    Layer.provide(CycleSignals.layer),
    Layer.provide([RulesRepo.layer, ExecutionsRepo.layer, CyclesRepo.layer, Idempotency.layer])
  )
