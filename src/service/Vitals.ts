import { Clock, Context, Effect, Layer } from "effect"
import { EnginePulse } from "../autobuy/EnginePulse.ts"
import { TickerHub } from "../market/TickerHub.ts"
import { Database } from "../store/Database.ts"
import { Ownership } from "../store/Ownership.ts"

/** Prices of a watched symbol are confirmed every few seconds, and the lease is renewed as often. */
const silentForMs = 30_000

/** What keeps this instance from doing its work. */
export type Ailment = "lease" | "database" | "engine" | "marketData"

/**
 * Whether the service does what it is for, as opposed to answering questions: who owns trading has to be able to store,
 * to wake rules and to see prices; who stands by has to be able to take over.
 */
export class Vitals extends Context.Tag("dipper/service/Vitals")<
  Vitals,
  { readonly ailments: Effect.Effect<ReadonlyArray<Ailment>> }
>() {
  static readonly layer = Layer.effect(
    Vitals,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const database = yield* Database
  const engine = yield* EnginePulse
  const hub = yield* TickerHub
  const ownership = yield* Ownership
  const standsBy = ownership.fencingToken === 0

  /** Asking is not enough: a database that takes no writes still answers. */
  const stores = Effect.zipWith(
    database.lastCommitAt,
    Clock.currentTimeMillis,
    (at, now) => at !== null && now - at <= silentForMs
  )
  /** While nothing is watched nothing has to move. */
  const sees = Effect.map(hub.health, ({ age }) => age === null || age.least <= silentForMs)

  const checks: ReadonlyArray<readonly [Ailment, Effect.Effect<boolean>]> = [
    ...(standsBy
      ? [["database", database.isUp] as const]
      : [["lease", ownership.isOwner] as const, ["database", stores] as const, ["engine", engine.isAlive] as const]),
    ["marketData", sees]
  ]

  return Vitals.of({
    ailments: Effect.filter(checks, ([, well]) => Effect.negate(well)).pipe(
      Effect.map((failed) => failed.map(([ailment]) => ailment))
    )
  })
})
