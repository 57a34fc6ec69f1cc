import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, FastCheck, Layer, Redacted, Schema } from "effect"
import { CredentialVault } from "../../src/accounts/CredentialVault.ts"
import { ExchangeUnavailable } from "../../src/api/Errors.ts"
import * as Decimal from "../../src/domain/Decimal.ts"
import { SymbolName } from "../../src/domain/Market.ts"
import { Symbols } from "../../src/market/Symbols.ts"
import { TickerHub } from "../../src/market/TickerHub.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { defaultLimits } from "../../src/mexc/budget/Pools.ts"
import { ContractDrift } from "../../src/mexc/ContractDrift.ts"
import { MexcClient } from "../../src/mexc/MexcClient.ts"
import { RateBudget } from "../../src/mexc/RateBudget.ts"
import { MexcEndpoint } from "../../src/mexc/wire/Endpoint.ts"
import { OrderChanges } from "../../src/orders/OrderChanges.ts"
import { OrdersRepo } from "../../src/orders/OrdersRepo.ts"
import { PaperExchange } from "../../src/paper/PaperExchange.ts"
import { Ledger, LedgerPatience } from "../../src/portfolio/Ledger.ts"
import { Wallets } from "../../src/portfolio/Wallets.ts"
import { Events } from "../../src/store/Events.ts"
import * as TestDatabase from "../kit/TestDatabase.ts"
import { addUsers, ann, d, projections, text } from "./kit/ledger.ts"

const accessKey = "mx0paper-ledger"
const secretKey = Redacted.make("0123456789abcdef0123456789abcdef")
const credentials = { userId: ann, accessKey, secretKey }
const opening = { USDT: d("10000"), BTC: d("0.5"), MX: d("1000") }

const exchange = PaperExchange.layer({
  host: "127.0.0.1",
  port: 0,
  market: "still",
  speed: 1,
  seed: 1,
  accounts: [{ accessKey, secretKey, balances: opening }],
  control: true,
  dataDir: null
})

const venue = MexcClient.layer.pipe(
  Layer.provide([ContractDrift.layer, RateBudget.layer(defaultLimits), NodeHttpClient.layerUndici]),
  Layer.provide(
    Layer.effect(
      MexcEndpoint,
      Effect.map(PaperExchange, ({ url, wsUrl }) => MexcEndpoint.make(url, wsUrl))
    )
  ),
  Layer.provideMerge(exchange)
)

const unpriced = Layer.mergeAll(
  Layer.mock(Symbols, { all: Effect.succeed([]) }),
  Layer.mock(TickerHub, {
    latest: () => Effect.fail(new ExchangeUnavailable({ message: "not asked here" })),
    watched: Effect.succeed([]),
    health: Effect.succeed({ watched: 0, stale: 0, lastMessageAt: null, age: null })
  }),
  Layer.mock(CredentialVault, { get: () => Effect.succeed(credentials) })
)

const app = Layer.mergeAll(OrdersRepo.layer, Wallets.layer).pipe(
  Layer.provideMerge(Ledger.layer),
  Layer.provide([OrderChanges.layer, unpriced]),
  Layer.provideMerge(Events.layer),
  Layer.provideMerge(venue),
  Layer.provideMerge(MarketClock.layer),
  Layer.provideMerge(TestDatabase.layer),
  // So short that fills are adjusted away before they are told, and have to be found again.
  Layer.provide(Layer.succeed(LedgerPatience, Duration.millis(1)))
)

const pairs = ["BTCUSDT", "ETHUSDT", "MXUSDT"].map((name) => ({
  symbol: SymbolName.make(name),
  pair: { baseAsset: name.slice(0, -4), quoteAsset: "USDT" }
}))

const Accounts = Schema.Struct({
  accounts: Schema.Array(
    Schema.Struct({
      balances: Schema.Array(Schema.Struct({ asset: Schema.String, free: Decimal.Decimal, locked: Decimal.Decimal }))
    })
  )
})

const control = (path: string, body?: object) =>
  Effect.flatMap(PaperExchange, ({ url }) =>
    Effect.promise(async () => {
      const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }
      const answer = await fetch(`${url}/paper/v1/${path}`, body === undefined ? {} : init)
      const read: unknown = JSON.parse(await answer.text())
      return { ok: answer.ok, body: read }
    })
  )

const theirTotals = Effect.map(control("accounts"), ({ body }) => {
  const [account] = Schema.decodeUnknownSync(Accounts)(body).accounts
  return Object.fromEntries(
    (account?.balances ?? [])
      .map(({ asset, free, locked }) => [asset, Decimal.format(Decimal.add(free, locked))] as const)
      .sort()
  )
})

const entries = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) =>
    sql<{ source: string; account: string; asset: string; amount: string }>`SELECT * FROM ledger_entries ORDER BY seq`
)

const sums = (rows: ReadonlyArray<{ key: string; amount: string }>) => {
  const totals = new Map<string, Decimal.Decimal>()
  for (const { amount, key } of rows) totals.set(key, Decimal.add(totals.get(key) ?? Decimal.zero, d(amount)))
  return totals
}

/** Nothing is made or lost within the ledger, and its projection is the sum of its entries. */
const conserves = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* entries
  for (const [key, total] of sums(rows.map((row) => ({ key: `${row.source} ${row.asset}`, amount: row.amount }))))
    assert.isTrue(Decimal.isZero(total), `${key} does not add up`)
  const wallet = sums(
    rows.flatMap(({ account, amount, asset }) => (account === "wallet" ? [{ key: asset, amount }] : []))
  )
  const stored = yield* sql<{ asset: string; total: string }>`SELECT asset, total FROM ledger_balances`
  assert.deepEqual(
    Object.fromEntries(stored.map(({ asset, total }) => [asset, total])),
    Object.fromEntries([...wallet].map(([asset, total]) => [asset, text(total)]))
  )
  const books = yield* sql<{ asset: string; quantity: string; missing: string }>`SELECT * FROM book_lots`
  const held = sums(books.map(({ asset, quantity }) => ({ key: asset, amount: quantity })))
  const missing = sums(books.map((row) => ({ key: row.asset, amount: row.missing })))
  for (const [asset, quantity] of held)
    assert.strictEqual(
      text(Decimal.subtract(quantity, missing.get(asset) ?? Decimal.zero)),
      text(wallet.get(asset) ?? Decimal.zero),
      `the books of ${asset}`
    )
})

const amount = (low: number, high: number) =>
  FastCheck.integer({ min: low, max: high }).map((n) => Decimal.format(Decimal.divide(d(String(n)), d("1000"), 3)))
const asset = FastCheck.constantFrom("USDT", "BTC", "ETH", "MX")
const symbol = FastCheck.constantFrom("BTCUSDT", "ETHUSDT", "MXUSDT")

const action = FastCheck.oneof(
  FastCheck.record({ do: FastCheck.constant("buy" as const), symbol, quote: amount(20_000, 400_000) }),
  FastCheck.record({ do: FastCheck.constant("buy" as const), symbol, quote: amount(20_000, 400_000) }),
  FastCheck.record({ do: FastCheck.constant("sell" as const), symbol, quantity: amount(5, 60) }),
  FastCheck.record({ do: FastCheck.constant("deposit" as const), asset, amount: amount(1, 9_000) }),
  FastCheck.record({ do: FastCheck.constant("withdraw" as const), asset, amount: amount(1, 300), fee: amount(0, 9) }),
  FastCheck.record({ do: FastCheck.constant("gift" as const), asset, amount: amount(1, 900) }),
  FastCheck.record({ do: FastCheck.constant("payInMx" as const), on: FastCheck.boolean() }),
  FastCheck.record({ do: FastCheck.constant("look" as const), pairs: FastCheck.subarray([0, 1, 2]) }),
  FastCheck.record({ do: FastCheck.constant("look" as const), pairs: FastCheck.subarray([0, 1, 2]) })
)
type Action = typeof action extends FastCheck.Arbitrary<infer A> ? A : never

const listen = Effect.fnUntraced(function* (which: ReadonlyArray<number>) {
  const mexc = yield* MexcClient
  const repo = yield* OrdersRepo
  for (const { pair, symbol } of pairs.filter((_, i) => which.includes(i))) {
    const { rows } = yield* mexc.fills(credentials, { symbol, from: 0 })
    // The newest first, and all of them again each time.
    yield* repo.recordFills(ann, rows.toReversed(), pair)
  }
})

const look = Effect.fnUntraced(function* (which: ReadonlyArray<number>) {
  const wallets = yield* Wallets
  yield* listen(which)
  yield* wallets.reread(ann)
  // Histories are asked for behind the reading.
  yield* Effect.sleep("20 millis")
})

const act = Effect.fnUntraced(function* (one: Action) {
  const own = { accessKey }
  switch (one.do) {
    case "buy":
      return yield* control("orders", {
        ...own,
        symbol: one.symbol,
        side: "buy",
        type: "market",
        quoteAmount: one.quote
      })
    case "sell":
      return yield* control("orders", {
        ...own,
        symbol: one.symbol,
        side: "sell",
        type: "market",
        quantity: one.quantity
      })
    case "deposit":
      return yield* control("deposit", { ...own, asset: one.asset, amount: one.amount })
    case "withdraw":
      return yield* control("withdraw", { ...own, asset: one.asset, amount: one.amount, fee: one.fee })
    case "gift":
      return yield* control("faults", {
        faults: [{ type: "balanceChange", asset: one.asset, amount: one.amount, count: 1 }]
      })
    case "payInMx":
      return yield* Effect.flatMap(MexcClient, (mexc) => mexc.setMxDeduct(credentials, one.on))
    case "look":
      return yield* look(one.pairs)
  }
})

describe("the ledger beside a real exchange", () => {
  it.live(
    "has what the exchange has of every asset once all is quiet, and adds up at every step",
    () =>
      Effect.gen(function* () {
        yield* addUsers
        const ledger = yield* Ledger
        const wallets = yield* Wallets
        const sql = yield* SqlClient.SqlClient
        for (const [name, price] of [
          ["BTCUSDT", "1000"],
          ["ETHUSDT", "100"],
          ["MXUSDT", "2"]
        ])
          yield* control("price", { symbol: name, price })
        yield* wallets.reread(ann)
        const histories = FastCheck.sample(FastCheck.array(action, { minLength: 14, maxLength: 22 }), {
          numRuns: 6,
          seed: 3
        })
        for (const [run, steps] of histories.entries()) {
          for (const step of steps) {
            yield* act(step)
            yield* conserves
          }
          yield* listen([0, 1, 2])
          const explained = look([0, 1, 2]).pipe(
            Effect.zipRight(ledger.differences(ann)),
            Effect.repeat({ until: (open) => open.length === 0, times: 20 })
          )
          assert.deepEqual(yield* explained, [], `history ${run} is explained`)
          yield* conserves
          const ours = yield* sql<{ asset: string; total: string }>`SELECT asset, total FROM ledger_balances
            WHERE total <> '0' ORDER BY asset`
          assert.deepEqual(Object.fromEntries(ours.map(({ asset, total }) => [asset, total])), yield* theirTotals)
          const wallet = yield* wallets.get(ann)
          for (const { asset, total } of wallet.assets) {
            assert.isTrue(yield* ledger.explained(ann, asset), asset)
            assert.strictEqual(text(total), ours.find((row) => row.asset === asset)?.total ?? "0")
          }
          const before = yield* projections(ann)
          yield* ledger.rebuild(ann)
          assert.deepEqual(yield* projections(ann), before)
        }
        const kinds = yield* sql<{ kind: string }>`SELECT DISTINCT kind FROM ledger_entries ORDER BY kind`
        assert.deepEqual(
          kinds.map(({ kind }) => kind),
          ["adjustment", "deposit", "fee", "fill", "opening", "withdrawal"]
        )
        const fees = yield* sql<{ fee_asset: string }>`SELECT DISTINCT fee_asset FROM fills ORDER BY fee_asset`
        assert.deepEqual(
          fees.map(({ fee_asset }) => fee_asset),
          ["MX", "USDT"]
        )
      }).pipe(Effect.provide(app)),
    120_000
  )
})
