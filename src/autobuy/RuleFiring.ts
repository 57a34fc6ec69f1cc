import { Array, Context, Deferred, Duration, Effect, Fiber, FiberSet, Layer, Option, Queue, Stream } from "effect"
import type { ExecutionId, RuleId, UserId } from "../domain/Ids.ts"
import { reason, type ReasonCode } from "../domain/Reason.ts"
import type { Instant } from "../domain/Time.ts"
import { failPoint } from "../FailPoints.ts"
import { MarketClock } from "../MarketClock.ts"
import { Database } from "../store/Database.ts"
import { Ownership } from "../store/Ownership.ts"
import { makeEntering } from "./record/cycle/entering.ts"
import { ExecutionsRepo } from "./ExecutionsRepo.ts"
import { makeDeciding } from "./firing/deciding.ts"
import { makeFairly } from "./firing/fairly.ts"
import { makeFollowing } from "./firing/following.ts"
import { makeLanes } from "./firing/lanes.ts"
import { makeLooking } from "./firing/looking.ts"
import { makeMissing, type Missed } from "./firing/missing.ts"
import { makePlacing, type Sent } from "./firing/placing.ts"
import {
  type Asked,
  bareDecision,
  type CycleOrder,
  type Ended,
  type Finished,
  type Fired,
  newExecution,
  type Stuck,
  type Trigger
} from "./firing/records.ts"
import { makeResting } from "./firing/resting.ts"
import { makeSettling } from "./firing/settling.ts"
import type { ExecutionRow, RuleRow, Runtime } from "./record/rows.ts"
import { RulesRepo } from "./RulesRepo.ts"
import { Timers } from "./Timers.ts"

/** A firing that a crash cut off before its order may go on this long after its trigger; schedules have `onMissedRun`. */
const resumableForMs = 60_000

/** Missed slots written in one transaction: orders of others wait for it. */
const missedAtOnce = 10

/** A skip for the same reason is recorded again after so long. */
const repeatsAfterMs = 60_000

/** Firings that are decided and sent at once; who fires ten thousand rules in a second still leaves room for others. */
const shares = { inAll: 32, ofOne: 8 }

/** Rules that stopped while nobody waited, until the supervisor has heard of them. */
const endsKept = 256

/** The execution of a slot, and whether the slot was free. */
export interface Claimed {
  readonly execution: ExecutionRow
  readonly isNew: boolean
}

/** From a trigger to its record: claim the slot, look, decide, place, settle. One at a time per rule. */
export class RuleFiring extends Context.Tag("dipper/autobuy/RuleFiring")<
  RuleFiring,
  {
    /** A slot fires once for ever; asking again gives its execution. Interruption does not stop what has begun. */
    readonly fire: (rule: RuleRow, trigger: Trigger) => Effect.Effect<Fired, Stuck>
    /** Claims the slot and goes on in the background. */
    readonly begin: (rule: RuleRow, trigger: Asked) => Effect.Effect<Claimed, Stuck>
    /** Places a ladder's level or an exit that was decided elsewhere, as an execution of its own, once per slot and level. */
    readonly fireOrder: (rule: RuleRow, order: CycleOrder) => Effect.Effect<Fired, Stuck>
    /** Records slots that will not be made up for. */
    readonly miss: (rule: RuleRow, slots: ReadonlyArray<Missed>, runtime: Runtime) => Effect.Effect<void, Stuck>
    /** Keeps what a trigger has seen, in its user's turn. */
    readonly remember: (rule: RuleRow, runtime: Runtime) => Effect.Effect<void, Stuck>
    /** Goes on with firings that an earlier run left; none is left without a record. */
    readonly resume: (rule: RuleRow) => Effect.Effect<Finished | null, Stuck>
    /** Rules with firings that an earlier run left, of all users. */
    readonly left: Effect.Effect<ReadonlyMap<RuleId, UserId>, Stuck>
    /** Follows again what waits or rests of every rule, whatever its state: call it once at the start. */
    readonly recover: Effect.Effect<void, Stuck>
    /** The rule may no longer buy: what waits is given up, entries that rest are cancelled, soon. */
    readonly withdraw: (userId: UserId, id: RuleId) => Effect.Effect<void, Stuck>
    /** Joins what became of an execution's orders. */
    readonly settle: (userId: UserId, id: ExecutionId) => Effect.Effect<Finished | null, Stuck>
    /** Why the rule has nothing left to do. */
    readonly finished: (rule: RuleRow) => Effect.Effect<Finished | null, Stuck>
    /** Rules that stopped by themselves while nobody waited for their firing. */
    readonly ended: Stream.Stream<Ended>
  }
>() {
  static readonly layer = Layer.scoped(
    RuleFiring,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const database = yield* Database
  const ownership = yield* Ownership
  const rules = yield* RulesRepo
  const executions = yield* ExecutionsRepo
  const timers = yield* Timers
  const clock = yield* MarketClock
  const settling = yield* makeSettling
  const { finished, skip } = settling
  const missing = yield* makeMissing
  const entering = yield* makeEntering
  const look = yield* makeLooking(settling)
  const { awaitEnd, place, placeFirst } = yield* makePlacing(settling)
  const { carryOn, closeBroken, wouldSkip } = yield* makeDeciding({ settling, look, placeFirst })
  const resting = yield* makeResting({ settling, look, place })
  const lanes = yield* makeLanes<RuleId>()
  const fairly = yield* makeFairly<UserId>(shares)
  /** The last firing of each rule that was skipped, and why. */
  const skipped = new Map<RuleId, { readonly code: ReasonCode; readonly at: Instant }>()
  const ends = yield* Queue.bounded<Ended>(endsKept)
  // What has begun belongs to the engine: pausing a rule must not leave a slot without its record.
  const working = yield* FiberSet.make()

  /** One at a time per rule, in the turn of its user. */
  const inTurn = <A, E>(rule: Pick<RuleRow, "user_id" | "rule_id">, work: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    lanes.run(rule.rule_id, fairly.run(rule.user_id, work))

  const following = yield* makeFollowing({ carryOn, ends, inTurn, resting, settling, awaitEnd, timers })

  /** Sending takes a turn; waiting for the order's end holds back only the rule itself. */
  const begun = <E>(rule: RuleRow, send: Effect.Effect<Sent, E>) =>
    Effect.flatMap(
      FiberSet.run(
        working,
        lanes.run(
          rule.rule_id,
          Effect.flatMap(fairly.run(rule.user_id, send), (sent) =>
            Effect.zipRight(following.of(sent.execution), awaitEnd(rule, sent))
          )
        )
      ),
      Fiber.join
    )

  /** Tells whether the version is still the active one; one that was replaced leaves its successor's memory alone. */
  const save = (rule: RuleRow, runtime: Runtime) =>
    database.write(Effect.zipRight(ownership.assertOwner, rules.saveRuntime(rule, runtime)))

  const claim = (row: ExecutionRow) => database.write(Effect.zipRight(ownership.assertOwner, executions.begin(row)))

  /** Null when the version whose trigger fired was replaced or stopped: whoever runs now looks for itself. */
  const claimFor = (rule: RuleRow, row: ExecutionRow, runtime: Runtime) =>
    database.write(
      Effect.flatMap(save(rule, runtime), (isCurrent) => (isCurrent ? executions.begin(row) : Effect.succeed(null)))
    )

  /** What somebody asks for is done by the rule as it is in its turn. */
  const asItIs = (rule: RuleRow) =>
    Effect.map(
      rules.find(rule.user_id, rule.rule_id),
      Option.getOrElse(() => rule)
    )

  const known = (execution: ExecutionRow): Sent => ({ execution, finished: null, order: null, began: 0 })

  const decideAndSend = Effect.fnUntraced(function* (rule: RuleRow, row: ExecutionRow, trigger: Trigger) {
    yield* closeBroken(rule, row)
    return yield* carryOn(rule, row, trigger)
  })

  /** A tick that would only be skipped for the same reason as one a moment ago leaves no record of its own. */
  const isRepetition = Effect.fnUntraced(function* (rule: RuleRow, row: ExecutionRow, trigger: Trigger) {
    const before = skipped.get(rule.rule_id)
    if (trigger.often !== true || before === undefined) return false
    if ((yield* clock.now) - before.at >= repeatsAfterMs) return false
    return (yield* wouldSkip(rule, row, trigger))?.code === before.code
  })

  const noteSkip = (rule: RuleRow, { outcome, reason: why, triggered_at: at }: ExecutionRow) =>
    outcome === "skipped" && why !== null
      ? void skipped.set(rule.rule_id, { code: why.code, at })
      : void skipped.delete(rule.rule_id)

  /** Where the rule says so an entry joins the cycle that is open. */
  const newEntry = Effect.fnUntraced(function* (rule: RuleRow, trigger: Trigger) {
    const cycleId = yield* entering.joins(rule)
    return yield* newExecution(rule, cycleId === null ? trigger : { ...trigger, cycleId })
  })

  const fire = Effect.fn("RuleFiring.fire")((asked: RuleRow, trigger: Trigger) =>
    begun(
      asked,
      Effect.gen(function* () {
        const { runtime } = trigger
        const rule = runtime === null ? yield* asItIs(asked) : asked
        const mine = yield* newEntry(rule, trigger)
        const dropped = known({ ...mine, state: "done", outcome: "skipped" })
        if (runtime !== null && (yield* isRepetition(rule, mine, trigger)))
          return yield* Effect.as(save(rule, runtime), dropped)
        yield* failPoint("tick.fires")
        const claimed = yield* runtime === null ? claim(mine) : claimFor(rule, mine, runtime)
        if (claimed === null) return dropped
        if (claimed.execution_id !== mine.execution_id) return known(claimed)
        yield* failPoint("tick.claimed")
        const sent = yield* decideAndSend(rule, mine, trigger)
        noteSkip(rule, sent.execution)
        return sent
      })
    )
  )

  /** Claimed and decided in one turn of the lane: between two, others would take the claim for one that broke off. */
  const begin = Effect.fn("RuleFiring.begin")(function* (asked: RuleRow, trigger: Asked) {
    const claimed = yield* Deferred.make<Claimed, Stuck>()
    yield* begun(
      asked,
      Effect.gen(function* () {
        const rule = yield* asItIs(asked)
        const mine = yield* newEntry(rule, trigger)
        const execution = yield* claim(mine)
        const isNew = execution.execution_id === mine.execution_id
        yield* Deferred.succeed(claimed, { execution, isNew })
        return isNew ? yield* decideAndSend(rule, mine, trigger) : known(execution)
      })
    ).pipe(
      Effect.onError((cause) => Deferred.failCause(claimed, cause)),
      Effect.flatMap((fired) => following.tell(asked, fired.finished)),
      // A restart goes on with what was claimed.
      Effect.catchAllCause((cause) => Effect.logWarning("A firing stopped half-way", { rule: asked.rule_id }, cause)),
      FiberSet.run(working)
    )
    return yield* Deferred.await(claimed)
  })

  const fireOrder = Effect.fn("RuleFiring.fireOrder")((rule: RuleRow, asked: CycleOrder) =>
    begun(
      rule,
      Effect.gen(function* () {
        const mine = yield* newExecution(rule, asked)
        const row: ExecutionRow = {
          ...mine,
          quote_asset: asked.quoteAsset,
          expected_price: asked.expectedPrice,
          requested_quote: asked.decision.sizing?.capped ?? null
        }
        const claimed = yield* claim(row)
        // One that broke off before its order is made now: an order that was sent is found by its slot.
        if (claimed.execution_id !== mine.execution_id && (claimed.attempted || claimed.state === "done"))
          return known(claimed)
        const execution = { ...row, execution_id: claimed.execution_id }
        const options = { began: yield* following.wallNow, resting: asked.resting ?? false }
        return yield* placeFirst(rule, execution, asked.decision, asked.order, options)
      })
    )
  )

  const miss = Effect.fn("RuleFiring.miss")(function* (rule: RuleRow, slots: ReadonlyArray<Missed>, runtime: Runtime) {
    // A crash in between repeats nothing.
    for (const some of Array.chunksOf(slots, missedAtOnce))
      yield* fairly.run(
        rule.user_id,
        database.write(
          Effect.zipRight(
            ownership.assertOwner,
            Effect.forEach(some, (missed) => missing.record(rule, missed), { discard: true })
          )
        )
      )
    yield* remember(rule, runtime)
  })

  const remember = (rule: RuleRow, runtime: Runtime) => Effect.asVoid(fairly.run(rule.user_id, save(rule, runtime)))

  /** Whether a firing that never got as far as its order may still be made. */
  const isTimely = (rule: RuleRow, row: ExecutionRow, now: Instant): boolean => {
    const { onMissedRun, trigger } = rule.document
    const late = now - row.triggered_at
    const scheduled = trigger.type === "schedule.every" || trigger.type === "schedule.calendar"
    if (late <= resumableForMs) return true
    return scheduled && onMissedRun.type === "runOnce" && late <= Duration.toMillis(onMissedRun.maxLate)
  }

  const goOn = Effect.fnUntraced(function* (rule: RuleRow, row: ExecutionRow) {
    const label = rule.document.trigger.type
    const now = yield* clock.now
    if (row.attempted) {
      yield* following.of(row)
      return yield* settling.settle(row.user_id, row.execution_id)
    }
    // Levels and exits are made again by the cycle they belong to.
    if (row.kind !== "entry") return null
    if (row.waits_until !== null) return yield* Effect.as(following.of(row), null)
    const late = isTimely(rule, row, now) ? null : reason("MISSED")
    const why = rule.state === "active" ? late : reason("BY_USER")
    if (why !== null) return (yield* skip(rule, row, bareDecision(rule, label, now, why))).finished
    const sent = yield* fairly.run(rule.user_id, carryOn(rule, row, { label, operands: [] }))
    yield* following.of(sent.execution)
    return (yield* awaitEnd(rule, sent)).finished
  })

  const resume = Effect.fn("RuleFiring.resume")((rule: RuleRow) =>
    Effect.flatMap(
      FiberSet.run(
        working,
        lanes.run(
          rule.rule_id,
          Effect.gen(function* () {
            yield* ownership.assertOwner
            let stop: Finished | null = null
            for (const row of yield* executions.running(rule.user_id, rule.rule_id))
              stop = (yield* goOn(rule, row)) ?? stop
            return stop
          })
        )
      ),
      Fiber.join
    )
  )

  return RuleFiring.of({
    fire,
    begin,
    fireOrder,
    miss,
    remember,
    resume,
    left: executions.unfinished,
    recover: Effect.flatMap(executions.followed, Effect.forEach(following.of, { discard: true })),
    withdraw: Effect.fn("RuleFiring.withdraw")(function* (userId: UserId, id: RuleId) {
      for (const row of yield* executions.running(userId, id)) {
        yield* following.of(row)
        yield* following.wake(row.execution_id)
      }
    }),
    settle: Effect.fn("RuleFiring.settle")((userId: UserId, id: ExecutionId) =>
      Effect.tap(settling.settle(userId, id), following.wake(id))
    ),
    finished,
    ended: Stream.fromQueue(ends)
  })
})
