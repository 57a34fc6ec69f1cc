import { CredentialsRejected } from "../api/Errors.ts"
import { exchangeError, type ExchangeError } from "../market/VenueErrors.ts"
import type { VenueFailure } from "../mexc/VenueFailure.ts"

/** What a user sees when a question about the account failed: a refusal of the key is the user's to repair. */
export const venueError = (failure: VenueFailure): CredentialsRejected | ExchangeError =>
  failure._tag === "VenueRefused" && (failure.kind === "auth" || failure.kind === "permission")
    ? new CredentialsRejected({
        message: `The venue refused the stored exchange key: ${failure.message}`,
        ...(failure.code === undefined ? {} : { venue: { code: failure.code, message: failure.message } })
      })
    : exchangeError(failure)
