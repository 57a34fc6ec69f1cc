import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Layer, Logger, LogLevel } from "effect"
import type { AuditRecord } from "../../../src/domain/audit/AuditEntry.ts"
import { OrderId } from "../../../src/domain/Ids.ts"
import type { PlaceOrder } from "../../../src/domain/order/PlaceOrder.ts"
import { makeTellingCancels } from "../../../src/orders/following/tellingCancels.ts"
import { Orders } from "../../../src/orders/Orders.ts"
import { OrdersRepo } from "../../../src/orders/OrdersRepo.ts"
import { actingAs } from "../../../src/store/audit/acting.ts"
import { Audit } from "../../../src/store/Audit.ts"
import { checkTrail } from "../../../src/store/AuditCheck.ts"
import { FakeVenue } from "../kit/FakeVenue.ts"
import { withVenue } from "../kit/layers.ts"
import { addUsers, ann, btc, d, intentRow } from "../kit/orders.ts"
import { ruleOrder } from "../kit/ruleOrder.ts"

const limit: PlaceOrder = { symbol: btc, side: "buy", type: "limit", quantity: d("1"), price: d("90"), waitMs: 0 }
const key = (n: number) => ({ idempotencyKey: `key-${String(n).padStart(16, "0")}`, bodyHash: "a" })

const layer = Layer.provideMerge(Audit.layer, withVenue).pipe(Layer.provide(Logger.minimumLogLevel(LogLevel.None)))

const by = { via: "apiKey", credentialId: "0123456789abcdef" } as const
const asAnn = actingAs(() => ({ by, requestId: "r-1", address: "203.0.113.7" }))

const start = Effect.gen(function* () {
  yield* addUsers
  const venue = yield* FakeVenue
  venue.mood = { type: "rest" }
  const orders = yield* Orders
  const rest = (n: number) => Effect.map(orders.place(ann, limit, key(n)), ({ order }) => order.id)
  return { orders, rest, venue }
})

const told = Effect.gen(function* () {
  const audit = yield* Audit
  assert.deepStrictEqual((yield* checkTrail(audit)).breaks, [])
  return (yield* audit.list(ann, { action: "orderCancelAsked", limit: 500 })).items.toReversed()
})

const brief = ({ by: { via }, detail, objectId }: AuditRecord) => [via, objectId, detail] as const

/** The disk has no place left for an entry. */
const breakTrail = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`CREATE TRIGGER no_place BEFORE INSERT ON audit WHEN NEW.action = 'orderCancelAsked'
    BEGIN SELECT RAISE(ABORT, 'no place'); END`
)

/** An order whose bytes have not left, and what lets them. */
const unsent = Effect.gen(function* () {
  const { orders, venue } = yield* start
  const released = yield* Deferred.make<void>()
  venue.mood = { type: "waitBefore", until: Deferred.await(released) }
  const placing = yield* Effect.fork(Effect.flip(orders.place(ann, limit, key(1))))
  yield* Deferred.await(venue.reached)
  const [waiting] = yield* (yield* OrdersRepo).list(ann, { limit: 1 }, null)
  return { id: waiting?.id ?? assert.fail("no order"), orders, placing, released, venue }
})

describe("The audit trail of cancels", () => {
  it.live("tells who asked for one, once, and nothing of an order that is over", () =>
    Effect.gen(function* () {
      const { orders, rest } = yield* start
      const id = yield* rest(1)
      yield* asAnn(orders.cancel(ann, id))
      yield* asAnn(orders.cancel(ann, id))
      const entries = yield* told
      assert.strictEqual(entries.length, 1)
      assert.deepInclude(entries[0], { objectId: id, by, requestId: "r-1", address: "203.0.113.7", result: "done" })
      assert.deepStrictEqual(entries[0]?.detail, { cause: "asked", symbol: "BTCUSDT", side: "buy" })
    }).pipe(Effect.provide(layer))
  )

  it.live("names in one entry all that are asked for at once, up to fifty, and counts them", () =>
    Effect.gen(function* () {
      const { orders, rest } = yield* start
      const ids = yield* Effect.forEach(
        Array.from({ length: 53 }, (_, n) => n),
        rest
      )
      yield* asAnn(orders.cancelAll(ann, {}))
      const [entry, ...others] = yield* told
      assert.deepStrictEqual([others.length, entry?.objectId, entry?.by], [0, null, by])
      assert.deepInclude(entry?.detail, { cause: "asked", count: "53" })
      const named = entry?.detail["orders"]?.split(",") ?? []
      assert.strictEqual(new Set(named).size, 50)
      assert.isTrue(named.every((name) => ids.some((id) => id === name)))
    }).pipe(Effect.provide(layer))
  )

  it.live("tells once of an order that a halt asks for again and again, and of another one who asks", () =>
    Effect.gen(function* () {
      const { orders, rest, venue } = yield* start
      const first = yield* rest(1)
      venue.isDown = true
      for (let n = 0; n < 5; n++) yield* orders.cancelAll(ann, {}, "halt")
      venue.isDown = false
      const second = yield* rest(2)
      venue.isDown = true
      yield* orders.cancelAll(ann, {}, "halt")
      yield* asAnn(Effect.ignore(orders.cancel(ann, first)))
      assert.deepStrictEqual((yield* told).map(brief), [
        ["service", first, { cause: "halt", symbol: "BTCUSDT", side: "buy" }],
        ["service", second, { cause: "halt", symbol: "BTCUSDT", side: "buy" }],
        ["apiKey", first, { cause: "asked", symbol: "BTCUSDT", side: "buy" }]
      ])
    }).pipe(Effect.provide(layer))
  )

  it.live("tells of a rule's cancels only when somebody stopped it, in the name of the rule", () =>
    Effect.gen(function* () {
      const { orders } = yield* start
      const order = yield* orders.placeForRule({ ...ruleOrder, wait: Duration.zero })
      yield* orders.cancelForRule(ann, order.id, "ruleDecided")
      const other = yield* orders.placeForRule({ ...ruleOrder, attempt: 1, wait: Duration.zero })
      yield* asAnn(orders.cancelForRule(ann, other.id, "ruleStopped"))
      const entries = yield* told
      assert.deepStrictEqual(
        entries.map(({ by: who, detail, objectId }) => [who, objectId, detail["cause"]]),
        [[{ via: "rule", credentialId: ruleOrder.ruleId }, other.id, "ruleStopped"]]
      )
    }).pipe(Effect.provide(layer))
  )

  it.live("has the entry of an order that was not sent in the transaction that withdraws it", () =>
    Effect.gen(function* () {
      const { id, orders, placing, released } = yield* unsent
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TRIGGER no_change BEFORE UPDATE ON orders BEGIN SELECT RAISE(ABORT, 'no place'); END`
      assert.isTrue(Exit.isFailure(yield* Effect.exit(orders.cancel(ann, id))))
      assert.deepStrictEqual(yield* told, [])
      yield* sql`DROP TRIGGER no_change`
      assert.strictEqual((yield* orders.cancel(ann, id)).status, "rejected")
      assert.deepStrictEqual(
        (yield* told).map(({ objectId }) => objectId),
        [id]
      )
      yield* Deferred.succeed(released, undefined)
      yield* Fiber.join(placing)
    }).pipe(Effect.provide(layer))
  )

  it.live("cancels what was not sent when the entry cannot be written", () =>
    Effect.gen(function* () {
      const { id, orders, placing, released, venue } = yield* unsent
      yield* breakTrail
      assert.strictEqual((yield* orders.cancel(ann, id)).status, "rejected")
      yield* Deferred.succeed(released, undefined)
      assert.strictEqual((yield* Fiber.join(placing))._tag, "CONFLICT")
      assert.deepStrictEqual([venue.posts.length, yield* told], [0, []])
    }).pipe(Effect.provide(layer))
  )

  it.live("cancels at the venue when the entry cannot be written", () =>
    Effect.gen(function* () {
      const { orders, rest, venue } = yield* start
      const sql = yield* SqlClient.SqlClient
      const first = yield* rest(1)
      yield* rest(2)
      yield* breakTrail
      assert.strictEqual((yield* orders.cancel(ann, first)).status, "cancelled")
      assert.deepStrictEqual(
        (yield* orders.cancelAll(ann, {})).items.map(({ status }) => status),
        ["cancelled"]
      )
      assert.deepStrictEqual(yield* told, [])
      // What was not told of is not taken for told.
      const third = yield* rest(3)
      venue.isDown = true
      yield* orders.cancelAll(ann, {})
      yield* sql`DROP TRIGGER no_place`
      yield* orders.cancelAll(ann, {})
      assert.deepStrictEqual(
        (yield* told).map(({ objectId }) => objectId),
        [third]
      )
    }).pipe(Effect.provide(layer))
  )

  it.effect("neither waits for the entry nor loses it when the cancel fails or nobody waits for its answer", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const written: Array<string | null> = []
      const audit = Layer.mock(Audit, {
        append: ({ objectId }) => Effect.map(Deferred.await(gate), () => void written.push(objectId))
      })
      const row = (n: number) => intentRow(OrderId.make(`ord_0000000000000000000000000${n}`), n)
      const { beside } = yield* Effect.provide(makeTellingCancels, audit)
      const asked: Array<string> = []
      const cancel = (name: string) => Effect.sync(() => void asked.push(name))
      const done = yield* Effect.fork(beside([row(1)], "asked")(cancel("done")))
      const failing = yield* Effect.fork(
        Effect.flip(beside([row(2)], "asked")(Effect.zipRight(cancel("failing"), Effect.fail("refused"))))
      )
      const leaving = yield* Effect.fork(beside([row(3)], "asked")(Effect.zipRight(cancel("leaving"), Effect.never)))
      yield* Effect.repeat(Effect.yieldNow(), { until: () => asked.length === 3 })
      const left = yield* Effect.fork(Fiber.interrupt(leaving))
      assert.deepStrictEqual([asked, written], [["done", "failing", "leaving"], []])
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(done)
      assert.strictEqual(yield* Fiber.join(failing), "refused")
      assert.isTrue(Exit.isInterrupted(yield* Fiber.join(left)))
      assert.deepStrictEqual(
        written.toSorted(),
        [row(1), row(2), row(3)].map(({ order_id: id }) => id)
      )
    })
  )
})
