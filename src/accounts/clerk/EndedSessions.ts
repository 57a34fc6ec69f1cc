import * as SqlClient from "@effect/sql/SqlClient"
import { Clock, Context, Duration, Effect, Layer } from "effect"
import type { DatabaseUnavailable } from "../../api/Errors.ts"
import { Database } from "../../store/Database.ts"

/** Sessions that Clerk has ended: their last tokens would let in until they run out. */
export class EndedSessions extends Context.Tag("dipper/accounts/EndedSessions")<
  EndedSessions,
  {
    readonly add: (sessionId: string) => Effect.Effect<void, DatabaseUnavailable>
    readonly has: (sessionId: string) => Effect.Effect<boolean, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    EndedSessions,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const database = yield* Database

      const add = Effect.fn("EndedSessions.add")(function* (sessionId: string) {
        const now = yield* Clock.currentTimeMillis
        yield* database.write(
          Effect.gen(function* () {
            yield* sql`DELETE FROM ended_sessions WHERE until <= ${now}`
            yield* sql`INSERT INTO ended_sessions ${sql.insert({ session_id: sessionId, until: now + longestToken })}
              ON CONFLICT (session_id) DO UPDATE SET until = excluded.until`
          })
        )
      })

      const has = Effect.fn("EndedSessions.has")((sessionId: string) =>
        Effect.map(
          database.read(sql`SELECT 1 FROM ended_sessions WHERE session_id = ${sessionId}`),
          (rows) => rows.length > 0
        )
      )

      return EndedSessions.of({ add, has })
    })
  )
}

/** A token that was given before lives an hour at most. */
const longestToken = Duration.toMillis("2 hours")
