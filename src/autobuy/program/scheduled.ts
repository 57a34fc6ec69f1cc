import { Duration, Effect } from "effect"
import { reason } from "../../domain/Reason.ts"
import type { ScheduleTrigger } from "../../domain/rule/Trigger.ts"
import { formatInstant, type Instant } from "../../domain/Time.ts"
import { MarketClock } from "../../MarketClock.ts"
import { missedBetween, nextSlot } from "../firing/missing.ts"
import type { Finished } from "../firing/records.ts"
import type { RuleRow } from "../record/rows.ts"
import { scheduleOf } from "../record/scheduleOf.ts"
import { RuleFiring } from "../RuleFiring.ts"
import { Timers } from "../Timers.ts"
import { scheduleOperands } from "./operands.ts"
import { untilTime, type Work } from "./waiting.ts"

/** A slot this late was missed. */
const missedAfterMs = 60_000

const ended: Finished = { state: "completed", reason: reason("COMPLETED_END") }

/** The life of a rule that waits for the clock: each slot has exactly one outcome. */
export const makeScheduled = Effect.gen(function* () {
  const timers = yield* Timers
  const firing = yield* RuleFiring
  const clock = yield* MarketClock

  return (rule: RuleRow, trigger: ScheduleTrigger): Work => {
    const { onMissedRun } = rule.document
    const schedule = scheduleOf(rule, trigger)
    let runtime = rule.runtime
    let slot = nextSlot(rule, schedule)

    /** Until there is nothing left to do but wait. */
    const look = (): Work =>
      Effect.gen(function* () {
        for (;;) {
          if (slot === null) return (yield* firing.finished(rule)) ?? ended
          const now = yield* clock.now
          if (now < slot) return untilTime(timers, slot, look)
          const latest = Math.max(slot, schedule.previous(now) ?? slot)
          if (now - slot > missedAfterMs) {
            const late = now - latest
            const makeUp =
              late <= missedAfterMs ||
              (onMissedRun.type === "runOnce" && late <= Duration.toMillis(onMissedRun.maxLate))
            const lastMissed = makeUp ? schedule.previous(latest - 1) : latest
            const missed = lastMissed === null ? [] : missedBetween(schedule, slot, lastMissed)
            slot = makeUp ? latest : schedule.next(latest)
            runtime = { ...runtime, nextRunAt: slot }
            yield* firing.miss(rule, missed, runtime)
            if (!makeUp || slot === null) continue
          }
          const due: Instant = slot
          slot = schedule.next(due)
          runtime = { ...runtime, nextRunAt: slot }
          const { finished } = yield* firing.fire(rule, {
            slot: formatInstant(due),
            label: trigger.type,
            operands: scheduleOperands(due, now),
            triggeredAt: now,
            runtime
          })
          if (finished !== null) return finished
        }
      })
    return look()
  }
})
