import * as SqlClient from "@effect/sql/SqlClient"
import { Effect, Layer } from "effect"
import type { NewEvent } from "../../../src/domain/Event.ts"
import type { Halt } from "../../../src/domain/Halt.ts"
import { unlimited } from "../../../src/domain/Limits.ts"
import { UserId } from "../../../src/domain/Ids.ts"
import type { ServerOptions } from "../../../src/http/HttpServer.ts"
import { MarketClock } from "../../../src/MarketClock.ts"
import { Events } from "../../../src/store/Events.ts"
import { layer as database } from "../../kit/TestDatabase.ts"
import { serve, type Stubs } from "./server.ts"
import { anOrder } from "./values.ts"

export const ann = UserId.make("local_ann")
export const bob = UserId.make("local_bob")
export const changed = (n: number): NewEvent => ({
  type: "limits.changed",
  objectId: "limits",
  data: { ...unlimited, user: { ...unlimited.user, maxOpenOrders: n } }
})
export const append = (count: number, userId = ann) =>
  Effect.flatMap(Events, (events) =>
    Effect.forEach(Array.from({ length: count }), (_, n) => events.append(userId, changed(n)), { discard: true })
  )

const notHalted: Halt = { halted: false, scope: null, by: null, reason: null, since: null }

/** The real log behind the real server. */
export const served = (stubs: Stubs = {}, options: Partial<ServerOptions> = {}) =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const events = yield* Events
      const sql = yield* SqlClient.SqlClient
      for (const user_id of [ann, bob]) yield* sql`INSERT INTO users ${sql.insert({ user_id, created_at: 0 })}`
      const of = (userId: UserId) =>
        Effect.map(events.seq(userId), (seq) => ({ seq, at: 0, halt: notHalted, orders: [anOrder], rules: [] }))
      return serve({ events, snapshots: { of }, ...stubs }, options)
    })
  ).pipe(Layer.provideMerge(Events.layer), Layer.provideMerge(MarketClock.layer), Layer.provideMerge(database))
