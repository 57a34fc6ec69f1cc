import type { NoReply } from "./HttpExchange.ts"
import { OutcomeUnknown, type VenueFailure, type VenueRefused, VenueUnavailable } from "./VenueFailure.ts"
import { meaningOf } from "./wire/Codes.ts"

/** What may follow a failure: another reading, another measurement of the clock, or only a question. */

/** A read may be repeated where nobody answered, a gateway failed, or the code table says "check". */
export const mayBeReadAgain = (failure: VenueFailure): boolean => {
  if (failure._tag !== "VenueUnavailable") return false
  return failure.code === undefined
    ? failure.httpStatus === undefined || failure.httpStatus >= 500
    : meaningOf(failure.code).retry === "check"
}

export const isClockFault = (failure: VenueFailure | OutcomeUnknown): failure is VenueRefused =>
  failure._tag === "VenueRefused" && failure.kind === "time"

const provesNothing = (failure: VenueFailure): boolean =>
  failure._tag === "VenueUnavailable" ||
  // A limit told by a gateway that failed: everybody waits, but the order may have passed.
  (failure._tag === "VenueRateLimited" && (failure.httpStatus ?? 0) >= 500) ||
  (failure._tag === "VenueRefused" && failure.code !== undefined && meaningOf(failure.code).retry === "check")

/** Of a write: what the venue said of it proves that nothing was booked, or it proves nothing. */
export const asUnknown = (failure: VenueFailure): VenueFailure | OutcomeUnknown =>
  provesNothing(failure) && "httpStatus" in failure
    ? new OutcomeUnknown({ message: failure.message, httpStatus: failure.httpStatus })
    : failure

export const noReplyToRead = (failure: NoReply) => new VenueUnavailable({ message: failure.message })

export const noReplyToWrite = (failure: NoReply) =>
  failure.neverSent ? noReplyToRead(failure) : new OutcomeUnknown({ message: failure.message })
