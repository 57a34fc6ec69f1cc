import { Effect } from "effect"
import {
  Conflict,
  CredentialsMissing,
  CredentialsRejected,
  CredentialTooPowerful,
  CredentialUnreadable,
  ExchangeRateLimited,
  ExchangeUnavailable
} from "../../api/Errors.ts"
import type { UserId } from "../../domain/Ids.ts"
import type { VenueFailure } from "../../mexc/VenueFailure.ts"
import type { Permissions } from "../CredentialsRepo.ts"

/** What the owner of an exchange key is told when it cannot be stored, used or changed. */

export const missing = Effect.suspend(
  () =>
    new CredentialsMissing({
      message: "No exchange key is stored; set one with `credentials set` or PUT /api/v1/account/credentials."
    })
)

export const unreadable = (userId: UserId) =>
  Effect.zipRight(
    Effect.logError("A stored exchange key does not open with the key ring in use").pipe(
      Effect.annotateLogs("userId", userId)
    ),
    new CredentialUnreadable({ message: "The stored exchange key cannot be opened; set it again." })
  )

export const acceptable = ({
  read,
  withdraw
}: Permissions): Effect.Effect<void, CredentialsRejected | CredentialTooPowerful> => {
  if (withdraw)
    return new CredentialTooPowerful({
      message: "This exchange key may withdraw; make one at the exchange that may only read and trade."
    })
  return read ? Effect.void : new CredentialsRejected({ message: "This exchange key may not read the spot account." })
}

export const toRefusal = (failure: VenueFailure): CredentialsRejected | ExchangeUnavailable | ExchangeRateLimited => {
  switch (failure._tag) {
    case "VenueRefused":
      return new CredentialsRejected({
        message: `The exchange refused this key: ${failure.message}`,
        ...(failure.code === undefined ? {} : { venue: { code: failure.code, message: failure.message } })
      })
    case "VenueUnavailable":
      return new ExchangeUnavailable({ message: "The exchange does not answer; try again.", retryable: true })
    default:
      return new ExchangeRateLimited({
        message: "The exchange's request budget is used up; try again.",
        retryable: true,
        retryAfterSeconds: Math.max(1, Math.ceil(failure.retryAfterMs / 1000))
      })
  }
}

/** As `acceptable`, of the key that is in use: what it may do too much is frozen already. */
export const stillAcceptable = (
  permissions: Permissions
): Effect.Effect<void, CredentialsRejected | CredentialTooPowerful> =>
  Effect.catchTag(
    acceptable(permissions),
    "CREDENTIAL_TOO_POWERFUL",
    () =>
      new CredentialTooPowerful({
        message:
          "The stored exchange key may withdraw, so it is frozen: nothing is bought under it, sells and cancels go on. " +
          "Take the permission away at the exchange and test it again, or set another key."
      })
  )

export const otherAccount = () =>
  new Conflict({
    message:
      "This key is of another exchange account than the stored one; a rotation keeps the account. " +
      "To change the account, set the key instead."
  })

export const unprovenAccount = () =>
  new Conflict({
    message:
      "The stored key no longer works, and nothing tells which account it was of, so that both are of one cannot be " +
      "proven; set the key instead."
  })

export const frozenByOperator = () =>
  new Conflict({ message: "The operator froze this exchange key, and nobody else can unfreeze it." })
