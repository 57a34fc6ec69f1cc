import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { beforeAll } from "vitest"
import * as Decimal from "../../src/domain/Decimal.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import { temporaryFolder } from "../kit/Process.ts"
import { client, createKey, eventually, paperExchange, ruleRequest, service } from "../kit/Service.ts"

const root = join(import.meta.dirname, "../..")
const failing = join(root, ".cache/failing-cycle/failing.js")

beforeAll(() => {
  execFileSync(process.execPath, [
    join(root, "scripts/build.mjs"),
    "test/kit/failing/failing.ts",
    ".cache/failing-cycle"
  ])
}, 120_000)

const symbol = Schema.decodeSync(SymbolName)("BTCUSDT")
const key = (name: string) => ({ "idempotency-key": `cycle-crash-${name}-000001` })

const guarded = ruleRequest({
  symbol,
  trigger: { type: "manual" },
  size: { type: "quote", amount: "100" },
  limits: { total: "1000" },
  ladder: { levels: [{ offsetPercent: "20" }], place: "resting" },
  exit: { takeProfit: [{ gainPercent: "10" }], stopLoss: { lossPercent: "5" } }
})

/** The n-th reaching is meant: the first sales of a cycle are its target and its level, which only wait. */
const points = [
  "cycle.decided",
  "cycle.cancelled",
  "submit.intentCommitted",
  "submit.answered",
  "cycle.sent",
  "cycle.ends"
]

describe("a stop, with the service killed", () => {
  for (const point of points)
    it.scopedLive(
      `at ${point}, sells the position once`,
      () =>
        Effect.gen(function* () {
          const paper = yield* paperExchange
          yield* paper.price("BTCUSDT", "60000")
          const folder = yield* temporaryFolder
          const first = yield* service(folder, paper)
          const token = yield* createKey(first.command)
          const before = yield* client(first.url, token)
          yield* before.account.getWallet()
          const { id } = yield* before.trading.createRule({ payload: guarded, headers: key("rule") })
          yield* before.trading.runRule({ path: { id }, headers: key("run") })
          yield* eventually(
            "target and level rest",
            before.trading.listOrders({ urlParams: { status: "open" } }),
            ({ items }) => items.length === 2
          )
          yield* first.process.stop("SIGTERM")

          const broken = yield* service(folder, paper, { FAIL_AT: point }, failing)
          yield* paper
            .price("BTCUSDT", "55000")
            .pipe(
              Effect.zipRight(broken.process.exit),
              Effect.timeoutFail({ duration: "20 seconds", onTimeout: () => `${point} was not reached` })
            )

          const after = yield* service(folder, paper)
          const api = yield* client(after.url, token)
          yield* eventually(
            "the rule's end",
            api.trading.getRule({ path: { id } }),
            ({ state }) => state === "completed"
          )
          const { items } = yield* api.trading.listOrders({ urlParams: {} })
          const sum = (side: string) =>
            Decimal.format(Decimal.sum(items.filter((one) => one.side === side).map((one) => one.executedQuantity)))
          assert.strictEqual(sum("sell"), sum("buy"))
          assert.deepStrictEqual(
            items.filter(({ status }) => status === "open" || status === "unknown"),
            []
          )
          const journal = yield* paper.journal
          const accepted = journal.filter((fact) => fact["_tag"] === "orderAccepted").length
          assert.strictEqual(accepted, 4, "entry, target, level and one sale")
          const decided = yield* api.account.listAudit({ urlParams: { action: "orderDecided" } })
          assert.deepStrictEqual(
            decided.items.map(({ objectId }) => String(objectId)).sort(),
            items.map((one): string => one.id).sort(),
            "every order has one decision in the audit trail"
          )
          const position = yield* api.trading.getRulePosition({ path: { id } })
          assert.strictEqual(Decimal.format(position.quantity), "0")
          const wallet = yield* api.account.refreshWallet()
          assert.strictEqual(
            Decimal.format(wallet.assets.find(({ asset }) => asset === "BTC")?.total ?? Decimal.zero),
            "0"
          )
        }),
      120_000
    )
})
