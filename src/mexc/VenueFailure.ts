import { Schema } from "effect"

const answer = { message: Schema.String, code: Schema.optional(Schema.Int), httpStatus: Schema.optional(Schema.Int) }

/** The venue answered with a code that says this request can never work as it is. */
export class VenueRefused extends Schema.TaggedError<VenueRefused>()("VenueRefused", {
  ...answer,
  /** Class of `mexc-rest` code table. */
  kind: Schema.Literal("input", "auth", "permission", "funds", "symbol", "market", "risk", "orderState", "time")
}) {}

/** 429, 418, 403 or code 510: nothing may be sent until the pause has passed. */
export class VenueRateLimited extends Schema.TaggedError<VenueRateLimited>()("VenueRateLimited", {
  ...answer,
  retryAfterMs: Schema.Number
}) {}

/** No usable answer: connection, timeout, 5xx, maintenance, or a body that does not decode. */
export class VenueUnavailable extends Schema.TaggedError<VenueUnavailable>()("VenueUnavailable", {
  ...answer,
  cause: Schema.optional(Schema.Defect)
}) {}

/** The request could not be granted budget in time; nothing was sent. */
export class BudgetUnavailable extends Schema.TaggedError<BudgetUnavailable>()("BudgetUnavailable", {
  message: Schema.String,
  retryAfterMs: Schema.Number
}) {}

export type VenueFailure = VenueRefused | VenueRateLimited | VenueUnavailable | BudgetUnavailable

/**
 * A submit whose outcome is not proven: timed out, reset, 5xx, undecodable, or interrupted after the bytes may
 * have left. Never "failed": only the venue can say.
 */
export class OutcomeUnknown extends Schema.TaggedError<OutcomeUnknown>()("OutcomeUnknown", {
  message: Schema.String,
  httpStatus: Schema.optional(Schema.Int),
  cause: Schema.optional(Schema.Defect)
}) {}
