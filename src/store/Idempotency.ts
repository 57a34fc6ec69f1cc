import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Clock, Context, Duration, Effect, Layer, Option, Schedule, Schema } from "effect"
import { createHash, randomBytes } from "node:crypto"
import { type DatabaseUnavailable, IdempotencyInProgress, IdempotencyKeyReused } from "../api/Errors.ts"
import type { UserId } from "../domain/Ids.ts"
import { Database } from "./Database.ts"

/** A key belongs to one user and one route. */
export interface KeyScope {
  readonly userId: UserId
  /** Method and path template, such as `POST /trading/orders`. */
  readonly route: string
  readonly key: string
}

export type Begun =
  /** Nobody ran this before: go on. */
  | { readonly _tag: "New" }
  /** The stored answer, as JSON text of the whole body. */
  | { readonly _tag: "Replay"; readonly status: number; readonly body: string; readonly objectId: string | null }
  /** It began, made the object and was cut off before its answer was stored: render the object, then `complete`. */
  | { readonly _tag: "Unfinished"; readonly objectId: string }

/** The memory that makes repeating a write safe for seven days. */
export class Idempotency extends Context.Tag("dipper/store/Idempotency")<
  Idempotency,
  {
    /**
     * Claims a key. Called inside the `Database.write` that stores the intent, so that key, body hash and intent commit
     * together; `objectId` names what that transaction makes.
     */
    readonly begin: (
      claim: KeyScope & { readonly bodyHash: string; readonly objectId?: string }
    ) => Effect.Effect<Begun, IdempotencyInProgress | IdempotencyKeyReused | DatabaseUnavailable>
    /** Stores the answer that every repetition gets. */
    readonly complete: (
      scope: KeyScope,
      answer: { readonly status: number; readonly body: string; readonly objectId?: string }
    ) => Effect.Effect<void, DatabaseUnavailable>
    /** The write was refused before it began to act: the key may be used again. */
    readonly forget: (scope: KeyScope) => Effect.Effect<void, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.scoped(
    Idempotency,
    Effect.suspend(() => make())
  )
}

/** SHA-256 of the value as JSON with sorted keys: the same body in another order or spacing is the same body. */
export const hashBody = (body: unknown): string =>
  createHash("sha256")
    .update(JSON.stringify(sorted(body)) ?? "")
    .digest("hex")

const keptFor = Duration.days(7)
const purging = Schedule.spaced("1 hour")

/** Longer than any request may take; what still runs after it was cut off without a crash. */
const abandonedAfterMs = 60_000

const KeyRow = Schema.Struct({
  body_hash: Schema.String,
  state: Schema.Literal("running", "done"),
  run_id: Schema.String,
  started_at: Schema.Number,
  object_id: Schema.NullOr(Schema.String),
  status: Schema.NullOr(Schema.Int),
  response_json: Schema.NullOr(Schema.String)
})
type KeyRow = typeof KeyRow.Type

const make = Effect.fnUntraced(function* () {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database
  // Tells what runs now from what ran in a process that is gone.
  const runId = randomBytes(8).toString("hex")

  const where = ({ userId, route, key }: KeyScope) =>
    sql.and([sql`user_id = ${userId}`, sql`route = ${route}`, sql`key = ${key}`])

  const find = (scope: KeyScope) =>
    SqlSchema.findOne({
      Request: Schema.Void,
      Result: KeyRow,
      execute: () => sql`SELECT body_hash, state, run_id, started_at, object_id, status, response_json
        FROM idempotency_keys WHERE ${where(scope)}`
    })()

  const begin = Effect.fn("Idempotency.begin")(
    (claim: KeyScope & { readonly bodyHash: string; readonly objectId?: string }) =>
      database.write(
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          const found = yield* find(claim)
          const claimed = { run_id: runId, started_at: now, object_id: claim.objectId ?? null }
          if (Option.isNone(found)) {
            yield* sql`INSERT INTO idempotency_keys ${sql.insert({
              user_id: claim.userId,
              route: claim.route,
              key: claim.key,
              body_hash: claim.bodyHash,
              state: "running",
              created_at: now,
              ...claimed
            })}`
            return begunNew
          }
          const begun = yield* judge(found.value, claim.bodyHash, runId, now)
          // What committed without an object did nothing but claim the key.
          if (begun._tag === "New") yield* sql`UPDATE idempotency_keys SET ${sql.update(claimed)} WHERE ${where(claim)}`
          return begun
        })
      )
  )

  const complete = Effect.fn("Idempotency.complete")(
    (scope: KeyScope, answer: { readonly status: number; readonly body: string; readonly objectId?: string }) =>
      database
        .write(
          sql`UPDATE idempotency_keys SET state = 'done', status = ${answer.status}, response_json = ${answer.body},
          object_id = coalesce(${answer.objectId ?? null}, object_id) WHERE ${where(scope)} AND state = 'running'`
        )
        .pipe(Effect.asVoid)
  )

  const forget = Effect.fn("Idempotency.forget")((scope: KeyScope) =>
    database.write(sql`DELETE FROM idempotency_keys WHERE ${where(scope)} AND state = 'running'`).pipe(Effect.asVoid)
  )

  const purge = Effect.gen(function* () {
    const oldest = (yield* Clock.currentTimeMillis) - Duration.toMillis(keptFor)
    yield* database.write(sql`DELETE FROM idempotency_keys WHERE created_at < ${oldest}`)
  }).pipe(Effect.catchAll(() => Effect.logWarning("Old idempotency keys could not be removed; trying again")))

  yield* Effect.forkScoped(Effect.repeat(purge, purging))
  return Idempotency.of({ begin, complete, forget })
})

const begunNew: Begun = { _tag: "New" }

const judge = (
  row: KeyRow,
  bodyHash: string,
  runId: string,
  now: number
): Effect.Effect<Begun, IdempotencyInProgress | IdempotencyKeyReused> => {
  if (row.body_hash !== bodyHash)
    return Effect.fail(
      new IdempotencyKeyReused({ message: "This Idempotency-Key was used with another body; use a new key." })
    )
  if (row.state === "done")
    return Effect.succeed({
      _tag: "Replay",
      status: row.status ?? 200,
      body: row.response_json ?? "null",
      objectId: row.object_id
    })
  if (row.run_id === runId && now - row.started_at < abandonedAfterMs)
    return Effect.fail(
      new IdempotencyInProgress({
        message: "The first request with this Idempotency-Key is still running; repeat it in a moment.",
        retryable: true,
        retryAfterSeconds: 1
      })
    )
  return Effect.succeed(row.object_id === null ? begunNew : { _tag: "Unfinished", objectId: row.object_id })
}

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => [key, sorted(entry)])
  )
}
