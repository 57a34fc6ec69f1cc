import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { ExecutionsRepo } from "../../../src/autobuy/ExecutionsRepo.ts"
import { bareDecision } from "../../../src/autobuy/firing/records.ts"
import { retention, sweepDecisions } from "../../../src/autobuy/record/DecisionSweep.ts"
import { makeRuleId, type RuleId } from "../../../src/domain/Ids.ts"
import { reason } from "../../../src/domain/Reason.ts"
import { storeRule } from "../kit/rules.ts"
import { alice } from "../kit/world.ts"
import { inOneLife } from "../lives.ts"

const counts = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql<{ readonly kept: number; readonly n: number }>`SELECT kept, count(*) AS n FROM decisions GROUP BY kept`
).pipe(Effect.map((rows) => Object.fromEntries(rows.map(({ kept, n }) => [kept, n]))))

/** Skips of a rule, written without their records. */
const many = (ruleId: RuleId, count: number, at: number) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`INSERT INTO decisions (user_id, rule_id, execution_id, at, record, kept)
      WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})
      SELECT ${alice}, ${ruleId}, NULL, ${at}, '{}', 0 FROM numbers`
  )

describe("decisions", () => {
  it.effect("that became no order go after thirty days; what became one stays", () =>
    inOneLife(
      Effect.gen(function* () {
        const executions = yield* ExecutionsRepo
        const rule = yield* Effect.flatMap(makeRuleId(), (id) => storeRule(id))
        const old = -Duration.toMillis(retention.skipsFor) - 1
        const skip = bareDecision(rule, "manual", old, reason("GATE_PRICE"))
        yield* many(rule.rule_id, 450, old)
        yield* executions.record(alice, null, { ...skip, outcome: "fire", reason: null })
        yield* executions.record(alice, null, { ...skip, at: old + 2 })
        yield* sweepDecisions
        assert.deepStrictEqual(yield* counts, { 0: 1, 1: 1 })
      })
    )
  )

  it.effect("of one rule that skips all the time are bounded, the newest kept, and others' untouched", () =>
    inOneLife(
      Effect.gen(function* () {
        const executions = yield* ExecutionsRepo
        const busy = yield* Effect.flatMap(makeRuleId(), (id) => storeRule(id))
        const quiet = yield* Effect.flatMap(makeRuleId(), (id) => storeRule(id))
        const skipOf = (rule: typeof busy, at: number) => bareDecision(rule, "manual", at, reason("GATE_PRICE"))
        yield* executions.record(alice, null, skipOf(quiet, 0))
        yield* many(busy.rule_id, retention.skipsOfRule + 249, 0)
        yield* executions.record(alice, null, skipOf(busy, 7))
        yield* sweepDecisions
        assert.deepStrictEqual(yield* counts, { 0: retention.skipsOfRule + 1 })
        const [newest] = yield* (yield* SqlClient.SqlClient)<{ readonly at: number }>`SELECT at FROM decisions
          WHERE rule_id = ${busy.rule_id} ORDER BY seq DESC LIMIT 1`
        assert.strictEqual(newest?.at, 7)
      })
    )
  )
})
