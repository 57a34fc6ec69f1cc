import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import {
  Chunk,
  Clock,
  type Duration,
  Effect,
  Either,
  Layer,
  Logger,
  Option,
  Redacted,
  type Scope,
  TestClock,
  TestServices
} from "effect"
import { ApiKeysRepo } from "../../src/accounts/ApiKeysRepo.ts"
import { ClerkKeys } from "../../src/accounts/clerk/ClerkKeys.ts"
import { rsaKeyOfPem } from "../../src/accounts/clerk/rsaKey.ts"
import { ClerkUsers } from "../../src/accounts/clerk/ClerkUsers.ts"
import { UsersRepo } from "../../src/accounts/UsersRepo.ts"
import { UserId } from "../../src/domain/Ids.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { Halts } from "../../src/orders/limits/Halts.ts"
import { ClerkComparison } from "../../src/service/ClerkComparison.ts"
import { UserStates } from "../../src/service/UserStates.ts"
import { Events } from "../../src/store/Events.ts"
import { Ownership } from "../../src/store/Ownership.ts"
import { jwkOf, keys, makeKeys, pem } from "../accounts/clerk/tokens.ts"
import { backendFailures, type ClerkState, localClerk } from "../kit/Clerk.ts"
import * as TestDatabase from "../kit/TestDatabase.ts"

const named = (name: string) => UserId.make(`user_${name}`)
const [ann, bob, cat, dan] = [named("ann"), named("bob"), named("cat"), named("dan")]
const published = jwkOf(keys.publicKey, "ins_1")
const other = jwkOf(makeKeys().publicKey, "ins_2")
const here = { banned: false, locked: false, updated_at: 1_000 }

const gaps = ({ at }: Asking) => at.slice(1).map((time, n) => time - (at[n] ?? 0))

/** What the comparison asks Clerk: when, and whether it waits for an answer now. */
interface Asking {
  readonly at: Array<number>
  open: number
  /** Happens before the answer is heard. */
  meanwhile: Effect.Effect<void>
}

const watched = (asking: Asking) =>
  Layer.effect(
    ClerkUsers,
    Effect.map(ClerkUsers, (clerk) => {
      const counted = <A, E>(ask: Effect.Effect<A, E>) =>
        Effect.acquireUseRelease(
          Effect.sync(() => (asking.open += 1)),
          () => ask,
          () => Effect.sync(() => (asking.open -= 1))
        )
      return {
        off: clerk.off,
        assertOurs: counted(clerk.assertOurs),
        find: (userId: UserId) =>
          Effect.zipRight(
            Effect.map(Clock.currentTimeMillis, (now) => asking.at.push(now)),
            counted(Effect.tap(clerk.find(userId), () => asking.meanwhile))
          )
      }
    })
  )

type World = ClerkComparison | UserStates | Halts | UsersRepo | ApiKeysRepo | SqlClient.SqlClient

const withClerk = <E>(
  begin: Partial<ClerkState>,
  test: (clerk: ClerkState, asking: Asking) => Effect.Effect<void, E, World | Scope.Scope>,
  more: { readonly secretKey?: string; readonly isOwner?: boolean; readonly lines?: Array<string> } = {}
) =>
  Effect.gen(function* () {
    const { issuer, state } = yield* localClerk
    Object.assign(state, { keys: [published], ...begin })
    const asking: Asking = { at: [], open: 0, meanwhile: Effect.void }
    const clerk = watched(asking).pipe(
      Layer.provide(ClerkUsers.layer({ url: issuer, secretKey: Redacted.make(more.secretKey ?? state.secretKey) })),
      Layer.provide([ClerkKeys.layerPinned(Either.getOrThrow(rsaKeyOfPem(pem))), NodeHttpClient.layerUndici])
    )
    const owner = Layer.mock(Ownership, { isOwner: Effect.succeed(more.isOwner ?? true), fencingToken: 1 })
    const app = ClerkComparison.layer.pipe(
      Layer.provide([clerk, owner]),
      Layer.provideMerge(UserStates.layer),
      Layer.provideMerge(Layer.mergeAll(Halts.layer, UsersRepo.layer, ApiKeysRepo.layer)),
      Layer.provide(Layer.provide(Events.layer, MarketClock.layer)),
      Layer.provideMerge(TestDatabase.layer)
    )
    yield* Effect.provide(test(state, asking), app)
  }).pipe(
    Effect.provide(
      Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ logLevel, message }) => void more.lines?.push(`${logLevel.label} ${JSON.stringify(message)}`))
      )
    )
  )

/** By the wall clock, because Clerk's answers come over a real connection. */
const until = (done: () => boolean) =>
  TestServices.provideLive(
    Effect.sleep("2 millis").pipe(Effect.repeat({ until: done }), Effect.timeout("5 seconds"), Effect.orDie)
  )

/** After a round nothing is waited for but the next day. */
const isOver = Effect.zipWith(TestClock.sleeps(), Clock.currentTimeMillis, (sleeps, now) =>
  Chunk.some(sleeps, (at) => at - now > 3_600_000)
)

/** Lets time pass until the round that begins then is over, second by second, and never while Clerk is about to answer. */
const pass = (clerk: ClerkState, asking: Asking, time: Duration.DurationInput) =>
  Effect.zipRight(
    TestClock.adjust(time),
    Effect.repeat(
      Effect.zipRight(
        until(() => asking.open === 0 || clerk.backendFailure === "hang"),
        TestClock.adjust("1 second")
      ),
      { until: () => isOver }
    )
  )

const farAway = 8_640_000_000_000_000
/** A user who can do something here, because of a key. */
const withKey = Effect.fnUntraced(function* (userId: UserId, expiresAt = farAway) {
  yield* (yield* UsersRepo).ensure(userId)
  yield* (yield* ApiKeysRepo).insert({
    user_id: userId,
    key_id: userId,
    hash: userId,
    name: "",
    scopes: ["trade"],
    created_at: 0,
    expires_at: expiresAt,
    last_used_at: null,
    revoked_at: null,
    previous_hash: null,
    previous_until: null,
    rotated_at: null,
    addresses: []
  })
})
const withRule = Effect.fnUntraced(function* (userId: UserId, state: "active" | "paused") {
  yield* (yield* UsersRepo).ensure(userId)
  const sql = yield* SqlClient.SqlClient
  yield* sql`INSERT INTO rules ${sql.insert({
    user_id: userId,
    rule_id: `rule_${userId}`,
    version: 1,
    state,
    symbol: "BTCUSDT",
    document: "{}",
    runtime: "{}",
    failures: 0,
    spent_total: "0",
    executed_count: 0,
    created_at: 0,
    updated_at: 0
  })}`
})

const find = (userId: UserId) => Effect.flatMap(UsersRepo, (users) => Effect.map(users.find(userId), Option.getOrThrow))
const stateOf = (userId: UserId) =>
  Effect.map(find(userId), ({ deletedAt, disabledBy }) => (deletedAt === null ? (disabledBy ?? "active") : "deleted"))
const haltOf = (userId: UserId) => Effect.flatMap(Halts, (halts) => halts.state(userId))
const health = Effect.flatMap(ClerkComparison, (comparison) => comparison.health)

describe("The comparison with Clerk", () => {
  it.scoped("W05: finds who was deleted, banned, locked or let in again although no webhook came", () =>
    withClerk({}, (clerk, asking) =>
      Effect.gen(function* () {
        for (const userId of [ann, bob, cat, dan]) yield* withKey(userId)
        clerk.people
          .set(bob, { ...here, banned: true })
          .set(cat, { ...here, locked: true })
          .set(dan, here)
        yield* pass(clerk, asking, "5 minutes")
        assert.deepStrictEqual(yield* Effect.forEach([ann, bob, cat, dan], stateOf), [
          "deleted",
          "clerk",
          "clerk",
          "active"
        ])
        assert.isNotNull((yield* (yield* ApiKeysRepo).list(ann))[0]?.revoked_at)
        assert.deepInclude(yield* haltOf(ann), { halted: true, scope: "all", by: "operator" })
        assert.deepInclude(yield* haltOf(bob), { halted: true, scope: "all", by: "operator" })
        assert.deepInclude(yield* haltOf(dan), { halted: false })
        assert.deepInclude(yield* health, { status: "up", detail: null })
        assert.isNotNull((yield* health).comparedAt)

        clerk.people.set(bob, here)
        yield* pass(clerk, asking, "24 hours")
        assert.deepStrictEqual(yield* Effect.forEach([ann, bob, cat, dan], stateOf), [
          "deleted",
          "active",
          "clerk",
          "active"
        ])
        assert.deepInclude(yield* haltOf(bob), { halted: false })
      })
    )
  )

  it.scoped("W06: removes nobody when Clerk knows too few of the users: it is likelier that Clerk is wrong", () => {
    const lines: Array<string> = []
    return withClerk(
      {},
      (clerk, asking) =>
        Effect.gen(function* () {
          const all = Array.from({ length: 12 }, (_, n) => named(String(n)))
          for (const userId of all) yield* withKey(userId)
          for (const userId of all.slice(4)) clerk.people.set(userId, here)
          yield* pass(clerk, asking, "5 minutes")
          assert.notInclude(yield* Effect.forEach(all, stateOf), "deleted")
          const { detail, status } = yield* health
          assert.strictEqual(status, "degraded")
          assert.include(detail ?? "", "Clerk does not know 4 of 12 users")
          yield* pass(clerk, asking, "24 hours")
          assert.strictEqual(lines.filter((line) => line.startsWith("ERROR")).length, 1)
          // One of them is back: three may have been deleted indeed.
          clerk.people.set(named("0"), here)
          yield* pass(clerk, asking, "24 hours")
          assert.strictEqual((yield* Effect.forEach(all, stateOf)).filter((state) => state === "deleted").length, 3)
          assert.deepInclude(yield* health, { status: "up", detail: null })
        }),
      { lines }
    )
  })

  it.scoped("W07: asks about nobody with the secret key of another instance, however few the users are", () =>
    withClerk({ keys: [other] }, (clerk, asking) =>
      Effect.gen(function* () {
        yield* withKey(ann)
        yield* pass(clerk, asking, "5 minutes")
        assert.deepStrictEqual([yield* stateOf(ann), clerk.asked], ["active", []])
        assert.include((yield* health).detail ?? "", "another Clerk instance")
        // Beside others, as while an instance changes its keys, ours counts.
        clerk.keys = [other, published]
        yield* pass(clerk, asking, "24 hours")
        assert.strictEqual(yield* stateOf(ann), "deleted")
      })
    )
  )

  for (const failure of backendFailures)
    it.scoped(`W08: ${failure} says nothing about anybody, and the next day counts`, () =>
      withClerk({ backendFailure: failure }, (clerk, asking) =>
        Effect.gen(function* () {
          yield* withKey(ann)
          yield* withKey(bob)
          clerk.people.set(bob, { ...here, banned: true })
          yield* pass(clerk, asking, "5 minutes")
          assert.strictEqual(clerk.asked.length, 2)
          assert.deepStrictEqual(yield* Effect.forEach([ann, bob], stateOf), ["active", "active"])
          assert.deepInclude(yield* health, { status: "degraded", detail: "nothing was told of 2 of 2 users" })
          clerk.backendFailure = null
          yield* pass(clerk, asking, "24 hours")
          assert.deepStrictEqual(yield* Effect.forEach([ann, bob], stateOf), ["deleted", "clerk"])
          assert.deepInclude(yield* health, { status: "up", detail: null })
        })
      )
    )

  it.scoped("is told that its secret key is wrong: loudly, once, and never with the key", () => {
    const lines: Array<string> = []
    const secretKey = "sk_test_of_nobody"
    return withClerk(
      {},
      (clerk, asking) =>
        Effect.gen(function* () {
          yield* withKey(ann)
          yield* pass(clerk, asking, "5 minutes")
          yield* pass(clerk, asking, "24 hours")
          assert.deepStrictEqual([yield* stateOf(ann), clerk.asked], ["active", []])
          assert.deepInclude(yield* health, { detail: "Clerk refuses CLERK_SECRET_KEY with 401", comparedAt: null })
          assert.deepStrictEqual(
            lines.map((line) => line.split(" ")[0]),
            ["ERROR"]
          )
          assert.notInclude(lines.join(), secretKey)
        }),
      { lines, secretKey }
    )
  })

  it.scoped("gives up for a day when Clerk is away, and believes none of what it said before", () =>
    withClerk({}, (clerk, asking) =>
      Effect.gen(function* () {
        const all = Array.from({ length: 20 }, (_, n) => named(String(n)))
        for (const userId of all) yield* withKey(userId)
        asking.meanwhile = Effect.sync(() => void (clerk.backendFailure = "error 500"))
        yield* pass(clerk, asking, "5 minutes")
        assert.strictEqual(clerk.asked.length, 1 + 5)
        assert.notInclude(yield* Effect.forEach(all, stateOf), "deleted")
        assert.deepInclude(yield* health, { status: "degraded", detail: "Clerk answered 500", comparedAt: null })
      })
    )
  )

  it.scoped("waits as long as Clerk asks for, and asks about the same user again", () =>
    withClerk({ busy: { times: 2, retryAfter: "90" } }, (clerk, asking) =>
      Effect.gen(function* () {
        yield* withKey(ann)
        yield* pass(clerk, asking, "5 minutes")
        assert.deepStrictEqual(clerk.asked, [ann, ann, ann])
        assert.deepStrictEqual(gaps(asking), [90_000, 90_000])
        assert.strictEqual(yield* stateOf(ann), "deleted")
      })
    )
  )

  for (const [what, busy, asked] of [
    ["an hour", { times: 1, retryAfter: "3600" }, 1],
    ["a minute again and again", { times: 99, retryAfter: null }, 4]
  ] as const)
    it.scoped(`leaves it for the next day when Clerk asks to wait ${what}`, () =>
      withClerk({ busy: { ...busy } }, (clerk, asking) =>
        Effect.gen(function* () {
          yield* withKey(ann)
          yield* pass(clerk, asking, "5 minutes")
          assert.deepStrictEqual([clerk.asked.length, yield* stateOf(ann)], [asked, "active"])
          assert.deepInclude(yield* health, { status: "degraded", detail: "Clerk was asked too often" })
        })
      )
    )

  it.scoped("asks about those who can do something here or were put out by Clerk, once a second, and nobody else", () =>
    withClerk({}, (clerk, asking) =>
      Effect.gen(function* () {
        const [idle, paused, expired, banned] = [named("idle"), named("paused"), named("expired"), named("banned")]
        const states = yield* UserStates
        yield* withKey(UserId.make("local_eve"))
        yield* (yield* UsersRepo).ensure(idle)
        yield* withRule(paused, "paused")
        yield* withKey(expired, 299_999)
        yield* withRule(ann, "active")
        yield* withKey(bob)
        yield* withKey(cat)
        yield* states.disable(cat)
        yield* withKey(dan)
        yield* states.remove(dan)
        yield* (yield* UsersRepo).ensure(banned)
        yield* states.asClerkSays(yield* find(banned), false)
        for (const userId of [ann, bob, banned]) clerk.people.set(userId, here)

        yield* TestClock.adjust("299 seconds")
        assert.strictEqual(asking.open + asking.at.length, 0)
        yield* pass(clerk, asking, "1 second")
        assert.deepStrictEqual(clerk.asked.toSorted(), [ann, banned, bob])
        for (const gap of gaps(asking)) assert.isAtLeast(gap, 1_000)
        assert.deepStrictEqual(yield* Effect.forEach([cat, banned], stateOf), ["operator", "active"])
        yield* pass(clerk, asking, "24 hours")
        assert.strictEqual(clerk.asked.length, 5)
      })
    )
  )

  it.scoped("leaves alone who was disabled, halted or changed by somebody else meanwhile", () =>
    withClerk({}, (clerk, asking) =>
      Effect.gen(function* () {
        const states = yield* UserStates
        const halts = yield* Halts
        for (const userId of [ann, bob]) yield* withKey(userId)
        clerk.people.set(ann, { ...here, banned: true }).set(bob, { ...here, banned: true })
        const stop = { halted: true, cancelOpen: false } as const
        yield* halts.set(ann, "operator", { ...stop, scope: "entries", reason: "looking into it" })
        yield* halts.set(bob, "user", { ...stop, scope: "entries", reason: null })
        yield* pass(clerk, asking, "5 minutes")
        assert.deepInclude(yield* haltOf(ann), { scope: "all", by: "operator", reason: "looking into it" })
        assert.deepInclude(yield* haltOf(bob), { scope: "all", by: "operator" })

        clerk.people.set(ann, here).set(bob, here)
        yield* pass(clerk, asking, "24 hours")
        assert.deepStrictEqual(yield* Effect.forEach([ann, bob], stateOf), ["active", "active"])
        assert.deepInclude(yield* haltOf(ann), { scope: "all", by: "operator", reason: "looking into it" })
        assert.deepInclude(yield* haltOf(bob), { scope: "entries", by: "user" })

        // Banned at Clerk as well, somebody whom the operator put out stays out when Clerk takes it back.
        clerk.people.set(bob, { ...here, banned: true })
        yield* pass(clerk, asking, "24 hours")
        yield* states.disable(bob)
        clerk.people.set(bob, here)
        yield* pass(clerk, asking, "24 hours")
        assert.strictEqual(yield* stateOf(bob), "operator")
      })
    )
  )

  it.scoped("believes a webhook that came while Clerk was asked, and hears none that is older than the answer", () =>
    withClerk({}, (clerk, asking) =>
      Effect.gen(function* () {
        const users = yield* UsersRepo
        yield* withKey(ann)
        clerk.people.set(ann, { banned: true, locked: false, updated_at: 2_000 })
        asking.meanwhile = Effect.orDie(users.markTold(ann, 1_000))
        yield* pass(clerk, asking, "5 minutes")
        assert.deepInclude(yield* find(ann), { disabledAt: null, toldAt: 1_000 })
        asking.meanwhile = Effect.void
        yield* pass(clerk, asking, "24 hours")
        assert.deepInclude(yield* find(ann), { disabledBy: "clerk", toldAt: 2_000 })
        // A time that nobody has reached yet would make every later webhook old.
        clerk.people.set(ann, { ...here, updated_at: farAway })
        yield* pass(clerk, asking, "24 hours")
        assert.isAtMost((yield* find(ann)).toldAt ?? farAway, yield* Clock.currentTimeMillis)
      })
    )
  )

  it.scoped("is the owner's: a standby asks nobody", () =>
    withClerk(
      {},
      (clerk, asking) =>
        Effect.gen(function* () {
          yield* withKey(ann)
          yield* TestClock.adjust("48 hours")
          assert.deepStrictEqual([asking.open, asking.at, clerk.asked], [0, [], []])
          assert.deepInclude(yield* health, { status: "up", detail: "the owner of trading compares" })
        }),
      { isOwner: false }
    )
  )
})
