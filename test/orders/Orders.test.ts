import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Layer, Option, Scope, Context, TestClock } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { CycleId, ExecutionId, RuleId } from "../../src/domain/Ids.ts"
import type { PlaceOrder } from "../../src/domain/order/PlaceOrder.ts"
import { BudgetUnavailable } from "../../src/mexc/VenueFailure.ts"
import { Halts } from "../../src/orders/limits/Halts.ts"
import { Orders, type RuleOrder } from "../../src/orders/Orders.ts"
import { OrdersRepo } from "../../src/orders/OrdersRepo.ts"
import { RiskInputs } from "../../src/orders/RiskInputs.ts"
import { Database } from "../../src/store/Database.ts"
import { Events } from "../../src/store/Events.ts"
import { Meta } from "../../src/store/Meta.ts"
import * as TestDatabase from "../kit/TestDatabase.ts"
import { FakeVenue } from "./kit/FakeVenue.ts"
import * as Fake from "./kit/FakeVenue.ts"
import { inputs, services, servicesOver, withVenue } from "./kit/layers.ts"
import { addUsers, ann, bob, btc, d, newIntent, told } from "./kit/orders.ts"

const told7 = told(7, "partiallyFilled", "1", "10")

const buy: PlaceOrder = { symbol: btc, side: "buy", type: "market", quoteAmount: d("50"), waitMs: 2_000 }
const resting: PlaceOrder = { symbol: btc, side: "buy", type: "limit", quantity: d("1"), price: d("90"), waitMs: 0 }
const key = (n: number, body = "a") => ({ idempotencyKey: `key-${String(n).padStart(16, "0")}`, bodyHash: body })

const ruleOrder: RuleOrder<never> = {
  userId: ann,
  ruleId: RuleId.make("rule_01hzy3v7k2m4n6p8q0r2s4t6w8"),
  ruleVersion: 1,
  executionId: ExecutionId.make("exe_01hzy3v7k2m4n6p8q0r2s4t6w8"),
  cycleId: CycleId.make("cyc_01hzy3v7k2m4n6p8q0r2s4t6w8"),
  slot: "2026-03-01T09:00:00.000Z",
  kind: "entry",
  level: 0,
  symbol: btc,
  type: "market",
  quoteAmount: d("50"),
  maxSlippageBps: 50,
  wait: Duration.seconds(2),
  withIntent: Effect.void
}

const onLiveVenue = Fake.layer.pipe(
  Layer.provideMerge(
    Layer.effect(
      Meta,
      Effect.map(Meta, (meta) => ({ ...meta, venue: "api.mexc.com" }))
    )
  ),
  Layer.provideMerge(TestDatabase.layer)
)

const start = Effect.gen(function* () {
  yield* addUsers
  return { orders: yield* Orders, repo: yield* OrdersRepo, venue: yield* FakeVenue }
})

const tagOf = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>) =>
  effect.pipe(
    Effect.map(() => "no failure"),
    Effect.catchAll((error) => Effect.succeed(error._tag))
  )

describe("placing an order", () => {
  it.live("answers with the filled order, its fees and its fills", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      const { order, replayed } = yield* orders.place(ann, buy, key(1))
      assert.isFalse(replayed)
      assert.strictEqual(order.status, "filled")
      assert.strictEqual(Decimal.format(order.executedQuote), "50")
      assert.deepEqual(
        order.fees.map(({ amount, asset }) => `${Decimal.format(amount)} ${asset}`),
        ["0.01 USDT"]
      )
      assert.strictEqual((yield* orders.fills(ann, order.id)).length, 1)
      assert.isNotNull(order.sentAt)
      assert.strictEqual(venue.posts.length, 1)
      assert.strictEqual(Decimal.format(venue.posts[0]?.quoteOrderQty ?? Decimal.zero), "50")
    }).pipe(Effect.provide(withVenue))
  )

  it.live("places once however often the request is repeated, and tells another body apart", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      const first = yield* orders.place(ann, buy, key(1))
      const again = yield* orders.place(ann, buy, key(1))
      assert.isTrue(again.replayed)
      assert.deepEqual(again.order, first.order)
      assert.strictEqual(yield* tagOf(orders.place(ann, buy, key(1, "b"))), "IDEMPOTENCY_KEY_REUSED")
      assert.strictEqual(venue.posts.length, 1)
      yield* orders.place(bob, buy, key(1))
      assert.strictEqual(venue.posts.length, 2)
    }).pipe(Effect.provide(withVenue))
  )

  it.live("hands an order's fault to the paper exchange with this order alone, and a repetition sends nothing", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      const first = yield* orders.place(ann, { ...buy, paperFault: "partial:0.4" }, key(1))
      const again = yield* orders.place(ann, buy, key(1))
      yield* orders.place(ann, buy, key(2))
      assert.deepStrictEqual(again.order, first.order)
      assert.deepStrictEqual(
        venue.posts.map(({ paperFault }) => paperFault),
        ["partial:0.4", undefined]
      )
    }).pipe(Effect.provide(withVenue))
  )

  it.live("refuses a fault where the order would go to a real venue, and sends nothing", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      const refused = yield* Effect.flip(orders.place(ann, { ...buy, paperFault: "timeoutAfterAccept" }, key(1)))
      assert.strictEqual(refused._tag, "VALIDATION_FAILED")
      assert.match(refused.message, /paper exchange/)
      assert.strictEqual(venue.posts.length, 0)
      const { order } = yield* orders.place(ann, buy, key(1))
      assert.strictEqual(order.venue, "api.mexc.com")
      assert.deepStrictEqual(
        venue.posts.map((post) => "paperFault" in post),
        [false]
      )
    }).pipe(Effect.provide(services.pipe(Layer.provideMerge(onLiveVenue))))
  )

  it.live("places once although a request with the same key that began earlier is slower", () =>
    Effect.gen(function* () {
      const overtaken = yield* Deferred.make<void>()
      const begun = yield* Deferred.make<void>()
      const known = yield* Effect.map(Layer.build(inputs), Context.get(RiskInputs))
      // Only the first request's look at the market takes long.
      const slow = Layer.succeed(RiskInputs, {
        ...known,
        gather: (question) =>
          Effect.gen(function* () {
            if (yield* Deferred.succeed(begun, undefined)) yield* Deferred.await(overtaken)
            return yield* known.gather(question)
          })
      })
      yield* Effect.gen(function* () {
        const { orders, venue } = yield* start
        const first = yield* Effect.fork(orders.place(ann, buy, key(1)))
        yield* Deferred.await(begun)
        const second = yield* orders.place(ann, buy, key(1))
        yield* Deferred.succeed(overtaken, undefined)
        const late = yield* Fiber.join(first)
        assert.deepEqual([late.replayed, late.order.id], [true, second.order.id])
        assert.strictEqual(venue.posts.length, 1)
      }).pipe(
        Effect.provide(servicesOver(slow).pipe(Layer.provideMerge(Fake.layer), Layer.provideMerge(TestDatabase.layer)))
      )
    }).pipe(Effect.scoped)
  )

  it.live("does not take the order of a key that is forgotten for one that is asked for with another body", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      const first = yield* orders.place(ann, buy, key(1))
      const forget = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`DELETE FROM idempotency_keys`)
      for (const other of [{ ...buy, quoteAmount: d("60") }, resting, { ...resting, side: "sell" as const }]) {
        yield* forget
        assert.strictEqual(yield* tagOf(orders.place(ann, other, key(1, "b"))), "IDEMPOTENCY_KEY_REUSED")
      }
      const again = yield* orders.place(ann, buy, key(1))
      assert.deepStrictEqual([again.replayed, again.order.id], [true, first.order.id])
      assert.strictEqual(venue.posts.length, 1)
    }).pipe(Effect.provide(withVenue))
  )

  it.live("says that a request is still running", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      const answered = yield* Deferred.make<void>()
      venue.mood = { type: "waitAfter", until: Deferred.await(answered) }
      yield* Effect.fork(orders.place(ann, buy, key(1)))
      yield* Deferred.await(venue.reached)
      assert.strictEqual(yield* tagOf(orders.place(ann, buy, key(1))), "IDEMPOTENCY_IN_PROGRESS")
      yield* Deferred.succeed(answered, undefined)
    }).pipe(Effect.provide(withVenue))
  )

  it.live("finishes although the client hangs up", () =>
    Effect.gen(function* () {
      const { orders, repo, venue } = yield* start
      venue.mood = { type: "rest" }
      const client = yield* Effect.fork(orders.place(ann, { ...resting, waitMs: 5_000 }, key(1)))
      yield* Effect.repeat(Effect.sleep("5 millis"), { until: () => venue.posts.length === 1 })
      yield* Fiber.interrupt(client)
      const [order] = yield* Effect.repeat(repo.list(ann, { limit: 1 }, null), {
        until: ([one]) => one?.status === "open"
      })
      assert.strictEqual(order?.exchangeOrderId, "C1")
    }).pipe(Effect.provide(withVenue))
  )

  for (const [code, tag, why] of [
    [30002, "BELOW_MINIMUM", "BELOW_MIN_NOTIONAL"],
    [30087, "PRICE_OUT_OF_BAND", "PRICE_OUT_OF_BAND"],
    [10101, "INSUFFICIENT_BALANCE", "INSUFFICIENT_FUNDS"],
    [30004, "INSUFFICIENT_BALANCE", "INSUFFICIENT_FUNDS"],
    [30005, "INSUFFICIENT_BALANCE", "INSUFFICIENT_FUNDS"],
    [10007, "SYMBOL_NOT_TRADABLE", "NOT_TRADABLE"],
    [30016, "SYMBOL_NOT_TRADABLE", "NOT_TRADABLE"],
    [700002, "CREDENTIALS_REJECTED", "CREDENTIALS_REJECTED"],
    [700006, "CREDENTIALS_REJECTED", "CREDENTIALS_REJECTED"],
    [700007, "CREDENTIALS_REJECTED", "CREDENTIALS_REJECTED"],
    [30019, "ORDER_REJECTED", "VENUE_REFUSED"],
    [30029, "ORDER_REJECTED", "VENUE_REFUSED"]
  ] as const)
    it.live(`answers ${tag} when the venue refuses with ${code}, again for a repetition`, () =>
      Effect.gen(function* () {
        const { orders, repo, venue } = yield* start
        venue.mood = { type: "refuse", code, kind: "input" }
        const failure = yield* Effect.flip(orders.place(ann, buy, key(1)))
        assert.strictEqual(failure._tag, tag)
        assert.strictEqual(failure.venue?.code, code)
        const again = yield* Effect.flip(orders.place(ann, buy, key(1)))
        assert.strictEqual(again._tag, tag)
        assert.strictEqual(venue.posts.length, 1)
        const [order] = yield* repo.list(ann, { limit: 1 }, null)
        assert.strictEqual(order?.status, "rejected")
        assert.strictEqual(order?.rejectReason?.code, why)
        // The pairs are read again where they were not as they are known.
        assert.deepStrictEqual(venue.asked, why === "NOT_TRADABLE" ? ["pairs"] : [])
      }).pipe(Effect.provide(withVenue))
    )

  it.live("may be repeated under the same key when nothing was sent", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      const failure = new BudgetUnavailable({ message: "used up", retryAfterMs: 1_000 })
      venue.mood = { type: "noBudget", failure }
      assert.strictEqual(yield* tagOf(orders.place(ann, buy, key(1))), "EXCHANGE_RATE_LIMITED")
      venue.mood = { type: "unreachable" }
      assert.strictEqual(yield* tagOf(orders.place(ann, buy, key(1))), "EXCHANGE_UNAVAILABLE")
      venue.mood = { type: "fill" }
      const placed = yield* orders.place(ann, buy, key(1))
      assert.strictEqual(placed.order.status, "filled")
      assert.isFalse(placed.replayed)
      assert.strictEqual(venue.posts.length, 1)
      assert.isTrue((yield* orders.place(ann, buy, key(1))).replayed)
    }).pipe(Effect.provide(withVenue))
  )

  it.live("answers unknown when the answer was lost, and finds the order without sending again", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      venue.mood = { type: "loseAnswer" }
      venue.isDown = true
      const { order } = yield* orders.place(ann, { ...buy, waitMs: 0 }, key(1))
      assert.strictEqual(order.status, "unknown")
      assert.isNotNull(order.unknownSince)
      venue.isDown = false
      const found = yield* orders.awaitTerminal(ann, order.id, Duration.seconds(2))
      assert.strictEqual(found.status, "filled")
      assert.isNull(found.unknownSince)
      const again = yield* orders.place(ann, buy, key(1))
      assert.strictEqual(again.order.status, "filled")
      assert.strictEqual(venue.posts.length, 1)
    }).pipe(Effect.provide(withVenue))
  )

  it.live("refuses bad orders before anything is stored or sent", () =>
    Effect.gen(function* () {
      const { orders, repo, venue } = yield* start
      assert.strictEqual(yield* tagOf(orders.place(ann, { ...buy, quoteAmount: d("0.5") }, key(1))), "BELOW_MINIMUM")
      assert.strictEqual(
        yield* tagOf(orders.place(ann, { ...buy, quoteAmount: d("20000") }, key(2))),
        "INSUFFICIENT_BALANCE"
      )
      const preview = yield* orders.preview(ann, { ...buy, quoteAmount: d("0.5") })
      assert.deepEqual(
        preview.problems.map(({ code }) => code),
        ["BELOW_MINIMUM"]
      )
      assert.deepEqual(yield* repo.list(ann, { limit: 9 }, null), [])
      assert.strictEqual(venue.posts.length, 0)
      yield* orders.place(ann, buy, key(1, "corrected"))
      assert.strictEqual(venue.posts.length, 1)
    }).pipe(Effect.provide(withVenue))
  )

  it.live("refuses to trade for an instance that lost the lease, and sends nothing", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      yield* TestDatabase.stealLease
      assert.strictEqual(yield* tagOf(orders.place(ann, buy, key(1))), "NOT_OWNER")
      assert.strictEqual(yield* tagOf(orders.placeForRule(ruleOrder)), "NOT_OWNER")
      assert.strictEqual(venue.posts.length, 0)
    }).pipe(Effect.provide(withVenue))
  )
})

/** The services in a scope of their own, which a test can end as a stop of the service would. */
const startAndStop = Effect.gen(function* () {
  const scope = yield* Scope.make()
  const context: Context.Context<Layer.Layer.Success<typeof services>> = yield* Layer.buildWithScope(services, scope)
  return { context, stop: Scope.close(scope, Exit.void) }
})

describe("a service that stops while it sends", () => {
  for (const [type, status, what] of [
    ["waitBefore", "rejected", "gives up an order that it has not sent"],
    ["waitAfter", "open", "waits for the answer to what it has sent"]
  ] as const)
    it.live(what, () =>
      Effect.gen(function* () {
        yield* addUsers
        const venue = yield* FakeVenue
        const answered = yield* Deferred.make<void>()
        venue.mood = { type, until: Deferred.await(answered) }
        const { context, stop } = yield* startAndStop
        yield* Effect.fork(
          Effect.provide(
            Effect.flatMap(Orders, (orders) => orders.place(ann, buy, key(1))),
            context
          )
        )
        yield* Deferred.await(venue.reached)
        const stopping = yield* Effect.fork(stop)
        if (type === "waitAfter") {
          yield* Effect.repeatN(Effect.yieldNow(), 100)
          yield* Deferred.succeed(answered, undefined)
        }
        yield* Fiber.join(stopping)
        const next = yield* startAndStop
        const [order] = yield* Effect.provide(
          Effect.flatMap(OrdersRepo, (repo) => repo.list(ann, { limit: 1 }, null)),
          next.context
        )
        assert.strictEqual(order?.status, status)
        yield* next.stop
      }).pipe(Effect.provide(Fake.layer.pipe(Layer.provideMerge(TestDatabase.layer))))
    )
})

describe("a rule's order", () => {
  it.live("is sent once per slot, whoever asks and however often", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      let recorded = 0
      const ask = orders.placeForRule({ ...ruleOrder, withIntent: Effect.sync(() => void (recorded += 1)) })
      const [first, second] = yield* Effect.all([ask, ask], { concurrency: 2 })
      const third = yield* ask
      assert.strictEqual(first.id, second.id)
      assert.strictEqual(first.id, third.id)
      assert.strictEqual(third.status, "filled")
      assert.strictEqual(third.book, `rule:${ruleOrder.ruleId}`)
      assert.strictEqual(third.type, "immediateOrCancel")
      assert.strictEqual(venue.posts.length, 1)
      assert.strictEqual(recorded, 1)
      yield* orders.placeForRule({ ...ruleOrder, slot: "2026-03-02T09:00:00.000Z" })
      assert.strictEqual(venue.posts.length, 2)
      assert.strictEqual((yield* orders.ofExecution(ann, ruleOrder.executionId)).length, 2)
      assert.deepEqual(yield* orders.openOfRule(ann, ruleOrder.ruleId), [])
    }).pipe(Effect.provide(withVenue))
  )

  it.live("is not sent when the rule's own record cannot be written", () =>
    Effect.gen(function* () {
      const { orders, repo, venue } = yield* start
      const failure = yield* Effect.flip(
        orders.placeForRule({ ...ruleOrder, withIntent: Effect.fail("capped" as const) })
      )
      assert.strictEqual(failure, "capped")
      assert.deepEqual(yield* repo.list(ann, { limit: 9 }, null), [])
      assert.strictEqual(venue.posts.length, 0)
    }).pipe(Effect.provide(withVenue))
  )

  it.live("is answered with its refusal, and the slot is not tried again", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      venue.mood = { type: "refuse", code: 10101, kind: "funds" }
      const order = yield* orders.placeForRule(ruleOrder)
      assert.strictEqual(order.status, "rejected")
      assert.strictEqual(order.rejectReason?.code, "INSUFFICIENT_FUNDS")
      venue.mood = { type: "fill" }
      assert.strictEqual((yield* orders.placeForRule(ruleOrder)).status, "rejected")
      assert.strictEqual(venue.posts.length, 1)
    }).pipe(Effect.provide(withVenue))
  )
})

describe("an exit of a rule", () => {
  const exit: RuleOrder<never> = {
    userId: ann,
    ruleId: ruleOrder.ruleId,
    ruleVersion: 1,
    executionId: ruleOrder.executionId,
    cycleId: ruleOrder.cycleId,
    slot: "stop",
    kind: "exit",
    level: 0,
    symbol: btc,
    type: "immediateOrCancel",
    quantity: d("7"),
    price: d("99"),
    wait: Duration.seconds(2),
    withIntent: Effect.void
  }

  it.live("sells no more than its own book has, however much is asked", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      const sold = yield* orders.placeForRule(exit)
      assert.deepEqual([sold.side, sold.origin.type, sold.book], ["sell", "exit", `rule:${ruleOrder.ruleId}`])
      assert.deepEqual(
        venue.posts.map(({ quantity, side }) => `${side} ${Decimal.format(quantity ?? Decimal.zero)}`),
        ["sell 5"]
      )
    }).pipe(Effect.provide(withVenue))
  )

  it.live("escalates as another order of the same execution, each attempt sent once", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      const first = yield* orders.placeForRule(exit)
      const second = yield* orders.placeForRule({ ...exit, attempt: 1 })
      const again = yield* orders.placeForRule({ ...exit, attempt: 1 })
      assert.notStrictEqual(first.id, second.id)
      assert.strictEqual(again.id, second.id)
      assert.notStrictEqual(first.clientOrderId, second.clientOrderId)
      assert.strictEqual(venue.posts.length, 2)
    }).pipe(Effect.provide(withVenue))
  )
})

describe("an order that is not sent yet", () => {
  it.live("is cancelled here, and its bytes never leave", () =>
    Effect.gen(function* () {
      const { orders, repo, venue } = yield* start
      const released = yield* Deferred.make<void>()
      venue.mood = { type: "waitBefore", until: Deferred.await(released) }
      const placing = yield* Effect.fork(Effect.flip(orders.place(ann, buy, key(1))))
      yield* Deferred.await(venue.reached)
      const [waiting] = yield* repo.list(ann, { limit: 1 }, null)
      assert.strictEqual(waiting?.status, "pending")
      const { items: cancelled } = yield* orders.cancelAll(ann, {})
      assert.deepEqual(
        cancelled.map(({ rejectReason, status }) => [status, rejectReason?.code]),
        [["rejected", "CANCELLED"]]
      )
      yield* Deferred.succeed(released, undefined)
      assert.strictEqual((yield* Fiber.join(placing))._tag, "CONFLICT")
      assert.strictEqual(venue.posts.length, 0)
    }).pipe(Effect.provide(withVenue))
  )

  it.live("is not sent when trading was halted while it waited, and may be repeated after the release", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      const halts = yield* Halts
      const halt = (halted: boolean) =>
        halts.set(ann, "user", { halted, scope: "entries", cancelOpen: false, reason: "a test" })
      const released = yield* Deferred.make<void>()
      venue.mood = { type: "waitBefore", until: Deferred.await(released) }
      const placing = yield* Effect.fork(Effect.flip(orders.place(ann, buy, key(1))))
      yield* Deferred.await(venue.reached)
      yield* halt(true)
      yield* Deferred.succeed(released, undefined)
      assert.strictEqual((yield* Fiber.join(placing))._tag, "TRADING_HALTED")
      assert.strictEqual(venue.posts.length, 0)
      venue.mood = { type: "fill" }
      assert.strictEqual(yield* tagOf(orders.place(ann, buy, key(2))), "TRADING_HALTED")
      assert.strictEqual(yield* tagOf(orders.placeForRule(ruleOrder)), "TRADING_HALTED")
      yield* halt(false)
      const { order } = yield* orders.place(ann, buy, key(1))
      assert.strictEqual(order.status, "filled")
      assert.strictEqual(venue.posts.length, 1)
    }).pipe(Effect.provide(withVenue))
  )

  it.live("is not sent by a process that lost the lease while it waited", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      const released = yield* Deferred.make<void>()
      venue.mood = { type: "waitBefore", until: Deferred.await(released) }
      const placing = yield* Effect.fork(Effect.flip(orders.place(ann, buy, key(1))))
      yield* Deferred.await(venue.reached)
      yield* TestDatabase.stealLease
      yield* Deferred.succeed(released, undefined)
      assert.strictEqual((yield* Fiber.join(placing))._tag, "NOT_OWNER")
      assert.strictEqual(venue.posts.length, 0)
    }).pipe(Effect.provide(withVenue))
  )
})

describe("an order the venue refused for its time", () => {
  /** Refused once, and sent again after `meanwhile`. */
  const lateWith = <E, R>(meanwhile: Effect.Effect<unknown, E, R>) =>
    Effect.gen(function* () {
      const { orders, repo, venue } = yield* start
      const released = yield* Deferred.make<void>()
      venue.mood = { type: "late", until: Deferred.await(released) }
      const placing = yield* Effect.fork(tagOf(orders.place(ann, buy, key(1))))
      yield* Deferred.await(venue.reached)
      yield* meanwhile
      yield* Deferred.succeed(released, undefined)
      const outcome = yield* Fiber.join(placing)
      const [order] = yield* repo.list(ann, { limit: 1 }, null)
      return { outcome, status: order?.status, sent: venue.posts.length }
    }).pipe(Effect.provide(withVenue))

  it.live("is sent once more", () =>
    Effect.gen(function* () {
      assert.deepEqual(yield* lateWith(Effect.void), { outcome: "no failure", status: "filled", sent: 2 })
    })
  )

  it.live("is not sent again when trading was halted in between, and is known to be nothing", () =>
    Effect.gen(function* () {
      const halt = { halted: true, scope: "entries", cancelOpen: false, reason: "a test" } as const
      const halted = yield* lateWith(Effect.flatMap(Halts, (halts) => halts.set(ann, "user", halt)))
      assert.deepEqual(halted, { outcome: "TRADING_HALTED", status: "rejected", sent: 1 })
    })
  )

  it.live("is not sent again by a process that lost the lease in between: another one judges it", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* lateWith(TestDatabase.stealLease)).sent, 1)
    })
  )
})

describe("cancelling everything", () => {
  it.live("ends what is open of one symbol, one rule or one purpose, and says what could not be cancelled", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      venue.mood = { type: "rest" }
      const manual = yield* orders.place(ann, resting, key(1))
      const entry = yield* orders.placeForRule({ ...ruleOrder, wait: Duration.zero })
      const idsOf = (done: { readonly items: ReadonlyArray<{ readonly id: string; readonly status: string }> }) =>
        done.items.map(({ id, status }) => `${id} ${status}`)
      assert.deepEqual(idsOf(yield* orders.cancelAll(ann, { purposes: ["exit"] })), [])
      assert.deepEqual(idsOf(yield* orders.cancelAll(bob, {})), [])
      assert.deepEqual(idsOf(yield* orders.cancelAll(ann, { ruleId: ruleOrder.ruleId })), [`${entry.id} cancelled`])
      venue.isDown = true
      const failing = yield* orders.cancelAll(ann, { symbol: btc })
      assert.deepEqual(
        failing.failed.map(({ code, orderId }) => [orderId, code]),
        [[manual.order.id, "EXCHANGE_UNAVAILABLE"]]
      )
      venue.isDown = false
      assert.deepEqual(idsOf(yield* orders.cancelAll(ann, { symbol: btc })), [`${manual.order.id} cancelled`])
      assert.deepEqual(idsOf(yield* orders.cancelAll(ann, {})), [])
    }).pipe(Effect.provide(withVenue))
  )
})

describe("following an order", () => {
  it.live("cancels a resting order and tells its true end", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      venue.mood = { type: "rest" }
      const { order } = yield* orders.place(ann, resting, key(1))
      assert.strictEqual(order.status, "open")
      const cancelled = yield* orders.cancel(ann, order.id)
      assert.strictEqual(cancelled.status, "cancelled")
      assert.strictEqual((yield* orders.cancel(ann, order.id)).status, "cancelled")
      assert.strictEqual(venue.asked.filter((what) => what === "cancel").length, 1)
    }).pipe(Effect.provide(withVenue))
  )

  it.live("does not show or cancel somebody else's order", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      venue.mood = { type: "rest" }
      const { order } = yield* orders.place(ann, resting, key(1))
      assert.strictEqual(yield* tagOf(orders.get(bob, order.id)), "NOT_FOUND")
      assert.strictEqual(yield* tagOf(orders.cancel(bob, order.id)), "NOT_FOUND")
      assert.strictEqual(yield* tagOf(orders.fills(bob, order.id)), "NOT_FOUND")
      assert.strictEqual((yield* orders.get(ann, order.id)).status, "open")
      assert.isTrue(Option.isNone(Option.fromNullable((yield* orders.list(bob, { limit: 5 })).items[0])))
    }).pipe(Effect.provide(withVenue))
  )

  it.live("pages through the list and refuses a foreign cursor", () =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      venue.mood = { type: "rest" }
      for (let n = 1; n <= 3; n++) yield* orders.place(ann, resting, key(n))
      const first = yield* orders.list(ann, { limit: 2 })
      const second = yield* orders.list(ann, { limit: 2, cursor: first.nextCursor ?? "" })
      assert.strictEqual(first.items.length + second.items.length, 3)
      assert.isNull(second.nextCursor)
      assert.strictEqual(yield* tagOf(orders.list(ann, { limit: 2, cursor: "x" })), "VALIDATION_FAILED")
    }).pipe(Effect.provide(withVenue))
  )
})

describe("resolving an order by hand", () => {
  const lost = (wall: number) =>
    Effect.gen(function* () {
      const { orders, venue } = yield* start
      const repo = yield* OrdersRepo
      const database = yield* Database
      const row = yield* newIntent(7, {
        sent_at: 1,
        status: "unknown",
        unknown_since: 1,
        unknown_since_wall: wall,
        slot: "a",
        rule_id: null
      })
      yield* database.write(repo.insert(row))
      return { orders, venue, repo, id: row.order_id }
    })
  const word = { outcome: "notPlaced", note: "Not in the exchange's history." } as const

  it.effect("is refused while the exchange may still tell", () =>
    Effect.gen(function* () {
      const { id, orders } = yield* lost(0)
      yield* TestClock.setTime(599_999)
      assert.strictEqual(yield* tagOf(orders.resolve(ann, id, word)), "CONFLICT")
      assert.strictEqual(yield* tagOf(orders.resolve(bob, id, word)), "NOT_FOUND")
    }).pipe(Effect.provide(withVenue))
  )

  it.effect("ends it after ten minutes with the note, until the exchange says otherwise", () =>
    Effect.gen(function* () {
      const { id, orders, repo } = yield* lost(0)
      yield* TestClock.setTime(600_000)
      const resolved = yield* orders.resolve(ann, id, word)
      assert.deepEqual(
        [resolved.status, resolved.rejectReason?.code, resolved.rejectReason?.params["note"]],
        ["rejected", "NOT_PLACED", word.note]
      )
      assert.strictEqual(yield* tagOf(orders.resolve(ann, id, word)), "CONFLICT")
      const events = yield* Events
      const { events: told } = yield* events.since(ann, 0, 50)
      assert.include(told.at(-1)?.data, word.note)
      yield* repo.tell(ann, told7)
      assert.strictEqual((yield* orders.get(ann, id)).status, "partiallyFilled")
    }).pipe(Effect.provide(withVenue))
  )
})
