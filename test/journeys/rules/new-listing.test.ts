import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { agree } from "./kit/books.ts"
import { stage } from "./kit/stage.ts"

const market = { BTCUSDT: "60000.01", NEWUSDT: "0.2001" }

it.scopedLive(
  "new listing: waits for a pair nobody knows, buys once when it may be traded, below the cap",
  () =>
    Effect.gen(function* () {
      const on = yield* stage("2027-02-10T06:00:00Z", market, (paper) => paper.pair("NEWUSDT", { listed: false }))
      const rule = yield* on.create("new-listing")
      assert.match(rule.computed.next?.text ?? "", /NEWUSDT/)
      yield* on.paper.pair("NEWUSDT", { listed: true, status: "2" })
      yield* on.quiet
      assert.lengthOf(yield* on.executions(rule.id), 0, "listed, and not open")
      yield* on.paper.pair("NEWUSDT", { status: "1" })
      const [first] = yield* on.did(rule.id, "entry executed")
      assert.isTrue(Decimal.lessOrEqual(first?.executedQuote ?? Decimal.zero, Decimal.unsafe("50")))
      yield* on.paper.pair("NEWUSDT", { status: "2" })
      yield* on.paper.pair("NEWUSDT", { status: "1" })
      yield* on.trade("NEWUSDT", "0.2100")
      assert.lengthOf(yield* on.executions(rule.id), 1, "a listing happens once")
      assert.match(yield* on.explain(rule.id), /listing\.tradable was evaluated.*It bought/)
      const { orders } = yield* agree(on, rule.id)
      assert.lengthOf(orders, 1)
      assert.isTrue(orders.every(({ price }) => Decimal.lessOrEqual(price ?? Decimal.zero, Decimal.unsafe("0.25"))))
    }),
  240_000
)

it.scopedLive(
  "new listing: a pair that opens above the cap is not bought",
  () =>
    Effect.gen(function* () {
      const on = yield* stage("2027-02-10T06:00:00Z", { ...market, NEWUSDT: "0.2501" }, (paper) =>
        paper.pair("NEWUSDT", { listed: false })
      )
      const rule = yield* on.create("new-listing")
      yield* on.paper.pair("NEWUSDT", { listed: true })
      yield* on.did(rule.id, "entry skipped MAX_PRICE")
      assert.match(yield* on.explain(rule.id), /did not buy: .*maxPrice/)
      const { orders } = yield* agree(on, rule.id)
      assert.lengthOf(orders, 0)
    }),
  240_000
)
