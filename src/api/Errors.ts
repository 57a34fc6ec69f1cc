import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { Schema } from "effect"
import { Reason } from "../domain/Reason.ts"

/**
 * The error registry: one class per code, `_tag` is the code on the wire, its status and its sentence for the
 * documentation table stand beside it. Services fail with these directly; the envelope encodes them.
 * A code enters when its first route does.
 */

/** One thing that is wrong with a request, by path into the body or the query. */
export const Detail = Schema.Struct({ path: Schema.String, message: Schema.String }).annotations({
  identifier: "Detail"
})
export interface Detail extends Schema.Schema.Type<typeof Detail> {}

/** The venue's own code and text, where it refused. */
export const VenueAnswer = Schema.Struct({ code: Schema.Int, message: Schema.String }).annotations({
  identifier: "VenueAnswer"
})

const fields = {
  /** What happened and what to do, for the person who reads it. */
  message: Schema.String,
  details: Schema.optional(Schema.Array(Detail)),
  venue: Schema.optional(VenueAnswer),
  retryable: Schema.optional(Schema.Boolean),
  /** Goes into `Retry-After`, not into the body. */
  retryAfterSeconds: Schema.optional(Schema.Int),
  /** The rule engine's reason, where one exists; not in the body. */
  reason: Schema.optional(Reason)
}

const answers = (status: number, description: string) => ({
  [HttpApiSchema.AnnotationStatus]: status,
  description
})

export class ValidationFailed extends Schema.TaggedError<ValidationFailed>()(
  "VALIDATION_FAILED",
  fields,
  answers(400, "The request does not fit the contract; `details` names each fault.")
) {}
export class MalformedJson extends Schema.TaggedError<MalformedJson>()(
  "MALFORMED_JSON",
  fields,
  answers(400, "The body is not JSON.")
) {}
export class WebhookInvalid extends Schema.TaggedError<WebhookInvalid>()(
  "WEBHOOK_INVALID",
  fields,
  answers(400, "The request is no webhook of the Clerk instance of this service.")
) {}
export class Unauthenticated extends Schema.TaggedError<Unauthenticated>()(
  "UNAUTHENTICATED",
  fields,
  answers(401, "No valid credential came with the request.")
) {}
export class TokenExpired extends Schema.TaggedError<TokenExpired>()(
  "TOKEN_EXPIRED",
  fields,
  answers(401, "The session token has run out; ask Clerk for a new one.")
) {}
export class SetupRequired extends Schema.TaggedError<SetupRequired>()(
  "SETUP_REQUIRED",
  fields,
  answers(401, "No user exists yet; create a key with the command line.")
) {}
export class Forbidden extends Schema.TaggedError<Forbidden>()(
  "FORBIDDEN",
  fields,
  answers(403, "The credential lacks the scope this route needs.")
) {}
export class SessionPending extends Schema.TaggedError<SessionPending>()(
  "SESSION_PENDING",
  fields,
  answers(403, "The session has a task left, such as choosing an organisation.")
) {}
export class ImpersonationForbidden extends Schema.TaggedError<ImpersonationForbidden>()(
  "IMPERSONATION_FORBIDDEN",
  fields,
  answers(403, "Nobody may act for somebody else here.")
) {}
export class ReverificationRequired extends Schema.TaggedError<ReverificationRequired>()(
  "REVERIFICATION_REQUIRED",
  fields,
  answers(403, "This needs a factor that is at most ten minutes old; prove again who you are and repeat.")
) {}
export class HttpsRequired extends Schema.TaggedError<HttpsRequired>()(
  "HTTPS_REQUIRED",
  fields,
  answers(403, "The request reached the proxy without TLS; there is no redirect, so that the fault is seen.")
) {}
export class UserDisabled extends Schema.TaggedError<UserDisabled>()(
  "USER_DISABLED",
  fields,
  answers(403, "The user is disabled or deleted.")
) {}
export class NotFound extends Schema.TaggedError<NotFound>()(
  "NOT_FOUND",
  fields,
  answers(404, "No such object belongs to this user.")
) {}
export class RouteNotFound extends Schema.TaggedError<RouteNotFound>()(
  "ROUTE_NOT_FOUND",
  fields,
  answers(404, "No such route.")
) {}
export class SymbolNotFound extends Schema.TaggedError<SymbolNotFound>()(
  "SYMBOL_NOT_FOUND",
  fields,
  answers(404, "The venue does not list this symbol.")
) {}
export class MethodNotAllowed extends Schema.TaggedError<MethodNotAllowed>()(
  "METHOD_NOT_ALLOWED",
  fields,
  answers(405, "The route exists, but not for this method.")
) {}
export class RequestTimeout extends Schema.TaggedError<RequestTimeout>()(
  "REQUEST_TIMEOUT",
  fields,
  answers(408, "The request did not arrive completely in time.")
) {}
export class Conflict extends Schema.TaggedError<Conflict>()(
  "CONFLICT",
  fields,
  answers(409, "The object is in a state that does not allow this.")
) {}
export class IdempotencyInProgress extends Schema.TaggedError<IdempotencyInProgress>()(
  "IDEMPOTENCY_IN_PROGRESS",
  fields,
  answers(409, "The first request with this key is still running.")
) {}
export class CredentialsMissing extends Schema.TaggedError<CredentialsMissing>()(
  "CREDENTIALS_MISSING",
  fields,
  answers(409, "No exchange key is stored for this user.")
) {}
export class LengthRequired extends Schema.TaggedError<LengthRequired>()(
  "LENGTH_REQUIRED",
  fields,
  answers(411, "A body needs a Content-Length.")
) {}
export class VersionMismatch extends Schema.TaggedError<VersionMismatch>()(
  "VERSION_MISMATCH",
  fields,
  answers(412, "The object changed since the version in If-Match.")
) {}
export class PayloadTooLarge extends Schema.TaggedError<PayloadTooLarge>()(
  "PAYLOAD_TOO_LARGE",
  fields,
  answers(413, "The body is larger than the limit.")
) {}
export class UnsupportedMediaType extends Schema.TaggedError<UnsupportedMediaType>()(
  "UNSUPPORTED_MEDIA_TYPE",
  fields,
  answers(415, "The body must be application/json.")
) {}
export class OrderRejected extends Schema.TaggedError<OrderRejected>()(
  "ORDER_REJECTED",
  fields,
  answers(422, "The venue refused the order; no order exists.")
) {}
export class InsufficientBalance extends Schema.TaggedError<InsufficientBalance>()(
  "INSUFFICIENT_BALANCE",
  fields,
  answers(422, "The free balance does not cover the order.")
) {}
export class SymbolNotTradable extends Schema.TaggedError<SymbolNotTradable>()(
  "SYMBOL_NOT_TRADABLE",
  fields,
  answers(422, "The venue does not accept orders for this symbol now.")
) {}
export class BelowMinimum extends Schema.TaggedError<BelowMinimum>()(
  "BELOW_MINIMUM",
  fields,
  answers(422, "The order is below the venue's minimum.")
) {}
export class PriceOutOfBand extends Schema.TaggedError<PriceOutOfBand>()(
  "PRICE_OUT_OF_BAND",
  fields,
  answers(422, "The price is farther from the market than the venue accepts.")
) {}
export class BudgetExceeded extends Schema.TaggedError<BudgetExceeded>()(
  "BUDGET_EXCEEDED",
  fields,
  answers(422, "One of the limits of `/trading/limits` would be exceeded; no order exists.")
) {}
export class QuotaExceeded extends Schema.TaggedError<QuotaExceeded>()(
  "QUOTA_EXCEEDED",
  fields,
  answers(422, "A quota of this service is used up.")
) {}
export class CredentialsRejected extends Schema.TaggedError<CredentialsRejected>()(
  "CREDENTIALS_REJECTED",
  fields,
  answers(422, "The venue refused the exchange key.")
) {}
export class CredentialTooPowerful extends Schema.TaggedError<CredentialTooPowerful>()(
  "CREDENTIAL_TOO_POWERFUL",
  fields,
  answers(422, "The exchange key may withdraw; create one that may only read and trade.")
) {}
export class IdempotencyKeyReused extends Schema.TaggedError<IdempotencyKeyReused>()(
  "IDEMPOTENCY_KEY_REUSED",
  fields,
  answers(422, "The key was used with another body.")
) {}
export class TradingHalted extends Schema.TaggedError<TradingHalted>()(
  "TRADING_HALTED",
  fields,
  answers(423, "Trading is halted for this user, or the exchange key is frozen.")
) {}
export class IdempotencyKeyRequired extends Schema.TaggedError<IdempotencyKeyRequired>()(
  "IDEMPOTENCY_KEY_REQUIRED",
  fields,
  answers(428, "This write needs an Idempotency-Key header of 16 to 64 printable ASCII characters.")
) {}
export class PreconditionRequired extends Schema.TaggedError<PreconditionRequired>()(
  "PRECONDITION_REQUIRED",
  fields,
  answers(428, "This update needs an If-Match header with the current version.")
) {}
export class RateLimited extends Schema.TaggedError<RateLimited>()(
  "RATE_LIMITED",
  fields,
  answers(429, "Too many requests; wait as Retry-After says.")
) {}
export class HeadersTooLarge extends Schema.TaggedError<HeadersTooLarge>()(
  "HEADERS_TOO_LARGE",
  fields,
  answers(431, "The headers are larger than the limit.")
) {}
export class Internal extends Schema.TaggedError<Internal>()(
  "INTERNAL",
  fields,
  answers(500, "A fault of the service; the log has the cause under the request id.")
) {}
export class CredentialUnreadable extends Schema.TaggedError<CredentialUnreadable>()(
  "CREDENTIAL_UNREADABLE",
  fields,
  answers(500, "The stored exchange key cannot be opened with the key ring in use.")
) {}
export class NotReady extends Schema.TaggedError<NotReady>()(
  "NOT_READY",
  fields,
  answers(503, "The service is still starting.")
) {}
export class NotOwner extends Schema.TaggedError<NotOwner>()(
  "NOT_OWNER",
  fields,
  answers(503, "Another instance owns trading on this database.")
) {}
export class Overloaded extends Schema.TaggedError<Overloaded>()(
  "OVERLOADED",
  fields,
  answers(503, "Too many requests are under way.")
) {}
export class ExchangeUnavailable extends Schema.TaggedError<ExchangeUnavailable>()(
  "EXCHANGE_UNAVAILABLE",
  fields,
  answers(503, "The venue does not answer.")
) {}
export class ExchangeRateLimited extends Schema.TaggedError<ExchangeRateLimited>()(
  "EXCHANGE_RATE_LIMITED",
  fields,
  answers(503, "The venue's request budget is used up or paused.")
) {}
export class StaleMarketData extends Schema.TaggedError<StaleMarketData>()(
  "STALE_MARKET_DATA",
  fields,
  answers(503, "Market data is too old to act on.")
) {}
export class AuthUnavailable extends Schema.TaggedError<AuthUnavailable>()(
  "AUTH_UNAVAILABLE",
  fields,
  answers(503, "Session tokens cannot be verified now; API keys still work.")
) {}
export class DatabaseUnavailable extends Schema.TaggedError<DatabaseUnavailable>()(
  "DATABASE_UNAVAILABLE",
  fields,
  answers(503, "The database does not answer.")
) {}
export class ShuttingDown extends Schema.TaggedError<ShuttingDown>()(
  "SHUTTING_DOWN",
  fields,
  answers(503, "The service is stopping.")
) {}

/** Every class, in the order of the documentation table. */
export const registry = [
  ValidationFailed,
  MalformedJson,
  WebhookInvalid,
  Unauthenticated,
  TokenExpired,
  SetupRequired,
  Forbidden,
  SessionPending,
  ImpersonationForbidden,
  ReverificationRequired,
  UserDisabled,
  HttpsRequired,
  NotFound,
  RouteNotFound,
  SymbolNotFound,
  MethodNotAllowed,
  RequestTimeout,
  Conflict,
  IdempotencyInProgress,
  CredentialsMissing,
  LengthRequired,
  VersionMismatch,
  PayloadTooLarge,
  UnsupportedMediaType,
  OrderRejected,
  InsufficientBalance,
  SymbolNotTradable,
  BelowMinimum,
  PriceOutOfBand,
  BudgetExceeded,
  QuotaExceeded,
  CredentialsRejected,
  CredentialTooPowerful,
  IdempotencyKeyReused,
  TradingHalted,
  IdempotencyKeyRequired,
  PreconditionRequired,
  RateLimited,
  HeadersTooLarge,
  Internal,
  CredentialUnreadable,
  NotReady,
  NotOwner,
  Overloaded,
  ExchangeUnavailable,
  ExchangeRateLimited,
  StaleMarketData,
  DatabaseUnavailable,
  AuthUnavailable,
  ShuttingDown
] as const

export type ApiError = InstanceType<(typeof registry)[number]>
