import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Random, Schema, TestClock } from "effect"
import { ExecutionsRepo } from "../../../src/autobuy/ExecutionsRepo.ts"
import { newExecution } from "../../../src/autobuy/firing/records.ts"
import { RuleFiring } from "../../../src/autobuy/RuleFiring.ts"
import type { ExecutionRow, RuleRow } from "../../../src/autobuy/record/rows.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { makeOrderId, makeRuleId } from "../../../src/domain/Ids.ts"
import { checkCaps } from "../../../src/domain/rule/decision/caps.ts"
import { reason } from "../../../src/domain/Reason.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import { OrderRow } from "../../../src/orders/record/OrderRow.ts"
import { notPlaced } from "../../../src/orders/record/Refusal.ts"
import { intentRow } from "../../orders/kit/orders.ts"
import { d } from "../../domain/rule/fixtures.ts"
import { storeRule } from "../kit/rules.ts"
import { alice, world } from "../kit/world.ts"
import { inOneLife } from "../lives.ts"

const amount = d("30")
let orders = 0

/** The firing's only order ends like this at once. */
const fired = Effect.fn(function* (rule: RuleRow, order: Partial<OrderRow>, spent: Decimal.Decimal) {
  const executions = yield* ExecutionsRepo
  const sql = yield* SqlClient.SqlClient
  const now = yield* (yield* MarketClock).now
  const row = yield* newExecution(rule, { slot: `n${++orders}`, triggeredAt: now })
  yield* executions.begin(row)
  yield* sql`INSERT INTO orders ${sql.insert(
    Schema.encodeSync(OrderRow)(
      intentRow(yield* makeOrderId(), orders, {
        user_id: alice,
        rule_id: rule.rule_id,
        execution_id: row.execution_id,
        slot: row.slot,
        kind: "entry",
        level: 0,
        sent_at: now,
        terminal_at: now,
        ...order
      })
    )
  )}`
  const ended: ExecutionRow = {
    ...row,
    attempted: true,
    reserved_quote: amount,
    state: "done",
    outcome: Decimal.isZero(spent) ? "failed" : "executed",
    spent_quote: spent,
    executed_quantity: spent
  }
  yield* executions.save(ended)
  return ended
})

const absent = { status: "rejected", reject_reason: reason("NOT_PLACED") } as const
const neverLeft = { ...absent, refusal: notPlaced("EXCHANGE_UNAVAILABLE", "No order exists.", 1_000) }

const fillsLate = Effect.fn(function* (row: ExecutionRow) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`UPDATE orders SET status = 'filled', reject_reason = NULL WHERE execution_id = ${row.execution_id}`
  yield* (yield* ExecutionsRepo).save({ ...row, outcome: "executed", spent_quote: amount, executed_quantity: amount })
})

const usageOf = Effect.fn(function* (rule: RuleRow, inDays = 0) {
  const executions = yield* ExecutionsRepo
  const now = (yield* (yield* MarketClock).now) + inDays * 86_400_000
  return yield* executions.usage({ userId: alice, ruleId: rule.rule_id, timezone: "UTC" }, now, null)
})

/** Without the engine, whose timers look at the clock each minute of the weeks that pass. */
const onDisk = <A, E>(life: Effect.Effect<A, E, Layer.Layer.Success<ReturnType<typeof world>>>) =>
  Effect.scoped(Effect.suspend(() => Effect.provide(life, world())))

const used = (rule: RuleRow, inDays = 0) =>
  Effect.map(usageOf(rule, inDays), ({ day, month, total }) => [day, month, total].map((sum) => Decimal.format(sum)))

describe("an order of a rule that counts as never placed", () => {
  it.effect("keeps its share of the rule's limits in the windows of its trigger, as a late fill would take it", () =>
    onDisk(
      Effect.gen(function* () {
        const rule = yield* storeRule(yield* makeRuleId())
        const row = yield* fired(rule, absent, Decimal.zero)
        assert.deepStrictEqual(yield* used(rule), ["30", "30", "30"])
        assert.deepStrictEqual(yield* used(rule, 1), ["0", "30", "30"])
        yield* fillsLate(row)
        assert.deepStrictEqual(yield* used(rule, 1), ["0", "30", "30"])
      })
    )
  )

  it.effect("gives it back when its month is over", () =>
    onDisk(
      Effect.gen(function* () {
        const rule = yield* storeRule(yield* makeRuleId())
        yield* fired(rule, absent, Decimal.zero)
        assert.deepStrictEqual(yield* used(rule, 40), ["0", "0", "0"])
      })
    )
  )

  it.effect("holds nothing where it is known that its bytes never left", () =>
    onDisk(
      Effect.gen(function* () {
        const rule = yield* storeRule(yield* makeRuleId())
        yield* fired(rule, neverLeft, Decimal.zero)
        assert.deepStrictEqual(yield* used(rule), ["0", "0", "0"])
      })
    )
  )

  it.effect("does not complete its rule, which has not spent it", () =>
    inOneLife(
      Effect.gen(function* () {
        const rule = yield* storeRule(yield* makeRuleId(), {
          size: { type: "quote", amount: "30" },
          limits: { total: "30" }
        })
        const row = yield* fired(rule, absent, Decimal.zero)
        const firing = yield* RuleFiring
        assert.isNull(yield* firing.finished(rule))
        yield* fillsLate(row)
        assert.strictEqual((yield* firing.finished(rule))?.reason.code, "COMPLETED_TOTAL")
      })
    )
  )

  for (const seed of [1, 2, 3])
    it.effect(`no history of fills takes a rule over its limits: seed ${seed}`, () =>
      onDisk(
        Effect.gen(function* () {
          const rule = yield* storeRule(yield* makeRuleId(), { limits: { total: "600", perDay: "100" } })
          const { limits } = rule.document
          const lost: Array<ExecutionRow> = []
          for (let step = 0; step < 120; step++) {
            const roll = yield* Random.nextIntBetween(0, 10)
            if (roll === 0 && step < 100) yield* TestClock.adjust("3 hours")
            const late = roll > 7 ? lost.pop() : undefined
            if (late !== undefined) yield* fillsLate(late)
            else if (checkCaps(limits, yield* usageOf(rule), amount).refusal === null) {
              if (roll > 4) lost.push(yield* fired(rule, absent, Decimal.zero))
              else yield* fired(rule, { status: "filled" }, amount)
            }
            const { day, total } = yield* usageOf(rule)
            assert.isTrue(Decimal.lessOrEqual(day, d("100")) && Decimal.lessOrEqual(total, d("600")), `step ${step}`)
          }
        }).pipe(Effect.withRandom(Random.make(seed)))
      )
    )
})
