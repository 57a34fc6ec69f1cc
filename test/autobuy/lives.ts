import { Effect, type Layer } from "effect"
import { RuleSupervisor } from "../../src/autobuy/RuleSupervisor.ts"
import * as TestDatabase from "../kit/TestDatabase.ts"
import type { Venue } from "./kit/FakeOrders.ts"
import { settleDown } from "./kit/time.ts"
import { engine } from "./kit/world.ts"

export type World = Layer.Layer.Success<ReturnType<typeof engine>>

/** Starts the engine as a program start does. */
export const start = Effect.flatMap(RuleSupervisor, (supervisor) => Effect.zipRight(supervisor.start, settleDown))

/** One run of the engine. */
export const inOneLife = <A, E>(life: Effect.Effect<A, E, World>) =>
  Effect.scoped(Effect.suspend(() => Effect.provide(life, engine())))

/** A run that ends, and another on the same database; what the venue knows of our orders outlives both. */
export const inTwoLives = <A, E, B, F>(
  first: Effect.Effect<A, E, World>,
  second: (before: A) => Effect.Effect<B, F, World>
) =>
  Effect.scoped(
    Effect.flatMap(TestDatabase.temporaryFolder, (folder) => {
      const venue: Venue = new Map()
      const live = <C, G>(life: Effect.Effect<C, G, World>) =>
        Effect.scoped(Effect.provide(life, engine(TestDatabase.layerAt(folder), venue)))
      return Effect.flatMap(live(first), (before) => live(second(before)))
    })
  )
