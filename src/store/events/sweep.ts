import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Clock, Duration, Effect, Schedule, Schema } from "effect"
import { Database } from "../Database.ts"

const keptFor = Duration.days(30)

/** A batch holds the writer for some milliseconds only; between batches others write. */
const batch = 200
const betweenBatches = Duration.millis(50)
const sweeping = Schedule.spaced("1 hour")

const OldRow = Schema.Struct({ user_id: Schema.String, upTo: Schema.Int })

/** Removes what is older than 30 days, oldest first, and never a user's newest event. */
export const sweep = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database

  const oldest = SqlSchema.findAll({
    Request: Schema.Int,
    Result: OldRow,
    execute: (before) => sql`SELECT user_id, max(seq) AS upTo FROM (
        SELECT user_id, seq FROM events WHERE stored_at < ${before} AND EXISTS
          (SELECT 1 FROM events AS later WHERE later.user_id = events.user_id AND later.seq > events.seq)
        ORDER BY stored_at LIMIT ${batch}
      ) GROUP BY user_id`
  })

  /** True while there may be more. Up to a sequence, not by age, so that no hole can come into what is kept. */
  const sweepBatch = database.write(
    Effect.gen(function* () {
      const before = (yield* Clock.currentTimeMillis) - Duration.toMillis(keptFor)
      const old = yield* oldest(before)
      for (const { user_id, upTo } of old) yield* sql`DELETE FROM events WHERE user_id = ${user_id} AND seq <= ${upTo}`
      return old.length > 0
    })
  )

  return yield* Effect.zipLeft(sweepBatch, Effect.sleep(betweenBatches)).pipe(
    Effect.repeat({ while: (more) => more }),
    Effect.catchAll(() => Effect.logWarning("Old events could not be removed; trying again")),
    Effect.repeat(sweeping)
  )
})
