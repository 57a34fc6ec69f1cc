import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Chunk, Clock, Context, Effect, Layer, Metric, Option, Schema, type Scope, Stream } from "effect"
import type { ParseError } from "effect/ParseResult"
import type { DatabaseUnavailable } from "../api/Errors.ts"
import { Event, type EventType, type NewEvent } from "../domain/Event.ts"
import { UserId } from "../domain/Ids.ts"
import { MarketClock } from "../MarketClock.ts"
import { Database } from "./Database.ts"
import type { Gap, Slice, StoredEvent } from "./events/EventLog.ts"
import { sweep } from "./events/sweep.ts"
import { makeWakeups } from "./events/wakeups.ts"

/** What users are told, in order: per user a sequence from 1 without holes, kept 30 days. */
export class Events extends Context.Tag("dipper/store/Events")<
  Events,
  {
    /**
     * Tells the user of a change; gives the event's number. Call it inside the `Database.write` that makes the change:
     * both commit or neither, and readers are woken after the commit. `data` is the whole object after the change.
     */
    readonly append: (userId: UserId, event: NewEvent) => Effect.Effect<number, DatabaseUnavailable>
    /**
     * For a condition that lasts, known by type and object: tells it when it begins, then says nothing of it until
     * `settle`. True when it was told now.
     */
    readonly appendOnce: (userId: UserId, event: NewEvent) => Effect.Effect<boolean, DatabaseUnavailable>
    /** The condition is over: its next beginning is told again. */
    readonly settle: (userId: UserId, type: EventType, objectId: string) => Effect.Effect<void, DatabaseUnavailable>
    /** The number of the newest event, 0 before the first. */
    readonly seq: (userId: UserId) => Effect.Effect<number, DatabaseUnavailable>
    /** Tells the number of the newest event that this process has appended, 0 before the first: asks nobody, needs no fiber. */
    readonly appendedHere: Effect.Effect<(userId: UserId) => number>
    /** What came after `seq`, oldest first. */
    readonly since: (userId: UserId, seq: number, limit: number) => Effect.Effect<Slice, DatabaseUnavailable>
    /** An effect that returns when there may be a new event since it, or this, was last asked. */
    readonly follow: (userId: UserId) => Effect.Effect<Effect.Effect<void>, never, Scope.Scope>
    /** Everything after `seq`, for ever, at the reader's own pace. After a gap it goes on with the oldest there is. */
    readonly stream: (userId: UserId, seq: number) => Stream.Stream<StoredEvent | Gap, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.scoped(
    Events,
    Effect.suspend(() => make())
  )
}

/** Events that another process appended to this database are found by looking. */
const lookEvery = "1 second"

const streamed = 100

const appended = Metric.counter("dipper_events_appended_total", {
  description: "Events appended for users.",
  incremental: true
})

const SeqRow = Schema.Struct({ seq: Schema.Int })
const EventRow = Schema.Struct({
  seq: Schema.Int,
  at: Schema.Number,
  type: Schema.String,
  objectId: Schema.String,
  data: Schema.String
})
const BoundsRow = Schema.Struct({ first: Schema.NullOr(Schema.Int), last: Schema.NullOr(Schema.Int) })
const HeadRow = Schema.Struct({ user_id: UserId, seq: Schema.Int })

const encodeEvent = Schema.encodeSync(Event)
const dataOf = (event: NewEvent): string => JSON.stringify(encodeEvent({ ...event, seq: 0, at: 0 }).data)

const make = Effect.fnUntraced(function* () {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database
  const clock = yield* MarketClock
  const wakeups = makeWakeups()
  const newest = new Map<UserId, number>()

  const insert = (row: NewRow) =>
    SqlSchema.single({
      Request: Schema.Void,
      Result: SeqRow,
      execute: () => sql`INSERT INTO events (user_id, seq, at, stored_at, type, object_id, data)
        VALUES (${row.userId}, (SELECT coalesce(max(seq), 0) + 1 FROM events WHERE user_id = ${row.userId}),
          ${row.at}, ${row.storedAt}, ${row.type}, ${row.objectId}, ${row.data}) RETURNING seq`
    })().pipe(Effect.catchTag("NoSuchElementException", Effect.die))

  const append = Effect.fn("Events.append")(function* (userId: UserId, event: NewEvent) {
    const { objectId, type } = event
    const data = yield* Effect.sync(() => dataOf(event))
    const row = { userId, type, objectId, data, at: yield* clock.now, storedAt: yield* Clock.currentTimeMillis }
    const { seq } = yield* database.join(insert(row))
    yield* database.afterCommit(() => {
      appended.unsafeUpdate(1, [])
      newest.set(userId, seq)
      wakeups.wake(userId, seq)
    })
    return seq
  })

  const appendOnce = Effect.fn("Events.appendOnce")((userId: UserId, event: NewEvent) =>
    database.write(
      Effect.gen(function* () {
        const condition = { user_id: userId, type: event.type, object_id: event.objectId, since: yield* clock.now }
        const begun =
          yield* sql`INSERT INTO told_conditions ${sql.insert(condition)} ON CONFLICT DO NOTHING RETURNING since`
        if (begun.length > 0) yield* append(userId, event)
        return begun.length > 0
      })
    )
  )

  const settle = Effect.fn("Events.settle")((userId: UserId, type: EventType, objectId: string) =>
    Effect.asVoid(
      database.join(
        sql`DELETE FROM told_conditions WHERE user_id = ${userId} AND type = ${type} AND object_id = ${objectId}`
      )
    )
  )

  const bounds = (userId: UserId) =>
    Effect.map(
      SqlSchema.findAll({
        Request: Schema.Void,
        Result: BoundsRow,
        execute: () => sql`SELECT (SELECT min(seq) FROM events WHERE user_id = ${userId}) AS first,
          (SELECT max(seq) FROM events WHERE user_id = ${userId}) AS last`
      })(),
      ([row]) => ({ first: row?.first ?? 1, last: row?.last ?? 0 })
    )

  const seq = Effect.fn("Events.seq")((userId: UserId) => Effect.map(database.read(bounds(userId)), ({ last }) => last))

  const read = (userId: UserId, after: number, limit: number) =>
    SqlSchema.findAll({
      Request: Schema.Void,
      Result: EventRow,
      execute: () => sql`SELECT seq, at, type, object_id AS objectId, data FROM events
        WHERE user_id = ${userId} AND seq > ${after} ORDER BY seq LIMIT ${limit}`
    })()

  const since = Effect.fn("Events.since")((userId: UserId, after: number, limit: number) =>
    database.read(
      Effect.gen(function* (): Effect.fn.Return<Slice, SqlError | ParseError> {
        const events = yield* read(userId, after, limit)
        if (events[0]?.seq === after + 1) return { events, gap: null }
        const { first, last } = yield* bounds(userId)
        if (after >= first - 1 && after <= last) return { events, gap: null }
        const gap = { after, keptFrom: first, seq: last }
        return { events: after > last ? yield* read(userId, first - 1, limit) : events, gap }
      })
    )
  )

  const stream = (userId: UserId, from: number) =>
    Stream.unwrapScoped(
      Effect.map(wakeups.register(userId), (woken) =>
        Stream.paginateChunkEffect(from, (after) =>
          since(userId, after, streamed).pipe(
            Effect.tap(({ events, gap }) => (events.length === 0 && gap === null ? woken : Effect.void)),
            Effect.map(({ events, gap }) => {
              const next = events.at(-1)?.seq ?? gap?.seq ?? after
              const told: ReadonlyArray<StoredEvent | Gap> = gap === null ? events : [gap, ...events]
              return [Chunk.fromIterable(told), Option.some(next)] as const
            })
          )
        )
      )
    )

  const look = Effect.gen(function* () {
    yield* wakeups.someoneWaits
    yield* Effect.sleep(lookEvery)
    const users = wakeups.users()
    const heads = SqlSchema.findAll({
      Request: Schema.Void,
      Result: HeadRow,
      execute: () => sql`SELECT user_id, max(seq) AS seq FROM events WHERE ${sql.in("user_id", users)} GROUP BY user_id`
    })
    const found = users.length === 0 ? [] : yield* database.read(heads())
    for (const { seq, user_id } of found) wakeups.wake(user_id, seq)
  })

  yield* Effect.forkScoped(Effect.forever(Effect.ignore(look)))
  yield* Effect.forkScoped(sweep)
  return Events.of({
    append,
    appendOnce,
    settle,
    seq,
    appendedHere: Effect.succeed((userId) => newest.get(userId) ?? 0),
    since,
    follow: wakeups.register,
    stream
  })
})

interface NewRow {
  readonly userId: UserId
  readonly at: number
  readonly storedAt: number
  readonly type: EventType
  readonly objectId: string
  readonly data: string
}
