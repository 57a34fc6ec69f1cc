import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Ref, TestClock } from "effect"
import { CredentialVault } from "../../src/accounts/CredentialVault.ts"
import * as Decimal from "../../src/domain/Decimal.ts"
import { UserId } from "../../src/domain/Ids.ts"
import { SymbolName, type SymbolInfo } from "../../src/domain/Market.ts"
import type { VenueBalance } from "../../src/domain/order/Order.ts"
import type { Wallet } from "../../src/domain/Wallet.ts"
import { Symbols } from "../../src/market/Symbols.ts"
import { TickerHub } from "../../src/market/TickerHub.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { MexcClient } from "../../src/mexc/MexcClient.ts"
import { VenueUnavailable } from "../../src/mexc/VenueFailure.ts"
import { Ledger } from "../../src/portfolio/Ledger.ts"
import { Wallets } from "../../src/portfolio/Wallets.ts"
import { Events } from "../../src/store/Events.ts"
import * as TestDatabase from "../kit/TestDatabase.ts"

const d = Decimal.unsafe
const ann = UserId.make("local_ann")
const bob = UserId.make("local_bob")
const btc = SymbolName.make("BTCUSDT")

const info: SymbolInfo = {
  symbol: btc,
  baseAsset: "BTC",
  quoteAsset: "USDT",
  tradable: true,
  untradableReason: null,
  orderTypes: ["limit"],
  priceTick: d("0.01"),
  quantityStep: d("0.000001"),
  minQuantity: null,
  minNotional: d("1"),
  maxNotional: null,
  marketMinNotional: d("1"),
  marketMaxNotional: null,
  makerFeeRate: d("0"),
  takerFeeRate: d("0"),
  asOf: 0
}

const hub = Layer.mock(TickerHub, {
  latest: (symbol) =>
    Effect.succeed({
      symbol,
      last: d("100"),
      bid: d("100"),
      bidQuantity: null,
      ask: d("100"),
      askQuantity: null,
      open: d("100"),
      high: d("100"),
      low: d("100"),
      volume: d("1"),
      quoteVolume: null,
      changePercent: 0,
      asOf: 0,
      source: "ws" as const,
      stale: false
    }),
  watched: Effect.succeed([]),
  health: Effect.succeed({ watched: 0, stale: 0, lastMessageAt: null, age: null })
})

const vault = Layer.mock(CredentialVault, {
  get: (userId) => Effect.succeed({ userId, accessKey: "mx0test", secretKey: Redacted.make("secret") })
})

const balance = (asset: string, free: string, locked = "0"): VenueBalance => ({
  asset,
  free: d(free),
  locked: d(locked)
})

const setup = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* Effect.forEach([ann, bob], (user) => sql`INSERT INTO users ${sql.insert({ user_id: user, created_at: 0 })}`)
  const venue = yield* Ref.make<ReadonlyArray<VenueBalance> | null>([
    balance("USDT", "1000", "10"),
    balance("BTC", "2")
  ])
  const asked = yield* Ref.make(0)
  const complete = yield* Ref.make(true)
  const nothing = () => Effect.succeed({ rows: [], complete: true })
  const mexc = Layer.mock(MexcClient, {
    deposits: nothing,
    withdrawals: nothing,
    transfers: nothing,
    balances: () =>
      Effect.zipRight(
        Ref.update(asked, (n) => n + 1),
        Effect.flatMap(Ref.get(venue), (all) =>
          all === null
            ? Effect.fail(new VenueUnavailable({ message: "down" }))
            : Effect.map(Ref.get(complete), (whole) => ({ rows: all, complete: whole }))
        )
      )
  })
  const symbols = Layer.mock(Symbols, { all: Effect.succeed([info]) })
  const wallets = yield* Layer.build(
    Wallets.layer.pipe(
      Layer.provide(Ledger.layer),
      Layer.provide(Events.layer),
      Layer.provide(Layer.mergeAll(hub, mexc, symbols, vault, MarketClock.layer))
    )
  ).pipe(Effect.flatMap((context) => Effect.provide(Wallets, context)))
  return { sql, venue, asked, complete, wallets }
})

const shown = (wallet: Wallet) =>
  wallet.assets.map(({ asset, available, free, locked, reserved, total, value }) =>
    [asset, free, locked, reserved, available, total, value]
      .map((cell) => (cell === null ? "-" : typeof cell === "string" ? cell : Decimal.format(cell)))
      .join(" ")
  )

describe("a wallet", () => {
  it.scoped("is read from the venue first, and valued", () =>
    Effect.gen(function* () {
      const { wallets } = yield* setup
      const wallet = yield* wallets.get(ann)
      assert.deepEqual(shown(wallet), ["BTC 2 0 0 2 2 200", "USDT 1000 10 0 1000 1010 1010"])
      assert.strictEqual(Decimal.format(wallet.totalValue), "1210")
      assert.strictEqual(wallet.quoteAsset, "USDT")
      assert.isFalse(wallet.stale)
    }).pipe(Effect.provide(TestDatabase.layer))
  )

  it.scoped("follows pushed balances, and never goes back to an older one", () =>
    Effect.gen(function* () {
      const { asked, wallets } = yield* setup
      yield* wallets.get(ann)
      yield* wallets.setLive(ann, true)
      yield* wallets.record(ann, balance("USDT", "900"), 50)
      yield* wallets.record(ann, balance("USDT", "950"), 40)
      assert.strictEqual(Decimal.format(yield* wallets.freeOf(ann, "USDT")), "900")
      yield* TestClock.adjust("1 hour")
      assert.isFalse((yield* wallets.get(ann)).stale)
      assert.strictEqual(yield* Ref.get(asked), 1)
    }).pipe(Effect.provide(TestDatabase.layer))
  )

  it.scoped("keeps what a list does not name when not all of the list could be read", () =>
    Effect.gen(function* () {
      const { complete, venue, wallets } = yield* setup
      yield* wallets.get(ann)
      yield* Ref.set(venue, [balance("USDT", "900")])
      yield* Ref.set(complete, false)
      yield* TestClock.adjust("1 second")
      assert.deepEqual(shown(yield* wallets.refresh(ann)), ["BTC 2 0 0 2 2 200", "USDT 900 0 0 900 900 900"])
      yield* Ref.set(complete, true)
      yield* TestClock.adjust("1 second")
      assert.deepEqual(shown(yield* wallets.refresh(ann)), ["USDT 900 0 0 900 900 900"])
    }).pipe(Effect.provide(TestDatabase.layer))
  )

  it.scoped("keeps balances of more decimals than it can, rounded down", () =>
    Effect.gen(function* () {
      const { venue, wallets } = yield* setup
      const free = Decimal.multiply(d("0.000000000000000019"), d("0.1"))
      yield* Ref.set(venue, [{ asset: "USDT", free: Decimal.add(d("88.120131350620957006"), free), locked: d("0") }])
      yield* wallets.refresh(ann)
      assert.strictEqual(Decimal.format(yield* wallets.freeOf(ann, "USDT")), "88.120131350620957007")
    }).pipe(Effect.provide(TestDatabase.layer))
  )

  it.scoped("asks again when the stream is down and the balances are old, and says when they stay old", () =>
    Effect.gen(function* () {
      const { asked, venue, wallets } = yield* setup
      yield* wallets.get(ann)
      yield* TestClock.adjust("11 seconds")
      yield* Ref.set(venue, [balance("USDT", "7")])
      assert.deepEqual(shown(yield* wallets.get(ann)), ["USDT 7 0 0 7 7 7"])
      yield* TestClock.adjust("11 seconds")
      yield* Ref.set(venue, null)
      const old = yield* wallets.get(ann)
      assert.deepEqual(shown(old), ["USDT 7 0 0 7 7 7"])
      assert.isTrue(old.stale)
      assert.strictEqual(old.source, "cache")
      assert.strictEqual(yield* Ref.get(asked), 3)
      assert.strictEqual((yield* Effect.flip(wallets.refresh(ann)))._tag, "EXCHANGE_UNAVAILABLE")
      assert.strictEqual((yield* Effect.flip(wallets.get(bob)))._tag, "EXCHANGE_UNAVAILABLE")
    }).pipe(Effect.provide(TestDatabase.layer))
  )

  it.scoped("holds back what orders on their way will take, and nothing once they are done", () =>
    Effect.gen(function* () {
      const { sql, wallets } = yield* setup
      yield* wallets.get(ann)
      yield* sql`INSERT INTO orders ${sql.insert({
        user_id: ann,
        order_id: "ord_1",
        version: 1,
        venue: "paper",
        book: "manual",
        client_order_id: "dp1",
        symbol: btc,
        base_asset: "BTC",
        quote_asset: "USDT",
        side: "buy",
        type: "limit",
        status: "pending",
        reserve_asset: "USDT",
        reserve_amount: "30",
        origin: "manual",
        told_quantity: "0",
        told_quote: "0",
        closed: "no",
        executed_quantity: "0",
        executed_quote: "0",
        fees: "[]",
        explained: 1,
        requested_at: 0,
        updated_at: 0
      })}`
      assert.include(shown(yield* wallets.get(ann)), "USDT 1000 10 30 970 1010 1010")
      yield* sql`UPDATE orders SET status = 'unknown'`
      assert.strictEqual(Decimal.format(yield* wallets.freeOf(ann, "USDT")), "970")
      // The venue has taken it, but has not told the balance after it.
      for (const status of ["open", "filled"]) {
        yield* sql`UPDATE orders SET status = ${status}, held_at = 5`
        assert.include(shown(yield* wallets.get(ann)), "USDT 1000 10 0 970 1010 1010")
        assert.strictEqual(Decimal.format(yield* wallets.keptFreeOf(ann, "USDT")), "970")
      }
      yield* wallets.record(ann, balance("USDT", "970", "40"), 5)
      assert.strictEqual(Decimal.format(yield* wallets.freeOf(ann, "USDT")), "970")
    }).pipe(Effect.provide(TestDatabase.layer))
  )
})
