import { Clock, Context, Duration, Effect, FiberMap, Layer, Option, Schedule } from "effect"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import type { RuleId, UserId } from "../domain/Ids.ts"
import { MarketClock } from "../MarketClock.ts"
import { Orders } from "../orders/Orders.ts"
import { nextTurn } from "../Waiting.ts"
import { ExecutionsRepo } from "./ExecutionsRepo.ts"
import { CycleSignals } from "./record/cycle/CycleSignals.ts"
import { makeLanes } from "./firing/lanes.ts"
import type { Finished } from "./firing/records.ts"
import { makeStopping } from "./firing/stopping.ts"
import { makeLoops } from "./life/loops.ts"
import { makeLives, type Stopped } from "./life/lives.ts"
import type { RuleRow } from "./record/rows.ts"
import { RuleFiring } from "./RuleFiring.ts"
import { RulesRepo } from "./RulesRepo.ts"
import { TriggerIndex } from "./TriggerIndex.ts"

/** Looks at the tick rate closer together than this share one. */
const shortestLook = Duration.seconds(1)

/** Until the database answers at the start. */
const untilStored = Schedule.exponential("100 millis").pipe(Schedule.union(Schedule.spaced("5 seconds")))

export interface EngineStatus {
  /** Rules of all users by state. */
  readonly rules: Readonly<Record<string, number>>
  /** Rules that live: each works in a fiber of its own, or waits. */
  readonly fibers: number
  readonly quarantined: number
  readonly ticksPerSecond: number
}

/** Owns every rule's fiber: one per active rule, restarted after a crash, stopped when the rule is. */
export class RuleSupervisor extends Context.Tag("dipper/autobuy/RuleSupervisor")<
  RuleSupervisor,
  {
    /** Starts every active rule and follows the ends of their orders. Call it once the reconciler is ready. */
    readonly start: Effect.Effect<void>
    /** Makes the fiber agree with the stored rule: started, replaced by the newer version, or stopped. */
    readonly refresh: (userId: UserId, id: RuleId) => Effect.Effect<void, DatabaseUnavailable>
    /** Stores that a rule has stopped by itself, and stops its fiber. */
    readonly finish: (userId: UserId, id: RuleId, finished: Finished) => Effect.Effect<void, DatabaseUnavailable>
    readonly status: Effect.Effect<EngineStatus, DatabaseUnavailable>
    /** The start is done, and what follows the ends of orders neither ended nor stands still. */
    readonly isRunning: Effect.Effect<boolean>
  }
>() {
  static readonly layer = Layer.scoped(
    RuleSupervisor,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const rules = yield* RulesRepo
  const executions = yield* ExecutionsRepo
  const firing = yield* RuleFiring
  const orders = yield* Orders
  const index = yield* TriggerIndex
  const cycles = yield* CycleSignals
  const clock = yield* MarketClock
  const setState = yield* makeStopping
  const scope = yield* Effect.scope

  const store = (userId: UserId, id: RuleId, { state, reason: why }: Stopped) =>
    clock.now.pipe(
      Effect.flatMap((at) => setState(userId, id, ["active"], { state, reason: why, at })),
      // What still waits to buy is given up with it.
      Effect.zipRight(Effect.ignoreLogged(firing.withdraw(userId, id)))
    )

  const lanes = yield* makeLanes<RuleId>()
  const lives = yield* makeLives({ store })
  /** A user who never gets ready keeps them waiting: one for each rule. */
  const settlings = yield* FiberMap.make<RuleId>()
  /** Rules that were changed while the start reads them: it leaves them to whoever told of the change. */
  const changed = new Set<RuleId>()
  let started = false
  let starting = false
  let looked = { at: yield* Clock.currentTimeMillis, ticks: 0, perSecond: 0 }

  /** A rule that does not run has nobody else who looks after its firings of an earlier run. */
  const settleLeft = (rule: RuleRow) =>
    FiberMap.run(
      settlings,
      rule.rule_id,
      Effect.gen(function* () {
        yield* orders.whenReconciled(rule.user_id)
        const current = Option.getOrNull(yield* rules.find(rule.user_id, rule.rule_id))
        // One that runs again by then looks after them itself.
        if (current !== null && current.state !== "active") yield* firing.resume(current)
      }).pipe(
        Effect.catchAllCause((cause) =>
          Effect.logWarning(
            "Firings of a rule could not be settled; the next start does",
            { rule: rule.rule_id },
            cause
          )
        )
      ),
      { onlyIfMissing: true }
    )

  const settleAny = Effect.fnUntraced(function* (rule: RuleRow) {
    if ((yield* executions.running(rule.user_id, rule.rule_id)).length > 0) yield* settleLeft(rule)
  })

  const agree = Effect.fnUntraced(function* (userId: UserId, id: RuleId) {
    const found = yield* rules.find(userId, id)
    const rule = Option.getOrNull(found)
    if (rule === null) return yield* lives.stop(id)
    if (rule.state !== "active") return yield* Effect.zipRight(lives.stop(id), settleAny(rule))
    // The row is read inside the lane, so a late call can only find a version that runs already.
    if (lives.versionOf(id) >= rule.version) return
    yield* lives.stop(id)
    lives.launch(rule, false)
  })

  const refresh = Effect.fn("RuleSupervisor.refresh")((userId: UserId, id: RuleId) => {
    if (!started) return Effect.void
    if (starting) changed.add(id)
    return Effect.zipRight(lanes.run(id, agree(userId, id)), cycles.changed(userId, id))
  })

  const finish = Effect.fn("RuleSupervisor.finish")(function* (userId: UserId, id: RuleId, finished: Finished) {
    yield* store(userId, id, finished)
    yield* refresh(userId, id)
  })

  const loops = yield* makeLoops

  const follow = loops.run(orders.changes, ({ order, userId }) => {
    const { executionId, ruleId } = order.origin
    if (executionId === null || ruleId === null) return Effect.void
    return firing.settle(userId, executionId).pipe(
      Effect.flatMap((finished) => (finished === null ? Effect.void : finish(userId, ruleId, finished))),
      Effect.catchAllCause((cause) =>
        Effect.logWarning("An order's end could not be joined to its rule; its next firing joins it", cause)
      )
    )
  })

  const followEnded = loops.run(firing.ended, ({ finished, ruleId, userId }) =>
    finish(userId, ruleId, finished).pipe(
      Effect.retry(untilStored),
      Effect.catchAllCause((cause) => Effect.logWarning("A rule's end could not be stored", { rule: ruleId }, cause))
    )
  )

  /** Ticks per second since the last look, of a second or more: counted without a fiber of its own. */
  const tickRate = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const { ticks } = yield* index.stats
    if (now - looked.at >= Duration.toMillis(shortestLook)) {
      const perSecond = Math.round(((ticks - looked.ticks) * 1_000) / (now - looked.at))
      looked = { at: now, ticks, perSecond }
    }
    return looked.perSecond
  })

  const start = Effect.gen(function* () {
    yield* follow
    yield* followEnded
    yield* Effect.forkIn(Effect.ignoreLogged(Effect.retry(firing.recover, untilStored)), scope)
    started = true
    starting = true
    const left = yield* firing.left.pipe(Effect.retry(untilStored), Effect.orDie)
    let last: RuleRow | null = null
    do {
      const read: ReadonlyArray<RuleRow> = yield* rules.active(last).pipe(Effect.retry(untilStored), Effect.orDie)
      const waiting = yield* orders.unreconciled
      const now = yield* clock.now
      for (const rule of read) {
        const { rule_id: id, user_id: userId } = rule
        if (changed.has(id)) continue
        if (left.has(id) || waiting.has(userId)) lives.launch(rule, !left.has(id))
        else lives.restore(rule, now)
      }
      last = read.at(-1) ?? null
      // What was begun is let go on before more of them are read.
      yield* nextTurn
    } while (last !== null)
    starting = false
    changed.clear()
    for (const [id, userId] of left) {
      const rule = Option.getOrNull(yield* rules.find(userId, id).pipe(Effect.retry(untilStored), Effect.orDie))
      if (rule !== null && rule.state !== "active") yield* settleLeft(rule)
    }
  })

  const status = Effect.gen(function* () {
    const counts = yield* rules.countByState
    return {
      rules: counts,
      fibers: lives.size(),
      quarantined: counts["quarantined"] ?? 0,
      ticksPerSecond: yield* tickRate
    }
  })

  const isRunning = Effect.map(loops.areAlive, (alive) => alive && started && !starting)

  return RuleSupervisor.of({ start, refresh, finish, status, isRunning })
})
