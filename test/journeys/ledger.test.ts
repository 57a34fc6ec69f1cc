import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import { temporaryFolder } from "../kit/Process.ts"
import { client, createKey, eventually, paperExchange, ruleRequest, service } from "../kit/Service.ts"

const symbol = Schema.decodeSync(SymbolName)("BTCUSDT")
const text = Decimal.format

const dip = ruleRequest({
  name: "Dip",
  symbol,
  trigger: { type: "price.level", side: "below", price: "50000" },
  size: { type: "quote", amount: "500" },
  limits: { total: "1000" }
})

it.scopedLive(
  "the ledger explains what rules, the owner's hand on the venue, deposits and withdrawals did, and rules hear of theirs",
  () =>
    Effect.gen(function* () {
      const paper = yield* paperExchange
      yield* paper.price("BTCUSDT", "60000")
      const { command, url } = yield* service(yield* temporaryFolder, paper)
      const token = yield* createKey(command)
      const api = yield* client(url, token)
      yield* api.account.getWallet()
      const [account] = yield* paper.accounts
      const accessKey = account?.accessKey ?? ""

      const rule = yield* api.trading.createRule({ payload: dip, headers: { "idempotency-key": "journey-ledger-01" } })
      yield* paper.price("BTCUSDT", "49990")
      yield* eventually("a buy", api.trading.getRulePosition({ path: { id: rule.id } }), ({ quantity }) =>
        Decimal.isPositive(quantity)
      )
      const elsewhere = yield* Effect.promise(() =>
        fetch(`${paper.url}/paper/v1/orders`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ accessKey, symbol, side: "buy", type: "market", quoteAmount: "100" })
        })
      )
      assert.isTrue(elsewhere.ok)
      yield* paper.deposit(accessKey, "USDT", "250")

      /** What the ledger adds up to, and what the exchange has. */
      const both = Effect.gen(function* () {
        yield* api.account.refreshWallet()
        const { items } = yield* api.account.listTransactions({ urlParams: { limit: 500 } })
        const ours = new Map<string, Decimal.Decimal>()
        for (const { amount, asset } of items) ours.set(asset, Decimal.add(ours.get(asset) ?? Decimal.zero, amount))
        const [theirs] = yield* paper.accounts
        return {
          items,
          ours: Object.fromEntries([...ours].map(([asset, total]) => [asset, text(total)]).sort()),
          theirs: Object.fromEntries(
            (theirs?.balances ?? [])
              .map(({ asset, free, locked }) => [
                asset,
                text(Decimal.add(Decimal.unsafe(free), Decimal.unsafe(locked)))
              ])
              .sort()
          )
        }
      })
      const agreeing = (what: string) =>
        eventually(what, both, ({ ours, theirs }) => JSON.stringify(ours) === JSON.stringify(theirs))

      const { items } = yield* agreeing("a ledger with a deposit and a trade made elsewhere")
      assert.includeMembers([...new Set(items.map(({ kind }) => kind))], ["opening", "fill", "fee", "deposit"])
      assert.notInclude(
        items.map(({ kind }) => kind),
        "adjustment"
      )

      // All that was bought by hand, and a part of what the rule has.
      const before = yield* api.trading.getPosition({ path: { symbol } })
      const gone = Decimal.round(Decimal.multiply(before.quantity, Decimal.unsafe("0.6")), 8, "floor")
      yield* paper.withdraw(accessKey, "BTC", text(gone))
      const { items: later } = yield* agreeing("a ledger with a withdrawal")
      assert.strictEqual(later[0]?.kind, "withdrawal")
      const after = yield* api.trading.getPosition({ path: { symbol } })
      assert.deepEqual(
        after.books.map(({ book, quantity }) => [book, text(quantity)]),
        [
          ["manual", "0"],
          [`rule:${rule.id}`, text(Decimal.subtract(before.quantity, gone))]
        ]
      )
      const told = yield* api.account.listEvents({ urlParams: { limit: 500 }, headers: {} })
      const adjusted = told.items.filter(({ type }) => type === "ledger.adjusted")
      assert.deepEqual(
        adjusted.map(({ objectId }) => objectId),
        [rule.id]
      )
    }),
  90_000
)
