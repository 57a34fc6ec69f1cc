import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Layer, Redacted, Ref, Stream } from "effect"
import { Accounts } from "../../src/accounts/Accounts.ts"
import { CredentialVault } from "../../src/accounts/CredentialVault.ts"
import * as Decimal from "../../src/domain/Decimal.ts"
import type { UserId } from "../../src/domain/Ids.ts"
import { Symbols } from "../../src/market/Symbols.ts"
import { TickerHub } from "../../src/market/TickerHub.ts"
import { TickerReader } from "../../src/market/feed/TickerReader.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { defaultLimits } from "../../src/mexc/budget/Pools.ts"
import { ContractDrift } from "../../src/mexc/ContractDrift.ts"
import { MexcClient } from "../../src/mexc/MexcClient.ts"
import { MexcStream } from "../../src/mexc/MexcStream.ts"
import { RateBudget } from "../../src/mexc/RateBudget.ts"
import { MexcEndpoint } from "../../src/mexc/wire/Endpoint.ts"
import { Inquiry } from "../../src/orders/Inquiry.ts"
import { OrderChanges } from "../../src/orders/OrderChanges.ts"
import { Orders } from "../../src/orders/Orders.ts"
import { OrdersRepo } from "../../src/orders/OrdersRepo.ts"
import { Reconciled } from "../../src/orders/reconcile/Reconciled.ts"
import { VenueAccounts } from "../../src/orders/reconcile/VenueAccounts.ts"
import { Reconciler } from "../../src/orders/Reconciler.ts"
import { RiskInputs } from "../../src/orders/RiskInputs.ts"
import { Submission } from "../../src/orders/Submission.ts"
import { UserFeed } from "../../src/orders/UserFeed.ts"
import { PaperExchange } from "../../src/paper/PaperExchange.ts"
import { Books } from "../../src/portfolio/Books.ts"
import { Ledger } from "../../src/portfolio/Ledger.ts"
import { Wallets } from "../../src/portfolio/Wallets.ts"
import { Events } from "../../src/store/Events.ts"
import { Idempotency } from "../../src/store/Idempotency.ts"
import * as TestDatabase from "../kit/TestDatabase.ts"
import { unlimited } from "./kit/layers.ts"
import { addUsers, ann, btc, d } from "./kit/orders.ts"

const accessKey = "mx0paper-test"
const secretKey = Redacted.make("0123456789abcdef0123456789abcdef")

const exchange = PaperExchange.layer({
  host: "127.0.0.1",
  port: 0,
  market: "still",
  speed: 1,
  seed: 1,
  accounts: [{ accessKey, secretKey, balances: { USDT: d("10000") } }],
  control: false,
  dataDir: null
})

/** Answers to `POST /order` that the network loses on their way back. */
class LostAnswers extends Context.Tag("test/LostAnswers")<LostAnswers, Ref.Ref<number>>() {}

const network = Layer.effect(
  HttpClient.HttpClient,
  Effect.gen(function* () {
    const client = yield* HttpClient.HttpClient
    const losing = yield* LostAnswers
    return HttpClient.transform(client, (answer, request) =>
      Effect.gen(function* () {
        const response = yield* answer
        const isOrder = request.method === "POST" && new URL(request.url).pathname === "/api/v3/order"
        if (!isOrder || (yield* Ref.getAndUpdate(losing, (n) => Math.max(0, n - 1))) === 0) return response
        return yield* new HttpClientError.RequestError({ request, reason: "Transport", description: "reset" })
      })
    )
  })
).pipe(Layer.provideMerge(Layer.effect(LostAnswers, Ref.make(0))), Layer.provide(NodeHttpClient.layer))

const endpoint = Layer.effect(
  MexcEndpoint,
  Effect.map(PaperExchange, ({ url, wsUrl }) => MexcEndpoint.make(url, wsUrl))
).pipe(Layer.provideMerge(exchange))

const venue = MexcStream.layer.pipe(
  Layer.provideMerge(MexcClient.layer),
  Layer.provideMerge(ContractDrift.layer),
  Layer.provide(RateBudget.layer(defaultLimits)),
  Layer.provideMerge(network),
  Layer.provideMerge(endpoint)
)

const accounts = Layer.mergeAll(
  Layer.mock(Accounts, { isReady: () => true, listActive: Effect.succeed<ReadonlyArray<UserId>>([ann]) }),
  Layer.mock(CredentialVault, {
    get: (userId) => Effect.succeed({ userId, accessKey, secretKey }),
    changes: Stream.never
  })
)

const market = TickerHub.layer.pipe(Layer.provide(TickerReader.layer), Layer.provideMerge(Symbols.layer))

const app = Layer.mergeAll(Orders.layer, UserFeed.layer, Reconciler.layer).pipe(
  Layer.provideMerge(Layer.mergeAll(Inquiry.layer, Submission.layer, RiskInputs.layer)),
  Layer.provide(Layer.mergeAll(Reconciled.layer, VenueAccounts.layer)),
  Layer.provideMerge(Layer.mergeAll(OrdersRepo.layer, Books.layer, Wallets.layer)),
  Layer.provide(Ledger.layer),
  Layer.provide(Layer.mergeAll(OrderChanges.layer, Idempotency.layer, market, accounts)),
  Layer.provide(unlimited),
  Layer.provide(Events.layer),
  Layer.provideMerge(venue),
  Layer.provide(MarketClock.layer),
  Layer.provideMerge(TestDatabase.layer)
)

const until = <A, E>(effect: Effect.Effect<A, E>, done: (a: A) => boolean) =>
  Effect.repeat(Effect.delay(effect, "10 millis"), { until: done }).pipe(Effect.timeout("5 seconds"))

const begin = Effect.gen(function* () {
  yield* addUsers
  const reconciler = yield* Reconciler
  yield* reconciler.ready
  const feed = yield* UserFeed
  yield* until(feed.isLive(ann), (live) => live)
  return { orders: yield* Orders, wallets: yield* Wallets, books: yield* Books, mexc: yield* MexcClient }
})

const key = (n: number) => ({ idempotencyKey: `key-${String(n).padStart(16, "0")}`, bodyHash: "a" })
const text = Decimal.format

describe("orders over the paper exchange", () => {
  it.live("a buy fills by the stream, and wallet, books and the exchange agree to the last digit", () =>
    Effect.gen(function* () {
      const { books, mexc, orders, wallets } = yield* begin
      const { order } = yield* orders.place(
        ann,
        { symbol: btc, side: "buy", type: "market", quoteAmount: d("50"), maxSlippageBps: 50, waitMs: 5_000 },
        key(1)
      )
      assert.strictEqual(order.status, "filled")
      const fills = yield* orders.fills(ann, order.id)
      assert.strictEqual(text(Decimal.sum(fills.map((fill) => fill.quantity))), text(order.executedQuantity))
      const fees = Decimal.sum(order.fees.map((fee) => fee.amount))
      assert.isTrue(Decimal.lessOrEqual(Decimal.add(order.executedQuote, fees), d("50")))
      const spent = Decimal.subtract(d("10000"), Decimal.add(order.executedQuote, fees))
      yield* until(wallets.freeOf(ann, "USDT"), (free) => Decimal.equals(free, spent))
      const credentials = { userId: ann, accessKey, secretKey }
      const { rows: theirs } = yield* mexc.balances(credentials)
      assert.strictEqual(text(theirs.find(({ asset }) => asset === "USDT")?.free ?? Decimal.zero), text(spent))
      const position = yield* books.position(ann, btc)
      assert.strictEqual(text(position.quantity), text(order.executedQuantity))
      assert.strictEqual(text(position.totalCost), text(Decimal.add(order.executedQuote, fees)))
      const wallet = yield* wallets.get(ann)
      assert.strictEqual(wallet.source, "ws")
      assert.isFalse(wallet.stale)
    }).pipe(Effect.provide(app))
  )

  it.live("what was bought can be sold again, and no more than that", () =>
    Effect.gen(function* () {
      const { books, orders, wallets } = yield* begin
      const { order } = yield* orders.place(
        ann,
        { symbol: btc, side: "buy", type: "market", quoteAmount: d("50"), waitMs: 5_000 },
        key(1)
      )
      // Sized by the venue at its collar, about 5 % above the ask.
      assert.deepStrictEqual([order.status, order.unfilledReason?.code], ["filled", "UNDERSPENT"])
      assert.isTrue(Decimal.greaterThan(order.executedQuote, d("47")))
      assert.isTrue(Decimal.lessThan(order.executedQuote, d("48")))
      yield* until(wallets.freeOf(ann, "BTC"), (free) => Decimal.equals(free, order.executedQuantity))
      const sell = { symbol: btc, side: "sell", type: "market", maxSlippageBps: 50, waitMs: 5_000 } as const
      const tooMuch = Decimal.multiply(order.executedQuantity, d("2"))
      const refused = yield* Effect.flip(orders.place(ann, { ...sell, quantity: tooMuch }, key(2)))
      assert.strictEqual(refused._tag, "INSUFFICIENT_BALANCE")
      const sold = yield* orders.place(ann, { ...sell, quantity: order.executedQuantity }, key(3))
      assert.strictEqual(sold.order.status, "filled")
      const position = yield* books.position(ann, btc)
      assert.strictEqual(text(position.quantity), "0")
      assert.strictEqual(text(position.totalCost), "0")
    }).pipe(Effect.provide(app))
  )

  it.live("a resting order is held, cancelled and released", () =>
    Effect.gen(function* () {
      const { orders, wallets } = yield* begin
      const preview = yield* orders.preview(ann, {
        symbol: btc,
        side: "buy",
        type: "market",
        quoteAmount: d("50"),
        waitMs: 0
      })
      const price = Decimal.multiply(preview.estimatedPrice ?? Decimal.one, d("0.98"))
      const { order } = yield* orders.place(
        ann,
        { symbol: btc, side: "buy", type: "limit", quoteAmount: d("100"), price, waitMs: 500 },
        key(1)
      )
      assert.strictEqual(order.status, "open")
      yield* until(wallets.freeOf(ann, "USDT"), (free) => Decimal.lessThan(free, d("9950")))
      const cancelled = yield* orders.cancel(ann, order.id)
      assert.strictEqual(cancelled.status, "cancelled")
      assert.strictEqual(cancelled.unfilledReason?.code, "CANCELLED")
      yield* until(wallets.freeOf(ann, "USDT"), (free) => Decimal.equals(free, d("10000")))
    }).pipe(Effect.provide(app))
  )

  it.live("a lost answer leaves exactly one order, found by asking", () =>
    Effect.gen(function* () {
      const { mexc, orders } = yield* begin
      yield* Ref.set(yield* LostAnswers, 1)
      const buy = { symbol: btc, side: "buy", type: "market", quoteAmount: d("50"), waitMs: 5_000 } as const
      const { order } = yield* orders.place(ann, buy, key(1))
      const settled = yield* orders.awaitTerminal(ann, order.id, Duration.seconds(5))
      assert.strictEqual(settled.status, "filled")
      assert.isTrue((yield* orders.place(ann, buy, key(1))).replayed)
      const all = yield* mexc.allOrders({ userId: ann, accessKey, secretKey }, btc, 0)
      assert.strictEqual(all.rows.length, 1)
      assert.strictEqual(all.rows[0]?.clientOrderId, order.clientOrderId)
    }).pipe(Effect.provide(app))
  )
})
