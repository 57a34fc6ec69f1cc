import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, TestClock } from "effect"
import { tmpdir } from "node:os"
import { Accounts } from "../../src/accounts/Accounts.ts"
import { Auth } from "../../src/accounts/Auth.ts"
import { DatabaseUnavailable } from "../../src/api/Errors.ts"
import { RuleSupervisor } from "../../src/autobuy/RuleSupervisor.ts"
import { Config, readSettings } from "../../src/Config.ts"
import { UserId } from "../../src/domain/Ids.ts"
import { OrderBooks } from "../../src/market/OrderBooks.ts"
import { Symbols } from "../../src/market/Symbols.ts"
import { TickerHub } from "../../src/market/TickerHub.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { ContractDrift } from "../../src/mexc/ContractDrift.ts"
import { MexcClient } from "../../src/mexc/MexcClient.ts"
import { MexcStream } from "../../src/mexc/MexcStream.ts"
import { RateBudget } from "../../src/mexc/RateBudget.ts"
import { VenueUnavailable } from "../../src/mexc/VenueFailure.ts"
import { MexcEndpoint } from "../../src/mexc/wire/Endpoint.ts"
import { ClerkComparison } from "../../src/service/ClerkComparison.ts"
import { Readiness } from "../../src/service/Readiness.ts"
import { Database } from "../../src/store/Database.ts"
import { Meta } from "../../src/store/Meta.ts"
import { Ownership } from "../../src/store/Ownership.ts"

/** The world around the service; each part can be made to fail while a test runs. */
const world: {
  databaseUp: boolean
  exchangeUp: boolean
  stale: number
  followed: number
  resyncing: number
  doubt: string | null
  owner: boolean
  signIn: boolean
} = {
  databaseUp: true,
  exchangeUp: true,
  stale: 0,
  followed: 2,
  resyncing: 0,
  doubt: null,
  owner: true,
  signIn: true
}

const ann = UserId.make("local_ann")
const level = (used: number, capacity: number) => ({ used, capacity })

const readiness = Readiness.layer({ version: "1.2.3" }).pipe(
  Layer.provideMerge(ContractDrift.layer),
  Layer.provide([
    Layer.effect(Config, readSettings({ DATA_DIR: tmpdir() })),
    Layer.mock(Ownership, { isOwner: Effect.sync(() => world.owner), fencingToken: 1 }),
    Layer.succeed(Meta, { venue: "paper", installId: "i", epoch: 1 }),
    MexcEndpoint.layer("http://127.0.0.1:3001", "ws://127.0.0.1:3001/ws"),
    Layer.mock(MarketClock, { now: Effect.succeed(1_000) }),
    Layer.mock(Database, { isUp: Effect.sync(() => world.databaseUp), problem: Effect.succeed(null), mode: "local" }),
    Layer.mock(Auth, { authenticateCached: () => undefined, isUsable: Effect.sync(() => world.signIn) }),
    Layer.mock(ClerkComparison, {
      health: Effect.succeed({
        status: "degraded" as const,
        detail: "Clerk refuses CLERK_SECRET_KEY with 401",
        comparedAt: null
      })
    }),
    Layer.mock(Accounts, { isReady: () => true, listActive: Effect.succeed([ann, UserId.make("local_bob")]) }),
    Layer.mock(MexcClient, {
      clockOffset: Effect.succeed(12),
      serverTime: Effect.suspend(() =>
        world.exchangeUp ? Effect.succeed(0) : new VenueUnavailable({ message: "no answer in 5 s" })
      )
    }),
    Layer.mock(MexcStream, {
      health: Effect.sync(() => ({ publicConnections: 1, subscriptions: 2, privateConnections: world.followed }))
    }),
    Layer.mock(TickerHub, {
      health: Effect.sync(() => ({ watched: 3, stale: world.stale, lastMessageAt: 900, age: null }))
    }),
    Layer.mock(OrderBooks, {
      health: Effect.sync(() => ({ followed: 3, resyncing: world.resyncing, resyncs: world.resyncing }))
    }),
    Layer.mock(Symbols, {
      health: Effect.sync(() => ({
        pairs: 9,
        tradable: 8,
        readAt: 500,
        changes: 1,
        lastChange: null,
        problem: world.doubt
      }))
    }),
    Layer.mock(RateBudget, {
      withPermits: () => (effect) => effect,
      state: (user) =>
        Effect.succeed({
          ip: { weight: level(26, 300), requests: level(1, 20) },
          user: user === ann ? { weight: level(10, 500), orders: level(2, 12) } : null,
          waiting: { order: 0, account: 1, market: 4 },
          pausedUntil: null
        })
    }),
    Layer.mock(RuleSupervisor, {
      status: Effect.succeed({ rules: { active: 2 }, fibers: 2, quarantined: 0, ticksPerSecond: 1.5 })
    })
  ])
)

/** The venue is asked every fifteen seconds. */
const nextProbe = TestClock.adjust("16 seconds")

const withWorld = <A, E>(change: Partial<typeof world>, test: Effect.Effect<A, E, Readiness | ContractDrift>) =>
  Effect.suspend(() => {
    Object.assign(
      world,
      {
        databaseUp: true,
        exchangeUp: true,
        stale: 0,
        followed: 2,
        resyncing: 0,
        doubt: null,
        owner: true,
        signIn: true
      },
      change
    )
    return Effect.provide(Effect.zipRight(nextProbe, test), readiness)
  })

describe("The status of the service", () => {
  it.effect("is up when everything answers", () =>
    withWorld(
      {},
      Effect.gen(function* () {
        const service = yield* Readiness
        const { marketTime, status, venue, version, exchangeHost } = yield* service.status
        assert.deepStrictEqual(
          [status, venue, version, exchangeHost, marketTime],
          ["up", "paper", "1.2.3", "127.0.0.1:3001", 1_000]
        )
        const parts = yield* service.dependencies
        assert.deepStrictEqual(
          [parts.database, parts.exchangeRest, parts.publicStreams, parts.privateStreams].map((part) => part.status),
          ["up", "up", "up", "up"]
        )
        assert.strictEqual(parts.clockSkewMs, 12)
        assert.isAbove(parts.disk.freeBytes ?? 0, 0)
      })
    )
  )

  it.effect("tells whether this instance trades or stands by", () =>
    withWorld(
      {},
      Effect.gen(function* () {
        const service = yield* Readiness
        assert.strictEqual((yield* service.status).role, "owner")
        world.owner = false
        assert.strictEqual((yield* service.status).role, "standby")
      })
    )
  )

  it.effect("is degraded, but ready, while people's tokens cannot be verified: keys still work", () =>
    withWorld(
      { signIn: false },
      Effect.gen(function* () {
        const service = yield* Readiness
        assert.strictEqual((yield* service.status).status, "degraded")
        assert.strictEqual(yield* service.ready, "degraded")
        const { clerkComparison, signIn } = yield* service.dependencies
        assert.strictEqual(clerkComparison.detail, "Clerk refuses CLERK_SECRET_KEY with 401")
        assert.deepStrictEqual(
          [signIn.status, signIn.detail],
          ["down", "Clerk's keys cannot be read; API keys still work"]
        )
      })
    )
  )

  it.effect("is degraded, but ready, when the exchange is away: its owner needs it then", () =>
    withWorld(
      { exchangeUp: false },
      Effect.gen(function* () {
        const service = yield* Readiness
        assert.strictEqual((yield* service.status).status, "degraded")
        assert.strictEqual(yield* service.ready, "degraded")
        const { exchangeRest } = yield* service.dependencies
        assert.deepStrictEqual([exchangeRest.status, exchangeRest.detail], ["down", "no answer in 5 s"])
        world.exchangeUp = true
        yield* nextProbe
        assert.strictEqual(yield* service.ready, "up")
      })
    )
  )

  it.effect("is not ready without its database", () =>
    withWorld(
      { databaseUp: false },
      Effect.gen(function* () {
        const service = yield* Readiness
        assert.strictEqual((yield* service.status).status, "down")
        assert.instanceOf(yield* Effect.flip(service.ready), DatabaseUnavailable)
      })
    )
  )

  it.effect("tells how many symbols are stale and how many accounts are not followed", () =>
    withWorld(
      { stale: 1, followed: 0 },
      Effect.gen(function* () {
        const { privateStreams, publicStreams } = yield* Effect.flatMap(Readiness, (service) => service.dependencies)
        assert.deepStrictEqual(
          [publicStreams.status, publicStreams.detail],
          ["degraded", "1 of 3 watched symbols are stale"]
        )
        assert.deepStrictEqual([privateStreams.status, privateStreams.detail], ["down", "0 of 2 accounts are followed"])
      })
    )
  )

  it.effect("shows the venue's budgets: the shared ones and the caller's own, never another user's", () =>
    withWorld(
      {},
      Effect.gen(function* () {
        const service = yield* Readiness
        const names = (user: UserId) =>
          Effect.map(service.limits(user), ({ budgets }) => budgets.map(({ name, used }) => `${name} ${used}`))
        assert.deepStrictEqual(yield* names(ann), [
          "ipWeight 26",
          "ipRequests 1",
          "accountWeight 10",
          "accountOrders 2"
        ])
        assert.deepStrictEqual(yield* names(UserId.make("local_bob")), ["ipWeight 26", "ipRequests 1"])
      })
    )
  )

  it.effect(
    "tells of lost order books, of a list of pairs that is not believed, and of what the venue never said before",
    () =>
      withWorld(
        { resyncing: 1, doubt: "the venue's list lost 9 of 10 tradable pairs at once; the last good list stays" },
        Effect.gen(function* () {
          const service = yield* Readiness
          const before = yield* service.dependencies
          assert.deepStrictEqual(before.orderBooks, {
            status: "degraded",
            detail: "1 of 3 followed books are read anew",
            followed: 3,
            resyncing: 1,
            resyncs: 1
          })
          assert.deepStrictEqual([before.symbols.status, before.symbols.pairs], ["degraded", 9])
          assert.include(before.symbols.detail ?? "", "9 of 10")
          assert.strictEqual(before.venueContract.status, "up")
          yield* Effect.flatMap(ContractDrift, ({ note }) => note("orderStatus", "GET /order: ON_HOLD"))
          const { venueContract } = yield* service.dependencies
          assert.deepStrictEqual([venueContract.status, venueContract.drift["orderStatus"]], ["degraded", 1])
          assert.include(venueContract.detail ?? "", "ON_HOLD")
        })
      )
  )
})
