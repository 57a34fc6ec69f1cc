import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Layer, Random, TestClock } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { SymbolName } from "../../../src/domain/Market.ts"
import { type Limits, unlimited } from "../../../src/domain/Limits.ts"
import { ApprovedOrder, assess, type RiskContext } from "../../../src/domain/order/risk.ts"
import { reason } from "../../../src/domain/Reason.ts"
import { Symbols } from "../../../src/market/Symbols.ts"
import { TickerHub } from "../../../src/market/TickerHub.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import { LimitsRepo } from "../../../src/orders/limits/LimitsRepo.ts"
import { type Reserve, TradingLimits } from "../../../src/orders/limits/TradingLimits.ts"
import { windowsAt } from "../../../src/orders/limits/windows.ts"
import { worstQuote } from "../../../src/orders/limits/worstQuote.ts"
import { OrderChanges } from "../../../src/orders/OrderChanges.ts"
import { OrdersRepo } from "../../../src/orders/OrdersRepo.ts"
import { Ledger } from "../../../src/portfolio/Ledger.ts"
import { Books } from "../../../src/portfolio/Books.ts"
import { Wallets } from "../../../src/portfolio/Wallets.ts"
import { Database } from "../../../src/store/Database.ts"
import { Events } from "../../../src/store/Events.ts"
import { tickerAt } from "../../market/stubs.ts"
import * as TestDatabase from "../../kit/TestDatabase.ts"
import { addUsers, ann, btcInfo, d, newIntent, pair, told } from "../kit/orders.ts"

const layerWith = (prices: Layer.Layer<Symbols | TickerHub>) =>
  TradingLimits.layer.pipe(
    Layer.provideMerge(LimitsRepo.layer),
    Layer.provideMerge(OrdersRepo.layer),
    Layer.provideMerge(OrderChanges.layer),
    Layer.provide(Ledger.layer),
    Layer.provideMerge(Events.layer),
    Layer.provideMerge(Layer.mergeAll(prices, Layer.mock(Books, {}), Layer.mock(Wallets, {}))),
    Layer.provideMerge(MarketClock.layer),
    Layer.provideMerge(TestDatabase.layer)
  )
const layer = layerWith(Layer.mergeAll(Layer.mock(Symbols, {}), Layer.mock(TickerHub, {})))

const spend = (perDay: string | null, more: Partial<typeof unlimited.user> = {}) => ({
  ...unlimited,
  user: { ...unlimited.user, perDay: perDay === null ? null : d(perDay), ...more }
})

const setLimits = (limits: Limits) =>
  Effect.flatMap(LimitsRepo, (repo) => repo.change(ann, () => Effect.succeed(limits)))

const nothingKnown: RiskContext = {
  symbol: btcInfo,
  quote: null,
  availableQuote: null,
  availableBase: null,
  bookQuantity: null
}

/** A limit buy at 10 of so many, which costs the fee of 0.05 % on top at most. */
const buyOf = (quantity: string, symbol = btcInfo) =>
  Either.getOrThrow(
    ApprovedOrder.check(
      { side: "buy", type: "limit", quantity: d(quantity), price: d("10") },
      { ...nothingKnown, symbol }
    )
  )

const prepare = (quantity: string, keyId: string | null = null, symbol = btcInfo) =>
  Effect.flatMap(TradingLimits, (limits) =>
    limits.prepare({ userId: ann, keyId, purpose: "manual", order: buyOf(quantity, symbol) })
  )

const commit = (n: number, quantity: string, reserve: Reserve) =>
  Effect.gen(function* () {
    const repo = yield* OrdersRepo
    const database = yield* Database
    const row = yield* newIntent(n, {
      quantity: d(quantity),
      requested_at: yield* Effect.flatMap(MarketClock, (c) => c.now)
    })
    yield* database.write(Effect.zipRight(reserve(row.order_id), repo.insert(row)))
    return row
  })

const place = (n: number, quantity: string, keyId: string | null = null) =>
  Effect.flatMap(prepare(quantity, keyId), (reserve) => commit(n, quantity, reserve))

interface Known {
  readonly n: number
  readonly id: Effect.Effect.Success<ReturnType<typeof place>>["order_id"]
  readonly quantity: number
  filled: number
  state: "pending" | "open" | "unknown" | "absent" | "over"
  trades: number
}

type Breaking<E> = (reserve: Reserve) => Effect.Effect<Reserve, E, Database | LimitsRepo>

/** Orders of random sizes and fates over five weeks; gives what was really spent, and the first excess. */
const history = <E>(seed: number, breaking: Breaking<E>) =>
  Effect.gen(function* () {
    yield* addUsers
    const repo = yield* OrdersRepo
    const clock = yield* MarketClock
    const caps = { day: 100, week: 250, month: 600 }
    yield* setLimits(spend("100", { perWeek: d("250"), perMonth: d("600") }))
    const known: Array<Known> = []
    const spent: Array<{ at: number; cost: Decimal.Decimal }> = []
    let n = 0
    let refused = 0
    let excess: string | null = null

    const fill = (order: Known, share: number) =>
      Effect.gen(function* () {
        const quantity = Math.max(1, Math.floor((order.quantity - order.filled) * share))
        const at = yield* clock.now
        const cost = Decimal.multiply(d(String(quantity)), d("10"))
        const fee = Decimal.multiply(cost, d("0.0005"))
        order.filled += quantity
        order.trades += 1
        const trade = {
          symbol: btcInfo.symbol,
          tradeId: `${order.n}-${order.trades}`,
          exchangeOrderId: `C${order.n}`,
          clientOrderId: null,
          side: "buy" as const,
          price: d("10"),
          quantity: d(String(quantity)),
          quoteQuantity: cost,
          fee: { asset: "USDT", amount: fee },
          maker: false,
          at
        }
        if (order.state !== "open") yield* repo.accept(ann, order.id, `C${order.n}`, at)
        order.state = order.filled >= order.quantity ? "over" : "open"
        spent.push({ at, cost: Decimal.add(cost, fee) })
        yield* repo.recordFills(ann, [trade], pair)
      })

    const step = Effect.gen(function* () {
      const dice = yield* Random.nextIntBetween(0, 100)
      const live = known.filter(({ state }) => state !== "over")
      const picked = live[yield* Random.nextIntBetween(0, Math.max(1, live.length))]
      if (dice < 45 || picked === undefined) {
        // Two at once: each was prepared before the other had reserved anything.
        const sizes = [yield* Random.nextIntBetween(1, 8), yield* Random.nextIntBetween(1, 8)]
        const reserves = yield* Effect.forEach(sizes, (size) =>
          Effect.flatMap(prepare(String(size)), breaking).pipe(Effect.either)
        )
        for (const [i, reserve] of reserves.entries()) {
          n += 1
          const quantity = sizes[i] ?? 1
          if (Either.isLeft(reserve)) {
            refused += 1
            continue
          }
          const made = yield* Effect.either(commit(n, String(quantity), reserve.right))
          if (Either.isLeft(made)) refused += 1
          else known.push({ n, id: made.right.order_id, quantity, filled: 0, state: "pending", trades: 0 })
        }
        return
      }
      const at = yield* clock.now
      if (picked.state === "absent") {
        // A late fill of an order that was proven absent, on the day it was.
        if (dice < 60) yield* fill(picked, 1)
        return
      }
      if (picked.state === "pending") {
        if (dice < 55) {
          yield* repo.reject(ann, picked.id, {
            refusal: { code: "ORDER_REJECTED", message: "no", venue: null, retryAfterSeconds: null }
          })
          picked.state = "over"
          return
        }
        yield* repo.markSent(ann, picked.id)
        if (dice < 70) {
          yield* repo.markUnknown(ann, picked.id)
          picked.state = "unknown"
          return
        }
        yield* repo.accept(ann, picked.id, `C${picked.n}`, at)
        picked.state = "open"
        return
      }
      if (picked.state === "unknown" && dice < 65) {
        yield* repo.reject(ann, picked.id, { reason: reason("NOT_PLACED") })
        picked.state = "absent"
        return
      }
      if (dice < 85 || picked.filled >= picked.quantity) return yield* fill(picked, dice < 75 ? 0.5 : 1)
      if (picked.state === "unknown") return
      const executed = { quantity: String(picked.filled), quote: String(picked.filled * 10) }
      const status = picked.filled === 0 ? "cancelled" : "partiallyCancelled"
      yield* repo.tell(
        ann,
        told(picked.n, status, executed.quantity, executed.quote, { quantity: d(String(picked.quantity)), at })
      )
      picked.state = "over"
    })

    for (let i = 0; i < 70; i++) {
      yield* step
      const now = yield* clock.now
      const windows = windowsAt(now)
      for (const window of ["day", "week", "month"] as const) {
        const total = Decimal.sum(spent.filter(({ at }) => at >= windows[window]).map(({ cost }) => cost))
        if (Decimal.greaterThan(total, d(String(caps[window]))))
          excess ??= `step ${i}: ${Decimal.format(total)} a ${window}`
      }
      // The proof of absence is of a day: what the venue shows on a later one is beyond any reservation.
      if (yield* Random.nextIntBetween(0, 6).pipe(Effect.map((roll) => roll === 0))) {
        yield* TestClock.adjust("1 day")
        for (const order of known) if (order.state === "absent") order.state = "over"
      } else yield* TestClock.adjust("20 minutes")
    }
    return { excess, refused, made: known.length, spent: spent.length }
  }).pipe(Effect.withRandom(Random.make(seed)), Effect.provide(Layer.fresh(layer)))

describe("limits", () => {
  it.effect("name the cap, the limit, what is used and what was asked; what fits exactly is allowed", () =>
    Effect.gen(function* () {
      yield* addUsers
      yield* setLimits(spend("60.03"))
      yield* place(1, "3")
      yield* place(2, "3")
      const refused = yield* Effect.flip(place(3, "1"))
      assert.strictEqual(refused._tag, "BUDGET_EXCEEDED")
      assert.match(refused.message, /user\.perDay of 60\.03 USDT .* 60\.03 used, 10\.005 asked/)
      yield* TestClock.adjust("1 day")
      // Both still wait for their fills, and would count for the new day.
      assert.strictEqual((yield* Effect.flip(place(4, "1")))._tag, "BUDGET_EXCEEDED")
    }).pipe(Effect.provide(layer))
  )

  it.effect("of a key bind only what that key places, and open orders are counted for all", () =>
    Effect.gen(function* () {
      yield* addUsers
      const key = { id: "key1", perDay: d("20.01"), perWeek: null, perMonth: null }
      yield* setLimits({ ...spend(null, { maxOpenOrders: 3 }), keys: [key] })
      yield* place(1, "2", "key1")
      assert.match((yield* Effect.flip(place(2, "1", "key1"))).message, /keys\.key1\.perDay/)
      yield* place(3, "5", "key2")
      yield* place(4, "5")
      assert.match((yield* Effect.flip(place(5, "1"))).message, /user\.maxOpenOrders of 3 orders/)
    }).pipe(Effect.provide(layer))
  )

  it.effect("are a hundred USDT a day for real money until its owner says otherwise", () =>
    Effect.gen(function* () {
      const of = (venue: string) =>
        Effect.gen(function* () {
          yield* addUsers
          return (yield* (yield* LimitsRepo).of(ann)).user.perDay
        }).pipe(
          Effect.provide(
            LimitsRepo.layer.pipe(
              Layer.provide(Events.layer),
              Layer.provide(MarketClock.layer),
              Layer.provideMerge(
                Layer.unwrapScoped(Effect.map(TestDatabase.temporaryFolder, (at) => TestDatabase.layerAt(at, venue)))
              )
            )
          )
        )
      assert.deepStrictEqual([yield* of("api.mexc.com"), yield* of("paper")], [d("100"), null])
    })
  )

  it.effect("see a worst case with the fee, and the venue's collar where an order has no price", () =>
    Effect.gen(function* () {
      assert.strictEqual(Decimal.format(yield* worstQuote(buyOf("3"))), "30.015")
      const quote = { bid: d("9.9"), ask: d("10"), stale: false }
      const unbounded = { side: "buy", type: "market", quantity: d("3") } as const
      const order = Either.getOrThrow(ApprovedOrder.check(unbounded, { ...nothingKnown, quote }))
      assert.strictEqual(Decimal.format(yield* worstQuote(order)), "31.51575")
    })
  )

  it.effect("take no cost that nobody can tell for none", () =>
    Effect.gen(function* () {
      const unbounded = { side: "buy", type: "market", quantity: d("1000") } as const
      const { draft } = assess(unbounded, nothingKnown)
      const refused = yield* Effect.flip(worstQuote({ draft, symbol: btcInfo }))
      assert.strictEqual(refused._tag, "STALE_MARKET_DATA")
    })
  )

  it.effect("count what was bought for an asset of which nobody knew the price then at the price it has now", () => {
    const market = { stale: true }
    const eurUsdt = { ...btcInfo, symbol: SymbolName.make("EURUSDT"), baseAsset: "EUR" }
    const inEuro = { ...btcInfo, symbol: SymbolName.make("BTCEUR"), quoteAsset: "EUR" }
    const prices = Layer.mergeAll(
      Layer.mock(Symbols, { all: Effect.succeed([eurUsdt]) }),
      Layer.mock(TickerHub, { latest: (symbol) => Effect.sync(() => tickerAt(symbol, "2", 0, market)) })
    )
    return Effect.gen(function* () {
      yield* addUsers
      const limits = yield* TradingLimits
      yield* Effect.flatMap(prepare("4", null, inEuro), (reserve) => commit(1, "4", reserve))
      yield* setLimits(spend("100"))
      const refusal = (n: number, quantity: string) =>
        Effect.match(place(n, quantity), {
          onFailure: ({ _tag, message }) => `${_tag} ${message}`,
          onSuccess: () => "placed"
        })
      // 80.04 USDT, which nobody can tell yet.
      assert.match(yield* refusal(2, "1"), /STALE_MARKET_DATA .* EUR/)
      market.stale = false
      assert.strictEqual(Decimal.format((yield* limits.inForce(ann)).used.day), "80.04")
      assert.match(yield* refusal(3, "2"), /user\.perDay of 100 USDT .* 80\.04 used, 20\.01 asked/)
      assert.strictEqual(yield* refusal(4, "1"), "placed")
    }).pipe(Effect.provide(layerWith(prices)))
  })

  it.effect(
    "are exceeded at no moment of any history of intents, partial fills, refusals, unknowns and late fills",
    () =>
      Effect.gen(function* () {
        let refused = 0
        let spent = 0
        for (let seed = 1; seed <= 5; seed++) {
          const told = yield* history(seed, Effect.succeed)
          assert.isNull(told.excess, `seed ${seed}`)
          refused += told.refused
          spent += told.spent
        }
        // The histories reach the limits, and buy.
        assert.isAbove(refused, 20)
        assert.isAbove(spent, 20)
      }),
    180_000
  )

  it.effect(
    "that are only checked before, and not reserved in the transaction, are exceeded in such a history",
    () =>
      Effect.gen(function* () {
        /** The whole check, undone; then, in the intent's transaction, the reservation without it. */
        const checkedBefore = (reserve: Reserve) =>
          Effect.gen(function* () {
            const database = yield* Database
            const limits = yield* LimitsRepo
            const undone = "checked" as const
            yield* database
              .write(Effect.zipRight(reserve((yield* newIntent(0)).order_id), Effect.fail(undone)))
              .pipe(Effect.catchAll((why) => (why === undone ? Effect.void : Effect.fail(why))))
            const unchecked: Reserve = (id) =>
              Effect.gen(function* () {
                const inForce = yield* limits.of(ann)
                yield* limits.change(ann, () => Effect.succeed(unlimited))
                yield* reserve(id)
                yield* limits.change(ann, () => Effect.succeed(inForce))
              })
            return unchecked
          })
        const told = yield* Effect.forEach([1, 2, 3], (seed) => history(seed, checkedBefore))
        assert.isTrue(told.some(({ excess }) => excess !== null))
      }),
    180_000
  )
})
