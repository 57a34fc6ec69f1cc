import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { RuleRequest } from "../../../src/domain/Rule.ts"
import { agree } from "./kit/books.ts"
import { stage } from "./kit/stage.ts"

const request = Schema.decodeUnknownSync(RuleRequest)({
  name: "Below the bid",
  symbol: "BTCUSDT",
  trigger: { type: "price.level", side: "below", price: "59000" },
  size: { type: "quote", amount: "200" },
  execution: { type: "limit", offsetPercent: "1", ttl: "PT5M", onTimeout: "reprice", postOnly: true },
  limits: { total: "1000" }
})

it.scopedLive(
  "a limit entry rests at the venue, follows the bid when its time is over, and buys for its amount once",
  () =>
    Effect.gen(function* () {
      const on = yield* stage("2027-02-10T06:00:00Z", { BTCUSDT: "60000.01" })
      const rule = yield* on.api.trading.createRule({
        payload: request,
        headers: { "idempotency-key": "a-limit-entry-rests" }
      })
      const orders = Effect.map(on.api.trading.listOrders({ urlParams: {} }), ({ items }) => [...items].reverse())
      const states = Effect.map(orders, (all) => all.map(({ status }) => status).join())

      yield* on.trade("BTCUSDT", "58900.00")
      yield* on.becomes("the order", states, (all) => all === "open")
      yield* on.trade("BTCUSDT", "58700.00")
      assert.strictEqual(yield* states, "open")
      yield* on.advance(5 * 60_000)
      yield* on.becomes("the next order", states, (all) => all === "cancelled,open")
      const [first, second] = yield* orders
      assert.isTrue(
        first?.price != null && second?.price != null && Decimal.lessThan(second.price, first.price),
        "at the bid of then"
      )
      assert.strictEqual(second?.type, "limitMaker")
      yield* on.trade("BTCUSDT", "57000.00")
      yield* on.did(rule.id, "entry executed")
      const { orders: made } = yield* agree(on, rule.id)
      assert.lengthOf(made, 2)
      assert.isTrue(Decimal.lessOrEqual(Decimal.sum(made.map((one) => one.executedQuote)), Decimal.unsafe("200")))
    }),
  120_000
)
