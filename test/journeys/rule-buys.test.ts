import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import { temporaryFolder } from "../kit/Process.ts"
import { buyBelow50000 as dip, client, createKey, eventually, paperExchange, service } from "../kit/Service.ts"

const symbol = Schema.decodeSync(SymbolName)("BTCUSDT")
const text = Decimal.format

it.scopedLive(
  "a new user's rule buys when the price falls, and the wallet, the position and the exchange agree",
  () =>
    Effect.gen(function* () {
      const paper = yield* paperExchange
      yield* paper.price("BTCUSDT", "60000")
      const { command, url } = yield* service(yield* temporaryFolder, paper)
      const api = yield* client(url, yield* createKey(command))

      const opening = yield* api.account.getWallet()
      assert.strictEqual(text(opening.totalValue), "10000")

      const headers = { "idempotency-key": "journey-rule-0001" }
      const rule = yield* api.trading.createRule({ payload: dip, headers })
      yield* paper.price("BTCUSDT", "50000.01")
      yield* paper.price("BTCUSDT", "49990")

      const { items } = yield* eventually(
        "an execution",
        api.trading.listExecutions({ urlParams: {} }),
        (page) => page.items[0]?.state === "done"
      )
      const execution = items[0]
      assert.strictEqual(items.length, 1)
      assert.strictEqual(execution?.outcome, "executed")
      assert.strictEqual(execution?.ruleId, rule.id)
      assert.isTrue(Decimal.lessOrEqual(execution?.executedQuote ?? Decimal.zero, Decimal.unsafe("50")))

      const [fill] = (yield* paper.journal).filter((fact) => fact["_tag"] === "filled")
      assert.strictEqual(fill?.["quantity"], text(execution?.executedQuantity ?? Decimal.zero))
      const wallet = yield* api.account.refreshWallet()
      const held = wallet.assets.find((asset) => asset.asset === "BTC")
      assert.strictEqual(text(held?.total ?? Decimal.zero), fill?.["quantity"])
      const position = yield* api.trading.getPosition({ path: { symbol } })
      assert.strictEqual(text(position.quantity), fill?.["quantity"])

      const explained = yield* api.trading.explainRule({ path: { id: rule.id }, urlParams: {} })
      assert.strictEqual(explained.decision?.outcome, "fire")
    }),
  60_000
)

it.scopedLive(
  "killed between sending an order and its answer, the service finds the order and never sends another",
  () =>
    Effect.gen(function* () {
      const paper = yield* paperExchange
      yield* paper.price("BTCUSDT", "60000")
      const folder = yield* temporaryFolder
      const first = yield* service(folder, paper)
      const token = yield* createKey(first.command)
      const before = yield* client(first.url, token)
      yield* before.account.getWallet()
      const headers = { "idempotency-key": "journey-rule-0002" }
      const rule = yield* before.trading.createRule({ payload: dip, headers })

      yield* paper.fault("delayAnswer", 60_000)
      yield* paper.price("BTCUSDT", "49990")
      yield* eventually("the order in the book", paper.faultsFired("delayAnswer"), (fired) => fired === 1)
      yield* first.process.stop("SIGKILL")

      const second = yield* service(folder, paper)
      const after = yield* client(second.url, token)
      const { items } = yield* eventually(
        "the resumed execution",
        after.trading.listExecutions({ urlParams: {} }),
        (page) => page.items[0]?.state === "done"
      )
      // Ticks after the restart find the rule fired already: it must not buy again.
      yield* paper.price("BTCUSDT", "49980")
      yield* paper.price("BTCUSDT", "49970")

      assert.strictEqual(items.length, 1)
      assert.strictEqual(items[0]?.outcome, "executed")
      const journal = yield* paper.journal
      const accepted = journal.filter((fact) => fact["_tag"] === "orderAccepted")
      const fills = journal.filter((fact) => fact["_tag"] === "filled")
      assert.strictEqual(accepted.length, 1)
      const orders = yield* after.trading.listOrders({ urlParams: {} })
      assert.deepStrictEqual(
        orders.items.map((order) => order.clientOrderId),
        accepted.map((fact) => fact["clientOrderId"])
      )
      assert.strictEqual(text(items[0]?.executedQuantity ?? Decimal.zero), fills[0]?.["quantity"])
      const wallet = yield* after.account.refreshWallet()
      const position = yield* after.trading.getRulePosition({ path: { id: rule.id } })
      assert.strictEqual(
        text(wallet.assets.find((asset) => asset.asset === "BTC")?.total ?? Decimal.zero),
        text(position.quantity)
      )
    }),
  90_000
)
