import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import { run, temporaryFolder } from "../kit/Process.ts"
import {
  buyBelow50000,
  client,
  createKey,
  eventually,
  paperExchangeOf,
  type PaperProcess,
  ruleRequest,
  service
} from "../kit/Service.ts"

const symbol = SymbolName.make("BTCUSDT")
const market = { symbol, type: "market", maxSlippageBps: 50, waitMs: 5_000 } as const
const buy = { ...market, side: "buy", quoteAmount: Decimal.unsafe("20") } as const
const sell = { ...market, side: "sell", quantity: Decimal.unsafe("0.0001") } as const

const [one, two] = ["mx0one", "mx0two"]
const trades = ["SPOT_ACCOUNT_READ", "SPOT_DEAL_READ", "SPOT_DEAL_WRITE"]

const stranger = "mx0stranger:secret3"

const exchange = paperExchangeOf(
  "--market",
  "still",
  ...["--account", `${one}:secret1:USDT=10000,BTC=1`, "--account", `${stranger}:USDT=1`]
)

/** A service, and a user who has entered a key of their own. */
const setUp = Effect.fnUntraced(function* (paper: PaperProcess, folder: string) {
  const first = yield* service(folder, paper)
  const credentials = (stdin: string, ...args: ReadonlyArray<string>) =>
    run(["credentials", ...args, "--user", "me"], {
      cwd: folder,
      env: { DATA_DIR: folder, PAPER_URL: paper.url, LOG_FORMAT: "json" },
      stdin
    })
  const token = yield* createKey(first.command)
  assert.strictEqual((yield* credentials(`${one}:secret1`, "set")).code, 0)
  const api = yield* client(first.url, token)
  let keys = 0
  const place = (order: typeof buy | typeof sell) =>
    Effect.suspend(() =>
      Effect.match(
        api.trading.placeOrder({
          payload: order,
          headers: { "idempotency-key": `exchange-keys-${String((keys += 1)).padStart(4, "0")}` }
        }),
        { onSuccess: ({ status }) => `${status}`, onFailure: ({ _tag }) => `${_tag}` }
      )
    )
  return { api, credentials, first, place, token }
})

describe("An exchange key", () => {
  it.scopedLive(
    "that has become able to withdraw is found at the next refusal; its buys stop, its sells and cancels do not",
    () =>
      Effect.gen(function* () {
        const paper = yield* exchange
        yield* paper.price("BTCUSDT", "60000")
        const folder = yield* temporaryFolder
        const { api, credentials, first, place, token } = yield* setUp(paper, folder)
        assert.strictEqual(yield* place(buy), "filled")
        const waiting = yield* api.trading.placeOrder({
          payload: {
            symbol,
            side: "buy",
            type: "limit",
            price: Decimal.unsafe("55000"),
            quantity: Decimal.unsafe("0.001"),
            waitMs: 0
          },
          headers: { "idempotency-key": "exchange-keys-wait" }
        })
        // Without the permission to trade an order is refused for it, and that has the key looked at.
        yield* paper.key(one, { permissions: ["SPOT_ACCOUNT_READ", "SPOT_DEAL_READ", "SPOT_WITHDRAW_WRITE"] })
        assert.strictEqual(yield* place(sell), "CREDENTIALS_REJECTED")
        const frozen = yield* eventually("the freeze", api.account.getCredentials(), (info) => info.frozen !== null)
        assert.deepStrictEqual([frozen.frozen?.by, frozen.permissions], ["service", ["read", "withdraw"]])
        assert.match(frozen.warnings.join(), /may not trade/)

        yield* paper.key(one, { permissions: [...trades, "SPOT_WITHDRAW_WRITE"] })
        const rule = yield* api.trading.createRule({
          payload: buyBelow50000,
          headers: { "idempotency-key": "exchange-keys-rule" }
        })
        // In small steps: a rule that sees the trade before the book would find its price out of the band.
        yield* paper.price("BTCUSDT", "50010", "0.1")
        yield* eventually("the price", api.market.getTicker({ path: { symbol } }), ({ ask }) =>
          Decimal.lessThan(ask, Decimal.unsafe("50100"))
        )
        yield* paper.price("BTCUSDT", "49990", "0.1")
        const decided = yield* eventually(
          "the rule's decision",
          api.trading.listRuleExecutions({ path: { id: rule.id }, urlParams: {} }),
          ({ items }) => items.length > 0
        )
        assert.deepStrictEqual(
          decided.items.map(({ outcome, reason }) => [outcome, reason?.code]),
          [["skipped", "KEY_FROZEN"]]
        )
        assert.strictEqual(yield* place(buy), "CREDENTIAL_TOO_POWERFUL")
        assert.strictEqual(yield* place(sell), "filled")
        const cancelled = yield* api.trading.cancelOrder({ path: { id: waiting.id } })
        assert.include(["cancelled", "filled"], cancelled.status)
        const notices = yield* api.account.listEvents({ urlParams: { since: 0, limit: 500 }, headers: {} })
        assert.strictEqual(notices.items.filter(({ type }) => type === "notice.keyFrozen").length, 1)

        // The freeze is stored: a service that was killed has it as well.
        yield* first.process.stop("SIGKILL")
        const second = yield* service(folder, paper)
        const again = yield* client(second.url, token)
        const stopped = yield* eventually(
          "the service to trade",
          Effect.flip(
            again.trading.placeOrder({ payload: buy, headers: { "idempotency-key": "exchange-keys-again" } })
          ),
          ({ _tag }) => _tag !== "NOT_READY"
        )
        assert.strictEqual(stopped._tag, "CREDENTIAL_TOO_POWERFUL")
        const refused = yield* credentials("", "test")
        assert.deepStrictEqual([refused.code, refused.stdout], [1, ""])
        assert.include(refused.stderr, "it is frozen")

        yield* paper.key(one, { permissions: trades })
        const tested = yield* credentials("", "test")
        assert.strictEqual(tested.code, 0)
        assert.match(tested.stdout, /permissions read, trade\nwarning: .*bound to an address/)
        const bought = yield* again.trading.placeOrder({
          payload: buy,
          headers: { "idempotency-key": "exchange-keys-again" }
        })
        assert.strictEqual(bought.status, "filled")
      }),
    120_000
  )

  it.scopedLive(
    "is frozen by its owner with a word, by the operator beside the server, and rotated while a rule goes on to buy",
    () =>
      Effect.gen(function* () {
        const paper = yield* exchange
        yield* paper.price("BTCUSDT", "60000")
        const { api, credentials, place } = yield* setUp(paper, yield* temporaryFolder)
        assert.strictEqual(
          (yield* api.account.freezeCredentials({ payload: { reason: "lost laptop" } })).frozen?.by,
          "user"
        )
        assert.deepStrictEqual([yield* place(buy), yield* place(sell)], ["TRADING_HALTED", "TRADING_HALTED"])
        assert.isNull((yield* eventually("the probe", api.account.unfreezeCredentials(), () => true)).frozen)
        assert.strictEqual(yield* place(buy), "filled")

        const frozen = yield* credentials("", "freeze", "--reason", "incident")
        assert.match(frozen.stdout, /frozen by the operator since .*: incident/)
        assert.deepStrictEqual([yield* place(buy), yield* place(sell)], ["TRADING_HALTED", "TRADING_HALTED"])
        assert.strictEqual((yield* Effect.flip(api.account.unfreezeCredentials()))._tag, "CONFLICT")
        assert.strictEqual((yield* credentials("", "unfreeze")).code, 0)
        assert.strictEqual(yield* place(buy), "filled")

        const rule = yield* api.trading.createRule({
          payload: ruleRequest({
            symbol: "BTCUSDT",
            trigger: { type: "schedule.every", every: "PT2S" },
            size: { type: "quote", amount: "10" },
            limits: { total: "2000" }
          }),
          headers: { "idempotency-key": "exchange-keys-rule" }
        })
        const executed = Effect.map(
          api.trading.listRuleExecutions({ path: { id: rule.id }, urlParams: { limit: 500 } }),
          ({ items }) => items
        )
        const bought = Effect.map(executed, (items) => items.filter(({ outcome }) => outcome === "executed").length)
        yield* eventually("a first buy", bought, (times) => times >= 1)
        yield* paper.key("mx0other", { added: { of: one, secretKey: "x" } })
        const wrong = yield* credentials("mx0other:wrong", "rotate")
        assert.deepStrictEqual([wrong.code, /refused this key/.test(wrong.stderr)], [1, true])
        const elsewhere = yield* credentials(stranger, "rotate")
        assert.deepStrictEqual([elsewhere.code, /another exchange account/.test(elsewhere.stderr)], [1, true])
        yield* paper.key(two, { added: { of: one, secretKey: "secret2" } })
        const rotated = yield* credentials(`${two}:secret2`, "rotate", "--bound", "--json")
        assert.strictEqual(rotated.code, 0, rotated.stderr)
        yield* paper.key(one, { deleted: true })
        const before = yield* bought
        yield* eventually("more buys with the new key", bought, (times) => times >= before + 3)
        for (const { outcome } of yield* executed) assert.notStrictEqual(outcome, "failed")
        const info = yield* api.account.getCredentials()
        assert.deepStrictEqual([info.addressBound, info.warnings], [true, []])
        // The private stream followed: the wallet is live with the new key.
        yield* eventually("a live wallet", api.account.getWallet(), ({ source, stale }) => source === "ws" && !stale)
      }),
    120_000
  )
})
