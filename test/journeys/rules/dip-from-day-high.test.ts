import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { agree } from "./kit/books.ts"
import { stage } from "./kit/stage.ts"

const text = Decimal.format

it.scopedLive(
  "dip from the day's high: each recovered dip buys once, the fourth of a day does not",
  () =>
    Effect.gen(function* () {
      const on = yield* stage("2027-02-10T06:00:00Z", { BTCUSDT: "60000.01" })
      const rule = yield* on.create("dip-from-day-high")
      yield* on.trade("BTCUSDT", "57000.01")
      assert.lengthOf(yield* on.executions(rule.id), 0, "a cent too high")
      yield* on.trade("BTCUSDT", "56900.00")
      const once = "entry executed"
      const waits = Effect.map(
        on.api.trading.getRule({ path: { id: rule.id } }),
        ({ computed }) => computed.next?.text ?? ""
      )
      yield* on.did(rule.id, once)
      yield* on.trade("BTCUSDT", "56000.00")
      yield* on.did(rule.id, once)
      for (const dips of [
        [once, once],
        [once, once, once],
        [once, once, once, "entry skipped CAP_EXECUTIONS_DAY"]
      ]) {
        yield* on.trade("BTCUSDT", "58000.00")
        yield* on.becomes("armed again", waits, (text) => !text.includes("re-armed"))
        yield* on.trade("BTCUSDT", "56900.00")
        yield* on.did(rule.id, ...dips)
      }
      const day = yield* on.executions(rule.id)
      for (const { executedQuote } of day) assert.isTrue(Decimal.lessOrEqual(executedQuote, Decimal.unsafe("40")))
      assert.match(yield* on.explain(rule.id), /price\.drop was evaluated.*did not buy: .*maxExecutionsPerDay/)

      const { balances, orders } = yield* agree(on, rule.id)
      assert.lengthOf(orders, 3)
      const { quantity } = yield* on.api.trading.getRulePosition({ path: { id: rule.id } })
      assert.strictEqual(text(quantity), balances["BTC"])
    }),
  240_000
)
