import { Effect, Option } from "effect"
import { createHash } from "node:crypto"
import { Conflict } from "../../api/Errors.ts"
import type { RuleId, UserId } from "../../domain/Ids.ts"
import { reason } from "../../domain/Reason.ts"
import type { RuleState } from "../../domain/Rule.ts"
import { MarketClock } from "../../MarketClock.ts"
import type { RequestKey } from "../../orders/Orders.ts"
import { Audit } from "../../store/Audit.ts"
import { Database } from "../../store/Database.ts"
import { Ownership } from "../../store/Ownership.ts"
import { ExecutionsRepo } from "../ExecutionsRepo.ts"
import { makeStopping } from "../firing/stopping.ts"
import { type RuleRow, toExecution } from "../record/rows.ts"
import { RuleFiring } from "../RuleFiring.ts"
import { RulesRepo } from "../RulesRepo.ts"
import { RuleSupervisor } from "../RuleSupervisor.ts"
import { makeComputed } from "../view/computed.ts"
import { makeArchiving } from "./archiving.ts"
import { findRule } from "./findRule.ts"

const conflict = (message: string) => new Conflict({ message })

/** The same key is the same slot, so that a repeated request can never fire twice. */
const slotOf = (key: string): string => `run-${createHash("sha256").update(key).digest("hex").slice(0, 16)}`

/** Pausing, resuming, archiving and firing by hand. The state is stored first; then the fiber is made to agree. */
export const makeControl = Effect.gen(function* () {
  const audit = yield* Audit
  const database = yield* Database
  const ownership = yield* Ownership
  const rules = yield* RulesRepo
  const executions = yield* ExecutionsRepo
  const firing = yield* RuleFiring
  const supervisor = yield* RuleSupervisor
  const clock = yield* MarketClock
  const show = yield* makeComputed
  const archive = yield* makeArchiving
  const setState = yield* makeStopping

  const shown = Effect.fnUntraced(function* (userId: UserId, id: RuleId) {
    yield* supervisor.refresh(userId, id)
    return yield* show(yield* findRule(rules, userId, id))
  })

  /** Refused when the rule left the state it was read in. */
  const move = Effect.fnUntraced(function* (row: RuleRow, to: { readonly state: RuleState; readonly byUser: boolean }) {
    const moved = yield* setState(row.user_id, row.rule_id, [row.state], {
      state: to.state,
      reason: to.byUser ? reason("BY_USER") : null,
      at: yield* clock.now
    })
    if (!moved) return yield* conflict("The rule has just changed its state; read it again.")
  })

  const pause = Effect.fn("Rules.pause")(function* (userId: UserId, id: RuleId) {
    yield* ownership.assertOwner
    const row = yield* findRule(rules, userId, id)
    if (row.state !== "active" && row.state !== "paused")
      return yield* conflict(`A rule that is ${row.state} does not run.`)
    if (row.state === "active") yield* move(row, { state: "paused", byUser: true })
    yield* firing.withdraw(userId, id)
    return yield* shown(userId, id)
  })

  const resume = Effect.fn("Rules.resume")(function* (userId: UserId, id: RuleId) {
    yield* ownership.assertOwner
    const row = yield* findRule(rules, userId, id)
    if (row.state === "archived" || row.state === "completed")
      return yield* conflict(`A rule that is ${row.state} cannot be resumed; change its limits or make another.`)
    if (row.state !== "active")
      yield* database.write(
        Effect.gen(function* () {
          yield* move(row, { state: "active", byUser: false })
          yield* rules.saveFailures(userId, id, 0)
          // A crossing has to be seen from now on, and slots of the pause are nobody's.
          const resumed = yield* findRule(rules, userId, id)
          const trigger = { ...resumed.runtime.trigger, ready: false }
          yield* rules.saveRuntime(resumed, { ...resumed.runtime, trigger, nextRunAt: null })
        })
      )
    return yield* shown(userId, id)
  })

  const run = Effect.fn("Rules.run")(function* (
    userId: UserId,
    id: RuleId,
    { idempotencyKey }: Pick<RequestKey, "idempotencyKey">
  ) {
    yield* ownership.assertOwner
    const row = yield* findRule(rules, userId, id)
    const slot = slotOf(idempotencyKey)
    const before = yield* executions.findBySlot(userId, id, slot)
    if (Option.isSome(before)) return { execution: toExecution(before.value), replayed: true }
    if (row.state !== "active") return yield* conflict(`A rule that is ${row.state} does not buy; resume it first.`)
    // The firing is the rule's; only here is it known who wanted it.
    yield* audit.append({ action: "ruleRun", user: userId, objectId: id, detail: { slot } })
    const triggeredAt = yield* clock.now
    const { execution, finished } = yield* firing.fire(row, {
      slot,
      label: "manual",
      operands: [],
      triggeredAt,
      runtime: null
    })
    if (finished !== null) yield* supervisor.finish(userId, id, finished)
    return { execution: toExecution(execution), replayed: false }
  })

  return { pause, resume, archive, run }
})
