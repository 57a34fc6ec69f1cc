import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Queue, Ref, Stream } from "effect"
import { Accounts } from "../../src/accounts/Accounts.ts"
import { CredentialVault } from "../../src/accounts/CredentialVault.ts"
import * as Decimal from "../../src/domain/Decimal.ts"
import { Symbols } from "../../src/market/Symbols.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import type { Credentials } from "../../src/mexc/Credentials.ts"
import { MexcStream } from "../../src/mexc/MexcStream.ts"
import type { UserEvent } from "../../src/mexc/stream/Events.ts"
import { Inquiry } from "../../src/orders/Inquiry.ts"
import { OrderChanges } from "../../src/orders/OrderChanges.ts"
import { OrdersRepo } from "../../src/orders/OrdersRepo.ts"
import { VenueAccounts } from "../../src/orders/reconcile/VenueAccounts.ts"
import { Reconciled } from "../../src/orders/reconcile/Reconciled.ts"
import { UserFeed } from "../../src/orders/UserFeed.ts"
import { Ledger } from "../../src/portfolio/Ledger.ts"
import { Wallets } from "../../src/portfolio/Wallets.ts"
import { Database } from "../../src/store/Database.ts"
import { Events } from "../../src/store/Events.ts"
import * as TestDatabase from "../kit/TestDatabase.ts"
import { FakeVenue } from "./kit/FakeVenue.ts"
import * as Fake from "./kit/FakeVenue.ts"
import { vault } from "./kit/layers.ts"
import { addUsers, ann, btcInfo, clientIdOf, d, fillOf, newIntent, told } from "./kit/orders.ts"

const setup = Effect.gen(function* () {
  yield* addUsers
  const events = yield* Queue.unbounded<UserEvent>()
  const connections = yield* Ref.make(0)
  const balances = yield* Ref.make<ReadonlyArray<string>>([])
  const stream = Layer.mock(MexcStream, {
    user: (_: Credentials) =>
      Stream.unwrap(
        Effect.as(
          Ref.update(connections, (n) => n + 1),
          Stream.fromQueue(events)
        )
      )
  })
  const wallets = Layer.mock(Wallets, {
    reread: () => Ref.update(balances, (all) => [...all, "read"]),
    record: (_, balance) => Ref.update(balances, (all) => [...all, `${balance.asset} ${Decimal.format(balance.free)}`]),
    setLive: () => Effect.void
  })
  const isBroken = yield* Ref.make(false)
  const accounts = Layer.mock(Accounts, {
    isReady: () => true,
    listActive: Effect.flatMap(isBroken, (broken) =>
      broken ? Effect.zipRight(Ref.set(isBroken, false), Effect.dieMessage("a bug")) : Effect.succeed([ann])
    )
  })
  const keys = Layer.effect(
    CredentialVault,
    Effect.map(CredentialVault, (all) => ({ ...all, changes: Stream.never }))
  ).pipe(Layer.provide(vault))
  const feed = UserFeed.layer.pipe(
    Layer.provide(Layer.mergeAll(Inquiry.layer, VenueAccounts.layer)),
    Layer.provideMerge(Reconciled.layer),
    Layer.provide(
      Layer.mergeAll(stream, wallets, accounts, keys, Layer.mock(Symbols, { get: () => Effect.succeed(btcInfo) }))
    )
  )
  return { events, connections, balances, isBroken, feed, repo: yield* OrdersRepo, venue: yield* FakeVenue }
})

const stored = OrdersRepo.layer.pipe(
  Layer.provideMerge(OrderChanges.layer),
  Layer.provide(Ledger.layer),
  Layer.provideMerge(Events.layer),
  Layer.provideMerge(Fake.layer),
  Layer.provideMerge(MarketClock.layer),
  Layer.provideMerge(TestDatabase.layer)
)

const openOrder = Effect.gen(function* () {
  const repo = yield* OrdersRepo
  const database = yield* Database
  const row = yield* newIntent(1, { sent_at: 1, status: "open", exchange_order_id: "C1" })
  yield* database.write(repo.insert(row))
  return row
})

const until = <A, E>(effect: Effect.Effect<A, E>, done: (a: A) => boolean) =>
  Effect.repeat(Effect.delay(effect, "5 millis"), { until: done }).pipe(Effect.timeout("3 seconds"))

describe("a user's feed", () => {
  it.live("joins orders and fills as they are pushed", () =>
    Effect.gen(function* () {
      const { events, feed, repo } = yield* setup
      const row = yield* openOrder
      yield* Effect.gen(function* () {
        yield* Queue.offerAll(events, [
          { type: "fill", fill: fillOf(1, "t1", "3", "10") },
          { type: "order", order: told(1, "filled", "3", "30") },
          { type: "fill", fill: fillOf(1, "t1", "3", "10") }
        ])
        yield* until(repo.find(ann, row.order_id), (found) => Option.getOrThrow(found).status === "filled")
        yield* until(Queue.size(events), (left) => left <= 0)
        assert.strictEqual((yield* repo.fillsOf(ann, row.order_id)).length, 1)
      }).pipe(Effect.provide(feed))
    }).pipe(Effect.provide(stored))
  )

  it.live("does not ask one by one about orders that are open as they were", () =>
    Effect.gen(function* () {
      const { events, feed, venue } = yield* setup
      yield* openOrder
      venue.orders.set(clientIdOf(1), told(1, "open", "0", "0"))
      yield* Effect.gen(function* () {
        const { isLive } = yield* UserFeed
        yield* Queue.offer(events, { type: "connected" })
        yield* until(isLive(ann), (live) => live)
        assert.deepEqual(
          venue.asked.filter((what) => what !== "uid"),
          ["openOrders"]
        )
      }).pipe(Effect.provide(feed))
    }).pipe(Effect.provide(stored))
  )

  it.live("leaves the venue to the reconciler until its user may trade, and unknown orders always", () =>
    Effect.gen(function* () {
      const { balances, events, feed, repo, venue } = yield* setup
      const database = yield* Database
      yield* database.write(Effect.flatMap(newIntent(1, { sent_at: 1, status: "unknown" }), repo.insert))
      yield* Effect.gen(function* () {
        const { isLive } = yield* UserFeed
        const reconciled = yield* Reconciled
        yield* reconciled.judged([ann])
        yield* Queue.offer(events, { type: "connected" })
        yield* until(Queue.size(events), (left) => left < 0)
        yield* Effect.repeatN(Effect.yieldNow(), 100)
        assert.deepStrictEqual([yield* Ref.get(balances), venue.asked], [[], []])
        yield* reconciled.done(ann)
        yield* until(isLive(ann), (live) => live)
        assert.deepStrictEqual(yield* Ref.get(balances), ["read"])
        assert.notInclude(venue.asked, "order")
      }).pipe(Effect.provide(feed))
    }).pipe(Effect.provide(stored))
  )

  it.live("catches up after every connection: balances, open orders, fills since the last known", () =>
    Effect.gen(function* () {
      const { balances, events, feed, repo, venue } = yield* setup
      const row = yield* openOrder
      yield* repo.recordFills(ann, [fillOf(1, "t1", "1", "10")], btcInfo)
      venue.orders.set(clientIdOf(1), told(1, "filled", "3", "30"))
      venue.fills.push(fillOf(1, "t1", "1", "10"), fillOf(1, "t2", "2", "10"))
      yield* Effect.gen(function* () {
        const { isLive } = yield* UserFeed
        assert.isFalse(yield* isLive(ann))
        yield* Queue.offer(events, { type: "connected" })
        yield* until(isLive(ann), (live) => live)
        assert.strictEqual(Option.getOrThrow(yield* repo.find(ann, row.order_id)).status, "filled")
        assert.strictEqual((yield* repo.fillsOf(ann, row.order_id)).length, 2)
        assert.deepEqual(yield* Ref.get(balances), ["read"])
        yield* Queue.offer(events, { type: "interrupted" })
        yield* until(isLive(ann), (live) => !live)
      }).pipe(Effect.provide(feed))
    }).pipe(Effect.provide(stored))
  )

  it.live("catches up although the venue no longer answers for a symbol", () =>
    Effect.gen(function* () {
      const { events, feed, repo, venue } = yield* setup
      yield* repo.recordFills(ann, [fillOf(1, "t1", "1", "10")], btcInfo)
      venue.refusesFills = true
      yield* Effect.gen(function* () {
        const { isLive } = yield* UserFeed
        yield* Queue.offer(events, { type: "connected" })
        yield* until(isLive(ann), (live) => live)
      }).pipe(Effect.provide(feed))
    }).pipe(Effect.provide(stored))
  )

  it.live("puts a fill of nobody's order into the manual book, and passes balances on", () =>
    Effect.gen(function* () {
      const { balances, events, feed, repo } = yield* setup
      yield* Effect.gen(function* () {
        yield* Queue.offerAll(events, [
          { type: "fill", fill: fillOf(9, "x1", "1", "10") },
          { type: "balance", balance: { asset: "USDT", free: d("5"), locked: d("0") }, at: 3 }
        ])
        yield* until(Ref.get(balances), (all) => all.includes("USDT 5"))
        assert.strictEqual((yield* repo.lastFills(ann)).length, 1)
      }).pipe(Effect.provide(feed))
    }).pipe(Effect.provide(stored))
  )

  it.live("is opened also after a fault of our own", () =>
    Effect.gen(function* () {
      const { connections, feed, isBroken } = yield* setup
      yield* Ref.set(isBroken, true)
      yield* until(Ref.get(connections), (made) => made === 1).pipe(Effect.provide(feed))
    }).pipe(Effect.provide(stored))
  )

  it.live("is opened once per active user", () =>
    Effect.gen(function* () {
      const { connections, events, feed, balances } = yield* setup
      yield* Effect.gen(function* () {
        yield* Queue.offer(events, { type: "balance", balance: { asset: "A", free: d("1"), locked: d("0") }, at: 3 })
        yield* until(Ref.get(balances), (all) => all.length === 1)
        yield* Effect.sleep("1200 millis")
        assert.strictEqual(yield* Ref.get(connections), 1)
      }).pipe(Effect.provide(feed))
    }).pipe(Effect.provide(stored))
  )
})
