import { Effect, Schema } from "effect"
import type { Credentials } from "./Credentials.ts"
import type { makeTransport } from "./Transport.ts"
import { type VenueFailure, VenueRefused, VenueUnavailable } from "./VenueFailure.ts"
import { isDocumented } from "./wire/Codes.ts"
import { Account, ListenKey } from "./wire/RestAccount.ts"

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

/** Listen keys, and what a key may do. */
export const makeKeyCalls = ({ call }: Effect.Effect.Success<ReturnType<typeof makeTransport>>) => {
  const streamKey = (method: "POST" | "PUT" | "DELETE", credentials: Credentials, listenKey?: string) =>
    call({
      method,
      class: "account",
      path: "/userDataStream",
      ...(listenKey === undefined ? {} : { parameters: [["listenKey", listenKey]] }),
      credentials,
      answer: ListenKey
    })

  const createListenKey = Effect.fn("MexcClient.createListenKey")((credentials: Credentials) =>
    Effect.map(streamKey("POST", credentials), ({ listenKey }) => listenKey)
  )

  const renewListenKey = Effect.fn("MexcClient.renewListenKey")((credentials: Credentials, listenKey: string) =>
    Effect.asVoid(streamKey("PUT", credentials, listenKey))
  )

  const closeListenKey = Effect.fn("MexcClient.closeListenKey")((credentials: Credentials, listenKey: string) =>
    Effect.asVoid(streamKey("DELETE", credentials, listenKey))
  )

  /** Any answer behind the permission check means that the permission is there. */
  const isPermitted = <A>(probe: Effect.Effect<A, VenueFailure>): Effect.Effect<boolean, VenueFailure> =>
    Effect.as(probe, true).pipe(
      Effect.catchAll((failure) => {
        if (lacksPermission(failure)) return Effect.succeed(false)
        return saysNothing(failure) ? Effect.fail(failure) : Effect.succeed(true)
      })
    )

  const probe = { class: "account", answer: Schema.Unknown } as const

  const permissions = Effect.fn("MexcClient.permissions")((credentials: Credentials) =>
    Effect.all({
      read: isPermitted(call({ method: "GET", class: "account", path: "/account", credentials, answer: Account })),
      trade: isPermitted(
        call({
          ...probe,
          method: "POST",
          path: "/order/test",
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
          method: "DELETE",
          path: "/capital/withdraw",
          parameters: [["id", "00000000000000000000000000000000"]],
          credentials
        })
      )
    })
  )

  return { createListenKey, renewListenKey, closeListenKey, permissions }
}
