import { Cause, Clock, Context, Duration, Effect, FiberMap, Layer, Option, Random, Schedule, Stream } from "effect"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import type { RuleId, UserId } from "../domain/Ids.ts"
import { reason } from "../domain/Reason.ts"
import { MarketClock } from "../MarketClock.ts"
import { Orders } from "../orders/Orders.ts"
import { CycleSignals } from "./record/cycle/CycleSignals.ts"
import { makeLanes } from "./firing/lanes.ts"
import type { Finished } from "./firing/records.ts"
import type { RuleRow } from "./record/rows.ts"
import { RuleFiring } from "./RuleFiring.ts"
import { RuleProgram } from "./RuleProgram.ts"
import { RulesRepo } from "./RulesRepo.ts"
import { TriggerIndex } from "./TriggerIndex.ts"

/** How a rule that crashes comes back, and when it no longer does. */
export const restartPolicy = {
  base: Duration.seconds(1),
  cap: Duration.minutes(1),
  /** Running this long without a crash is healthy: the next crash starts a new streak. */
  healthy: Duration.minutes(1),
  /** So many crashes inside the window are no accident. */
  maxCrashes: 5,
  window: Duration.minutes(10)
}

/** The delay before the next start: doubled with each crash of a streak up to the cap, ±20 %. */
const backoff = (streak: number, random: number): number =>
  Math.round(
    Math.min(Duration.toMillis(restartPolicy.cap), Duration.toMillis(restartPolicy.base) * 2 ** streak) *
      (0.8 + 0.4 * random)
  )

/** Looks at the tick rate closer together than this share one. */
const shortestLook = Duration.seconds(1)

/** Until the database answers at the start. */
const untilStored = Schedule.exponential("100 millis").pipe(Schedule.union(Schedule.spaced("5 seconds")))

export interface EngineStatus {
  /** Rules of all users by state. */
  readonly rules: Readonly<Record<string, number>>
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
  }
>() {
  static readonly layer = Layer.scoped(
    RuleSupervisor,
    Effect.suspend(() => make)
  )
}

/** A database that is away and a lease that another holds are not the rule's fault. */
const isOutage = (cause: Cause.Cause<{ readonly _tag: string }>): boolean =>
  Option.match(Cause.failureOption(cause), {
    onNone: () => false,
    onSome: ({ _tag }) => _tag === "DATABASE_UNAVAILABLE" || _tag === "NOT_OWNER"
  })

const make = Effect.gen(function* () {
  const rules = yield* RulesRepo
  const program = yield* RuleProgram
  const firing = yield* RuleFiring
  const orders = yield* Orders
  const index = yield* TriggerIndex
  const cycles = yield* CycleSignals
  const clock = yield* MarketClock
  const fibers = yield* FiberMap.make<RuleId>()
  const lanes = yield* makeLanes<RuleId>()
  /** The version each fiber runs. */
  const running = new Map<RuleId, number>()
  let started = false
  let looked = { at: yield* Clock.currentTimeMillis, ticks: 0, perSecond: 0 }

  const store = (
    userId: UserId,
    id: RuleId,
    { state, reason: why }: Omit<Finished, "state"> & { readonly state: Finished["state"] | "quarantined" }
  ) =>
    clock.now.pipe(
      Effect.flatMap((at) => rules.setState(userId, id, ["active"], { state, reason: why, at })),
      // What still waits to buy is given up with it.
      Effect.zipRight(Effect.ignoreLogged(firing.withdraw(userId, id)))
    )

  const quarantine = Effect.fnUntraced(function* (rule: RuleRow, cause: Cause.Cause<unknown>) {
    yield* Effect.logError("A rule keeps crashing and is quarantined", { rule: rule.rule_id }, cause)
    const why = reason("CRASHED", { crashes: String(restartPolicy.maxCrashes) })
    yield* store(rule.user_id, rule.rule_id, { state: "quarantined", reason: why })
  })

  /** One life of a rule, from its stored state. */
  const live = Effect.fnUntraced(function* (userId: UserId, id: RuleId) {
    const found = yield* rules.find(userId, id)
    if (Option.isNone(found) || found.value.state !== "active") return
    running.set(id, found.value.version)
    const finished = yield* program.run(found.value)
    // From here on this fiber no longer counts as running: a resume that follows the stored end must start another.
    running.delete(id)
    yield* store(userId, id, finished)
    yield* Effect.logInfo("A rule has stopped by itself", {
      rule: id,
      state: finished.state,
      why: finished.reason.code
    })
  })

  /** Written by hand, because a composed schedule would hold twice the memory of the rest of a parked rule. */
  const supervised = (rule: RuleRow): Effect.Effect<void> => {
    const { rule_id: id, user_id: userId } = rule
    let streak = 0
    let crashes: ReadonlyArray<number> = []
    const loop: Effect.Effect<void> = Effect.suspend(() =>
      Effect.flatMap(Clock.currentTimeMillis, (began) =>
        Effect.catchAllCause(live(userId, id), (cause) =>
          // A stop is a stop, whatever else happened on the way.
          Cause.isInterruptedOnly(cause) ? Effect.interrupt : afterCrash(cause, began)
        )
      )
    )
    const again = Effect.flatMap(Random.next, (random) =>
      Effect.zipRight(Effect.sleep(backoff(streak++, random)), loop)
    )
    const afterCrash = (cause: Cause.Cause<{ readonly _tag: string }>, began: number) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        if (now - began >= Duration.toMillis(restartPolicy.healthy)) streak = 0
        if (isOutage(cause)) return again
        crashes = [...crashes.filter((at) => now - at < Duration.toMillis(restartPolicy.window)), now]
        if (crashes.length >= restartPolicy.maxCrashes)
          return Effect.catchAllCause(quarantine(rule, cause), (other) =>
            Cause.isInterruptedOnly(other) ? Effect.interrupt : again
          )
        return Effect.zipRight(Effect.logWarning("A rule crashed and starts again", { rule: id }, cause), again)
      })
    // What an earlier run left behind is known before any of the user's rules looks at the market.
    return Effect.zipRight(orders.whenReconciled(userId), loop)
  }

  const stop = (id: RuleId) =>
    Effect.zipRight(
      // Waits for the old fiber's finalizers; replacing a live key would run two copies for a moment.
      FiberMap.remove(fibers, id),
      Effect.sync(() => void running.delete(id))
    )

  const agree = Effect.fnUntraced(function* (userId: UserId, id: RuleId) {
    const found = yield* rules.find(userId, id)
    const rule = Option.getOrNull(found)
    if (rule === null || rule.state !== "active") return yield* stop(id)
    // The row is read inside the lane, so a late call can only find a version that runs already.
    if ((running.get(id) ?? 0) >= rule.version && (yield* FiberMap.has(fibers, id))) return
    yield* stop(id)
    running.set(id, rule.version)
    yield* Effect.asVoid(FiberMap.run(fibers, id, supervised(rule)))
  })

  const refresh = Effect.fn("RuleSupervisor.refresh")((userId: UserId, id: RuleId) =>
    started ? Effect.zipRight(lanes.run(id, agree(userId, id)), cycles.changed(userId, id)) : Effect.void
  )

  const finish = Effect.fn("RuleSupervisor.finish")(function* (userId: UserId, id: RuleId, finished: Finished) {
    yield* store(userId, id, finished)
    yield* refresh(userId, id)
  })

  const follow = Stream.runForEach(orders.changes, ({ order, userId }) => {
    const { executionId, ruleId } = order.origin
    if (executionId === null || ruleId === null) return Effect.void
    return firing.settle(userId, executionId).pipe(
      Effect.flatMap((finished) => (finished === null ? Effect.void : finish(userId, ruleId, finished))),
      Effect.catchAllCause((cause) =>
        Effect.logWarning("An order's end could not be joined to its rule; its next firing joins it", cause)
      )
    )
  })

  const followEnded = Stream.runForEach(firing.ended, ({ finished, ruleId, userId }) =>
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

  const scope = yield* Effect.scope
  const start = Effect.gen(function* () {
    yield* Effect.forkIn(follow, scope)
    yield* Effect.forkIn(followEnded, scope)
    yield* Effect.forkIn(Effect.ignoreLogged(Effect.retry(firing.recover, untilStored)), scope)
    const active = yield* rules.active.pipe(Effect.retry(untilStored), Effect.orDie)
    started = true
    yield* Effect.forEach(active, (rule) => Effect.ignoreLogged(refresh(rule.user_id, rule.rule_id)), { discard: true })
  })

  const status = Effect.gen(function* () {
    const counts = yield* rules.countByState
    return {
      rules: counts,
      fibers: yield* FiberMap.size(fibers),
      quarantined: counts["quarantined"] ?? 0,
      ticksPerSecond: yield* tickRate
    }
  })

  return RuleSupervisor.of({ start, refresh, finish, status })
})
