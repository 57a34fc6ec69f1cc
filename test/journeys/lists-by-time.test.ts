import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { temporaryFolder } from "../kit/Process.ts"
import { client, createKey, paperExchange, ruleRequest, service } from "../kit/Service.ts"

it.scopedLive(
  "orders, executions and decisions are read back by time, from inclusive, to exclusive",
  () =>
    Effect.gen(function* () {
      const paper = yield* paperExchange
      yield* paper.price("BTCUSDT", "60000")
      const { command, url } = yield* service(yield* temporaryFolder, paper)
      const { trading } = yield* client(url, yield* createKey(command))
      const payload = ruleRequest({
        symbol: "BTCUSDT",
        trigger: { type: "manual" },
        size: { type: "quote", amount: "50" },
        limits: { total: "1000" }
      })
      const { id } = yield* trading.createRule({ payload, headers: { "idempotency-key": "lists-by-time-rule" } })
      const runs = yield* Effect.forEach(["first", "second", "third"], (name) =>
        trading.runRule({ path: { id }, headers: { "idempotency-key": `lists-by-time-${name}` } })
      )
      const newestFirst = runs.map((run) => run.id).reverse()
      const executions = yield* trading.listExecutions({ urlParams: {} })
      assert.deepStrictEqual(
        executions.items.map((execution) => execution.id),
        newestFirst
      )

      const second = runs[1]?.triggeredAt ?? 0
      const since = yield* trading.listExecutions({ urlParams: { from: second } })
      assert.deepStrictEqual(
        since.items.map((execution) => execution.id),
        newestFirst.slice(0, 2)
      )
      const until = yield* trading.listRuleExecutions({ path: { id }, urlParams: { to: second } })
      assert.deepStrictEqual(
        until.items.map((execution) => execution.id),
        newestFirst.slice(2)
      )

      const decisions = (yield* trading.listRuleDecisions({ path: { id }, urlParams: {} })).items
      const at = decisions[1]?.at ?? 0
      const decided = yield* trading.listRuleDecisions({ path: { id }, urlParams: { from: at, to: at + 1 } })
      assert.deepStrictEqual(decided.items, decisions.slice(1, 2))

      const orders = (yield* trading.listOrders({ urlParams: {} })).items
      const requested = orders[1]?.requestedAt ?? 0
      const page = { urlParams: { from: requested, limit: 1 } }
      const newest = yield* trading.listOrders(page)
      assert.deepStrictEqual(
        newest.items.map((order) => order.id),
        orders.slice(0, 1).map((order) => order.id)
      )
      const next = yield* trading.listOrders({
        urlParams: { ...page.urlParams, ...(newest.nextCursor === null ? {} : { cursor: newest.nextCursor }) }
      })
      assert.deepStrictEqual(
        next.items.map((order) => order.id),
        orders.slice(1, 2).map((order) => order.id)
      )
      assert.isNull(next.nextCursor)
    }),
  60_000
)
