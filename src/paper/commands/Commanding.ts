import { type Context, Effect, type Either } from "effect"
import type { MarketClock } from "../../MarketClock.ts"
import type { Engine } from "../engine/Engine.ts"
import type { Commits } from "../journal/Commits.ts"
import type { VenueRejection } from "../VenueRejection.ts"

/** How effects reach the engine: every command and every reading is one commit, in the order in which they ran. */
export interface Commanding {
  readonly engine: Engine
  readonly now: Effect.Effect<number>
  /** A command that may be refused, at the present market time. */
  readonly attempt: <A>(command: (at: number) => Either.Either<A, VenueRejection>) => Effect.Effect<A, VenueRejection>
  readonly command: <A>(command: (at: number) => A) => Effect.Effect<A>
  /** Answers when everything it may have seen is on disk. */
  readonly read: <A>(query: () => A) => Effect.Effect<A>
}

export const makeCommanding = (
  engine: Engine,
  clock: Context.Tag.Service<typeof MarketClock>,
  { commit }: Pick<Context.Tag.Service<typeof Commits>, "commit">
): Commanding => {
  const command = <A>(run: (at: number) => A) =>
    Effect.flatMap(clock.now, (at) => commit(() => engine.run(() => run(at))))
  return {
    engine,
    now: clock.now,
    command,
    attempt: (run) => Effect.flatten(command(run)),
    read: (query) => commit(() => engine.run(query))
  }
}
