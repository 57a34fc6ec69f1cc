import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Duration, Effect, Fiber, Layer, Ref, Stream, TestClock } from "effect"
import type { NewEvent } from "../../src/domain/Event.ts"
import { unlimited } from "../../src/domain/Limits.ts"
import { UserId } from "../../src/domain/Ids.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { Database } from "../../src/store/Database.ts"
import { Events } from "../../src/store/Events.ts"
import { hasSqld, sqld } from "../kit/Sqld.ts"
import { databaseUrl, temporaryFolder } from "../kit/TestDatabase.ts"
import * as Migrations from "../../src/store/Migrations.ts"

const ann = UserId.make("local_ann")
const bob = UserId.make("local_bob")

const changed = (n: number): NewEvent => ({
  type: "limits.changed",
  objectId: ann,
  data: { ...unlimited, user: { ...unlimited.user, maxOpenOrders: n } }
})
const numberIn = (data: string) => Number(/"maxOpenOrders":(\d+)/.exec(data)?.[1])

/** Two stores on one database are two processes on it. */
const storeAt = (url: string) =>
  Events.layer.pipe(
    Layer.provideMerge(MarketClock.layer),
    Layer.provideMerge(Migrations.layer({ venue: "paper" })),
    Layer.provideMerge(Database.layer({ url, authToken: null })),
    Layer.fresh,
    Layer.orDie
  )

const signUp = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const user_id of [ann, bob])
    yield* sql`INSERT INTO users ${sql.insert({ user_id, created_at: 0 })} ON CONFLICT DO NOTHING`
})

const numbers = (userId: UserId, after = 0) =>
  Effect.flatMap(Events, (events) =>
    Effect.map(events.since(userId, after, 500), (slice) => slice.events.map(({ seq }) => seq))
  )

describe.each([
  ["a file", Effect.map(temporaryFolder, databaseUrl), false],
  ["a libSQL server", sqld, !hasSqld]
] as const)("Events in %s", (_name, database, absent) => {
  const on = <E>(test: Effect.Effect<void, E, Events | Database | SqlClient.SqlClient>) =>
    Effect.flatMap(database, (url) => Effect.provide(Effect.zipRight(signUp, test), storeAt(url)))

  describe.skipIf(absent)("kept", () => {
    it.scopedLive("each user's events are numbered from 1 without holes, whoever appends at once", () =>
      on(
        Effect.gen(function* () {
          const events = yield* Events
          yield* Effect.forEach(
            Array.from({ length: 60 }, (_, n) => n),
            (n) => events.append(n % 3 === 0 ? bob : ann, changed(n)),
            { concurrency: "unbounded" }
          )
          assert.deepStrictEqual(
            yield* numbers(ann),
            Array.from({ length: 40 }, (_, n) => n + 1)
          )
          assert.deepStrictEqual([yield* events.seq(ann), yield* events.seq(bob)], [40, 20])
        })
      )
    )

    it.scopedLive("a change that is undone leaves no event and no hole", () =>
      on(
        Effect.gen(function* () {
          const events = yield* Events
          const { write } = yield* Database
          yield* write(events.append(ann, changed(1)))
          yield* Effect.ignore(write(Effect.zipRight(events.append(ann, changed(2)), Effect.fail("undone"))))
          yield* write(
            Effect.gen(function* () {
              yield* Effect.ignore(write(Effect.zipRight(events.append(ann, changed(3)), Effect.fail("undone"))))
              yield* events.append(ann, changed(4))
            })
          )
          const { events: kept } = yield* events.since(ann, 0, 10)
          assert.deepStrictEqual(
            kept.map(({ data, seq }) => [seq, numberIn(data)]),
            [
              [1, 1],
              [2, 4]
            ]
          )
        })
      )
    )

    it.scopedLive("a reader is woken after the commit, and not by what was undone", () =>
      on(
        Effect.gen(function* () {
          const events = yield* Events
          const { write } = yield* Database
          const woken = yield* events.follow(ann)
          const told = yield* Ref.make("nothing")
          const reader = yield* Effect.fork(Effect.zipRight(woken, Ref.set(told, "woken")))
          yield* Effect.ignore(write(Effect.zipRight(events.append(ann, changed(1)), Effect.fail("undone"))))
          yield* events.append(bob, changed(1))
          yield* write(
            Effect.gen(function* () {
              yield* Effect.ignore(write(Effect.zipRight(events.append(ann, changed(2)), Effect.fail("undone"))))
              yield* Effect.sleep("20 millis")
            })
          )
          assert.strictEqual(yield* Ref.get(told), "nothing")
          yield* write(
            Effect.gen(function* () {
              yield* events.append(ann, changed(3))
              yield* Effect.sleep("20 millis")
              assert.strictEqual(yield* Ref.get(told), "nothing")
            })
          )
          yield* Fiber.join(reader)
        }).pipe(Effect.scoped)
      )
    )

    it.scopedLive("a reader gets everything once and in order, also what another process appended", () =>
      Effect.gen(function* () {
        const url = yield* database
        const other = yield* Layer.build(storeAt(url))
        yield* Effect.provide(signUp, other)
        yield* Effect.gen(function* () {
          const events = yield* Events
          const heard = yield* events.stream(ann, 0).pipe(Stream.take(230), Stream.runCollect, Effect.fork)
          const append = (n: number) => Effect.flatMap(Events, (store) => store.append(ann, changed(n)))
          for (let n = 1; n <= 230; n++) yield* n % 2 === 1 ? append(n) : Effect.provide(append(n), other)
          const seqs = Chunk.toReadonlyArray(yield* Fiber.join(heard)).map((told) =>
            "data" in told ? numberIn(told.data) : "gap"
          )
          assert.deepStrictEqual(
            seqs,
            Array.from({ length: 230 }, (_, n) => n + 1)
          )
        }).pipe(Effect.provide(storeAt(url)))
      })
    )

    it.scopedLive("a condition that lasts is told when it begins, and again when it begins anew", () =>
      on(
        Effect.gen(function* () {
          const events = yield* Events
          const failing: NewEvent = {
            type: "notice.credentialsFailing",
            objectId: ann,
            data: { text: "MEXC refuses your key.", since: 0, reason: null }
          }
          const told = yield* Effect.forEach([1, 2, 3], () => events.appendOnce(ann, failing))
          yield* events.settle(ann, failing.type, ann)
          const anew = yield* events.appendOnce(ann, failing)
          assert.deepStrictEqual([...told, anew, yield* events.seq(ann)], [true, false, false, true, 2])
        })
      )
    )

    it.scopedLive("who asks for a place that is not there is told so, and given what there is", () =>
      on(
        Effect.gen(function* () {
          const events = yield* Events
          const sql = yield* SqlClient.SqlClient
          for (let n = 1; n <= 5; n++) yield* events.append(ann, changed(n))
          yield* sql`DELETE FROM events WHERE seq <= 3`
          const asked = (after: number) =>
            Effect.map(events.since(ann, after, 10), ({ events: given, gap }) => [given.map(({ seq }) => seq), gap])
          assert.deepStrictEqual(yield* asked(2), [[4, 5], { after: 2, keptFrom: 4, seq: 5 }])
          assert.deepStrictEqual(yield* asked(3), [[4, 5], null])
          assert.deepStrictEqual(yield* asked(5), [[], null])
          // As after a restore of an older backup.
          assert.deepStrictEqual(yield* asked(9), [[4, 5], { after: 9, keptFrom: 4, seq: 5 }])
        })
      )
    )
  })
})

describe("Events", () => {
  it.scoped("events are kept 30 days, a user's newest for ever, and the numbers go on", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.gen(function* () {
        yield* signUp
        const events = yield* Events
        const { write } = yield* Database
        const sql = yield* SqlClient.SqlClient
        yield* write(Effect.forEach(Array.from({ length: 450 }), (_, n) => events.append(ann, changed(n + 1))))
        // Days pass without the hours in between, of which each would look for old events.
        const age = (days: number) =>
          Effect.zipRight(
            sql`UPDATE events SET stored_at = stored_at - ${Duration.toMillis(Duration.days(days))}`,
            TestClock.adjust("61 minutes")
          )
        yield* age(29)
        assert.strictEqual((yield* numbers(ann)).length, 450)
        yield* events.append(bob, changed(1))
        yield* events.append(bob, changed(2))
        yield* age(2)
        assert.deepStrictEqual(yield* numbers(ann), [450])
        assert.deepStrictEqual(yield* numbers(bob), [1, 2])
        assert.strictEqual(yield* events.append(ann, changed(451)), 451)
      }).pipe(Effect.provide(storeAt(databaseUrl(folder))))
    })
  )
})
