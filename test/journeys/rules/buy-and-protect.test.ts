import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { agree } from "./kit/books.ts"
import { stage } from "./kit/stage.ts"

import type { Stage } from "./kit/stage.ts"

const bought = Effect.fnUntraced(function* (on: Stage) {
  const rule = yield* on.create("buy-and-protect")
  yield* on.trade("BTCUSDT", "61000.00")
  yield* on.trade("BTCUSDT", "60000.00")
  assert.lengthOf(yield* on.executions(rule.id), 0, "it is run by hand only")
  yield* on.api.trading.runRule({ path: { id: rule.id }, headers: { "idempotency-key": "protected-run-0001" } })
  yield* on.api.trading.runRule({ path: { id: rule.id }, headers: { "idempotency-key": "protected-run-0001" } })
  yield* on.did(rule.id, "entry executed")
  yield* on.quiet
  return rule
})

/** Sold as a whole, once, and told; nothing can be bought by it any more. */
const isOver = Effect.fnUntraced(function* (on: Stage, rule: Effect.Effect.Success<ReturnType<typeof bought>>) {
  const { id } = rule
  yield* on.did(id, "entry executed", "exit 0 executed")
  yield* on.becomes("the rule's end", on.api.trading.getRule({ path: { id } }), ({ state }) => state === "completed")
  yield* on.trade("BTCUSDT", "50000.00")
  yield* on.trade("BTCUSDT", "70000.00")
  yield* on.did(id, "entry executed", "exit 0 executed")
  const { quantity } = yield* on.api.trading.getRulePosition({ path: { id } })
  assert.isTrue(Decimal.isZero(quantity))
  const stops = on.events.filter(({ type }) => type === "notice.stopFired")
  assert.deepStrictEqual(
    stops.map(({ type, data }) => [type, "ruleId" in data ? data.ruleId : null]),
    [["notice.stopFired", id]]
  )
  yield* Effect.flip(on.api.trading.runRule({ path: { id }, headers: { "idempotency-key": "protected-run-0002" } }))
  assert.match(yield* on.explain(id), /sent an order to sell\. It sold/)
  const { orders } = yield* agree(on, id)
  assert.lengthOf(orders, 2)
})

it.scopedLive(
  "buy and protect: the trailing stop arms, follows the high and sells below it",
  () =>
    Effect.gen(function* () {
      const on = yield* stage("2027-02-10T06:00:00Z", { BTCUSDT: "60000.01" })
      const rule = yield* bought(on)
      yield* on.trade("BTCUSDT", "62900.00")
      yield* on.trade("BTCUSDT", "61000.00")
      assert.lengthOf(yield* on.executions(rule.id), 1, "not armed below 5 %")
      yield* on.trade("BTCUSDT", "64000.00")
      yield* on.trade("BTCUSDT", "66000.00")
      yield* on.trade("BTCUSDT", "64700.00")
      assert.lengthOf(yield* on.executions(rule.id), 1, "less than 2 % below the high")
      yield* on.trade("BTCUSDT", "64600.00")
      yield* isOver(on, rule)
    }),
  240_000
)

it.scopedLive(
  "buy and protect: the stop sells at the loss it was given, also while the rule is paused",
  () =>
    Effect.gen(function* () {
      const on = yield* stage("2027-02-10T06:00:00Z", { BTCUSDT: "60000.01" })
      const rule = yield* bought(on)
      yield* on.trade("BTCUSDT", "55300.00")
      assert.lengthOf(yield* on.executions(rule.id), 1, "less than 8 %")
      yield* on.api.trading.pauseRule({ path: { id: rule.id } })
      yield* on.trade("BTCUSDT", "55200.00")
      yield* isOver(on, rule)
    }),
  240_000
)
