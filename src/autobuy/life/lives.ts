import { Cause, Clock, Duration, Effect, Exit, FiberMap, Option, Random, Scope } from "effect"
import type { DatabaseUnavailable } from "../../api/Errors.ts"
import type { RuleId, UserId } from "../../domain/Ids.ts"
import { reason } from "../../domain/Reason.ts"
import type { Instant } from "../../domain/Time.ts"
import { Orders } from "../../orders/Orders.ts"
import type { Finished } from "../firing/records.ts"
import { forEver, type Holder, isWait, type Wait, type Work } from "../program/waiting.ts"
import type { RuleRow } from "../record/rows.ts"
import { RuleProgram } from "../RuleProgram.ts"
import { RulesRepo } from "../RulesRepo.ts"
import type { Cancel } from "../TriggerIndex.ts"
import { oneQueue } from "./oneQueue.ts"

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

const none: ReadonlyArray<number> = []

/** A rule that lives: it works in a fiber, or it waits and holds none. */
class Life implements Holder {
  readonly userId: UserId
  readonly id: RuleId
  /** The version it runs; zero once it has stopped by itself. */
  version: number
  /** What its waits are given: one for all of them. */
  readonly go: (next: Work) => void
  /** How to leave its wait; null while it does not wait. */
  wait: Cancel | null = null
  /** What came while its wait was being armed. */
  early: Work | null = null
  began = 0
  streak = 0
  crashes: ReadonlyArray<number> = none
  private release: Cancel | null = null
  private own: Scope.CloseableScope | null = null

  constructor({ user_id, rule_id, version }: RuleRow, goOn: (life: Life, next: Work) => void) {
    this.userId = user_id
    this.id = rule_id
    this.version = version
    this.go = (next) => goOn(this, next)
  }

  hold(release: Cancel) {
    this.release = release
  }

  get scope() {
    return this.own === null
      ? Effect.tap(Scope.make(), (made) => Effect.sync(() => void (this.own = made)))
      : Effect.succeed(this.own)
  }

  disarm() {
    this.wait?.()
    this.wait = null
  }

  /** What a run holds goes with it, and what it waits for. */
  leave(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { own, release } = this
      this.release = null
      this.own = null
      this.disarm()
      release?.()
      return own === null ? Effect.void : Scope.close(own, Exit.void)
    })
  }
}

/** Whoever woke a rule goes on first: a tick may wake thousands. */
const later = { immediate: false } as const

/** How a rule stopped that will not go on by itself. */
export interface Stopped extends Omit<Finished, "state"> {
  readonly state: Finished["state"] | "quarantined"
}

interface Parts {
  readonly store: (userId: UserId, id: RuleId, stopped: Stopped) => Effect.Effect<void, DatabaseUnavailable>
}

/** A database that is away and a lease that another holds are not the rule's fault. */
const isOutage = (cause: Cause.Cause<{ readonly _tag: string }>): boolean =>
  Option.match(Cause.failureOption(cause), {
    onNone: () => false,
    onSome: ({ _tag }) => _tag === "DATABASE_UNAVAILABLE" || _tag === "NOT_OWNER"
  })

/** The rules that live: started, restarted after a crash, quarantined after too many, stopped. */
export const makeLives = Effect.fnUntraced(function* ({ store }: Parts) {
  const rules = yield* RulesRepo
  const program = yield* RuleProgram
  const orders = yield* Orders
  const lives = new Map<RuleId, Life>()
  yield* Effect.addFinalizer(() => Effect.forEach(lives.values(), (life) => life.leave(), { discard: true }))
  // Closed before: whoever works is interrupted first.
  const fibers = yield* FiberMap.make<RuleId>()
  const fork = yield* Effect.withScheduler(FiberMap.runtime(fibers)<never>(), oneQueue())

  const quarantine = Effect.fnUntraced(function* ({ id, userId }: Life, cause: Cause.Cause<unknown>) {
    yield* Effect.logError("A rule keeps crashing and is quarantined", { rule: id }, cause)
    const why = reason("CRASHED", { crashes: String(restartPolicy.maxCrashes) })
    yield* store(userId, id, { state: "quarantined", reason: why })
  })

  const forget = (life: Life) =>
    Effect.zipRight(
      life.leave(),
      Effect.sync(() => void (lives.get(life.id) === life && lives.delete(life.id)))
    )

  const stopped = Effect.fnUntraced(function* (life: Life, finished: Finished) {
    // From here on it no longer counts as running: a resume that follows the stored end must start another.
    life.version = 0
    yield* life.leave()
    yield* store(life.userId, life.id, finished)
    yield* Effect.logInfo("A rule has stopped by itself", {
      rule: life.id,
      state: finished.state,
      why: finished.reason.code
    })
    yield* forget(life)
  })

  /** Works until there is nothing left to do but wait, and leaves the wait behind instead of a fiber. */
  const work = (life: Life, next: Work): Effect.Effect<void> => {
    // A stop is a stop, whatever else happened on the way.
    const onFailure = (cause: Cause.Cause<{ readonly _tag: string }>) =>
      Cause.isInterruptedOnly(cause) ? Effect.interrupt : afterCrash(life, cause)
    return Effect.matchCauseEffect(next, {
      onSuccess: (step) => (isWait(step) ? park(life, step) : Effect.catchAllCause(stopped(life, step), onFailure)),
      onFailure
    })
  }

  /** What there is to do at once; null where it waits. */
  const arm = (life: Life, wait: Wait): Work | null => {
    const cancel = wait.arm(life.go)
    const { early } = life
    life.early = null
    if (early === null) life.wait = cancel
    return early
  }

  const park = (life: Life, wait: Wait): Effect.Effect<void> => {
    const early = arm(life, wait)
    return early === null ? Effect.void : work(life, early)
  }

  /** How a rule goes on whose wait is over: in a fiber again. */
  const goOn = (life: Life, next: Work): void => {
    if (life.wait === null) life.early = next
    else {
      life.wait = null
      fork(life.id, work(life, next), later)
    }
  }

  /** A run of a rule from its stored state; `known` is that state where it was read just now. */
  const begin = (life: Life, known: RuleRow | null): Effect.Effect<void> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      life.began = now
      return work(life, known === null ? fromStored(life) : program.run(known, life, { settled: true }))
    })

  const fromStored = (life: Life): Work =>
    Effect.gen(function* () {
      const rule = Option.getOrNull(yield* rules.find(life.userId, life.id))
      if (rule === null || rule.state !== "active") return yield* Effect.as(forget(life), forEver)
      life.version = rule.version
      return yield* program.run(rule, life)
    })

  const again = (life: Life) =>
    Effect.flatMap(Random.next, (random) =>
      Effect.zipRight(Effect.sleep(backoff(life.streak++, random)), begin(life, null))
    )

  const afterCrash = (life: Life, cause: Cause.Cause<{ readonly _tag: string }>): Effect.Effect<void> =>
    Effect.flatMap(Effect.zipRight(life.leave(), Clock.currentTimeMillis), (now) => {
      if (now - life.began >= Duration.toMillis(restartPolicy.healthy)) life.streak = 0
      if (isOutage(cause)) return again(life)
      life.crashes = [...life.crashes.filter((at) => now - at < Duration.toMillis(restartPolicy.window)), now]
      if (life.crashes.length >= restartPolicy.maxCrashes)
        return Effect.matchCauseEffect(quarantine(life, cause), {
          onSuccess: () => forget(life),
          onFailure: (other) => (Cause.isInterruptedOnly(other) ? Effect.interrupt : again(life))
        })
      return Effect.zipRight(
        Effect.logWarning("A rule crashed and starts again", { rule: life.id }, cause),
        again(life)
      )
    })

  const launch = (rule: RuleRow, settled: boolean) => {
    const { rule_id: id, user_id: userId } = rule
    const life = new Life(rule, goOn)
    lives.set(id, life)
    // What an earlier run left behind is known before any of the user's rules looks at the market.
    fork(id, Effect.zipRight(orders.whenReconciled(userId), begin(life, settled ? rule : null)), later)
  }

  /** A rule whose evaluation throws is launched, and crashes where it is supervised. */
  const parked = Option.liftThrowable(program.parked)

  /** A settled rule of a reconciled user: waits at once, without a fiber, where it has nothing to do; else it is launched. */
  const restore = (rule: RuleRow, now: Instant) => {
    const life = new Life(rule, goOn)
    const wait = Option.getOrNull(parked(rule, life, now))
    if (wait === null) return launch(rule, true)
    lives.set(life.id, life)
    const early = arm(life, wait)
    if (early !== null) fork(life.id, work(life, early), later)
  }

  const stop = (id: RuleId) =>
    Effect.suspend(() => {
      const life = lives.get(id)
      if (life === undefined) return Effect.void
      // A fiber that has parked may not have ended yet: what wakes it meanwhile would work on after the stop.
      life.disarm()
      // Waits for the old fiber's finalizers; replacing a live key would run two copies for a moment.
      return Effect.zipRight(FiberMap.remove(fibers, id), forget(life))
    })

  return { launch, restore, stop, size: () => lives.size, versionOf: (id: RuleId) => lives.get(id)?.version ?? 0 }
})
