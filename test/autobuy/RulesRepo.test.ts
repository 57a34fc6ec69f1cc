import { assert, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import type { RuleRow } from "../../src/autobuy/record/rows.ts"
import { freshRuntime } from "../../src/autobuy/record/rows.ts"
import { RulesRepo } from "../../src/autobuy/RulesRepo.ts"
import * as Decimal from "../../src/domain/Decimal.ts"
import { makeRuleId } from "../../src/domain/Ids.ts"
import { reason } from "../../src/domain/Reason.ts"
import { Database } from "../../src/store/Database.ts"
import { storeRule } from "./kit/rules.ts"
import { alice, bob, world } from "./kit/world.ts"

/** More than are read at once. */
const active = 1_203

const various = (i: number) =>
  i % 3 === 0
    ? {
        name: `"${i}" 'ü' \\ \n 🜁`,
        note: "}], [{",
        trigger: { type: "price.level", side: "below", price: `${i + 1}.50` }
      }
    : { name: `${i}`, symbol: "ETHUSDT", limits: { perDay: `${10 + (i % 2)}` } }

it.layer(world())((it) => {
  it.effect("active rules are read in pages, each as it is found by its id, and no others", () =>
    Effect.gen(function* () {
      const rules = yield* RulesRepo
      const database = yield* Database
      yield* database.write(
        Effect.gen(function* () {
          for (let i = 0; i < active; i++)
            yield* storeRule(yield* makeRuleId(), various(i), "active", {
              user_id: i % 2 === 0 ? alice : bob,
              version: 1 + (i % 4),
              pause_reason: i % 100 === 0 ? reason("BY_USER") : null,
              runtime: i % 5 === 0 ? { ...freshRuntime, sequence: i, nextRunAt: i, listed: true } : freshRuntime,
              spent_total: Decimal.unsafe(`${i}.000000000000000001`),
              failures: i % 3,
              executed_count: i
            })
          for (const state of ["draft", "paused", "archived"] as const) yield* storeRule(yield* makeRuleId(), {}, state)
        })
      )
      const read: Array<RuleRow> = []
      for (;;) {
        const page: ReadonlyArray<RuleRow> = yield* rules.active(read.at(-1) ?? null)
        if (page.length === 0) break
        read.push(...page)
      }
      assert.lengthOf(read, active)
      const places = read.map(({ rule_id, user_id }) => `${user_id} ${rule_id}`)
      assert.deepStrictEqual(places, places.toSorted())
      for (const row of read) {
        const found = Option.getOrThrow(yield* rules.find(row.user_id, row.rule_id))
        assert.deepStrictEqual(row, found)
      }
    })
  )
})
