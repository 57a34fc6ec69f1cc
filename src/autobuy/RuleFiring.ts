import { Array, Clock, Context, Duration, Effect, Fiber, FiberSet, Layer, Option } from "effect"
import type { ExecutionId, RuleId, UserId } from "../domain/Ids.ts"
import { reason } from "../domain/Reason.ts"
import { decide } from "../domain/rule/decision/decide.ts"
import { dataAgeLimit } from "../domain/rule/decision/gates.ts"
import { formatInstant, type Instant } from "../domain/Time.ts"
import { failPoint } from "../FailPoints.ts"
import { MarketClock } from "../MarketClock.ts"
import { Wallets } from "../portfolio/Wallets.ts"
import { Database } from "../store/Database.ts"
import { Ownership } from "../store/Ownership.ts"
import { ExecutionsRepo } from "./ExecutionsRepo.ts"
import { makeLanes } from "./firing/lanes.ts"
import { makePlacing } from "./firing/placing.ts"
import { bareDecision, type Finished, type Fired, newExecution, type Stuck, type Trigger } from "./firing/records.ts"
import { makeSettling } from "./firing/settling.ts"
import { RuleMarket } from "./RuleMarket.ts"
import type { ExecutionRow, RuleRow, Runtime } from "./record/rows.ts"
import { RulesRepo } from "./RulesRepo.ts"

/** A firing that a crash cut off before its order may go on this long after its trigger; schedules have `onMissedRun`. */
const resumableForMs = 60_000

/** Missed slots written in one transaction: orders of others wait for it. */
const missedAtOnce = 10

/** From a trigger to its record: claim the slot, look, decide, place, settle. One at a time per rule. */
export class RuleFiring extends Context.Tag("dipper/autobuy/RuleFiring")<
  RuleFiring,
  {
    /** A slot fires once for ever; asking again gives its execution. Interruption does not stop what has begun. */
    readonly fire: (rule: RuleRow, trigger: Trigger) => Effect.Effect<Fired, Stuck>
    /** Records slots that will not be made up for. */
    readonly miss: (rule: RuleRow, slots: ReadonlyArray<Instant>, runtime: Runtime) => Effect.Effect<void, Stuck>
    /** Goes on with firings that an earlier run left; none is left without a record. */
    readonly resume: (rule: RuleRow) => Effect.Effect<Finished | null, Stuck>
    /** Joins what became of an execution's orders. */
    readonly settle: (userId: UserId, id: ExecutionId) => Effect.Effect<Finished | null, Stuck>
    /** Why the rule has nothing left to do. */
    readonly finished: (rule: RuleRow) => Effect.Effect<Finished | null, Stuck>
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
  const wallets = yield* Wallets
  const market = yield* RuleMarket
  const clock = yield* MarketClock
  const settling = yield* makeSettling
  const { finished, settle, skip, unresolved, usageOf } = settling
  const place = yield* makePlacing(settling)
  const lanes = yield* makeLanes<RuleId>()
  // What has begun belongs to the engine: pausing a rule must not leave a slot without its record.
  const working = yield* FiberSet.make()
  const inLane = <A, E>(rule: RuleRow, work: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.flatMap(FiberSet.run(working, lanes.run(rule.rule_id, work)), Fiber.join)

  const look = Effect.fnUntraced(function* (rule: RuleRow, row: ExecutionRow) {
    const listed = yield* market.symbol(rule.symbol)
    const symbol = listed === null ? null : Option.getOrNull(listed)
    const view = yield* market.view(rule.symbol, dataAgeLimit(rule.document.gates))
    const free =
      symbol === null
        ? null
        : yield* Effect.option(wallets.freeOf(rule.user_id, symbol.quoteAsset)).pipe(Effect.map(Option.getOrNull))
    // A firing counts on the day of its trigger, however late its order is made.
    return {
      symbol,
      isSymbolUnread: listed === null,
      view,
      free,
      usage: yield* usageOf(rule, row.triggered_at, row.execution_id)
    }
  })

  /** In the rule's lane nobody else works on a firing: one that has no order yet broke off, and is too late now. */
  const closeBroken = Effect.fnUntraced(function* (rule: RuleRow, row: ExecutionRow) {
    const now = yield* clock.now
    const running = yield* executions.running(rule.user_id, rule.rule_id)
    const broken = running.filter((other) => !other.attempted && other.execution_id !== row.execution_id)
    const why = bareDecision(rule, rule.document.trigger.type, now, reason("MISSED"))
    yield* Effect.forEach(broken, (other) => skip(rule, other, why), { discard: true })
  })

  const carryOn = Effect.fnUntraced(function* (
    rule: RuleRow,
    row: ExecutionRow,
    trigger: Pick<Trigger, "label" | "operands">
  ) {
    const began = yield* Clock.currentTimeMillis
    const now = yield* clock.now
    if (yield* unresolved(row))
      return yield* skip(rule, row, bareDecision(rule, trigger.label, now, reason("UNKNOWN_PENDING")))
    const seen = yield* look(rule, row)
    const { decision, order } = decide({
      ruleId: rule.rule_id,
      ruleVersion: rule.version,
      document: rule.document,
      trigger: trigger.label,
      operands: trigger.operands,
      now,
      ...seen
    })
    const decided: ExecutionRow = {
      ...row,
      decide_ms: Math.round((yield* Clock.currentTimeMillis) - began),
      quote_asset: seen.symbol?.quoteAsset ?? null,
      expected_price: seen.view?.ask ?? null,
      requested_quote: decision.sizing?.capped ?? null
    }
    return order === null || decision.outcome !== "fire"
      ? yield* skip(rule, decided, decision)
      : yield* place(rule, decided, decision, order, began)
  })

  const fire = Effect.fn("RuleFiring.fire")((rule: RuleRow, trigger: Trigger) =>
    inLane(
      rule,
      Effect.gen(function* () {
        yield* failPoint("tick.fires")
        const mine = yield* newExecution(rule, trigger)
        const claimed = yield* database.write(
          Effect.gen(function* () {
            yield* ownership.assertOwner
            const row = yield* executions.begin(mine)
            if (trigger.runtime !== null) yield* rules.saveRuntime(rule.user_id, rule.rule_id, trigger.runtime)
            return row
          })
        )
        if (claimed.execution_id !== mine.execution_id) return { execution: claimed, finished: null } satisfies Fired
        yield* failPoint("tick.claimed")
        yield* closeBroken(rule, mine)
        return yield* carryOn(rule, mine, trigger)
      })
    )
  )

  const recordMissed = Effect.fnUntraced(function* (rule: RuleRow, slot: Instant, now: Instant) {
    const why = reason("MISSED", { slot: formatInstant(slot) })
    const row = yield* newExecution(rule, { slot: formatInstant(slot), triggeredAt: slot })
    const claimed = yield* executions.begin({ ...row, state: "done", outcome: "skipped", reason: why })
    if (claimed.execution_id !== row.execution_id) return
    yield* executions.record(row.user_id, row.execution_id, bareDecision(rule, rule.document.trigger.type, now, why))
  })

  const miss = Effect.fn("RuleFiring.miss")(function* (rule: RuleRow, slots: ReadonlyArray<Instant>, runtime: Runtime) {
    const now = yield* clock.now
    // A slot is claimed only once, so a crash in between repeats nothing.
    for (const some of Array.chunksOf(slots, missedAtOnce))
      yield* database.write(
        Effect.zipRight(
          ownership.assertOwner,
          Effect.forEach(some, (slot) => recordMissed(rule, slot, now), { discard: true })
        )
      )
    yield* database.write(
      Effect.zipRight(ownership.assertOwner, rules.saveRuntime(rule.user_id, rule.rule_id, runtime))
    )
  })

  /** Whether a firing that never got as far as its order may still be made. */
  const isTimely = (rule: RuleRow, row: ExecutionRow, now: Instant): boolean => {
    const { onMissedRun, trigger } = rule.document
    const late = now - row.triggered_at
    const scheduled = trigger.type === "schedule.every" || trigger.type === "schedule.calendar"
    if (late <= resumableForMs) return true
    return scheduled && onMissedRun.type === "runOnce" && late <= Duration.toMillis(onMissedRun.maxLate)
  }

  const resume = Effect.fn("RuleFiring.resume")((rule: RuleRow) =>
    inLane(
      rule,
      Effect.gen(function* () {
        yield* ownership.assertOwner
        let stop: Finished | null = null
        for (const row of yield* executions.running(rule.user_id, rule.rule_id)) {
          const now = yield* clock.now
          const label = rule.document.trigger.type
          if (row.attempted) stop = (yield* settle(row.user_id, row.execution_id)) ?? stop
          else if (isTimely(rule, row, now))
            stop = (yield* carryOn(rule, row, { label, operands: [] })).finished ?? stop
          else stop = (yield* skip(rule, row, bareDecision(rule, label, now, reason("MISSED")))).finished ?? stop
        }
        return stop
      })
    )
  )

  return RuleFiring.of({ fire, miss, resume, settle, finished })
})
