import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { agree } from "./kit/books.ts"
import { stage } from "./kit/stage.ts"

it.scopedLive(
  "trailing buy: follows the fall to its low, buys on the rebound, once per fall and within the day's money",
  () =>
    Effect.gen(function* () {
      const on = yield* stage("2027-02-10T06:00:00Z", { BTCUSDT: "60000.01" })
      const rule = yield* on.create("trailing-buy")
      const bought = Effect.map(on.executions(rule.id), (all) => all.length)

      yield* on.trade("BTCUSDT", "57500.00")
      yield* on.trade("BTCUSDT", "58500.00")
      assert.strictEqual(yield* bought, 0, "no rebound before the fall")
      yield* on.trade("BTCUSDT", "57000.00")
      yield* on.trade("BTCUSDT", "57800.00")
      yield* on.trade("BTCUSDT", "56000.00")
      const followed = Effect.map(on.api.trading.getRule({ path: { id: rule.id } }), ({ computed: { trailing } }) =>
        [trailing?.extreme, trailing?.firesAt].map((price) => (price == null ? null : Decimal.format(price))).join()
      )
      const waits = Effect.map(
        on.api.trading.getRule({ path: { id: rule.id } }),
        ({ computed }) => computed.next?.text ?? ""
      )
      yield* on.becomes("the low", followed, (low) => low === "56000,56840")
      yield* on.trade("BTCUSDT", "56839.99")
      assert.strictEqual(yield* bought, 0, "a cent too little")
      yield* on.trade("BTCUSDT", "56840.00")
      yield* on.did(rule.id, "entry executed")
      yield* on.trade("BTCUSDT", "56000.00")
      yield* on.trade("BTCUSDT", "56990.00")
      assert.strictEqual(yield* bought, 1, "the fall was used")

      const falls = [
        ["entry executed", "entry executed"],
        ["entry executed", "entry executed", "entry skipped CAP_DAY"]
      ]
      for (const buys of falls) {
        yield* on.trade("BTCUSDT", "58000.00")
        yield* on.becomes("ready for another fall", waits, (text) => text.includes("once BTCUSDT falls"))
        yield* on.trade("BTCUSDT", "57000.00")
        yield* on.becomes("the next low", followed, (low) => low === "57000,57855")
        yield* on.trade("BTCUSDT", "57855.00")
        yield* on.did(rule.id, ...buys)
      }
      assert.match(yield* on.explain(rule.id), /price\.rebound was evaluated.*did not buy: .*daily limit/)
      const { orders } = yield* agree(on, rule.id)
      assert.lengthOf(orders, 2)
      assert.isTrue(Decimal.lessOrEqual(Decimal.sum(orders.map((one) => one.executedQuote)), Decimal.unsafe("200")))
    }),
  240_000
)
