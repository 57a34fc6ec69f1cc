import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { formatInstant } from "../../../src/domain/Time.ts"
import { agree } from "./kit/books.ts"
import { stage } from "./kit/stage.ts"

const minute = 60_000

it.scopedLive(
  "weekly at nine in Berlin: once each Monday, at the local hour over the clock change, and never twice in a slot",
  () =>
    Effect.gen(function* () {
      const on = yield* stage("2027-03-19T12:00:00Z", { BTCUSDT: "60000.01" })
      const rule = yield* on.create("weekly-nine-berlin")
      assert.deepStrictEqual(rule.computed.nextRuns.slice(0, 3).map(formatInstant), [
        "2027-03-22T08:00:00.000Z",
        "2027-03-29T07:00:00.000Z",
        "2027-04-05T07:00:00.000Z"
      ])

      yield* on.advanceTo("2027-03-22T07:59:59Z")
      assert.lengthOf(yield* on.executions(rule.id), 0, "not a second early")
      yield* on.advance(1_000)
      yield* on.advance(minute)
      yield* on.trade("BTCUSDT", "59000.00")
      yield* on.advance(60 * minute)
      const [first, ...more] = yield* on.did(rule.id, "entry executed")
      assert.lengthOf(more, 0, "one slot, one buy")
      assert.strictEqual(first?.outcome, "executed")
      assert.strictEqual(first?.slot, "2027-03-22T08:00:00.000Z")
      assert.isTrue(Decimal.lessOrEqual(first?.executedQuote ?? Decimal.zero, Decimal.unsafe("50")))
      assert.isTrue(Decimal.greaterThan(first?.executedQuote ?? Decimal.zero, Decimal.unsafe("49")))

      yield* on.advanceTo("2027-03-29T06:59:59Z")
      assert.lengthOf(yield* on.executions(rule.id), 1)
      yield* on.advance(1_000)
      yield* on.advance(90 * minute)
      const both = yield* on.did(rule.id, "entry executed", "entry executed")
      assert.deepStrictEqual(
        both.map(({ outcome, slot }) => [slot, outcome]),
        [
          ["2027-03-22T08:00:00.000Z", "executed"],
          ["2027-03-29T07:00:00.000Z", "executed"]
        ]
      )
      assert.match(yield* on.explain(rule.id), /schedule\.calendar was evaluated.*at most .* It bought/)
      const { orders } = yield* agree(on, rule.id)
      assert.lengthOf(orders, 2)
    }),
  240_000
)
