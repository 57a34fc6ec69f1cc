import { Chunk, type Duration, Effect, Random, type Scope } from "effect"
import type { Credentials } from "../Credentials.ts"
import type { MexcClient } from "../MexcClient.ts"
import { type VenueFailure, VenueRefused, VenueUnavailable } from "../VenueFailure.ts"
import type { Route } from "./Connection.ts"

const closeWithin = "2 seconds"

/** Of the account's keys so many are tried: one that cannot be renewed has just ended. */
const triedKeys = 5

/**
 * A key for one session: made before it, renewed while it lasts, closed after it. An account has sixty at most, and
 * keeps those of a process that died for an hour: when no more are made, one of them serves. That one may be somebody
 * else's too, so it is not closed.
 */
export const listenKeyRoute = (
  client: Pick<typeof MexcClient.Service, "createListenKey" | "listenKeys" | "renewListenKey" | "closeListenKey">,
  credentials: Credentials,
  options: { readonly url: string; readonly renewEvery: Duration.DurationInput }
): Effect.Effect<Route<VenueFailure>, VenueFailure, Scope.Scope> => {
  const close = (key: string) =>
    client.closeListenKey(credentials, key).pipe(
      Effect.interruptible,
      Effect.timeout(closeWithin),
      Effect.catchAll(() => Effect.logDebug("A listen key could not be closed; it ends by itself within the hour."))
    )

  const made = Effect.uninterruptibleMask((restore) =>
    Effect.tap(restore(client.createListenKey(credentials)), (key) => Effect.addFinalizer(() => close(key)))
  )

  /** In any order, because some may have all the connections that a key can have. */
  const found = client.listenKeys(credentials).pipe(
    Effect.flatMap(Random.shuffle),
    Effect.map((keys) => Chunk.toReadonlyArray(Chunk.take(keys, triedKeys))),
    Effect.flatMap((keys) =>
      Effect.firstSuccessOf([
        ...keys.map((key) => Effect.as(client.renewListenKey(credentials, key), key)),
        new VenueUnavailable({ message: "The account has no listen key that can be renewed." })
      ])
    ),
    Effect.tap(() => Effect.logWarning("The venue makes no more listen keys for a user; one of the old ones serves."))
  )

  return made.pipe(
    Effect.catchIf(isAnswer, (refused) => Effect.mapError(found, () => refused)),
    Effect.map((key) => ({
      url: `${options.url}?listenKey=${encodeURIComponent(key)}`,
      alongside: Effect.forever(Effect.delay(client.renewListenKey(credentials, key), options.renewEvery))
    }))
  )
}

/** The code of too many keys is not documented. */
const isAnswer = (failure: VenueFailure): boolean =>
  (failure instanceof VenueRefused && failure.kind !== "auth") ||
  (failure instanceof VenueUnavailable && failure.code !== undefined)
