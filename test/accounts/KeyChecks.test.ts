import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Queue, Redacted, Stream, TestClock } from "effect"
import { CredentialVault } from "../../src/accounts/CredentialVault.ts"
import * as KeyChecks from "../../src/accounts/KeyChecks.ts"
import { KeyRing } from "../../src/accounts/secrets/KeyRing.ts"
import { UsersRepo } from "../../src/accounts/UsersRepo.ts"
import { UserId } from "../../src/domain/Ids.ts"
import { MexcClient } from "../../src/mexc/MexcClient.ts"
import type { KeyRefusal } from "../../src/mexc/Transport.ts"
import { VenueUnavailable } from "../../src/mexc/VenueFailure.ts"
import { Events } from "../../src/store/Events.ts"
import { Ownership } from "../../src/store/Ownership.ts"
import { freezes } from "../kit/KeyFreezes.ts"
import { layerAt, temporaryFolder } from "../kit/TestDatabase.ts"

const users = Array.from({ length: 20 }, (_, n) => UserId.make(`local_u${n}`))
const ann = UserId.make("local_u0")
const pairOf = (name: string) => ({ accessKey: `mx0${name}`, secretKey: Redacted.make("secret") })

/** Stored keys at a venue that notes when it was asked about whom. */
const world = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const refusals = yield* Queue.unbounded<KeyRefusal>()
  const state = {
    asked: new Array<UserId>(),
    may: { read: true, trade: true, withdraw: false },
    /** So many questions are not answered from now on. */
    silentFor: 0
  }
  const venue = Layer.mock(MexcClient, {
    permissions: ({ userId }) =>
      Effect.suspend(() => {
        state.asked.push(userId)
        if (state.silentFor === 0) return Effect.succeed(state.may)
        state.silentFor -= 1
        return new VenueUnavailable({ message: "no answer" })
      }),
    refusedKeys: Stream.fromQueue(refusals)
  })
  const stores = CredentialVault.layer.pipe(
    Layer.provide(KeyRing.layer({ dataDir: folder, masterKeys: null })),
    Layer.provideMerge(UsersRepo.layer),
    Layer.provideMerge(freezes),
    Layer.provideMerge(layerAt(folder)),
    Layer.provideMerge(venue)
  )
  return { refusals, state, stores }
})

/** The database answers in its own time, not in the test clock's. */
const turn = Effect.repeatN(
  Effect.async<void>((resume) => void setImmediate(() => resume(Effect.void))),
  5
)

/** In steps that are longer than the pause between two looks. */
const pass = (seconds: number) =>
  Effect.repeatN(Effect.zipRight(TestClock.adjust("6 seconds"), turn), Math.ceil(seconds / 6) - 1)

const store = Effect.gen(function* () {
  const repo = yield* UsersRepo
  const vault = yield* CredentialVault
  for (const userId of users) yield* Effect.zipRight(repo.ensure(userId), vault.put(userId, pairOf(userId), "user"))
})

const noticesOf = (userId: UserId) =>
  Effect.flatMap(Events, (events) =>
    Effect.map(events.since(userId, 0, 100), ({ events: all }) =>
      all.map(({ data, type }) => `${type} ${/"warning":"(\w+)"/.exec(data)?.[1] ?? ""}`.trim())
    )
  )

/** A clock that moves so far has everything else of the process run as often as in all that time. */
const age = (days: number) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql`UPDATE exchange_credentials SET created_at = ${-days * 86_400_000}`)

const running = Layer.build(KeyChecks.layer)

/** A user who has entered a key; what was asked to accept it is forgotten. */
const withAnn = <A, E, R>(
  test: (venue: Pick<Effect.Effect.Success<typeof world>, "refusals" | "state">) => Effect.Effect<A, E, R>
) =>
  Effect.flatMap(world, ({ refusals, state, stores }) =>
    Effect.gen(function* () {
      yield* Effect.flatMap(UsersRepo, ({ ensure }) => ensure(ann))
      yield* Effect.flatMap(CredentialVault, (vault) => vault.set(ann, pairOf("ann")))
      state.asked.length = 0
      yield* test({ refusals, state })
    }).pipe(Effect.provide(stores))
  )

describe("stored exchange keys", () => {
  it.scoped("are asked about one after the other, and again within a day, each at a time of its own", () =>
    Effect.gen(function* () {
      const { state, stores } = yield* world
      yield* Effect.gen(function* () {
        yield* store
        yield* running
        yield* pass(12)
        assert.isAtLeast(state.asked.length, 1)
        assert.isAtMost(state.asked.length, 3)
        yield* pass(60 * 3)
        assert.deepStrictEqual(new Set(state.asked), new Set(users))
        assert.strictEqual(state.asked.length, users.length)

        const sql = yield* SqlClient.SqlClient
        const hour = 3_600_000
        const later = yield* sql<{ at: number }>`SELECT check_at AS at FROM exchange_credentials`
        assert.strictEqual(new Set(later.map(({ at }) => at)).size, users.length)
        const hours = later.map(({ at }) => at / hour)
        assert.isAbove(Math.min(...hours), 21.5)
        assert.isBelow(Math.max(...hours), 24.1)
        assert.isAbove(Math.max(...hours) - Math.min(...hours), 0.5)
        yield* pass(60)
        assert.strictEqual(state.asked.length, users.length)
        yield* sql`UPDATE exchange_credentials SET check_at = check_at - ${24 * hour}`
        yield* pass(12)
        assert.isAtMost(state.asked.length, users.length + 3)
        yield* pass(60 * 3)
        assert.deepStrictEqual([...state.asked.slice(users.length)].sort(), [...users].sort())
      }).pipe(Effect.provide(stores))
    })
  )

  it.scoped("are asked about at once when the venue refuses one, but not again for five minutes", () =>
    withAnn(({ refusals, state }) =>
      Effect.gen(function* () {
        const vault = yield* CredentialVault
        yield* running
        yield* turn
        state.may = { read: true, trade: false, withdraw: true }
        for (let time = 0; time < 10; time++) {
          yield* refusals.offer({ userId: ann, code: 700007 })
          yield* pass(6)
        }
        assert.deepStrictEqual(state.asked, [ann])
        assert.strictEqual((yield* vault.describe(ann)).frozen?.by, "service")
        assert.sameMembers(yield* noticesOf(ann), [
          "notice.keyWarning addressNotBound",
          "notice.keyFrozen",
          "notice.keyWarning cannotTrade"
        ])
        yield* TestClock.adjust("5 minutes")
        yield* refusals.offer({ userId: ann, code: 700006 })
        yield* pass(6)
        assert.strictEqual(state.asked.length, 2)
      })
    )
  )

  it.scoped(
    "are asked about until there is an answer when the venue refused one, and at its next refusal otherwise",
    () =>
      withAnn(({ refusals, state }) =>
        Effect.gen(function* () {
          const vault = yield* CredentialVault
          yield* running
          yield* turn
          state.may = { read: true, trade: false, withdraw: true }
          state.silentFor = 6
          state.asked.length = 0
          yield* refusals.offer({ userId: ann, code: 700007 })
          yield* pass(60)
          assert.deepStrictEqual([state.asked.length, (yield* vault.describe(ann)).frozen], [5, null])
          yield* refusals.offer({ userId: ann, code: 700007 })
          yield* pass(12)
          assert.deepStrictEqual([state.asked.length, (yield* vault.describe(ann)).frozen?.by], [7, "service"])
        })
      )
  )

  it.scoped("are asked about at once when the venue refuses the one that took the place of another", () =>
    withAnn(({ refusals, state }) =>
      Effect.gen(function* () {
        const vault = yield* CredentialVault
        yield* running
        yield* turn
        yield* refusals.offer({ userId: ann, code: 700007 })
        yield* pass(6)
        yield* vault.set(ann, pairOf("ann2"))
        yield* turn
        state.asked.length = 0
        yield* refusals.offer({ userId: ann, code: 700007 })
        yield* pass(6)
        assert.deepStrictEqual(state.asked, [ann])
      })
    )
  )

  it.scoped("that end after 90 days are told of once, on day 75, also by a process that starts later", () =>
    withAnn(() =>
      Effect.gen(function* () {
        const vault = yield* CredentialVault
        yield* Effect.scoped(Effect.zipRight(running, turn))
        yield* age(74)
        yield* Effect.scoped(Effect.zipRight(running, turn))
        assert.deepStrictEqual(yield* noticesOf(ann), ["notice.keyWarning addressNotBound"])
        yield* age(75)
        for (let life = 0; life < 2; life++) yield* Effect.scoped(Effect.zipRight(running, turn))
        const both = ["notice.keyWarning addressNotBound", "notice.keyWarning endsSoon"]
        assert.deepStrictEqual(yield* noticesOf(ann), both)
        yield* vault.set(ann, pairOf("ann"))
        yield* Effect.scoped(Effect.zipRight(running, turn))
        assert.deepStrictEqual(yield* noticesOf(ann), [...both, "notice.keyWarning addressNotBound"])
      })
    )
  )

  it.scoped("that another process has set are announced, so that streams follow", () =>
    withAnn(() =>
      Effect.gen(function* () {
        const vault = yield* CredentialVault
        yield* running
        const heard = yield* Effect.fork(Stream.runHead(vault.changes))
        yield* pass(30)
        assert.isNull(heard.unsafePoll())
        // Stored, and not announced: as by the command line.
        yield* vault.put(ann, pairOf("two"), "user")
        yield* pass(30)
        assert.deepStrictEqual(yield* Fiber.join(heard), Option.some(ann))
      })
    )
  )

  it.scoped("are left alone by an instance that stands by, and those of disabled users by any", () =>
    Effect.gen(function* () {
      const { state, stores } = yield* world
      yield* Effect.gen(function* () {
        yield* store
        const idle = Layer.provide(
          KeyChecks.layer,
          Layer.mock(Ownership, { isOwner: Effect.succeed(false), fencingToken: 1 })
        )
        yield* Effect.scoped(Effect.zipRight(Layer.build(idle), pass(60)))
        assert.deepStrictEqual(state.asked, [])
        const repo = yield* UsersRepo
        for (const userId of users.slice(1)) yield* repo.disable(userId, "operator")
        yield* running
        yield* pass(60)
        assert.deepStrictEqual(state.asked, [ann])
      }).pipe(Effect.provide(stores))
    })
  )
})
