import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import type { Fragment } from "@effect/sql/Statement"
import { Duration, Effect, Layer, Schedule, Schema } from "effect"
import { RuleId, UserId } from "../../domain/Ids.ts"
import { MarketClock } from "../../MarketClock.ts"
import { Database } from "../../store/Database.ts"
import { Ownership } from "../../store/Ownership.ts"

/** Skips are kept so long, and so many of one rule; what became an order is kept for ever. */
export const retention = { skipsFor: Duration.days(30), skipsOfRule: 1_000 }

/** Rows that go in one transaction: orders wait for it. */
const batch = 200

const sweeping = Schedule.spaced("15 minutes")

const Crowded = Schema.Struct({ user_id: UserId, rule_id: RuleId, skips: Schema.Int })
const Gone = Schema.Struct({ seq: Schema.Int })

/** One sweep: decisions that became no order, by age and beyond so many of one rule, the oldest first. */
export const sweepDecisions = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const database = yield* Database
  const clock = yield* MarketClock
  const now = yield* clock.now
  const oldest = now - Duration.toMillis(retention.skipsFor)

  const remove = (which: Fragment) =>
    database.write(
      SqlSchema.findAll({
        Request: Schema.Void,
        Result: Gone,
        execute: () => sql`DELETE FROM decisions WHERE seq IN (${which}) RETURNING seq`
      })()
    )

  /** In small pieces, and others have their turn between them. */
  const removeAll = (which: Fragment) =>
    Effect.repeat(
      Effect.map(remove(which), (gone) => gone.length),
      { until: (removed) => removed < batch }
    )

  yield* removeAll(sql`SELECT seq FROM decisions WHERE kept = 0 AND at < ${oldest} ORDER BY at LIMIT ${batch}`)
  const crowded = yield* database.read(
    SqlSchema.findAll({
      Request: Schema.Void,
      Result: Crowded,
      execute: () => sql`SELECT user_id, rule_id, count(*) AS skips FROM decisions WHERE kept = 0
        GROUP BY user_id, rule_id HAVING count(*) > ${retention.skipsOfRule}`
    })()
  )
  for (const { rule_id: ruleId, skips, user_id: userId } of crowded) {
    const over = skips - retention.skipsOfRule
    for (let left = over; left > 0; left -= batch)
      yield* remove(
        sql`SELECT seq FROM decisions WHERE user_id = ${userId} AND rule_id = ${ruleId} AND kept = 0
          ORDER BY seq LIMIT ${Math.min(left, batch)}`
      )
  }
})

/** Sweeps while this instance owns trading. */
export const layer = Layer.scopedDiscard(
  Effect.gen(function* () {
    const ownership = yield* Ownership
    const sweep = Effect.flatMap(ownership.isOwner, (owner) => (owner ? sweepDecisions : Effect.void))
    yield* sweep.pipe(
      Effect.catchAllCause((cause) => Effect.logWarning("Old decisions could not be swept", cause)),
      Effect.repeat(sweeping),
      Effect.forkScoped
    )
  })
)
