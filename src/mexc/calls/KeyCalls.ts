import { Effect, Schema } from "effect"
import type { Credentials } from "../Credentials.ts"
import type { Transport } from "../Transport.ts"
import { type VenueFailure, VenueRefused, VenueUnavailable } from "../VenueFailure.ts"
import { isDocumented } from "../wire/Codes.ts"
import { Account, ListenKey, ListenKeys } from "../wire/rest/RestAccount.ts"

type Asked<A> = Effect.Effect<A, VenueFailure>

/** Keys of private streams, and what a user's key may do. */
export interface KeyCalls {
  readonly createListenKey: (credentials: Credentials) => Asked<string>
  /** The account's living keys; at most 60. */
  readonly listenKeys: (credentials: Credentials) => Asked<ReadonlyArray<string>>
  readonly renewListenKey: (credentials: Credentials, listenKey: string) => Asked<void>
  readonly closeListenKey: (credentials: Credentials, listenKey: string) => Asked<void>
  /** Probes of the permissions page: may read, may trade, may withdraw (true = too powerful). No probe can have an effect. */
  readonly permissions: (
    credentials: Credentials
  ) => Asked<{ readonly read: boolean; readonly trade: boolean; readonly withdraw: boolean }>
}

const noPermission = 700007
const addressNotListed = 700006

const lacksPermission = (failure: VenueFailure): boolean =>
  failure instanceof VenueRefused && failure.code === noPermission

/** Answers that come before the permission check, or instead of it, say nothing about permissions. */
const saysNothing = (failure: VenueFailure): boolean => {
  if (failure instanceof VenueRefused)
    return failure.kind === "auth" || failure.kind === "time" || failure.code === addressNotListed
  // A code nobody knows came from behind the check, unless the venue itself was at fault.
  const isAnswer = failure instanceof VenueUnavailable && failure.code !== undefined && (failure.httpStatus ?? 0) < 500
  return !isAnswer || isDocumented(failure.code)
}

export const makeKeyCalls = ({ call }: Transport): KeyCalls => {
  const account = { class: "account" } as const

  /** The answer repeats the key, which nobody needs. */
  const touch = (endpoint: "PUT /userDataStream" | "DELETE /userDataStream", credentials: Credentials, key: string) =>
    Effect.asVoid(call({ ...account, endpoint, parameters: [["listenKey", key]], credentials, answer: Schema.Unknown }))

  const createListenKey = Effect.fn("MexcClient.createListenKey")((credentials: Credentials) =>
    Effect.map(
      call({ ...account, endpoint: "POST /userDataStream", credentials, answer: ListenKey }),
      ({ listenKey }) => listenKey
    )
  )

  const listenKeys = Effect.fn("MexcClient.listenKeys")((credentials: Credentials) =>
    Effect.map(
      call({ ...account, endpoint: "GET /userDataStream", credentials, answer: ListenKeys }),
      ({ listenKey }) => listenKey
    )
  )

  const renewListenKey = Effect.fn("MexcClient.renewListenKey")((credentials: Credentials, listenKey: string) =>
    touch("PUT /userDataStream", credentials, listenKey)
  )

  const closeListenKey = Effect.fn("MexcClient.closeListenKey")((credentials: Credentials, listenKey: string) =>
    touch("DELETE /userDataStream", credentials, listenKey)
  )

  /** Any answer behind the permission check means that the permission is there. */
  const isPermitted = <A>(probe: Effect.Effect<A, VenueFailure>): Effect.Effect<boolean, VenueFailure> =>
    Effect.as(probe, true).pipe(
      Effect.catchAll((failure) => {
        if (lacksPermission(failure)) return Effect.succeed(false)
        return saysNothing(failure) ? Effect.fail(failure) : Effect.succeed(true)
      })
    )

  const probe = { ...account, asksPermission: true, answer: Schema.Unknown } as const

  const permissions = Effect.fn("MexcClient.permissions")((credentials: Credentials) =>
    Effect.all({
      read: isPermitted(call({ ...probe, endpoint: "GET /account", credentials, answer: Account })),
      trade: isPermitted(
        call({
          ...probe,
          endpoint: "POST /order/test",
          parameters: [
            ["symbol", "BTCUSDT"],
            ["side", "BUY"],
            ["type", "LIMIT"],
            ["quantity", "0.01"],
            ["price", "1000"]
          ],
          credentials
        })
      ),
      // The id cannot exist: a key that may withdraw is told so, one that may not is refused before.
      withdraw: isPermitted(
        call({
          ...probe,
          endpoint: "DELETE /capital/withdraw",
          parameters: [["id", "00000000000000000000000000000000"]],
          credentials
        })
      )
    })
  )

  return { createListenKey, listenKeys, renewListenKey, closeListenKey, permissions }
}
