import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { RuleRecords } from "../../../src/autobuy/RuleRecords.ts"
import { Rules } from "../../../src/autobuy/Rules.ts"
import * as Decimal from "../../../src/domain/Decimal.ts"
import type { RuleId } from "../../../src/domain/Ids.ts"
import { temporaryFolder } from "../../kit/TestDatabase.ts"
import { ann } from "../../orders/kit/orders.ts"
import { buy, eventually, executions, life, makeRule, venue } from "../cycle/kit.ts"

const start = Effect.gen(function* () {
  const at = yield* venue
  yield* at.price(100_000)
  return { at, folder: yield* temporaryFolder }
})
const computed = (id: RuleId) =>
  Effect.flatMap(Rules, (rules) => Effect.map(rules.get(ann, id), (rule) => rule.computed))
const show = (value: Decimal.Decimal | null | undefined) => (value == null ? null : Decimal.format(value))

describe("what an open cycle waits for", () => {
  it.scopedLive("is its target and its stop, and what its trailing stop follows", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          const id = yield* makeRule({
            exit: {
              takeProfit: [{ gainPercent: "5", as: "watched" }],
              stopLoss: { lossPercent: "10" },
              trailing: { armPercent: "2", deltaPercent: "1" }
            }
          })
          assert.strictEqual((yield* computed(id)).next?.text, "buys when it is run by hand")
          yield* buy(id)
          const bought = yield* eventually(
            "the position",
            computed(id),
            ({ next }) => next?.text.startsWith("sells") ?? false
          )
          assert.match(
            bought.next?.text ?? "",
            /^sells when BTCUSDT rises to 105,\d+\.\d+ or above; sells all when BTCUSDT falls to 90,\d+\.\d+ or below; trails once BTCUSDT rises to 102,\d+\.\d+ or above$/
          )
          assert.deepStrictEqual(
            [bought.trailing?.side, bought.trailing?.armed, bought.trailing?.extreme],
            ["sell", false, null]
          )
          yield* at.price(103_000)
          const armed = yield* eventually("the trail", computed(id), ({ trailing }) => trailing?.armed === true)
          assert.deepStrictEqual([show(armed.trailing?.extreme), show(armed.trailing?.firesAt)], ["103000", "101970"])
          assert.include(armed.next?.text, "sells all when BTCUSDT falls to 101,970")
          yield* at.price(101_900)
          yield* eventually("the sale", executions(id), (all) => all.some((one) => one === "exit 0 executed"))
          const { text } = yield* (yield* RuleRecords).explain(ann, id)
          assert.match(
            text,
            /exit\.trailing was evaluated\..* The rule sent an order to sell\. It sold 0\.\d+ for \d+\.?\d*/
          )
        })
      )
    })
  )
})

describe("a trailing buy", () => {
  it.scopedLive("tells the fall it waits for, then the low it follows", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* start
      yield* life(
        folder,
        at,
        Effect.gen(function* () {
          const id = yield* makeRule({
            trigger: {
              type: "price.rebound",
              from: { type: "fixed", price: "100000" },
              afterDropPercent: "5",
              reboundPercent: "2",
              expireAfter: "PT1H"
            }
          })
          const waits = yield* computed(id)
          assert.deepStrictEqual(
            [waits.trailing?.side, waits.trailing?.armed, show(waits.trailing?.firesAt)],
            ["buy", false, "95000"]
          )
          yield* at.price(94_000)
          const falls = yield* eventually("the fall", computed(id), ({ trailing }) => trailing?.armed === true)
          assert.deepStrictEqual([show(falls.trailing?.extreme), show(falls.trailing?.firesAt)], ["94000", "95880"])
          assert.isNotNull(falls.trailing?.expiresAt)
          assert.match(
            falls.next?.text ?? "",
            /^buys when BTCUSDT rises to 95,880\.\d+ or above, 2 % above its low of 94,000/
          )
        })
      )
    })
  )
})
