import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { agree } from "./kit/books.ts"
import { stage } from "./kit/stage.ts"

it.scopedLive(
  "sweep of deposits: each deposit is bought up to the reserve, at most five hundred at once and two thousand a month",
  () =>
    Effect.gen(function* () {
      const on = yield* stage("2027-02-10T06:00:00Z", { BTCUSDT: "60000.01" })
      const key = yield* on.accessKey
      const deposit = (amount: string) => Effect.zipRight(on.paper.deposit(key, "USDT", amount), on.quiet)
      yield* on.paper.withdraw(key, "USDT", "9920")
      yield* on.api.account.refreshWallet()
      const rule = yield* on.create("sweep-deposits")
      const free = Effect.map(on.api.account.getWallet(), ({ assets }) =>
        Decimal.toNumber(assets.find(({ asset }) => asset === "USDT")?.available ?? Decimal.zero)
      )

      yield* deposit("15")
      yield* on.trade("BTCUSDT", "59000.00")
      assert.lengthOf(yield* on.executions(rule.id), 0, "less than a hundred is free")
      yield* deposit("300")
      const once = "entry executed"
      const [first] = yield* on.did(rule.id, once)
      assert.strictEqual(Decimal.format(first?.requestedQuote ?? Decimal.zero), "370", "all but the reserve")
      assert.isAtLeast(yield* free, 25)
      yield* deposit("20")
      yield* on.trade("BTCUSDT", "58000.00")
      assert.lengthOf(yield* on.executions(rule.id), 1, "nothing twice, and nothing of the reserve")

      for (const count of [2, 3, 4, 5]) {
        yield* deposit("475")
        yield* on.did(rule.id, ...Array.from({ length: count }, () => once))
        yield* on.quiet
      }
      const all = yield* on.executions(rule.id)
      const spent = Decimal.sum(all.map(({ executedQuote }) => executedQuote))
      assert.isTrue(Decimal.lessOrEqual(spent, Decimal.unsafe("2000")), "the month's limit")
      for (const { executedQuote } of all) assert.isTrue(Decimal.lessOrEqual(executedQuote, Decimal.unsafe("500")))
      assert.match(yield* on.explain(rule.id), /balance\.available was evaluated.*It bought/)
      const { orders } = yield* agree(on, rule.id)
      assert.lengthOf(orders, 5)
    }),
  240_000
)
