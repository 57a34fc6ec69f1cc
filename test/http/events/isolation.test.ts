import * as SqlClient from "@effect/sql/SqlClient"
import { assert, it } from "@effect/vitest"
import { Effect, Logger, LogLevel, Random, Schedule, Schema } from "effect"
import { UserId } from "../../../src/domain/Ids.ts"
import { HttpServer } from "../../../src/http/HttpServer.ts"
import { Database } from "../../../src/store/Database.ts"
import { Events } from "../../../src/store/Events.ts"
import { changed, served } from "../kit/events.ts"
import { ask, bearer } from "../kit/server.ts"
import { listen } from "../kit/sse.ts"

const users = Array.from({ length: 50 }, (_, n) => ({ name: `u${n}`, userId: UserId.make(`local_u${n}`) }))
const total = 10_000
/** So many are committed together, whosever they are. */
const together = 250
/** The streams begin after these, and so have some to catch up with and some that come while they are read. */
const before = 9_000
const last = total + 1

/** Each event carries a number that no other has. */
const Told = Schema.Struct({
  seq: Schema.Int,
  data: Schema.Struct({ user: Schema.Struct({ maxOpenOrders: Schema.Int }) })
})
const Page = Schema.Struct({ data: Schema.Struct({ items: Schema.Array(Told) }) })
const numbered = ({ data, seq }: typeof Told.Type) => [seq, data.user.maxOpenOrders] as const

/** What tells the events here serves them as well, and refuses lists while it is late: who asks comes again, as told. */
const patiently = <A, E, R>(what: Effect.Effect<A, E, R>, statusOf: (answer: A) => number) =>
  what.pipe(
    Effect.filterOrFail(
      (answer) => statusOf(answer) !== 503,
      () => "still overloaded"
    ),
    Effect.retry(Schedule.spaced("200 millis").pipe(Schedule.upTo("30 seconds")))
  )

it.scopedLive(
  "Z05: of ten thousand events of fifty users each list and each stream has exactly its user's own, in order",
  () =>
    Effect.gen(function* () {
      const at = `${(yield* HttpServer).url}/api/v1/account/events`
      const database = yield* Database
      const events = yield* Events
      const sql = yield* SqlClient.SqlClient
      yield* database.write(
        Effect.forEach(users, ({ userId }) => sql`INSERT INTO users ${sql.insert({ user_id: userId, created_at: 0 })}`)
      )
      const own = new Map(users.map(({ userId }): [UserId, Array<number>] => [userId, []]))
      const tell = Effect.fnUntraced(function* (userId: UserId, n: number) {
        yield* events.append(userId, changed(n))
        own.get(userId)?.push(n)
      })
      const owners = Array.from({ length: total / users.length }, () => users).flat()
      const mixed = [...(yield* Random.shuffle(owners))]
      const tellAll = Effect.fnUntraced(function* (begin: number, end: number) {
        for (let from = begin; from < end; from += together)
          yield* database.write(
            Effect.forEach(mixed.slice(from, from + together), ({ userId }, n) => tell(userId, from + n))
          )
      })
      yield* tellAll(0, before)
      const streams = yield* Effect.forEach(users, ({ name }) =>
        patiently(listen(at, { ...bearer(`${name}:read`), "last-event-id": "0" }), ({ response }) => response.status)
      )
      yield* tellAll(before, total)
      // After these nothing comes any more: what is not the user's own would have come before.
      yield* database.write(Effect.forEach(users, ({ userId }) => tell(userId, last)))

      yield* Effect.forEach(
        users,
        Effect.fnUntraced(function* ({ name, userId }, n) {
          const expected = (own.get(userId) ?? []).map((number, place) => [place + 1, number] as const)
          assert.strictEqual(expected.length, total / users.length + 1)
          const page = yield* patiently(
            ask(`${at}?limit=500`, { headers: bearer(`${name}:read`) }),
            ({ status }) => status
          )
          const { data } = yield* Schema.decodeUnknown(Page)(page.body)
          assert.deepStrictEqual(data.items.map(numbered), expected, name)
          const message = streams[n]?.message ?? Effect.fail("no stream")
          const heard = yield* Effect.replicateEffect(message, expected.length)
          const told = yield* Effect.forEach(heard, (one) => Schema.decodeUnknown(Told)(one.data))
          assert.deepStrictEqual(told.map(numbered), expected, name)
        }),
        { discard: true }
      )
    }).pipe(Effect.provide(served()), Logger.withMinimumLogLevel(LogLevel.None)),
  180_000
)
