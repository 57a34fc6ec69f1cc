import { Clock, Effect, Option, Queue } from "effect"
import type { ExecutionId, UserId } from "../../domain/Ids.ts"
import { reason } from "../../domain/Reason.ts"
import { MarketClock } from "../../MarketClock.ts"
import { ExecutionsRepo } from "../ExecutionsRepo.ts"
import type { ExecutionRow, RuleRow } from "../record/rows.ts"
import { RulesRepo } from "../RulesRepo.ts"
import type { Timers } from "../Timers.ts"
import type { makeDeciding } from "./deciding.ts"
import { makeFollowers } from "./followers.ts"
import { lookEveryMs } from "./gateWait.ts"
import type { makePlacing } from "./placing.ts"
import { bareDecision, type Ended, type Finished } from "./records.ts"
import type { makeResting } from "./resting.ts"
import type { makeSettling } from "./settling.ts"

/** A look costs reads of the database: at a market of many times the wall's speed it comes no faster than this. */
const shortestLook = "50 millis"

/** What wakes a follower can be lost when much happens at once; so long it trusts it. */
const trustedForMs = 60_000

interface Parts {
  readonly settling: Effect.Effect.Success<typeof makeSettling>
  readonly carryOn: Effect.Effect.Success<ReturnType<typeof makeDeciding>>["carryOn"]
  readonly awaitEnd: Effect.Effect.Success<ReturnType<typeof makePlacing>>["awaitEnd"]
  readonly resting: Effect.Effect.Success<ReturnType<typeof makeResting>>
  readonly inTurn: <A, E>(rule: Pick<RuleRow, "user_id" | "rule_id">, work: Effect.Effect<A, E>) => Effect.Effect<A, E>
  readonly ends: Queue.Enqueue<Ended>
  readonly timers: Timers["Type"]
}

/** Firings that wait for their gates and entries that rest at the venue: each has a follower until it is over. */
export const makeFollowing = Effect.fnUntraced(function* (parts: Parts) {
  const { awaitEnd, carryOn, ends, inTurn, resting, settling, timers } = parts
  const executions = yield* ExecutionsRepo
  const rules = yield* RulesRepo
  const clock = yield* MarketClock
  const followers = yield* makeFollowers(timers)

  const tell = (
    { rule_id: ruleId, user_id: userId }: Pick<RuleRow, "user_id" | "rule_id">,
    finished: Finished | null
  ) => (finished === null ? Effect.void : Effect.asVoid(Queue.offer(ends, { userId, ruleId, finished })))

  /** The firing as it is now, judged anew; null when it is over. */
  const look = Effect.fnUntraced(function* (userId: UserId, id: ExecutionId) {
    const row = Option.getOrNull(yield* executions.find(userId, id))
    if (row === null || row.state !== "running" || row.attempted || row.waits_until === null) return null
    const rule = Option.getOrNull(yield* rules.find(userId, row.rule_id))
    if (rule === null) return null
    const label = rule.document.trigger.type
    if (rule.state === "active") return { rule, sent: yield* carryOn(rule, row, { label, operands: [] }) }
    const why = bareDecision(rule, label, yield* clock.now, reason("BY_USER"))
    return { rule, sent: { ...(yield* settling.skip(rule, row, why)), order: null, began: 0 } }
  })

  const waiting = Effect.fnUntraced(function* (row: ExecutionRow) {
    for (;;) {
      const now = yield* clock.now
      const next = Math.min(now + lookEveryMs, Math.max(now, row.waits_until ?? now))
      yield* Effect.all([followers.sleep(row.execution_id, next), Effect.sleep(shortestLook)], {
        concurrency: "unbounded",
        discard: true
      })
      const seen = yield* inTurn(row, look(row.user_id, row.execution_id))
      if (seen === null) return
      const { execution } = seen.sent
      if (execution.state === "running" && !execution.attempted) continue
      const fired = yield* awaitEnd(seen.rule, seen.sent)
      yield* tell(row, fired.finished)
      if (execution.resting) yield* rests(execution)
      return
    }
  })

  const rests = Effect.fnUntraced(function* (row: ExecutionRow) {
    for (;;) {
      const step = yield* inTurn(row, resting.step(row.user_id, row.execution_id))
      if (step._tag === "Done") return yield* tell(row, step.finished)
      const now = yield* clock.now
      const trusted = now + trustedForMs
      yield* followers.sleep(row.execution_id, step.until === null ? trusted : Math.min(step.until, trusted))
    }
  })

  /** Only entries: levels and exits are followed by the cycle they belong to. */
  const of = (row: ExecutionRow): Effect.Effect<void> => {
    if (row.state !== "running" || row.kind !== "entry") return Effect.void
    if (row.resting) return followers.follow(row.execution_id, rests(row))
    if (!row.attempted && row.waits_until !== null) return followers.follow(row.execution_id, waiting(row))
    return Effect.void
  }

  return { of, tell, wake: followers.wake, wallNow: Clock.currentTimeMillis }
})
