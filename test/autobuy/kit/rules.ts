import { Effect, Option } from "effect"
import { ExecutionsRepo } from "../../../src/autobuy/ExecutionsRepo.ts"
import { freshRuntime, type RuleRow } from "../../../src/autobuy/record/rows.ts"
import { RulesRepo } from "../../../src/autobuy/RulesRepo.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import type { RuleId } from "../../../src/domain/Ids.ts"
import type { RuleDocument, RuleState } from "../../../src/domain/Rule.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import { document } from "../../domain/rule/fixtures.ts"
import { alice } from "./world.ts"

/** Stores a rule as its owner would have made it. */
export const storeRule = (
  id: RuleId,
  changes: Readonly<Record<string, unknown>> = {},
  state: RuleState = "active",
  more: Partial<RuleRow> = {}
) =>
  Effect.gen(function* () {
    const rules = yield* RulesRepo
    const now = yield* (yield* MarketClock).now
    const stored: RuleDocument = document(changes)
    const row: RuleRow = {
      user_id: alice,
      rule_id: id,
      version: 1,
      state,
      pause_reason: null,
      symbol: stored.symbol,
      document: stored,
      runtime: freshRuntime,
      failures: 0,
      spent_total: Decimal.zero,
      executed_count: 0,
      created_at: now,
      updated_at: now,
      ...more
    }
    yield* rules.insert(row)
    return row
  })

export const stateOf = (id: RuleId) =>
  Effect.gen(function* () {
    const found = yield* (yield* RulesRepo).find(alice, id)
    return Option.getOrThrow(found)
  })

/** Outcomes and reasons of a rule's firings, oldest first. */
export const outcomes = (id: RuleId) =>
  Effect.gen(function* () {
    const rows = yield* (yield* ExecutionsRepo).list(alice, { ruleId: id, limit: 100, before: null })
    return [...rows]
      .reverse()
      .map((row) =>
        [row.slot, row.outcome ?? row.state, row.reason?.code ?? null].filter((part) => part !== null).join(" ")
      )
  })
