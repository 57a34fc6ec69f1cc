import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Exit, Layer, Option } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { makeExecutionId } from "../../src/domain/Ids.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { OrderChanges } from "../../src/orders/OrderChanges.ts"
import { OrdersRepo } from "../../src/orders/OrdersRepo.ts"
import { Ledger } from "../../src/portfolio/Ledger.ts"
import { Database } from "../../src/store/Database.ts"
import { Events } from "../../src/store/Events.ts"
import * as TestDatabase from "../kit/TestDatabase.ts"
import { addUsers, ann, bob, clientIdOf, d, fillOf, newIntent, pair, told } from "./kit/orders.ts"

const layer = OrdersRepo.layer.pipe(
  Layer.provideMerge(OrderChanges.layer),
  Layer.provide(Ledger.layer),
  Layer.provideMerge(Events.layer),
  Layer.provide(MarketClock.layer),
  Layer.provideMerge(TestDatabase.layer)
)

const insert = Effect.fnUntraced(function* (n: number, over: Parameters<typeof newIntent>[1] = {}) {
  const repo = yield* OrdersRepo
  const database = yield* Database
  const row = yield* newIntent(n, over)
  yield* database.write(repo.insert(row))
  return row
})

const permutations = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  items.length === 0
    ? [[]]
    : items.flatMap((item, i) =>
        permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest])
      )

describe("stored orders", () => {
  it.effect("come out the same whatever order messages, REST answers and fills arrive in", () =>
    Effect.gen(function* () {
      yield* addUsers
      const repo = yield* OrdersRepo
      let n = 0
      for (const arrival of permutations([0, 1, 2, 3, 4])) {
        n += 1
        const row = yield* insert(n)
        const messages = [
          repo.accept(ann, row.order_id, `C${n}`, 1),
          repo.tell(ann, told(n, "partiallyFilled", "1", "10")),
          repo.recordFills(ann, [fillOf(n, `${n}a`, "1", "10")], pair),
          repo.recordFills(ann, [fillOf(n, `${n}a`, "1", "10"), fillOf(n, `${n}b`, "2", "9")], pair),
          repo.tell(ann, told(n, "filled", "3", "28"))
        ] as const
        for (const i of arrival) yield* messages[i] ?? Effect.void
        const order = Option.getOrThrow(yield* repo.find(ann, row.order_id))
        const fills = yield* repo.fillsOf(ann, row.order_id)
        assert.strictEqual(order.status, "filled")
        assert.strictEqual(fills.length, 2)
        assert.strictEqual(Decimal.format(Decimal.sum(fills.map((fill) => fill.quantity))), "3")
        assert.strictEqual(Decimal.format(order.executed_quantity), "3")
        assert.strictEqual(Decimal.format(order.executed_quote), "28")
        assert.deepEqual(
          order.fees.map((fee) => `${Decimal.format(fee.amount)} ${fee.asset}`),
          ["0.02 USDT"]
        )
        assert.isTrue(order.explained)
        assert.strictEqual(order.terminal_at, 5)
        const version = order.version
        for (const message of messages) yield* message
        assert.strictEqual(Option.getOrThrow(yield* repo.find(ann, row.order_id)).version, version)
      }
    }).pipe(Effect.provide(layer))
  )

  it.effect("get their fill although it is heard while their answer is being written", () =>
    Effect.gen(function* () {
      yield* addUsers
      const repo = yield* OrdersRepo
      const row = yield* insert(1)
      yield* Effect.all(
        [repo.recordFills(ann, [fillOf(1, "1a", "3", "10")], pair), repo.accept(ann, row.order_id, "C1", 1)],
        { concurrency: "unbounded" }
      )
      yield* repo.tell(ann, told(1, "filled", "3", "30"))
      assert.strictEqual((yield* repo.fillsOf(ann, row.order_id)).length, 1)
      assert.isTrue(Option.getOrThrow(yield* repo.find(ann, row.order_id)).explained)
    }).pipe(Effect.provide(layer))
  )

  it.effect("count as finished for their execution only once every fill, and so every fee, is known", () =>
    Effect.gen(function* () {
      yield* addUsers
      const repo = yield* OrdersRepo
      const executionId = yield* makeExecutionId()
      yield* insert(1, { execution_id: executionId, sent_at: 1 })
      yield* repo.tell(ann, told(1, "filled", "3", "30"))
      const statuses = Effect.map(repo.ofExecution(ann, executionId), (orders) => orders.map(({ status }) => status))
      assert.deepStrictEqual(yield* statuses, ["partiallyFilled"])
      yield* repo.recordFills(ann, [fillOf(1, "1a", "3", "10")], pair)
      assert.deepStrictEqual(yield* statuses, ["filled"])
    }).pipe(Effect.provide(layer))
  )

  it.effect("keep a fee of nineteen decimals, as the venue was seen to take, to the eighteenth", () =>
    Effect.gen(function* () {
      yield* addUsers
      const repo = yield* OrdersRepo
      const row = yield* insert(1, { sent_at: 1 })
      const amount = Either.getOrThrow(Decimal.parseVenue("0.0003998377369698171"))
      yield* repo.recordFills(ann, [fillOf(1, "1a", "1", "10", { fee: { asset: "MX", amount } })], pair)
      yield* repo.accept(ann, row.order_id, "C1", 1)
      const [fill] = yield* repo.fillsOf(ann, row.order_id)
      assert.strictEqual(fill && Decimal.format(fill.fee.amount), "0.000399837736969817")
    }).pipe(Effect.provide(layer))
  )

  it.effect("are not inserted by a process that lost the lease", () =>
    Effect.gen(function* () {
      yield* addUsers
      yield* TestDatabase.stealLease
      const exit = yield* Effect.exit(insert(1))
      assert.isTrue(Exit.isFailure(exit))
      const repo = yield* OrdersRepo
      assert.deepEqual(yield* repo.list(ann, { limit: 10 }, null), [])
    }).pipe(Effect.provide(layer))
  )

  it.effect("belong to one user, for reading and for the venue's messages", () =>
    Effect.gen(function* () {
      yield* addUsers
      const repo = yield* OrdersRepo
      const row = yield* insert(1)
      assert.isTrue(Option.isNone(yield* repo.find(bob, row.order_id)))
      assert.isTrue(Option.isNone(yield* repo.tell(bob, told(1, "filled", "3", "30"))))
      assert.deepEqual(yield* repo.list(bob, { limit: 10 }, null), [])
      assert.deepEqual(yield* repo.fillsOf(bob, row.order_id), [])
      assert.isTrue(Option.isSome(yield* repo.findByClientId(ann, clientIdOf(1))))
      assert.isTrue(Option.isNone(yield* repo.findByClientId(bob, clientIdOf(1))))
    }).pipe(Effect.provide(layer))
  )

  it.effect("stay what the venue made them when a refusal or an unknown outcome is recorded late", () =>
    Effect.gen(function* () {
      yield* addUsers
      const repo = yield* OrdersRepo
      const row = yield* insert(1)
      yield* repo.tell(ann, told(1, "filled", "3", "30"))
      yield* repo.markUnknown(ann, row.order_id)
      yield* repo.reject(ann, row.order_id, { reason: { code: "NOT_PLACED", text: "", params: {} } })
      assert.strictEqual(Option.getOrThrow(yield* repo.find(ann, row.order_id)).status, "filled")
    }).pipe(Effect.provide(layer))
  )

  it.effect("open again when a late fill proves an order that was thought never placed", () =>
    Effect.gen(function* () {
      yield* addUsers
      const repo = yield* OrdersRepo
      const row = yield* insert(1)
      yield* repo.markUnknown(ann, row.order_id)
      yield* repo.reject(ann, row.order_id, { reason: { code: "NOT_PLACED", text: "", params: {} } })
      yield* repo.recordFills(ann, [fillOf(1, "t", "1", "10", { clientOrderId: clientIdOf(1) })], pair)
      const order = Option.getOrThrow(yield* repo.find(ann, row.order_id))
      assert.strictEqual(order.status, "partiallyFilled")
      assert.isNull(order.reject_reason)
    }).pipe(Effect.provide(layer))
  )

  it.effect("say why a finished order got less than it asked for", () =>
    Effect.gen(function* () {
      yield* addUsers
      const repo = yield* OrdersRepo
      const untouched = yield* insert(1, { type: "immediateOrCancel" })
      yield* repo.tell(ann, told(1, "cancelled", "0", "0"))
      const part = yield* insert(2, { type: "immediateOrCancel" })
      yield* repo.tell(ann, told(2, "partiallyCancelled", "1", "10"))
      const short = yield* insert(3, { type: "market", quantity: null, price: null, quote_amount: d("30") })
      yield* repo.tell(ann, told(3, "filled", "2.8", "28"))
      const full = yield* insert(4)
      yield* repo.tell(ann, told(4, "filled", "3", "30"))
      const codes = yield* Effect.forEach([untouched, part, short, full], (row) =>
        Effect.map(repo.find(ann, row.order_id), (found) => Option.getOrThrow(found).unfilled_reason?.code ?? null)
      )
      assert.deepEqual(codes, ["NO_FILL", "PARTIAL_FILL", "UNDERSPENT", null])
    }).pipe(Effect.provide(layer))
  )

  it.effect("are read page by page, newest first, without gaps", () =>
    Effect.gen(function* () {
      yield* addUsers
      const repo = yield* OrdersRepo
      for (let n = 1; n <= 7; n++) yield* insert(n)
      const all = yield* repo.list(ann, { limit: 50 }, null)
      const first = yield* repo.list(ann, { limit: 3 }, null)
      const rest = yield* repo.list(ann, { limit: 50 }, first[2]?.id ?? null)
      assert.deepEqual(
        [...first, ...rest].map((order) => order.id),
        all.map((order) => order.id)
      )
      assert.strictEqual(all.length, 7)
    }).pipe(Effect.provide(layer))
  )
})
