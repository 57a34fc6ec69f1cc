import { Effect } from "effect"
import { lookup, Resolver } from "node:dns/promises"
import type { GivenBy } from "./Target.ts"

/** All addresses of a name; none for a name without any, or one that nobody could tell in time. */
export type Resolve = (host: string, givenBy: GivenBy) => Effect.Effect<ReadonlyArray<string>>

/**
 * A user's names are asked of the name servers only. The system's own look-up also knows this machine's names, and each
 * slow answer would hold one of the few threads that files and the venue's look-ups share.
 */
const ofUser = (host: string) =>
  Effect.suspend(() => {
    const resolver = new Resolver({ timeout: 2_000, tries: 2 })
    const ask = (find: () => Promise<ReadonlyArray<string>>) =>
      Effect.tryPromise(find).pipe(Effect.orElseSucceed((): ReadonlyArray<string> => []))
    return Effect.all([ask(() => resolver.resolve4(host)), ask(() => resolver.resolve6(host))], {
      concurrency: 2
    }).pipe(
      Effect.map(([four, six]) => [...four, ...six]),
      Effect.onInterrupt(() => Effect.sync(() => resolver.cancel()))
    )
  })

const ofOperator = (host: string) =>
  Effect.tryPromise(() => lookup(host, { all: true })).pipe(
    Effect.map((found) => found.map(({ address }) => address)),
    Effect.orElseSucceed((): ReadonlyArray<string> => [])
  )

export const resolveName: Resolve = (host, givenBy) => (givenBy === "user" ? ofUser(host) : ofOperator(host))
