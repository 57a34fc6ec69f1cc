import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { agree } from "./kit/books.ts"
import { stage } from "./kit/stage.ts"

import { ruleless } from "./kit/manual.ts"

it.scopedLive(
  "value averaging: buys what is missing to two hundred a month by its own book, nothing above the target, never more than its most",
  () =>
    Effect.gen(function* () {
      const on = yield* stage("2026-12-31T12:00:00Z", { BTCUSDT: "60000.01" })
      const rule = yield* on.create("value-averaging")
      const between = (low: string, value: Decimal.Decimal | undefined, high: string) => {
        assert.isTrue(value !== undefined && Decimal.greaterThan(value, Decimal.unsafe(low)), `above ${low}`)
        assert.isTrue(value !== undefined && Decimal.lessOrEqual(value, Decimal.unsafe(high)), `at most ${high}`)
      }

      yield* on.advanceTo("2027-01-01T08:00:00Z")
      yield* on.advance(60_000)
      between("198", (yield* on.did(rule.id, "entry executed")).at(-1)?.executedQuote, "200")
      yield* ruleless(on, "1000")

      yield* on.trade("BTCUSDT", "66000.00")
      yield* on.advanceTo("2027-02-01T08:00:30Z")
      between("178", (yield* on.did(rule.id, "entry executed", "entry executed")).at(-1)?.executedQuote, "183")

      yield* on.trade("BTCUSDT", "140000.00")
      yield* on.advanceTo("2027-03-01T08:00:30Z")
      yield* on.trade("BTCUSDT", "20000.00")
      yield* on.advanceTo("2027-04-01T07:00:30Z")
      yield* on.advanceTo("2027-04-01T09:00:00Z")
      const all = yield* on.did(
        rule.id,
        "entry executed",
        "entry executed",
        "entry skipped ABOVE_TARGET",
        "entry executed"
      )
      assert.deepStrictEqual(
        all.map(({ slot }) => slot),
        ["2027-01-01T08:00:00.000Z", "2027-02-01T08:00:00.000Z", "2027-03-01T08:00:00.000Z", "2027-04-01T07:00:00.000Z"]
      )
      between("594", all.at(-1)?.executedQuote, "600")
      assert.match(yield* on.explain(rule.id), /schedule\.calendar was evaluated.*at most .* It bought/)
      const { orders } = yield* agree(on, rule.id)
      assert.lengthOf(orders, 4, "three of the rule, one by hand")
    }),
  240_000
)
