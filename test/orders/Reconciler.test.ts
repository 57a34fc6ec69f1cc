import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Redacted, TestClock } from "effect"
import { fingerprintOf } from "../../src/accounts/secrets/fingerprintOf.ts"
import { CredentialVault } from "../../src/accounts/CredentialVault.ts"
import { CredentialsMissing } from "../../src/api/Errors.ts"
import { Inquiry } from "../../src/orders/Inquiry.ts"
import { OrderChanges } from "../../src/orders/OrderChanges.ts"
import { OrdersRepo } from "../../src/orders/OrdersRepo.ts"
import { Reconciled } from "../../src/orders/reconcile/Reconciled.ts"
import { VenueAccounts } from "../../src/orders/reconcile/VenueAccounts.ts"
import { Reconciler } from "../../src/orders/Reconciler.ts"
import type { OrderRow } from "../../src/orders/record/OrderRow.ts"
import { Submission } from "../../src/orders/Submission.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { Ledger } from "../../src/portfolio/Ledger.ts"
import { Wallets } from "../../src/portfolio/Wallets.ts"
import { Database } from "../../src/store/Database.ts"
import { Events } from "../../src/store/Events.ts"
import * as TestDatabase from "../kit/TestDatabase.ts"
import { FakeVenue } from "./kit/FakeVenue.ts"
import * as Fake from "./kit/FakeVenue.ts"
import { listed, unlimited, vault } from "./kit/layers.ts"
import { addUsers, ann, bob, clientIdOf, d, fillOf, newIntent, pair, told } from "./kit/orders.ts"

const stored = OrdersRepo.layer.pipe(
  Layer.provideMerge(OrderChanges.layer),
  Layer.provideMerge(unlimited),
  Layer.provide(Ledger.layer),
  Layer.provideMerge(Events.layer),
  Layer.provideMerge(Fake.layer),
  Layer.provide(MarketClock.layer),
  Layer.provideMerge(TestDatabase.layer)
)

/** Money that moved without an explanation. */
const unexplained = { assets: new Array<string>() }

const money = Layer.mergeAll(
  Layer.mock(Ledger, {
    unexplainedSince: (_, assets) => Effect.sync(() => assets.some((asset) => unexplained.assets.includes(asset)))
  }),
  Layer.mock(Wallets, { reread: () => Effect.void })
)
const around = Layer.mergeAll(Reconciled.layer, VenueAccounts.layer, money).pipe(Layer.provideMerge(listed))

/** The start of a service over what an earlier one left behind. */
const startedWith = (keys: Layer.Layer<CredentialVault>) =>
  Reconciler.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(Inquiry.layer, Submission.layer)),
    Layer.provideMerge(around),
    Layer.provide(keys)
  )
const started = startedWith(vault)

const leaveBehind = Effect.fnUntraced(function* (n: number, over: Partial<OrderRow> = {}) {
  const repo = yield* OrdersRepo
  const database = yield* Database
  const row = yield* newIntent(n, over)
  yield* database.write(repo.insert(row))
  return row
})

const after = (row: OrderRow) =>
  Effect.gen(function* () {
    const repo = yield* OrdersRepo
    return Option.getOrThrow(yield* repo.find(row.user_id, row.order_id))
  })

/** Whatever works in the database has reached its next wait. */
const reached = Effect.flatMap(Database, (database) => Effect.repeatN(database.write(Effect.void), 20))

const ready = Effect.flatMap(Reconciler, (reconciler) => reconciler.ready)
const reconcile = Effect.flatMap(Reconciler, (reconciler) => reconciler.reconcile)

/** The lists are read once their user may trade. */
const readyAndSearched = Effect.zipRight(ready, reconcile)

describe("the start after a crash", () => {
  it.effect("rejects an intent that was never sent, without asking", () =>
    Effect.gen(function* () {
      yield* addUsers
      const row = yield* leaveBehind(1)
      yield* Effect.provide(ready, started)
      const order = yield* after(row)
      assert.strictEqual(order.status, "rejected")
      assert.strictEqual(order.reject_reason?.code, "NOT_PLACED")
      const venue = yield* FakeVenue
      assert.deepEqual(venue.asked, [])
      assert.strictEqual(venue.posts.length, 0)
    }).pipe(Effect.provide(stored))
  )

  it.effect("finds a sent order at the venue with its fills, and never sends it again", () =>
    Effect.gen(function* () {
      yield* addUsers
      const row = yield* leaveBehind(1, { sent_at: 1 })
      const venue = yield* FakeVenue
      venue.orders.set(clientIdOf(1), told(1, "filled", "3", "30"))
      venue.fills.push(fillOf(1, "t1", "1", "10"), fillOf(1, "t2", "2", "10"))
      yield* Effect.provide(ready, started)
      const order = yield* after(row)
      assert.strictEqual(order.status, "filled")
      assert.isTrue(order.explained)
      assert.strictEqual(venue.posts.length, 0)
    }).pipe(Effect.provide(stored))
  )

  it.effect("calls a sent order unknown while the venue does not answer, and does not wait for it", () =>
    Effect.gen(function* () {
      yield* addUsers
      const row = yield* leaveBehind(1, { sent_at: 1 })
      const venue = yield* FakeVenue
      venue.isDown = true
      yield* Effect.provide(ready, started)
      assert.strictEqual((yield* after(row)).status, "unknown")
    }).pipe(Effect.provide(stored))
  )

  it.effect("lets a user trade before it reads the lists in which an unknown order may be", () =>
    Effect.gen(function* () {
      yield* addUsers
      yield* leaveBehind(1, unknown)
      const venue = yield* FakeVenue
      yield* Effect.gen(function* () {
        yield* ready
        yield* Effect.flatMap(Reconciled, (reconciled) => reconciled.assert(ann))
        assert.deepStrictEqual(venue.asked, ["order"])
        yield* reconcile
        assert.deepStrictEqual(venue.asked, ["order", "order", "openOrders", "allOrders", "fills"])
      }).pipe(Effect.provide(started))
    }).pipe(Effect.provide(stored))
  )

  it.effect("reads the fills of all orders of a pair that ended meanwhile in one question", () =>
    Effect.gen(function* () {
      yield* addUsers
      const venue = yield* FakeVenue
      const rows = yield* Effect.forEach([1, 2, 3], (n) => leaveBehind(n, { sent_at: 1 }))
      for (const n of [1, 2, 3]) {
        venue.orders.set(clientIdOf(n), told(n, "filled", "3", "30"))
        venue.fills.push(fillOf(n, `t${n}`, "3", "10"))
      }
      yield* Effect.provide(ready, started)
      assert.deepStrictEqual(venue.asked, ["order", "order", "order", "fills"])
      for (const row of rows) {
        const order = yield* after(row)
        assert.deepStrictEqual([order.status, order.explained], ["filled", true])
      }
    }).pipe(Effect.provide(stored))
  )

  it.effect("asks less and less often for fills that the venue does not show yet", () =>
    Effect.gen(function* () {
      yield* addUsers
      const venue = yield* FakeVenue
      const row = yield* leaveBehind(1, { sent_at: 1 })
      venue.orders.set(clientIdOf(1), told(1, "filled", "3", "30"))
      yield* Effect.gen(function* () {
        yield* ready
        for (let second = 0; second < 60; second++) yield* Effect.zipRight(TestClock.adjust("1 second"), reconcile)
        const fills = venue.asked.filter((what) => what === "fills").length
        assert.isAtLeast(fills, 4)
        assert.isAtMost(fills, 7)
        venue.fills.push(fillOf(1, "t1", "3", "10"))
        for (let second = 0; second < 31; second++) yield* Effect.zipRight(TestClock.adjust("1 second"), reconcile)
        assert.isTrue((yield* after(row)).explained)
      }).pipe(Effect.provide(started))
    }).pipe(Effect.provide(stored))
  )

  it.effect("does not let one user's missing key keep another's orders from being asked about", () =>
    Effect.gen(function* () {
      yield* addUsers
      const anns = yield* leaveBehind(1, { sent_at: 1 })
      const bobs = yield* leaveBehind(2, { sent_at: 1, user_id: bob })
      const venue = yield* FakeVenue
      venue.orders.set(clientIdOf(2), told(2, "cancelled", "0", "0"))
      const lacking = Layer.effect(
        CredentialVault,
        Effect.map(CredentialVault, (all) => ({
          ...all,
          get: (userId: typeof ann) =>
            userId === ann ? Effect.fail(new CredentialsMissing({ message: "no key" })) : all.get(userId)
        }))
      ).pipe(Layer.provide(vault))
      yield* Effect.provide(ready, startedWith(lacking))
      assert.strictEqual((yield* after(anns)).status, "unknown")
      assert.strictEqual((yield* after(bobs)).status, "cancelled")
    }).pipe(Effect.provide(stored))
  )
})

const unknown = { sent_at: 1, status: "unknown", unknown_since: 1, unknown_since_wall: -595_000 } as const

describe("an order about which the venue answers what nobody can read", () => {
  it.effect("does not keep the others from being asked about, nor its user from trading", () =>
    Effect.gen(function* () {
      yield* addUsers
      const first = yield* leaveBehind(1, { sent_at: 1 })
      const second = yield* leaveBehind(2, { sent_at: 1 })
      const venue = yield* FakeVenue
      venue.orders.set(clientIdOf(2), told(2, "open", "0", "0"))
      venue.unreadable = clientIdOf(1)
      yield* Effect.gen(function* () {
        yield* ready
        yield* reconcile
        assert.strictEqual((yield* after(first)).status, "unknown")
        assert.strictEqual((yield* after(second)).status, "open")
        yield* (yield* Reconciled).assert(ann)
      }).pipe(Effect.provide(started))
    }).pipe(Effect.provide(stored))
  )
})

describe("very many unknown orders", () => {
  it.effect("leave the venue's budget to others: they take turns, and share the lists of their pair", () =>
    Effect.gen(function* () {
      yield* addUsers
      const orders = 30
      for (let n = 1; n <= orders; n++) yield* leaveBehind(n, { ...unknown, unknown_since_wall: 0 })
      const venue = yield* FakeVenue
      yield* Effect.gen(function* () {
        yield* ready
        assert.strictEqual(venue.asked.filter((what) => what === "order").length, orders)
        yield* TestClock.adjust("10 seconds")
        venue.asked.length = 0
        for (let second = 0; second < 60; second++) {
          yield* TestClock.adjust("1 second")
          yield* reconcile
        }
        const times = (what: string) => venue.asked.filter((one) => one === what).length
        assert.isAtMost(times("order"), 5 * orders)
        assert.isAtLeast(times("order"), 3 * orders)
        assert.isAtMost(times("allOrders"), 8)
        assert.isAtLeast(times("allOrders"), 3)
        const weight = 2 * times("order") + 3 * times("openOrders") + 10 * (times("allOrders") + times("fills"))
        assert.isAtMost(weight / 60, 10)
      }).pipe(Effect.provide(started))
    }).pipe(Effect.provide(stored))
  )
})

describe("an unknown order", () => {
  it.effect("is found in the lists when the question by its id finds nothing", () =>
    Effect.gen(function* () {
      yield* addUsers
      const row = yield* leaveBehind(1, unknown)
      const venue = yield* FakeVenue
      venue.orders.set("elsewhere", told(1, "filled", "3", "30"))
      yield* Effect.provide(readyAndSearched, started)
      assert.strictEqual((yield* after(row)).status, "filled")
    }).pipe(Effect.provide(stored))
  )

  it.effect("stays unknown for ten minutes of absence, then counts as never placed until a fill says otherwise", () =>
    Effect.gen(function* () {
      yield* addUsers
      const row = yield* leaveBehind(1, unknown)
      const venue = yield* FakeVenue
      yield* Effect.gen(function* () {
        yield* readyAndSearched
        yield* TestClock.setTime(4_999)
        yield* reconcile
        assert.strictEqual((yield* after(row)).status, "unknown")
        venue.isDown = true
        yield* TestClock.setTime(5_000)
        yield* reconcile
        assert.strictEqual((yield* after(row)).status, "unknown")
        venue.isDown = false
        yield* reconcile
        const gone = yield* after(row)
        assert.strictEqual(gone.status, "rejected")
        assert.strictEqual(gone.reject_reason?.code, "NOT_PLACED")
        const repo = yield* OrdersRepo
        yield* repo.tell(ann, told(1, "partiallyFilled", "1", "10"))
        assert.strictEqual((yield* after(row)).status, "partiallyFilled")
        assert.strictEqual(venue.posts.length, 0)
      }).pipe(Effect.provide(started))
    }).pipe(Effect.provide(stored))
  )
})

/** What ann was told since the start, by type. */
const toldAnn = Effect.flatMap(Events, (events) =>
  Effect.map(events.since(ann, 0, 100), (slice) => slice.events.map(({ type }) => type))
)

describe("an order nobody can tell of", () => {
  it.effect("stays unknown while a balance of its pair moved without an explanation, and its owner is told once", () =>
    Effect.gen(function* () {
      yield* addUsers
      const row = yield* leaveBehind(1, unknown)
      yield* Effect.gen(function* () {
        yield* ready
        unexplained.assets = ["BTC"]
        yield* TestClock.setTime(5_000)
        yield* reconcile
        yield* reconcile
        assert.strictEqual((yield* after(row)).status, "unknown")
        const notices = (yield* toldAnn).filter((type) => type === "notice.orderUnknown")
        assert.deepEqual(notices, ["notice.orderUnknown"])
        unexplained.assets = []
        yield* TestClock.setTime(20_000)
        yield* reconcile
        assert.strictEqual((yield* after(row)).status, "rejected")
      }).pipe(Effect.ensuring(Effect.sync(() => void (unexplained.assets = []))), Effect.provide(started))
    }).pipe(Effect.provide(stored))
  )

  it.effect("is told of after ten minutes of a silent venue, not before", () =>
    Effect.gen(function* () {
      yield* addUsers
      yield* leaveBehind(1, unknown)
      const venue = yield* FakeVenue
      venue.isDown = true
      yield* Effect.gen(function* () {
        yield* ready
        yield* TestClock.setTime(4_999)
        yield* reconcile
        assert.notInclude(yield* toldAnn, "notice.orderUnknown")
        yield* TestClock.setTime(5_000)
        yield* reconcile
        assert.include(yield* toldAnn, "notice.orderUnknown")
      }).pipe(Effect.provide(started))
    }).pipe(Effect.provide(stored))
  )

  it.effect("is not looked for at another account, and is left to its owner", () =>
    Effect.gen(function* () {
      yield* addUsers
      const row = yield* leaveBehind(1, { ...unknown, credential: fingerprintOf("mx0before") })
      const venue = yield* FakeVenue
      venue.accounts.set("mx0before", "first account").set("mx0test", "second account")
      yield* Effect.gen(function* () {
        const accounts = yield* VenueAccounts
        yield* accounts.learn({ userId: ann, accessKey: "mx0before", secretKey: Redacted.make("s") })
        yield* ready
        yield* TestClock.setTime(700_000)
        yield* reconcile
        assert.strictEqual((yield* after(row)).status, "unknown")
        assert.deepEqual([...new Set(venue.asked)], ["uid"])
        yield* Effect.flatMap(Reconciled, (reconciled) => reconciled.assert(ann))
        assert.include(yield* toldAnn, "notice.orderUnknown")
      }).pipe(Effect.provide(started))
    }).pipe(Effect.provide(stored))
  )

  it.effect("is found with another key of the same account, and its absence counts there", () =>
    Effect.gen(function* () {
      yield* addUsers
      const row = yield* leaveBehind(1, { ...unknown, credential: fingerprintOf("mx0before") })
      yield* Effect.gen(function* () {
        const accounts = yield* VenueAccounts
        yield* accounts.learn({ userId: ann, accessKey: "mx0before", secretKey: Redacted.make("s") })
        yield* readyAndSearched
        yield* TestClock.setTime(5_000)
        yield* reconcile
        assert.strictEqual((yield* after(row)).status, "rejected")
      }).pipe(Effect.provide(started))
    }).pipe(Effect.provide(stored))
  )

  it.effect("is not called absent by a key of which nobody knows the account", () =>
    Effect.gen(function* () {
      yield* addUsers
      const row = yield* leaveBehind(1, { ...unknown, credential: fingerprintOf("mx0forgotten") })
      const venue = yield* FakeVenue
      yield* Effect.gen(function* () {
        yield* ready
        yield* TestClock.setTime(5_000)
        yield* reconcile
        assert.strictEqual((yield* after(row)).status, "unknown")
        venue.orders.set(clientIdOf(1), told(1, "filled", "3", "30"))
        yield* reconcile
        assert.strictEqual((yield* after(row)).status, "filled")
      }).pipe(Effect.provide(started))
    }).pipe(Effect.provide(stored))
  )
})

describe("an unknown order at a venue that leaves out the names", () => {
  /** What became of it after ten minutes, its name known nowhere. */
  const tenMinutesOn = (row: OrderRow) =>
    Effect.gen(function* () {
      yield* readyAndSearched
      yield* TestClock.setTime(5_000)
      yield* reconcile
      return (yield* after(row)).status
    }).pipe(Effect.provide(started))
  const nameless = { clientOrderId: null }

  it.effect("stays unknown while a nameless order may be it, filled or open", () =>
    Effect.gen(function* () {
      yield* addUsers
      const row = yield* leaveBehind(1, unknown)
      const venue = yield* FakeVenue
      venue.orders.set("nameless", told(1, "filled", "3", "30", nameless))
      venue.fills.push(fillOf(1, "t1", "3", "10"))
      assert.strictEqual(yield* tenMinutesOn(row), "unknown")
      venue.fills.length = 0
      venue.orders.set("nameless", told(1, "open", "0", "0", nameless))
      assert.strictEqual(yield* tenMinutesOn(row), "unknown")
      assert.include(yield* toldAnn, "notice.orderUnknown")
      assert.strictEqual(venue.posts.length, 0)
    }).pipe(Effect.provide(stored))
  )

  it.effect("stays unknown while there are fills of which nobody knows the order", () =>
    Effect.gen(function* () {
      yield* addUsers
      const row = yield* leaveBehind(1, unknown)
      const venue = yield* FakeVenue
      venue.fills.push(fillOf(1, "t1", "3", "10"))
      assert.strictEqual(yield* tenMinutesOn(row), "unknown")
    }).pipe(Effect.provide(stored))
  )

  it.effect("is not held up by what is proven to be another: a known order, another price, another side", () =>
    Effect.gen(function* () {
      yield* addUsers
      const row = yield* leaveBehind(1, unknown)
      yield* leaveBehind(2, { sent_at: 1, status: "filled", exchange_order_id: "C2" })
      const venue = yield* FakeVenue
      venue.orders
        .set("known", told(2, "filled", "3", "30", nameless))
        .set("dearer", told(3, "filled", "3", "33", { ...nameless, price: d("11") }))
        .set("smaller", told(4, "filled", "1", "10", { ...nameless, quantity: d("1") }))
        .set("sale", told(5, "filled", "3", "30", { ...nameless, side: "sell" }))
        .set("at market", told(6, "filled", "3", "30", { ...nameless, type: "market" }))
      venue.fills.push(fillOf(2, "t2", "3", "10"), fillOf(3, "t3", "3", "11"), fillOf(4, "t4", "1", "10"))
      assert.strictEqual(yield* tenMinutesOn(row), "rejected")
    }).pipe(Effect.provide(stored))
  )

  it.effect("lets an order that cannot be it be kept as made elsewhere at once", () =>
    Effect.gen(function* () {
      yield* addUsers
      yield* leaveBehind(1, unknown)
      const repo = yield* OrdersRepo
      const other = told(4, "open", "0", "0", { ...nameless, quantity: d("1") })
      assert.strictEqual((yield* repo.adopt(ann, other, pair)).type, "kept")
      assert.strictEqual((yield* repo.adopt(ann, told(1, "open", "0", "0", nameless), pair)).type, "perhapsOurs")
    }).pipe(Effect.provide(stored))
  )
})

describe("an order made elsewhere that looks like one of ours which counts as never placed", () => {
  it.effect("is kept as external when ours is not found by its name again", () =>
    Effect.gen(function* () {
      yield* addUsers
      const row = yield* leaveBehind(1, { sent_at: 1, status: "rejected" })
      const venue = yield* FakeVenue
      const other = told(9, "filled", "3", "30", { clientOrderId: null })
      const listed = yield* Effect.gen(function* () {
        const inquiry = yield* Inquiry
        const credentials = yield* (yield* CredentialVault).get(ann)
        yield* inquiry.hear(other, credentials)
        return (yield* (yield* OrdersRepo).list(ann, { limit: 10 }, null)).map(({ origin, status }) => [
          origin.type,
          status
        ])
      }).pipe(Effect.provide(Layer.provideMerge(startedWith(vault), vault)))
      assert.deepStrictEqual(listed.toSorted(), [
        ["external", "filled"],
        ["manual", "rejected"]
      ])
      assert.deepStrictEqual(venue.asked, ["order"])
      assert.strictEqual((yield* after(row)).status, "rejected")
    }).pipe(Effect.provide(stored))
  )
})

describe("a user whose orders could not be asked about at the start", () => {
  it.effect("may not trade until they were, while others may", () =>
    Effect.gen(function* () {
      yield* addUsers
      yield* leaveBehind(1, { sent_at: 1, status: "open", exchange_order_id: "C1" })
      const venue = yield* FakeVenue
      venue.orders.set(clientIdOf(1), told(1, "open", "0", "0"))
      venue.isDown = true
      yield* Effect.gen(function* () {
        yield* ready
        const reconciled = yield* Reconciled
        const refused = yield* Effect.flip(reconciled.assert(ann))
        assert.deepEqual([refused._tag, refused.retryable], ["NOT_READY", true])
        yield* reconciled.assert(bob)
        yield* reconciled.whenDone(bob)
        const waiting = yield* Effect.fork(reconciled.whenDone(ann))
        venue.isDown = false
        yield* reconcile
        yield* reconciled.assert(ann)
        yield* Fiber.join(waiting)
      }).pipe(Effect.provide(started))
    }).pipe(Effect.provide(stored))
  )
  /** Second by second, so that what happens in between is done by then. */
  const seconds = (count: number) => Effect.repeatN(Effect.zipRight(TestClock.adjust("1 second"), reached), count - 1)

  it.effect("may trade once all of them were asked about, however long all of them take", () =>
    Effect.gen(function* () {
      yield* addUsers
      yield* Effect.forEach([1, 2, 3, 4], (n) => leaveBehind(n, { sent_at: 1 }))
      const venue = yield* FakeVenue
      venue.pace = () => Effect.sleep("6 seconds")
      yield* Effect.gen(function* () {
        const reconciled = yield* Reconciled
        const trading = yield* Effect.fork(reconciled.whenDone(ann))
        yield* seconds(40)
        assert.isTrue(Option.isSome(yield* Fiber.poll(trading)))
      }).pipe(Effect.provide(started))
    }).pipe(Effect.provide(stored))
  )

  it.effect("may trade once each was asked about, though some questions of every round are lost", () =>
    Effect.gen(function* () {
      yield* addUsers
      yield* Effect.forEach([1, 2, 3, 4], (n) => leaveBehind(n, { sent_at: 1 }))
      const venue = yield* FakeVenue
      let asked = 0
      venue.pace = () => Effect.suspend(() => (++asked % 3 === 0 ? Effect.never : Effect.void))
      yield* Effect.gen(function* () {
        const reconciled = yield* Reconciled
        const trading = yield* Effect.fork(reconciled.whenDone(ann))
        yield* seconds(40)
        assert.isTrue(Option.isSome(yield* Fiber.poll(trading)))
      }).pipe(Effect.provide(started))
    }).pipe(Effect.provide(stored))
  )

  it.effect("may trade once they are over, though the stream told it and nobody was asked", () =>
    Effect.gen(function* () {
      yield* addUsers
      yield* leaveBehind(1, { sent_at: 1, status: "open", exchange_order_id: "C1" })
      const venue = yield* FakeVenue
      const repo = yield* OrdersRepo
      venue.isDown = true
      yield* Effect.gen(function* () {
        yield* ready
        yield* repo.tell(ann, told(1, "cancelled", "0", "0"))
        yield* reconcile
        yield* Effect.flatMap(Reconciled, (reconciled) => reconciled.assert(ann))
      }).pipe(Effect.provide(started))
    }).pipe(Effect.provide(stored))
  )

  it.effect("does not hold up the questions for others", () =>
    Effect.gen(function* () {
      yield* addUsers
      yield* leaveBehind(1, { sent_at: 1 })
      yield* leaveBehind(2, { sent_at: 1, user_id: bob })
      const venue = yield* FakeVenue
      const asked = { ann: 0, bob: 0 }
      venue.pace = (userId) =>
        Effect.suspend(() => {
          asked[userId === ann ? "ann" : "bob"] += 1
          return userId === ann ? Effect.never : Effect.void
        })
      yield* Effect.gen(function* () {
        yield* seconds(21)
        assert.isAtLeast(asked.bob, 5)
      }).pipe(Effect.provide(started))
    }).pipe(Effect.provide(stored))
  )
})

describe("an order made elsewhere", () => {
  const foreign = told(7, "open", "0", "0", { clientOrderId: null })

  it.effect("is kept with its fills in the manual book, asked about by the venue's id, and never ours to cancel", () =>
    Effect.gen(function* () {
      yield* addUsers
      yield* leaveBehind(1, { sent_at: 1, status: "open", exchange_order_id: "C1" })
      const venue = yield* FakeVenue
      const repo = yield* OrdersRepo
      venue.orders.set(clientIdOf(1), told(1, "open", "0", "0")).set("web", foreign)
      yield* repo.recordFills(ann, [fillOf(7, "t7", "1", "10")], pair)
      yield* Effect.gen(function* () {
        yield* ready
        const [kept] = (yield* repo.list(ann, { limit: 9 }, null)).filter(({ origin }) => origin.type === "external")
        assert.deepEqual([kept?.status, kept?.book, kept?.exchangeOrderId], ["partiallyFilled", "manual", "C7"])
        if (kept === undefined) return
        assert.strictEqual((yield* repo.fillsOf(ann, kept.id)).length, 1)
        assert.deepEqual(
          (yield* repo.cancellable(ann, {})).map((row) => row.client_order_id),
          [clientIdOf(1)]
        )
        venue.orders.set("web", { ...foreign, status: "cancelled", at: 9 })
        yield* reconcile
        const ended = yield* repo.find(ann, kept.id)
        assert.strictEqual(Option.getOrThrow(ended).status, "partiallyCancelled")
      }).pipe(Effect.provide(started))
    }).pipe(Effect.provide(stored))
  )

  it.effect("is not taken for one while it may be ours: a nameless order is first asked for by the name we gave", () =>
    Effect.gen(function* () {
      yield* addUsers
      const row = yield* leaveBehind(1, { ...unknown, unknown_since_wall: 0 })
      const venue = yield* FakeVenue
      const repo = yield* OrdersRepo
      venue.orders.set("nameless in the list", { ...foreign, exchangeOrderId: "C1" })
      yield* Effect.gen(function* () {
        const inquiry = yield* Inquiry
        yield* ready
        const keys = { userId: ann, accessKey: "mx0test", secretKey: Redacted.make("s") }
        yield* inquiry.sweep(keys)
        assert.strictEqual((yield* repo.list(ann, { limit: 9 }, null)).length, 1)
        venue.orders.set(clientIdOf(1), { ...foreign, exchangeOrderId: "C1" })
        yield* inquiry.sweep(keys)
        assert.strictEqual((yield* after(row)).status, "open")
        assert.strictEqual((yield* repo.list(ann, { limit: 9 }, null)).length, 1)
      }).pipe(Effect.provide(started))
    }).pipe(Effect.provide(stored))
  )

  it.effect("turns into ours when its name proves it, with its fills", () =>
    Effect.gen(function* () {
      yield* addUsers
      const repo = yield* OrdersRepo
      const row = yield* leaveBehind(1, { book: "rule:rule_01hzy3v7k2m4n6p8q0r2s4t6w8" })
      yield* repo.adopt(ann, told(1, "partiallyFilled", "1", "10", { clientOrderId: null }), pair)
      yield* repo.recordFills(ann, [fillOf(1, "t1", "1", "10")], pair)
      yield* repo.accept(ann, row.order_id, "C1", 1)
      assert.deepEqual(
        (yield* repo.list(ann, { limit: 9 }, null)).map(({ id }) => id),
        [row.order_id]
      )
      assert.strictEqual((yield* repo.fillsOf(ann, row.order_id)).length, 1)
      assert.strictEqual((yield* after(row)).status, "partiallyFilled")
    }).pipe(Effect.provide(stored))
  )
})

describe("a list of which not every row can be read", () => {
  it.effect("proves no absence: the order stays unknown until the list is whole again", () =>
    Effect.gen(function* () {
      yield* addUsers
      const row = yield* leaveBehind(1, unknown)
      const venue = yield* FakeVenue
      yield* Effect.gen(function* () {
        yield* ready
        venue.isOdd = true
        yield* TestClock.setTime(5_000)
        yield* reconcile
        assert.strictEqual((yield* after(row)).status, "unknown")
        venue.isOdd = false
        yield* TestClock.setTime(20_000)
        yield* reconcile
        assert.strictEqual((yield* after(row)).status, "rejected")
        assert.strictEqual(venue.posts.length, 0)
      }).pipe(Effect.provide(started))
    }).pipe(Effect.provide(stored))
  )
})

describe("while the service runs", () => {
  it.effect("an order under a status nobody knows is neither over nor gone", () =>
    Effect.gen(function* () {
      yield* addUsers
      const open = yield* leaveBehind(1, { sent_at: 1, status: "open", exchange_order_id: "C1" })
      const venue = yield* FakeVenue
      venue.orders.set(clientIdOf(1), told(1, "unrecognised", "1", "10"))
      yield* Effect.provide(ready, started)
      assert.strictEqual((yield* after(open)).status, "partiallyFilled")
    }).pipe(Effect.provide(stored))
  )

  it.effect("open orders are asked about together, and what is no longer open by its id", () =>
    Effect.gen(function* () {
      yield* addUsers
      const open = yield* leaveBehind(1, { sent_at: 1, status: "open", exchange_order_id: "C1" })
      const ended = yield* leaveBehind(2, { sent_at: 1, status: "open", exchange_order_id: "C2" })
      const venue = yield* FakeVenue
      venue.orders.set(clientIdOf(1), told(1, "open", "0", "0"))
      venue.orders.set(clientIdOf(2), told(2, "cancelled", "0", "0"))
      yield* Effect.provide(ready, started)
      assert.strictEqual((yield* after(open)).status, "open")
      assert.strictEqual((yield* after(ended)).status, "cancelled")
      assert.deepEqual(venue.asked, ["openOrders", "order"])
    }).pipe(Effect.provide(stored))
  )

  it.effect("an order that is being sent is left alone", () =>
    Effect.gen(function* () {
      yield* addUsers
      const row = yield* leaveBehind(1)
      yield* Effect.gen(function* () {
        const submission = yield* Submission
        const { reconcile } = yield* Reconciler
        yield* submission.holding(row.order_id, reconcile)
        assert.strictEqual((yield* after(row)).status, "pending")
        yield* reconcile
        assert.strictEqual((yield* after(row)).status, "rejected")
      }).pipe(Effect.provide(startedHeld(row)))
    }).pipe(Effect.provide(stored))
  )
})

/** Started while somebody already works on the order. */
const startedHeld = (row: OrderRow) =>
  Reconciler.layer.pipe(
    Layer.provideMerge(Inquiry.layer),
    Layer.provide(around),
    Layer.provideMerge(
      Layer.effect(
        Submission,
        Effect.map(Submission, (real) => {
          let first = true
          return {
            ...real,
            isHeld: (id: typeof row.order_id) => {
              if (!first) return real.isHeld(id)
              first = false
              return true
            }
          }
        })
      ).pipe(Layer.provide(Layer.provide(Submission.layer, listed)))
    ),
    Layer.provide(vault)
  )
