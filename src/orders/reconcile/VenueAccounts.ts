import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlSchema from "@effect/sql/SqlSchema"
import { Context, Effect, Layer, Option, Schema } from "effect"
import { fingerprintOf } from "../../accounts/secrets/fingerprintOf.ts"
import type { DatabaseUnavailable } from "../../api/Errors.ts"
import type { Credentials } from "../../mexc/Credentials.ts"
import { MexcClient } from "../../mexc/MexcClient.ts"
import type { VenueFailure } from "../../mexc/VenueFailure.ts"
import { Database } from "../../store/Database.ts"
import type { OrderRow } from "../record/OrderRow.ts"

/**
 * `same`: the key sees the account the order was sent to. `other`: it sees another one, which knows nothing of the
 * order. `unproven`: what it finds counts, what it does not find proves nothing.
 */
export type Belonging = "same" | "other" | "unproven"

/** Which account of the venue a key belongs to. It never changes, so it is asked once for each key. */
export class VenueAccounts extends Context.Tag("dipper/orders/VenueAccounts")<
  VenueAccounts,
  {
    readonly learn: (credentials: Credentials) => Effect.Effect<void, VenueFailure | DatabaseUnavailable>
    readonly belonging: (row: OrderRow, credentials: Credentials) => Effect.Effect<Belonging, DatabaseUnavailable>
  }
>() {
  static readonly layer = Layer.effect(
    VenueAccounts,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const database = yield* Database
      const mexc = yield* MexcClient
      const known = new Map<string, string>()

      const find = SqlSchema.findOne({
        Request: Schema.String,
        Result: Schema.Struct({ account: Schema.String }),
        execute: (fingerprint) => sql`SELECT account FROM exchange_accounts WHERE fingerprint = ${fingerprint}`
      })

      const accountOf = Effect.fnUntraced(function* (fingerprint: string) {
        const kept = known.get(fingerprint)
        if (kept !== undefined) return kept
        const found = Option.getOrNull(yield* database.read(find(fingerprint)))
        if (found !== null) known.set(fingerprint, found.account)
        return found?.account ?? null
      })

      const learn = Effect.fn("VenueAccounts.learn")(function* (credentials: Credentials) {
        const fingerprint = fingerprintOf(credentials.accessKey)
        if ((yield* accountOf(fingerprint)) !== null) return
        const account = yield* mexc.uid(credentials)
        yield* database.write(
          sql`INSERT INTO exchange_accounts ${sql.insert({ fingerprint, account })} ON CONFLICT DO NOTHING`
        )
      })

      const belonging = Effect.fn("VenueAccounts.belonging")(function* (row: OrderRow, credentials: Credentials) {
        const fingerprint = fingerprintOf(credentials.accessKey)
        if (row.credential === null || row.credential === fingerprint) return "same" as const
        yield* Effect.ignore(learn(credentials))
        const [sentTo, sees] = [yield* accountOf(row.credential), yield* accountOf(fingerprint)]
        if (sentTo === null || sees === null) return "unproven" as const
        return sentTo === sees ? ("same" as const) : ("other" as const)
      })

      return VenueAccounts.of({ learn, belonging })
    })
  )
}
