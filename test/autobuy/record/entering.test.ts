import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { newExecution } from "../../../src/autobuy/firing/records.ts"
import { CyclesRepo } from "../../../src/autobuy/record/cycle/CyclesRepo.ts"
import { makeEntering } from "../../../src/autobuy/record/cycle/entering.ts"
import { Database } from "../../../src/store/Database.ts"
import { makeRuleId } from "../../../src/domain/Ids.ts"
import { reason } from "../../../src/domain/Reason.ts"
import { storeRule } from "../kit/rules.ts"
import { world } from "../kit/world.ts"

const adding = { exit: { takeProfit: [{ gainPercent: "2" }] }, cycle: { whileOpen: "add", afterExit: "restart" } }

describe("an entry that joins the open cycle", () => {
  it.effect("buys nothing when that has ended while it waited, and the next one begins another", () =>
    Effect.gen(function* () {
      const cycles = yield* CyclesRepo
      const entering = yield* makeEntering
      const database = yield* Database
      const rule = yield* storeRule(yield* makeRuleId(), adding)
      const first = yield* newExecution(rule, { slot: "n1", triggeredAt: 0 })
      yield* database.write(entering.open(rule, first))
      const cycleId = yield* entering.joins(rule)
      assert.strictEqual(cycleId, first.cycle_id)
      if (cycleId === null) return
      const second = yield* newExecution(rule, { slot: "n2", triggeredAt: 1, cycleId })
      assert.isNull(yield* entering.refusal(rule, second))
      const [cycle] = yield* cycles.open
      assert.isDefined(cycle)
      if (cycle === undefined) return
      yield* database.write(cycles.close(cycle, { reason: reason("CYCLE_SOLD"), bought: true, at: 2 }))
      assert.strictEqual((yield* entering.refusal(rule, second))?.code, "CYCLE_ENDED")
      const third = yield* newExecution(rule, { slot: "n3", triggeredAt: 3 })
      assert.isNull(yield* entering.refusal(rule, third))
    }).pipe(Effect.scoped, Effect.provide(world()))
  )
})
